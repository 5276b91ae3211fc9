//! What a client is shown of a session.

use domain::{Code, RequestContext, Session, SessionToken, Status, SubmitKey};

use super::Journeys;
use crate::view::{CurrentStep, ErrorView};
use crate::{Completion, JourneyError, Rejection, SessionView, ViewStatus};

impl Journeys {
    /// The session as whoever holds `token`, the token in force, sees it.
    pub(super) async fn view_with(
        &self,
        cx: &RequestContext,
        session: &Session,
        token: &SessionToken,
    ) -> Result<SessionView, JourneyError> {
        let mut view = self.view_elsewhere(cx, session).await?;
        if let Some(completion) = &mut view.completion {
            let waiting = session.code.filter(|code| code.redeemed_at.is_none() && code.expires_at > cx.now);
            let code = self.parts.keys.derivation.code(&session.id, token);
            completion.code = waiting.filter(|waiting| waiting.hash == code.hash()).map(|_| code);
        }
        Ok(view)
    }

    /// The answer to a turn that `token` and `key` have just answered, once more.
    pub(super) async fn view_again(
        &self,
        cx: &RequestContext,
        session: &Session,
        token: &SessionToken,
        key: &SubmitKey,
    ) -> Result<SessionView, JourneyError> {
        let next = self.parts.keys.derivation.next_token(&session.id, session.turn.saturating_sub(1), token, key);
        if next.hash() != session.token {
            return self.view_with(cx, session, token).await;
        }
        let mut view = self.view_with(cx, session, &next).await?;
        view.session_token = Some(next);
        Ok(view)
    }

    /// Another request is answering this turn.
    pub(super) fn processing(&self, session: &Session) -> SessionView {
        SessionView { retry_after: Some(1), ..blank(session, ViewStatus::Processing) }
    }

    /// The session without anything that opens it: no token, no code.
    pub(super) async fn view_elsewhere(
        &self,
        cx: &RequestContext,
        session: &Session,
    ) -> Result<SessionView, JourneyError> {
        Ok(match session.status {
            Status::InputRequired => {
                let journey = self.parts.library.journey(cx, &session.run.journey, session.run.version).await?;
                let step = journey.step(&session.step).and_then(|step| step.step.view());
                let view = step.ok_or(JourneyError::Broken("a session waits on a step that asks nothing"))?;
                let error = session.run.error.map(|code| ErrorView { code });
                let step = Some(CurrentStep { id: session.step.clone(), view, error });
                SessionView { step, ..blank(session, ViewStatus::InputRequired) }
            }
            Status::Completed => {
                let completion =
                    Completion { kind: "code", code: None, redirect_uri: session.request.redirect_uri.clone() };
                SessionView { completion: Some(completion), ..blank(session, ViewStatus::Completed) }
            }
            Status::Rejected => {
                let code = session.run.error.unwrap_or(Code::AccessDenied);
                let rejection = Rejection { code, retry_after: session.run.retry_after };
                SessionView { rejection: Some(rejection), ..blank(session, ViewStatus::Rejected) }
            }
        })
    }
}

fn blank(session: &Session, status: ViewStatus) -> SessionView {
    SessionView {
        session: session.id.clone(),
        turn: session.turn,
        expires_at: session.expires_at,
        session_token: None,
        status,
        step: None,
        completion: None,
        rejection: None,
        retry_after: None,
    }
}
