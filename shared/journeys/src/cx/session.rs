use std::sync::Arc;

use domain::{AuthorizationRequest, Client, Code, SessionUser};
use store::StoreError;

use super::{StepCx, ViewCx};
use crate::{Flow, StepError};

/// The session, as far as a step has a part in it: [`StepCx::session`].
pub struct SessionCx<'c, 'a>(pub(super) &'c mut StepCx<'a>);

impl<'a> ViewCx<'a> {
    /// The application that the session belongs to, if it still has its registration.
    pub async fn client(&self) -> Result<Option<Arc<Client>>, StoreError> {
        self.parts.clients.find(self.request, &self.session.request.client_id).await
    }

    /// What the application asked for.
    pub fn authorization_request(&self) -> &'a AuthorizationRequest {
        &self.session.request
    }
}

impl SessionCx<'_, '_> {
    /// Which connector the application expects, once: after the first choice the user is asked.
    pub fn take_idp_hint(&mut self) -> Option<String> {
        self.0.memory.session.request.idp_hint.take()
    }

    /// Another token opens the session from this turn on. Otherwise an attacker who planted the session in a victim's
    /// browser would hold the token of a session that is worth more than theirs.
    pub fn rotate(&mut self) {
        self.0.memory.rotates = true;
    }

    /// Sets the user the journey is about. Another than before is refused: two factors must be of one person.
    pub fn set_user(&mut self, user: SessionUser) -> Result<(), StepError> {
        let current = &mut self.0.memory.session.run.user;
        if current.as_ref().is_some_and(|before| before.id != user.id) {
            return Err(StepError::Refused);
        }
        // Who was created in this session is recognised by its later steps, and new to the application all the same.
        let created = user.created || current.as_ref().is_some_and(|before| before.created);
        *current = Some(SessionUser { created, ..user });
        Ok(())
    }

    /// What the client is shown as `step.error` next.
    pub fn fail(&mut self, code: Code) {
        self.0.memory.session.run.error = Some(code);
    }

    /// After how many seconds another try may help.
    pub fn retry_after(&mut self, seconds: u32) {
        self.0.memory.session.run.retry_after = Some(seconds);
    }

    /// The user gives up.
    pub fn cancelled(&mut self) -> Flow {
        self.fail(Code::Cancelled);
        Flow::Done("cancelled")
    }
}
