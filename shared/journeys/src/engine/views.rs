//! Views of a session.

use domain::{Code, Redirect, RequestContext, Session, SessionToken, Status};

use super::Journeys;
use super::advance::AnswerKey;
use super::redirects::outbound;
use crate::cx::interaction;
use crate::view::{CurrentStep, ErrorView};
use crate::{
    CompletionView, JourneyError, RedirectView, RejectionView, SessionView, StepError, UserProvisioned, ViewCx,
    ViewStatus,
};

impl Journeys {
    /// The view for the holder of `token`, the current session token.
    pub(super) async fn view_with(
        &self,
        cx: &RequestContext,
        session: &Session,
        token: &SessionToken,
    ) -> Result<SessionView, JourneyError> {
        let mut view = self.view_without_secrets(cx, session).await?;
        if let Some(completion) = &mut view.completion {
            let unused = session.code.filter(|code| code.redeemed_at.is_none() && code.expires_at > cx.now);
            let code = self.parts.keys.session(&session.id)?.derivation.code(&session.id, token);
            completion.code = unused.filter(|unused| unused.hash == code.hash()).map(|_| code);
            completion.provisioned = session.run.user.as_ref().map(|user| match user.created {
                true => UserProvisioned::Created,
                false => UserProvisioned::Recognised,
            });
        }
        Ok(view)
    }

    /// The same answer again, for a repeat of the last turn's submit.
    pub(super) async fn view_again(
        &self,
        cx: &RequestContext,
        session: &Session,
        AnswerKey { token, key }: AnswerKey<'_>,
    ) -> Result<SessionView, JourneyError> {
        let derivation = &self.parts.keys.session(&session.id)?.derivation;
        let next = derivation.next_token(&session.id, session.turn.saturating_sub(1), token, key);
        if next.hash() != session.token {
            return self.view_with(cx, session, token).await;
        }
        let mut view = self.view_with(cx, session, &next).await?;
        view.session_token = Some(next);
        Ok(view)
    }

    /// The view while another request answers this turn.
    pub(super) async fn processing(&self, cx: &RequestContext, session: &Session) -> Result<SessionView, JourneyError> {
        self.set_application(cx, session).await?;
        Ok(SessionView { retry_after: Some(1), ..blank(session, ViewStatus::Processing) })
    }

    /// Sets the request's application, so that its pages may read the answer.
    pub(super) async fn set_application(&self, cx: &RequestContext, session: &Session) -> Result<(), JourneyError> {
        self.parts.clients.find(cx, &session.request.client_id).await?;
        Ok(())
    }

    /// The view without a token or code.
    pub(super) async fn view_without_secrets(
        &self,
        cx: &RequestContext,
        session: &Session,
    ) -> Result<SessionView, JourneyError> {
        self.set_application(cx, session).await?;
        Ok(match session.status {
            Status::InputRequired => self.view_of_step(cx, session).await?,
            Status::Completed => {
                let redirect_uri = session.request.redirect_uri.clone();
                let completion = CompletionView { kind: "code", code: None, redirect_uri, provisioned: None };
                SessionView { completion: Some(completion), ..blank(session, ViewStatus::Completed) }
            }
            Status::Rejected => {
                let code = session.run.error.unwrap_or(Code::AccessDenied);
                let rejection = RejectionView { code, retry_after: session.run.retry_after };
                SessionView { rejection: Some(rejection), ..blank(session, ViewStatus::Rejected) }
            }
        })
    }
}

impl Journeys {
    async fn view_of_step(&self, cx: &RequestContext, session: &Session) -> Result<SessionView, JourneyError> {
        let journey = self.parts.library.journey(cx, &session.run.journey, session.run.version).await?;
        let gone = JourneyError::Broken("a session's current step does not exist any more");
        let step = journey.step(&session.step).ok_or(gone)?;
        let view = step.step.view(&ViewCx { request: cx, parts: &self.parts, session }).await;
        let view = view.map_err(|error| match error {
            StepError::Store(error) => JourneyError::Store(error),
            StepError::Broken(reason) => JourneyError::Broken(reason),
            StepError::TooManyAttempts { retry_after } => JourneyError::TooManyAttempts { retry_after },
            StepError::Refused => JourneyError::Broken("a step refused to render its view"),
        })?;
        let status = if session.redirect.is_some() { ViewStatus::Redirect } else { ViewStatus::InputRequired };
        let (redirect, error) = match &session.redirect {
            Some(Redirect::Out(_)) => match self.redirect_view(cx, session).await? {
                Some(redirect_view) => (Some(redirect_view), session.run.error),
                None => (None, Some(Code::ProviderUnavailable)),
            },
            _ => (None, session.run.error),
        };
        let step = CurrentStep { id: session.step.clone(), view, error: error.map(|code| ErrorView { code }) };
        let retry_after = session.run.retry_after;
        Ok(SessionView { step: Some(step), redirect, retry_after, ..blank(session, status) })
    }

    /// The redirect's URL; `None` if it cannot be built now, for example because the provider's discovery fails.
    async fn redirect_view(
        &self,
        cx: &RequestContext,
        session: &Session,
    ) -> Result<Option<RedirectView>, JourneyError> {
        let Some(interaction) = interaction(&self.parts.keys, session, &session.step).ok().flatten() else {
            return Ok(None);
        };
        let connector = self.parts.connectors.find(cx, &interaction.connector).await?;
        let Some(adapter) = connector.as_ref().and_then(|connector| connector.adapter.as_ref()) else {
            return Ok(None);
        };
        let state = self.parts.keys.session(&session.id)?.derivation.state(&session.id, session.turn);
        let outbound = outbound(cx, session);
        let hop = adapter.hop(&self.parts.connectors.cx(&outbound), &interaction.pending, &state).await;
        let hop = hop.inspect_err(|error| {
            tracing::warn!(event = "redirect_unavailable", connector = %interaction.connector, reason = %error);
        });
        Ok(hop.ok().map(|url| RedirectView { url }))
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
        redirect: None,
        completion: None,
        rejection: None,
        retry_after: None,
    }
}
