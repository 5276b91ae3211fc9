//! The two halves of a redirect.
//!
//! An attacker may start a session, send its redirect to a victim and let the victim log in. So the callback only
//! stores the outcome, and sends the browser to the application with a one-time secret (`resume`). The journey
//! continues only if a client presents both `resume` and the session token. The victim's browser has only the first,
//! and the attacker only the second.

use std::sync::Arc;

use base::Base;
use connectors::Connectors;
use domain::{
    CallbackState, Client, Code, ConnectorId, Entropy, Failure, ProviderOutcome, Redirect, RequestContext, Sealed,
    SecretHash, Session, SessionId, SessionToken, SubmitKey, Unavailability,
};
use providers::{Answer, Callback};
use serde::Deserialize;
use store::{LockId, Return, StateTaken, Store, TurnLock};
use tokens::{Clients, Keys};
use url::form_urlencoded::byte_serialize;

use super::advance::{AnswerKey, Input};
use super::{Journeys, RESUME, place};
use crate::cx::{KeptFor, interaction};
use crate::outcome::{record_outcome, unusable};
use crate::{JourneyError, SessionView};

/// The number of earlier turns in which a used `state` is searched. Each costs a hash.
const MAX_TURNS_BACK: usize = 32;

/// The body of a resume.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResumeRequest {
    /// The `resume` parameter from the application's redirect URI.
    #[schema(value_type = String)]
    pub resume: SubmitKey,
}

/// The first half: answers browsers that come back from a provider. Runs no journey.
#[derive(Debug)]
pub struct Callbacks {
    store: Store,
    clients: Arc<Clients>,
    connectors: Arc<Connectors>,
    keys: Arc<Keys>,
    entropy: Arc<dyn Entropy>,
}

impl Callbacks {
    /// Callbacks for these connectors.
    pub fn new(base: &Base, connectors: Arc<Connectors>) -> Self {
        let (keys, entropy) = (Arc::clone(&base.keys), Arc::clone(&base.entropy));
        let clients = Arc::clone(&base.clients);
        Self { store: base.store.clone(), clients, connectors, keys, entropy }
    }

    /// Answers a browser that comes back from the provider of `connector`. Returns the URL to which the browser is
    /// redirected.
    ///
    /// # Errors
    /// `invalid_request` if a parameter is repeated. `redirect_expired` if the `state` is unknown, used, another
    /// connector's, or from an earlier turn: nothing changed, and the provider was not called. Also `redirect_expired`
    /// if the turn ends while the provider is called. `unavailable` if DynamoDB does not answer; the `state` may then
    /// be used up, and the user needs the session's `restart`. `unknown_client` or `invalid_redirect_uri` if the
    /// application's registration or the session's redirect URI was removed: the provider was not called.
    pub async fn callback(
        &self,
        cx: &RequestContext,
        connector: &ConnectorId,
        parameters: Vec<(String, String)>,
    ) -> Result<String, JourneyError> {
        let callback = Callback::read(parameters).ok_or(JourneyError::Refused(Code::InvalidRequest))?;
        let expired = || JourneyError::Expired { back: None };
        let (session, state) = callback.get("state").and_then(CallbackState::presented).ok_or_else(expired)?;
        let (store, state) = (&self.store, state.hash_at(connector));
        // Look-ups that may fail in an outage come first: the browser can then load the same callback again.
        let adapter = self.connectors.find(cx, connector).await?.and_then(|found| found.adapter.clone());
        // If the connector's callbacks go to the application, only the application may pass them on.
        if adapter.as_ref().is_some_and(|adapter| adapter.callback_of_application().is_some()) {
            return Err(expired());
        }
        let by = LockId::generate(self.entropy.as_ref());
        let kept = KeptFor { keys: &self.keys, session: &session, connector };
        let first_only = match &adapter {
            Some(adapter) => kept.seal(self.entropy.as_ref(), adapter.as_ref(), &callback)?,
            None => None,
        };
        // Taken before the provider is called: if a state comes back twice, its code is sent once.
        let taken = store.take_state(cx, &session, state, &by, first_only.as_ref()).await?;
        let session = match taken {
            StateTaken::Yes(session) => *session,
            StateTaken::No(session) => return Err(self.expired(cx, connector, session.as_deref(), state).await?),
        };
        // Checked against the current registration: `resume` must not go to a removed redirect URI.
        check_registration(self.clients.find(cx, &session.request.client_id).await?.as_deref(), &session)?;
        let interaction = interaction(&self.keys, &session, &session.step).ok().flatten();
        let adapter = adapter
            .zip(interaction.as_ref())
            .filter(|(adapter, interaction)| adapter.methods().contains(&interaction.method));
        let returned = match (adapter, &interaction) {
            (Some((adapter, interaction)), _) => {
                let outbound = outbound(cx, &session);
                let kept = KeptFor { keys: &self.keys, session: &session.id, connector };
                let callback = callback.completed_by(kept.open(session.run.first_only.as_ref()));
                let answer = Answer::Callback(&callback);
                let progress = adapter.answer(&self.connectors.cx(&outbound), &interaction.pending, answer).await;
                record_outcome(cx, connector, interaction.method, progress)
            }
            (None, Some(interaction)) => ProviderOutcome::Failed(unusable(connector, interaction.method)),
            (None, None) => {
                tracing::warn!(event = "redirect_unavailable", %connector, reason = "the pending interaction cannot be opened: the session key is missing");
                ProviderOutcome::Failed(Failure::unavailable(Unavailability::Misconfigured))
            }
        };
        let returned = self.seal_returned(&session, &returned)?;

        let resume = SubmitKey::generate(self.entropy.as_ref());
        let until = cx.now + RESUME;
        let back = Return { state, returned: &returned, resume: resume.hash(), until };
        if !store.keep_returned(cx, &session.id, &session.step, &back, &by).await? {
            return Err(self.expired(cx, connector, Some(&session), back.state).await?);
        }
        tracing::info!(event = "redirect_returned", session = %session.id, %connector);
        Ok(resume_url(&session, &resume))
    }

