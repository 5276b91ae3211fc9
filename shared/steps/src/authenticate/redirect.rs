use async_trait::async_trait;
use domain::{AuthorizationRequest, CallbackState, Expression, FieldProblem, Interaction, Method, ProviderOutcome};
use journeys::{
    Ending, Flow, OptionView, Read, Shape, Step, StepCx, StepError, StepType, StepView, SubmitRequest, Usable, ViewCx,
    unusable,
};
use providers::oidc::{AuthorizeParams, ClaimsRequest};
use providers::{Answer, Attempt, Callback, Hints, Wishes};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;

use super::ConnectorSetting;

pub(crate) const TYPE: StepType = StepType::of::<AuthenticateRedirect>("authenticate_redirect");

/// Sends the user to the provider's own page. Stores the identity, or sets `reason` if it fails.
///
/// The callback stores the provider's outcome. The session continues with it only when the holder of the session token
/// resumes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthenticateRedirect {
    connector: ConnectorSetting,
    /// The expected user; default: the application's `login_hint`.
    login_hint: Option<Expression>,
    /// `login`, `consent` or `select_account`; overrides the connector's setting. Of the application's `prompt`, only
    /// `login` overrides this setting.
    prompt: Option<Prompt>,
    /// Space-separated; overrides the connector's and the application's values.
    acr_values: Option<String>,
    /// The requested claims (OIDC Core 5.5); overrides the connector's setting.
    claims: Option<ClaimsRequest>,
    /// The provider's own parameters; overrides the connector's parameters of the same names.
    #[serde(default)]
    authorize_params: AuthorizeParams,
}

/// OIDC Core 3.1.2.1, without `none`, with which the provider would not ask the user.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Prompt {
    Login,
    Consent,
    SelectAccount,
}

impl Prompt {
    fn as_str(self) -> &'static str {
        match self {
            Prompt::Login => "login",
            Prompt::Consent => "consent",
            Prompt::SelectAccount => "select_account",
        }
    }
}

#[async_trait]
impl Step for AuthenticateRedirect {
    fn shape(&self) -> Shape {
        let hint = self.login_hint.iter().flat_map(|hint| Read::of("login_hint", hint));
        Shape {
            endings: [Ending::new("authenticated").identifying(), Ending::new("cancelled")]
                .into_iter()
                // The provider may be unavailable before the redirect.
                .chain(super::failures().map(Ending::at_once))
                .collect(),
            reads: self.connector.reads().chain(hint).collect(),
            connectors: self.connector.literal().into_iter().collect(),
            client_facing: true,
            ..Shape::default()
        }
    }

    async fn enter(&self, cx: &mut StepCx<'_>) -> Result<Flow, StepError> {
        let (connector, usable) = self.connector.usable(&cx.look(), Method::Oidc).await?;
        let Some(usable) = usable else { return super::end(cx, unusable(&connector, Method::Oidc)) };
        let login = self.login_hint(&cx.look())?;
        let AuthorizationRequest { prompt, acr_values, ui_locales, .. } = cx.look().authorization_request().clone();
        // No setting is stricter than `login`. No other `prompt` of the application may override a setting.
        let login_again = prompt.as_deref().filter(|prompt| prompt.split(' ').any(|word| word == "login"));
        let hints = Hints {
            login: login.as_deref(),
            locales: ui_locales.as_deref(),
            prompt: login_again.or(self.prompt.map(Prompt::as_str)),
            acr_values: self.acr_values.as_deref(),
            claims: self.claims.as_ref(),
            params: Some(&self.authorize_params),
            wishes: Wishes { prompt: prompt.as_deref(), acr_values: acr_values.as_deref() },
        };
        let returned = cx.provider().begin(&usable, Attempt::Redirect(hints)).await?;
        self.handle(cx, returned)
    }

    async fn submit(&self, cx: &mut StepCx<'_>, response: &SubmitRequest) -> Result<Flow, StepError> {
        let here = cx.here();
        match response.option.as_str() {
            // Works also if the open interaction cannot be read any more.
            "restart" => {
                cx.provider().forget_interaction(here);
                self.enter(cx).await
            }
            "cancel" => {
                cx.provider().forget_interaction(here);
                Ok(cx.session().cancelled())
            }
            "callback" => {
                let interaction = cx.provider().take_interaction(here)?;
                self.callback(cx, interaction, response).await
            }
            _ => Ok(Flow::unknown_option()),
        }
    }

    async fn resume(&self, cx: &mut StepCx<'_>, returned: ProviderOutcome) -> Result<Flow, StepError> {
        // The connector may have been disabled between the two halves.
        match self.connector.usable(&cx.look(), Method::Oidc).await? {
            (connector, None) => super::end(cx, unusable(&connector, Method::Oidc)),
            _ => self.handle(cx, returned),
        }
    }

    async fn view(&self, cx: &ViewCx<'_>) -> Result<StepView, StepError> {
        let (id, usable) = self.connector.usable(cx, Method::Oidc).await?;
        let name = cx.connector(&id).await?.map(|connector| connector.document.name.clone());
        let callback = usable.filter(Usable::calls_back_application).map(|_| OptionView::CALLBACK);
        Ok(StepView {
            kind: TYPE.name,
            data: json!({ "provider": { "id": id, "name": name } }),
            options: callback.into_iter().chain([OptionView::RESTART, OptionView::CANCEL]).collect(),
        })
    }
}

impl AuthenticateRedirect {
    fn login_hint(&self, cx: &ViewCx<'_>) -> Result<Option<String>, StepError> {
        match &self.login_hint {
            Some(hint) => cx.eval_optional_text(hint),
            None => Ok(cx.authorization_request().login_hint.clone()),
        }
    }

    fn handle(&self, cx: &mut StepCx<'_>, returned: ProviderOutcome) -> Result<Flow, StepError> {
        match returned {
            ProviderOutcome::Interaction(interaction) if interaction.challenge.is_none() => {
                cx.provider().redirect(&interaction)?;
                Ok(Flow::Ask)
            }
            returned => super::conclude(cx, returned),
        }
    }

    /// The application received the callback at its own address and holds the session token, so it has both halves.
    async fn callback(
        &self,
        cx: &mut StepCx<'_>,
        interaction: Option<Interaction>,
        response: &SubmitRequest,
    ) -> Result<Flow, StepError> {
        let parameters = response.data.iter().map(|(name, value)| (name.clone(), value.expose_secret().to_owned()));
        let callback = Callback::read(parameters).unwrap_or_default();
        let state = callback.get("state").and_then(CallbackState::presented);
        let ours = |interaction: &Interaction| {
            state.is_some_and(|(_, state)| cx.provider().waits_for_state(&interaction.connector, &state))
        };
        let Some(interaction) = interaction.filter(ours) else {
            return Ok(Flow::invalid("state", FieldProblem::Unknown));
        };
        let connector = &interaction.connector;
        let (configured, usable) = self.connector.usable(&cx.look(), Method::Oidc).await?;
        let usable = usable.filter(|usable| *connector == configured && usable.calls_back_application());
        let Some(usable) = usable else { return super::end(cx, unusable(connector, Method::Oidc)) };
        let callback = cx.provider().completed(&usable, callback)?;
        let returned = cx.provider().answer(&usable, &interaction, Answer::Callback(&callback)).await?;
        self.handle(cx, returned)
    }
}
