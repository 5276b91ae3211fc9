//! The two halves of a redirect.
//!
//! Whoever starts a session may send its redirect to somebody else and let them finish it. So the browser that comes back
//! changes nothing but what is kept as returned, and is sent on to the application with a secret for one use; and only who
//! shows both, that secret and the session's token, goes on with the journey.

use domain::{
    Asked, CallbackState, Code, ConnectorId, Failure, Redirect, RequestContext, Returned, Sealed, Session, SessionId,
    SessionToken, SubmitKey, Unavailability,
};
use providers::{Answer, Callback};
use serde::Deserialize;
use store::{LockId, Return, TurnLock};
use url::form_urlencoded::byte_serialize;

use super::advance::{Input, Presented};
use super::{Journeys, place};
use crate::cx::asked;
use crate::outcome::{record_outcome, unusable};
use crate::{JourneyError, SessionView};

/// The body of a resume.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResumeRequest {
    /// What the browser brought to the application's redirect URI.
    #[schema(value_type = String)]
    pub resume: SubmitKey,
}

impl Journeys {
    /// The first half: a browser comes back from the provider behind `connector`. Where it goes next.
    ///
    /// # Errors
    /// `redirect_expired` if its `state` is unknown, spent, another connector's, or of a turn that is over: nothing changed
    /// then, and no provider was asked. The same if the turn ends while the provider is asked; `unavailable` if DynamoDB does
    /// not answer, which may have spent the state: the session's `restart` goes on.
    pub async fn callback(
        &self,
        cx: &RequestContext,
        connector: &ConnectorId,
        callback: &Callback,
    ) -> Result<String, JourneyError> {
        let expired = || JourneyError::Refused(Code::RedirectExpired);
        let (session, state) = callback.get("state").and_then(CallbackState::presented).ok_or_else(expired)?;
        let (store, state) = (&self.parts.store, state.hash_at(connector));
        // What may fail without anybody's fault comes first: the same callback may then be loaded again.
        let adapter = self.parts.library.connector(cx, connector).await?.and_then(|found| found.adapter.clone());
        // One whose browsers go to the application is answered there, and there alone.
        if adapter.as_ref().is_some_and(|adapter| adapter.callback_of_application().is_some()) {
            return Err(expired());
        }
        let by = LockId::generate(self.parts.entropy.as_ref());
        // Taken before any provider is called: a state that comes twice sends one code.
        let session = store.take_state(cx, &session, state, &by).await?.ok_or_else(expired)?;
        let asked = self.open_asked(&session);
        let adapter = adapter.zip(asked.as_ref()).filter(|(adapter, asked)| adapter.methods().contains(&asked.method));
        let returned = match (adapter, &asked) {
            (Some((adapter, asked)), _) => {
                let outbound = self.outbound(cx, &session);
                let answer = Answer::Callback(callback);
                let progress = adapter.answer(&self.parts.providers.cx(&outbound), &asked.pending, answer).await;
                record_outcome(cx, connector, asked.method, progress)
            }
            (None, Some(asked)) => Returned::Failed(unusable(connector, asked.method)),
            (None, None) => {
                tracing::warn!(event = "redirect_unavailable", %connector, reason = "its session's key is gone");
                Returned::Failed(Failure::unavailable(Unavailability::Misconfigured))
            }
        };
        let returned = self.seal_returned(&session, &returned)?;

        let resume = SubmitKey::generate(self.parts.entropy.as_ref());
        let until = cx.now + self.parts.limits.resume;
        let back = Return { state, returned: &returned, resume: resume.hash(), until };
        if !store.keep_returned(cx, &session.id, &session.step, &back, &by).await? {
            return Err(expired());
        }
        tracing::info!(event = "redirect_returned", session = %session.id, %connector);
        Ok(onward(&session, &resume))
    }

    /// The second half: goes on with what the redirect brought, for whoever shows the session's token as well.
    ///
    /// # Errors
    /// `unknown_session`; `redirect_expired` with the current view if `resume` is not what this session's redirect brought,
    /// or comes too late. Nothing changed then.
    pub async fn resume(
        &self,
        cx: &RequestContext,
        session: &SessionId,
        token: &SessionToken,
        resume: &SubmitKey,
    ) -> Result<SessionView, JourneyError> {
        let lock = LockId::generate(self.parts.entropy.as_ref());
        let lock = self.parts.store.lock_return(cx, session, token, resume, lock).await?;
        if let TurnLock::Elsewhere(session) = lock {
            let view = self.view_elsewhere(cx, &session).await?;
            return Err(JourneyError::Conflict(Code::RedirectExpired, Box::new(view)));
        }
        self.answer_lock(cx, lock, Presented { token, key: resume }, Input::Returned).await
    }

    /// The request as calls to providers may use it: what they say has to be committed afterwards, and they may be told who
    /// is behind an application's backend.
    pub(super) fn outbound(&self, cx: &RequestContext, session: &Session) -> RequestContext {
        cx.within_quarters(3).on_behalf_of(session.run.end_user.as_ref())
    }

    /// What the adapter of a session's redirect had to remember; `None` if the key it was sealed under is gone, because
    /// somebody had it.
    pub(super) fn open_asked(&self, session: &Session) -> Option<Asked> {
        asked(&self.parts, session, &session.step).ok().flatten()
    }

    fn seal_returned(&self, session: &Session, returned: &Returned) -> Result<Sealed<Returned>, JourneyError> {
        let place = place(&session.id, "returned", session.step.as_str());
        let key = self.parts.keys.session(&session.id)?;
        Sealed::seal(&key.sealing, self.parts.entropy.as_ref(), &place, returned)
            .map_err(|_| JourneyError::Broken("what a redirect brought cannot be sealed"))
    }

    /// What the redirect of a locked session brought.
    pub(super) fn open_returned(&self, session: &Session) -> Returned {
        let place = place(&session.id, "returned", session.step.as_str());
        let opened = match &session.redirect {
            Some(Redirect::Returned(sealed)) => {
                self.parts.keys.session(&session.id).ok().and_then(|key| sealed.open(&key.sealing, &place).ok())
            }
            _ => None,
        };
        // Whatever does not open vouches for nobody.
        opened.unwrap_or(Returned::Failed(Failure::Refused))
    }
}

/// The application's redirect URI with what resumes the session. As text: a parser would write it in its own spelling.
fn onward(session: &Session, resume: &SubmitKey) -> String {
    let uri = &session.request.redirect_uri;
    let separator = if uri.contains('?') { '&' } else { '?' };
    let resume: String = byte_serialize(resume.expose().as_bytes()).collect();
    format!("{uri}{separator}session={}&resume={resume}", session.id)
}