    /// The answer to a state that cannot be taken. If this session sent it out in one of its turns, the way back to the
    /// application is known: with neither `session` nor `resume`, so that nothing is brought there. For a forged state
    /// there is none.
    async fn expired(
        &self,
        cx: &RequestContext,
        connector: &ConnectorId,
        session: Option<&Session>,
        state: SecretHash,
    ) -> Result<JourneyError, JourneyError> {
        let Some(session) = session else { return Ok(JourneyError::Expired { back: None }) };
        let is_genuine = self.keys.session(&session.id).is_ok_and(|key| {
            let mut turns = (1..=session.turn).rev().take(MAX_TURNS_BACK);
            turns.any(|turn| key.derivation.state(&session.id, turn).hash_at(connector) == state)
        });
        if !is_genuine {
            return Ok(JourneyError::Expired { back: None });
        }
        let client = self.clients.find(cx, &session.request.client_id).await?;
        let is_registered = check_registration(client.as_deref(), session).is_ok();
        Ok(JourneyError::Expired { back: is_registered.then(|| session.request.redirect_uri.clone()) })
    }

    fn seal_returned(
        &self,
        session: &Session,
        returned: &ProviderOutcome,
    ) -> Result<Sealed<ProviderOutcome>, JourneyError> {
        let place = place(&session.id, "returned", session.step.as_str());
        let key = self.keys.session(&session.id)?;
        Sealed::seal(&key.sealing, self.entropy.as_ref(), &place, returned)
            .map_err(|_| JourneyError::Broken("a redirect's outcome cannot be sealed"))
    }
}

impl Journeys {
    /// The second half: continues with the redirect's outcome, if the client presents `resume` and the session token.
    ///
    /// # Errors
    /// `unknown_session`; `redirect_expired` with the current view if `resume` is wrong or too late. In these cases
    /// nothing changed.
    pub async fn resume(
        &self,
        cx: &RequestContext,
        session: &SessionId,
        token: &SessionToken,
        resume: &SubmitKey,
    ) -> Result<SessionView, JourneyError> {
        let lock = LockId::generate(self.parts.entropy.as_ref());
        let lock = self.parts.store.lock_return(cx, session, token, resume, lock).await?;
        if let TurnLock::OtherTurn(session) = lock {
            let view = self.view_without_secrets(cx, &session).await?;
            return Err(JourneyError::Conflict(Code::RedirectExpired, Box::new(view)));
        }
        self.answer_lock(cx, lock, AnswerKey { token, key: resume }, Input::Returned).await
    }

    /// The outcome of a locked session's redirect.
    pub(super) fn open_returned(&self, session: &Session) -> ProviderOutcome {
        let place = place(&session.id, "returned", session.step.as_str());
        let opened = match &session.redirect {
            Some(Redirect::Returned(sealed)) => {
                self.parts.keys.session(&session.id).ok().and_then(|key| sealed.open(&key.sealing, &place).ok())
            }
            _ => None,
        };
        // A value that does not open asserts no identity.
        opened.unwrap_or(ProviderOutcome::Failed(Failure::Refused))
    }
}

/// Checks that the application still exists and still has the session's redirect URI.
pub(super) fn check_registration(client: Option<&Client>, session: &Session) -> Result<(), JourneyError> {
    match client {
        None => Err(JourneyError::Refused(Code::UnknownClient)),
        Some(client) if client.allows_redirect_uri(&session.request.redirect_uri) => Ok(()),
        Some(_) => Err(JourneyError::Refused(Code::InvalidRedirectUri)),
    }
}

/// The request for calls to providers: with less time, because the outcome must be committed afterwards, and with the
/// end user's address if the application has a backend.
pub(super) fn outbound(cx: &RequestContext, session: &Session) -> RequestContext {
    cx.within_quarters(3).on_behalf_of(session.run.end_user.as_ref())
}

/// The application's redirect URI with `session` and `resume`. Built as text: a URL parser could change the spelling. Its fragment
/// is empty, but there: otherwise the browser would carry over the provider's (RFC 9110 section 10.2.2), such as Meta's `#_=_`.
fn resume_url(session: &Session, resume: &SubmitKey) -> String {
    let uri = &session.request.redirect_uri;
    let separator = if uri.contains('?') { '&' } else { '?' };
    let resume: String = byte_serialize(resume.expose().as_bytes()).collect();
    format!("{uri}{separator}session={}&resume={resume}#", session.id)
}
