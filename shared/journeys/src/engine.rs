//! Runs sessions through journeys: locks a turn, lets steps do their part, commits once.

mod advance;
mod redirects;
mod start;
mod turn;
mod views;

use std::sync::Arc;

use advance::{Input, Presented};
use chrono::TimeDelta;
use directory::Directory;
use domain::{Code, Entropy, RequestContext, SessionId, SessionToken, StepId};
use providers::Providers;
use store::sessions::TurnAnswer;
use store::{LockId, Store};
use tokens::{Clients, Keys};

pub use redirects::ResumeRequest;
pub use start::StartRequest;
pub(crate) use turn::Memory;

use crate::{JourneyError, Library, SessionView, SubmitRequest};

/// What the engine works with.
#[derive(Debug)]
pub struct Parts {
    /// DynamoDB.
    pub store: Store,
    /// Configuration.
    pub library: Library,
    /// Applications.
    pub clients: Arc<Clients>,
    /// The way to providers.
    pub providers: Arc<Providers>,
    /// Users.
    pub directory: Directory,
    /// The issuer's keys.
    pub keys: Arc<Keys>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Bounds.
    pub limits: Limits,
}

/// Bounds of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How long a session lives.
    pub session: TimeDelta,
    /// How long what a redirect brought waits for its second half.
    pub resume: TimeDelta,
    /// How long a code waits to be redeemed. RFC 6749 section 4.1.2 recommends ten minutes at most.
    pub code: TimeDelta,
    /// How many steps a session may take.
    pub steps: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { session: TimeDelta::minutes(15), resume: TimeDelta::minutes(1), code: TimeDelta::minutes(2), steps: 100 }
    }
}

/// The engine.
#[derive(Debug)]
pub struct Journeys {
    parts: Parts,
}

impl Journeys {
    /// An engine over `parts`.
    pub fn new(parts: Parts) -> Self {
        Self { parts }
    }

    /// Answers the step a session waits on.
    ///
    /// # Errors
    /// `unknown_session`; `step_conflict` with the current view; `invalid_input` with the fields. Nothing changed then.
    pub async fn submit(
        &self,
        cx: &RequestContext,
        session: &SessionId,
        step: &StepId,
        token: &SessionToken,
        response: &SubmitRequest,
    ) -> Result<SessionView, JourneyError> {
        let answer = TurnAnswer { turn: response.turn, step, token, key: &response.key };
        // Locked before any provider is called: two identical submits send one password.
        let lock = LockId::generate(self.parts.entropy.as_ref());
        let lock = self.parts.store.lock_turn(cx, session, &answer, lock).await?;
        self.answer_lock(cx, lock, Presented { token, key: &response.key }, Input::Client(response)).await
    }

    /// Shows a session to whoever holds the token in force.
    ///
    /// # Errors
    /// `unknown_session`.
    pub async fn view(
        &self,
        cx: &RequestContext,
        session: &SessionId,
        token: &SessionToken,
    ) -> Result<SessionView, JourneyError> {
        let session = self.parts.store.get_session(cx, session, token).await?;
        match session.ok_or(JourneyError::Refused(Code::UnknownSession))? {
            (session, true) => self.processing(cx, &session).await,
            (session, false) => self.view_with(cx, &session, token).await,
        }
    }
}

/// What a sealed value of a session is bound to.
pub(crate) fn place(session: &SessionId, kind: &str, name: &str) -> String {
    format!("{session}/{kind}/{name}")
}
