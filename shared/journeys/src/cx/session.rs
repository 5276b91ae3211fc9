use std::sync::Arc;

use domain::{AuthorizationRequest, Client, Code, SessionUser};
use store::StoreError;

use super::{StepCx, ViewCx};
use crate::{Flow, StepError};

/// The session: see [`StepCx::session`].
pub struct SessionCx<'c, 'a>(pub(super) &'c mut StepCx<'a>);

impl<'a> ViewCx<'a> {
    /// The session's application, if it is still registered.
    pub async fn client(&self) -> Result<Option<Arc<Client>>, StoreError> {
        self.parts.clients.find(self.request, &self.session.request.client_id).await
    }

    /// The application's authorization request.
    pub fn authorization_request(&self) -> &'a AuthorizationRequest {
        &self.session.request
    }
}

impl SessionCx<'_, '_> {
    /// Takes the application's hint for a connector. It is used once; after that, the user chooses.
    pub fn take_idp_hint(&mut self) -> Option<String> {
        self.0.memory.session.request.idp_hint.take()
    }

    /// Rotates the session token with this turn. Otherwise an attacker who planted the session in a victim's browser
    /// would know the token of the victim's authenticated session (session fixation).
    pub fn rotate(&mut self) {
        self.0.memory.rotate_token = true;
    }

    /// Sets the session's user. A different user than before is refused: all factors must belong to one user.
    pub fn set_user(&mut self, user: SessionUser) -> Result<(), StepError> {
        let current = &mut self.0.memory.session.run.user;
        if current.as_ref().is_some_and(|before| before.id != user.id) {
            return Err(StepError::Refused);
        }
        // A user who was created in this session stays new for the application, also if a later step recognises them.
        let created = user.created || current.as_ref().is_some_and(|before| before.created);
        *current = Some(SessionUser { created, ..user });
        Ok(())
    }

    /// Sets the `step.error` of the next view.
    pub fn fail(&mut self, code: Code) {
        self.0.memory.session.run.error = Some(code);
    }

    /// Sets the seconds until another attempt may succeed.
    pub fn retry_after(&mut self, seconds: u32) {
        self.0.memory.session.run.retry_after = Some(seconds);
    }

    /// The user cancels.
    pub fn cancelled(&mut self) -> Flow {
        self.fail(Code::Cancelled);
        Flow::Done("cancelled")
    }
}
