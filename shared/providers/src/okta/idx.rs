//! A code without a password by the interaction code flow: <https://developer.okta.com/docs/concepts/interaction-code/>.
//!
//! Okta documents the grant, and not the calls before it. They are as its SDKs send them and as their fixtures hold them:
//! okta/okta-idx-java, `BaseIDXClient.java`; okta/okta-auth-js, `lib/idx`; okta/okta-signin-widget, `playground/mocks/data/idp/idx`.
//! Each answer is a state with forms; a form that is not known here needs a browser. All is done in one go, so nothing is
//! kept: a user whose code was wrong begins anew.

mod state;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Method;
use egress::{Request, Response};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use openidconnect::{PkceCodeChallenge, PkceCodeVerifier};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::errors;
use crate::answers::{self, OauthError};
use crate::oidc::{Begun, Connection, Grant};
use crate::refusals::of_error;
use crate::{Check, Outage, ProviderError, Rejection, Stage};
use state::State;

const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/ion+json; okta-version=1.0.0");
const METHOD: Method = Method::Totp;

const UNKNOWN_STEP: ProviderError = Stage::Token.misconfigured(
    "Okta asks for a step that needs a browser (consent, captcha, a device check, another provider): take it out of the policies of \
     the application, or let users sign in by redirect",
);
const PASSWORD_FIRST: ProviderError = Stage::Token.misconfigured(
    "Okta asks for the password with the name: Security > Global Session Policy > the rule > Establish the user session with: Any \
     factor used to meet the Authentication Policy requirements",
);
const NAME_ALONE: ProviderError = Stage::Token.misconfigured(
    "Okta lets users in by their name alone: Security > Authentication Policies > the application's policy: demand a possession \
     factor",
);
const NO_ORG: ProviderError =
    Stage::Token.misconfigured("the token endpoint is not that of an Okta org, whose path has /oauth2/ in it");

pub(super) async fn sign_in(
    provider: &Connection<'_>,
    authenticator: Option<&str>,
    username: &str,
    code: &SecretString,
) -> Result<Begun, ProviderError> {
    let (flow, state) = Flow::start(provider).await?;
    let state = flow.identify(&state, username).await?;
    if state.interaction_code().is_some() {
        return Err(NAME_ALONE);
    }
    let state = match state.asks_for_code(authenticator) {
        true => state,
        false => flow.choose(&state, authenticator).await?,
    };
    let state = flow.answer(state, code).await?;
    let code = state.interaction_code().ok_or_else(|| left_over(&state))?;
    let verifier = flow.verifier.secret();
    let grant = [("grant_type", "interaction_code"), ("interaction_code", code), ("code_verifier", verifier)];
    provider.grant(METHOD, &grant, errors::TO_AN_INTERACTION_CODE).await.map(Begun::Tokens)
}

/// Whether the flow can be begun, without any user: all that does not depend on one.
pub(super) async fn try_out(provider: &Connection<'_>) -> Result<(), ProviderError> {
    let (flow, state) = Flow::start(provider).await?;
    let form = state.form("identify");
    // No user has begun this login: what becomes of it does not matter.
    let _cancelled = flow.post(&flow.idx("cancel")?, json!({ "stateHandle": state.handle()? })).await;
    match form {
        Some(form) if form.has_field("credentials") => Err(PASSWORD_FIRST),
        Some(_) => Ok(()),
        None => Err(UNKNOWN_STEP),
    }
}

/// Why a state is not one to go on from.
fn left_over(state: &State) -> ProviderError {
    let has = |name: &str| state.form(name).is_some();
    if has("reenroll-authenticator") {
        return ProviderError::Rejected(Rejection::PasswordExpired);
    }
    // The policy wants something more than a code, or something that the user does not have yet.
    let wants_more = ["challenge-authenticator", "select-authenticator-authenticate"].into_iter().any(has);
    match wants_more || state.wants_enrolment() {
        true => ProviderError::Rejected(Rejection::InteractionRequired),
        false => UNKNOWN_STEP,
    }
}

struct Flow<'a> {
    provider: &'a Connection<'a>,
    /// The org's address, below which its calls are.
    org: Url,
    verifier: PkceCodeVerifier,
}

impl<'a> Flow<'a> {
    /// The flow, and its first state.
    async fn start(provider: &'a Connection<'a>) -> Result<(Self, State), ProviderError> {
        let mut org = provider.ready().await?.token_endpoint()?.clone();
        let path = org.path().split_once("/oauth2/").map(|(path, _)| format!("{path}/")).ok_or(NO_ORG)?;
        org.set_path(&path);
        org.set_query(None);
        let made_up = || URL_SAFE_NO_PAD.encode(provider.cx.entropy().bytes::<32>());
        let flow = Self { provider, org, verifier: PkceCodeVerifier::new(made_up()) };
        let handle = flow.interact(&made_up()).await?;
        let state = flow.post(&flow.idx("introspect")?, json!({ "interactionHandle": handle })).await?;
        Ok((flow, state))
    }

