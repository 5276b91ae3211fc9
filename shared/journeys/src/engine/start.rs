//! Starts a session.

use std::collections::BTreeMap;

use domain::{
    AuthorizationRequest, Claims, Code, DirectApi, EndUser, FieldError, FieldProblem, JourneyId, RequestContext, Run,
    Session, SessionId, SessionToken, Status,
};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use tokens::ClientCredentials;

use super::authorization::{MAX_PARAMETER, Requested};
use super::{Journeys, SESSION};
use crate::{Journey, JourneyError, SessionView};

/// The body of a start.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRequest {
    /// An OAuth authorization request (RFC 6749 section 4.1.1, OIDC Core 3.1.2.1).
    ///
    /// `prompt` (a list of `login`, `select_account` and `consent`) and `acr_values` are sent to the provider in a
    /// redirect. A `prompt` with `login` overrides the settings of the journey and the connector. Any other `prompt`,
    /// and `acr_values`, are used only if the journey and the connector set none, so that an application cannot weaken
    /// these settings.
    ///
    /// Refused, with the member in `fields` and advice in `detail`: `prompt=none` (`login_required`), `request`
    /// (`request_not_supported`), `request_uri` (`request_uri_not_supported`), `registration`
    /// (`registration_not_supported`), and `max_age`, `response_mode`, `claims`, `id_token_hint`, `display`
    /// (`invalid_request`). Unknown members are ignored (RFC 6749 section 3.1).
    #[serde(deserialize_with = "by_name")]
    #[schema(value_type = Object, example = json!({
        "client_id": "shop", "redirect_uri": "https://shop.example/after", "scope": "openid profile", "nonce": "...",
        "code_challenge": "base64url(SHA-256(verifier))", "code_challenge_method": "S256",
    }))]
    request: Requested,
    /// The journey's parameters.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub params: BTreeMap<String, Value>,
    /// The end user behind a backend: `{ "ip": "...", "user_agent": "..." }`. Only an authenticated client may send it.
    #[serde(default, deserialize_with = "by_name")]
    #[schema(value_type = Option<Object>)]
    pub end_user: Option<EndUser>,
}

/// Refuses an array: serde would also read a struct from an array, by position.
fn by_name<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<T, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Array(_) => Err(D::Error::custom("an object is expected")),
        value => T::deserialize(value).map_err(D::Error::custom),
    }
}

impl Journeys {
    /// Starts a journey for an application: creates a session and runs it up to its first client-facing step.
    /// `credentials` are the client's.
    ///
    /// # Errors
    /// `unknown_journey`, `unknown_client`, `client_not_allowed`, `origin_not_allowed`, `invalid_client`,
    /// `invalid_redirect_uri`, `pkce_required`, `invalid_request`, `login_required`, `request_not_supported`,
    /// `request_uri_not_supported`, `registration_not_supported`, `invalid_params` with the fields. In these cases no
    /// session is created.
    pub async fn start(
        &self,
        cx: &RequestContext,
        journey: &JourneyId,
        start: StartRequest,
        credentials: Option<&ClientCredentials>,
    ) -> Result<SessionView, JourneyError> {
        let refused = |code| move || JourneyError::Refused(code);
        let library = &self.parts.library;
        let journey = library.live_journey(cx, journey).await?.ok_or_else(refused(Code::UnknownJourney))?;
        let client_id = &start.request.kept.client_id;
        let client = self.parts.clients.find(cx, client_id).await?.ok_or_else(refused(Code::UnknownClient))?;
        if !client.may_start(&journey.id) {
            return Err(JourneyError::Refused(Code::ClientNotAllowed));
        }
        let secret_required = client.direct_api == DirectApi::Confidential;
        let is_authenticated = self.parts.clients.authenticate(cx, &client, credentials, secret_required).await?;
        if start.end_user.is_some() && !is_authenticated {
            return Err(JourneyError::Refused(Code::ClientNotAllowed));
        }
        let user_agent = start.end_user.as_ref().and_then(|user| user.user_agent.as_ref());
        if user_agent.is_some_and(|user_agent| user_agent.len() > MAX_PARAMETER) {
            return Err(JourneyError::Refused(Code::InvalidRequest));
        }
        start.request.check(&client)?;
        let params = check_params(&journey, start.params)?;
        let request = start.request.kept;
        // The method was just checked to be S256, so it need not be stored.
        let request = AuthorizationRequest { scope: granted(&request), code_challenge_method: None, ..request };

        let token = SessionToken::generate(self.parts.entropy.as_ref());
        let session = Session {
            id: SessionId::generate(cx.now, self.parts.entropy.as_ref()),
            // DynamoDB's time to live has whole seconds.
            expires_at: chrono::SubsecRound::trunc_subsecs(cx.now + SESSION, 0),
            status: Status::InputRequired,
            turn: 0,
            step: journey.start.clone(),
            token: token.hash(),
            answered: None,
            code: None,
            revoked: None,
            redirect: None,
            request,
            run: Run {
                journey: journey.id.clone(),
                version: journey.version,
                steps: 0,
                params,
                values: BTreeMap::new(),
                identities: BTreeMap::new(),
                pending: BTreeMap::new(),
                first_only: None,
                proofs: Vec::new(),
                user: None,
                error: None,
                retry_after: None,
                end_user: start.end_user,
            },
        };
        self.begin(cx, &journey, session, token).await
    }
}

/// The requested scopes that Landfall knows (RFC 6749 section 3.3). Others are dropped, so that an API does not trust a
/// scope in our access token that the application only requested.
fn granted(request: &AuthorizationRequest) -> Option<String> {
    let known: Vec<_> = request.scopes().filter(|scope| *scope == "openid" || Claims::is_scope(scope)).collect();
    (!known.is_empty()).then(|| known.join(" "))
}

fn check_params(journey: &Journey, given: BTreeMap<String, Value>) -> Result<BTreeMap<String, Value>, JourneyError> {
    let unknown = given.keys().filter(|name| !journey.params.contains_key(*name));
    let mut errors: Vec<_> = unknown.map(|name| FieldError::new(name, FieldProblem::Unknown)).collect();
    let mut params = BTreeMap::new();
    for (name, declared) in &journey.params {
        match given.get(name).or(declared.default.as_ref()) {
            Some(value) if declared.accepts(value) => {
                params.insert(name.clone(), value.clone());
            }
            Some(_) => errors.push(FieldError::new(name, FieldProblem::WrongType)),
            None => errors.push(FieldError::new(name, FieldProblem::Required)),
        }
    }
    if errors.is_empty() { Ok(params) } else { Err(JourneyError::Fields(Code::InvalidParams, errors)) }
}