    /// An address of the flow.
    fn idx(&self, name: &str) -> Result<Url, ProviderError> {
        self.org.join("idp/idx/").and_then(|idx| idx.join(name)).map_err(|_| NO_ORG)
    }

    async fn interact(&self, state: &str) -> Result<String, ProviderError> {
        let registration = self.provider.registration;
        let redirect_uri = registration.redirect_uri(self.provider.cx);
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&self.verifier);
        let form = [
            ("scope", self.provider.scope()),
            ("redirect_uri", &redirect_uri),
            ("state", state),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        // The user's own address is taken from confidential clients alone. Without it all users share one limit.
        let mut headers = HeaderMap::new();
        let user_ip =
            self.provider.user_ip().filter(|_| registration.client(METHOD).is_ok_and(|client| client.shows_secret()));
        if let Some(address) = user_ip.and_then(|address| HeaderValue::try_from(address.to_string()).ok()) {
            headers.insert(HeaderName::from_static("x-forwarded-for"), address);
        }
        let read = |response: &Response| {
            if !response.status.is_success() || OauthError::of(response).is_some() {
                return Err(self.provider.refused(response, errors::TO_AN_INTERACTION));
            }
            match answers::object(Stage::Token, response)?.remove("interaction_handle") {
                Some(Value::String(handle)) => Ok(handle),
                _ => Err(Stage::Token.unavailable(Outage::Protocol)),
            }
        };
        let grant = Grant { parameters: &form, headers };
        self.provider.grant_beside("interact", METHOD, &grant, read).await
    }

    async fn identify(&self, state: &State, username: &str) -> Result<State, ProviderError> {
        let form = state.form("identify").ok_or(UNKNOWN_STEP)?;
        if form.has_field("credentials") {
            return Err(PASSWORD_FIRST);
        }
        let body = json!({ "identifier": username, "stateHandle": state.handle()? });
        self.post(&self.address(form.href())?, body).await
    }

    /// Chooses the user's authenticator app.
    async fn choose(&self, state: &State, authenticator: Option<&str>) -> Result<State, ProviderError> {
        let form = state.form("select-authenticator-authenticate").ok_or_else(|| left_over(state))?;
        let chosen = state.authenticator(&form, authenticator);
        let chosen = chosen.ok_or(ProviderError::Rejected(Rejection::InteractionRequired))?;
        let body = json!({ "authenticator": chosen, "stateHandle": state.handle()? });
        self.post(&self.address(form.href())?, body).await
    }

    /// Answers with the code, and leaves out what may be left out after it.
    async fn answer(&self, asking: State, code: &SecretString) -> Result<State, ProviderError> {
        let form = asking.form("challenge-authenticator").ok_or_else(|| left_over(&asking))?;
        let field = form.code_field().ok_or_else(|| left_over(&asking))?;
        let body = json!({ "credentials": { field: code.expose_secret() }, "stateHandle": asking.handle()? });
        let state = self.post(&self.address(form.href())?, body).await?;
        if state.form("challenge-authenticator").is_some() && state.current() == asking.current() {
            return Err(ProviderError::Rejected(Rejection::OtpInvalid));
        }
        match state.form("skip") {
            Some(skip) if state.interaction_code().is_none() => {
                self.post(&self.address(skip.href())?, json!({ "stateHandle": state.handle()? })).await
            }
            _ => Ok(state),
        }
    }

    /// The address of a form, which is one of the org's. Otherwise an answer could send the code anywhere.
    fn address(&self, href: &str) -> Result<Url, ProviderError> {
        let idx = self.idx("")?;
        let address = Url::parse(href).ok();
        let of_org = |address: &Url| address.origin() == idx.origin() && address.path().starts_with(idx.path());
        address.filter(of_org).ok_or(Stage::Token.refused(Check::Format))
    }

    async fn post(&self, address: &Url, body: Value) -> Result<State, ProviderError> {
        let request = Request::post_json(address.clone(), &body);
        let request = request.header(CONTENT_TYPE, MEDIA_TYPE).header(ACCEPT, MEDIA_TYPE);
        self.read(&self.provider.send(request).await?)
    }

    /// The state of an answer. The status says little: vendors' fixtures have a wrong code with 401 and with 403.
    fn read(&self, response: &Response) -> Result<State, ProviderError> {
        if response.status.is_success() {
            let state = State::new(answers::object(Stage::Token, response)?);
            let meaning = OauthError::of(response).and_then(|error| of_error(errors::TO_A_STEP, &error));
            return meaning.map_or(Ok(state), Err);
        }
        let refused = self.provider.refused(response, errors::TO_A_STEP);
        // A wrong code of Okta Verify may come without a key, and with the same form once more.
        let is_unknown = refused == Stage::Token.unavailable(Outage::Protocol);
        let asks_again = answers::object(Stage::Token, response)
            .is_ok_and(|answer| State::new(answer).form("challenge-authenticator").is_some());
        Err(if is_unknown && asks_again { ProviderError::Rejected(Rejection::OtpInvalid) } else { refused })
    }
}
