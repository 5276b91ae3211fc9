//! Runs sessions through journeys: locks a turn, runs steps, commits once.

mod advance;
mod authorization;
mod redirects;
mod start;
mod turn;
mod views;

use std::sync::Arc;

use advance::{AnswerKey, Input};
use base::Base;
use chrono::TimeDelta;
use connectors::Connectors;
use directory::Directory;
use domain::{Code, Entropy, RequestContext, SessionId, SessionToken, StepId};
use secrecy::ExposeSecret;
use store::sessions::TurnAnswer;
use store::{GuessLimits, LockId, Store};
use tokens::{Clients, Keys};

pub use redirects::{Callbacks, ResumeRequest};
pub use start::StartRequest;
pub(crate) use turn::Memory;

use crate::library::Library;
use crate::{JourneyError, SessionView, StepTypes, SubmitRequest};

/// The services that the engine uses.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) library: Library,
    pub(crate) connectors: Arc<Connectors>,
    pub(crate) clients: Arc<Clients>,
    pub(crate) directory: Directory,
    pub(crate) keys: Arc<Keys>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) guesses: GuessLimits,
}

/// The lifetime of a session.
const SESSION: TimeDelta = TimeDelta::minutes(15);

/// The time between the halves of a redirect: how long `resume` is valid.
const RESUME: TimeDelta = TimeDelta::minutes(1);

/// The lifetime of an authorization code. RFC 6749 section 4.1.2 recommends at most ten minutes.
const CODE: TimeDelta = TimeDelta::minutes(2);

/// The largest number of steps in a session.
const MAX_STEPS: u32 = 100;

/// The engine.
#[derive(Debug)]
pub struct Journeys {
    parts: Parts,
}

impl Journeys {
    /// An engine with these step types and connectors.
    pub fn new(base: &Base, connectors: Arc<Connectors>, types: StepTypes) -> Self {
        let store = base.store.clone();
        Self {
            parts: Parts {
                library: Library::new(store.clone(), types),
                connectors,
                clients: Arc::clone(&base.clients),
                directory: Directory::new(store.clone(), Arc::clone(&base.entropy)),
                keys: Arc::clone(&base.keys),
                entropy: Arc::clone(&base.entropy),
                guesses: base.guesses,
                store,
            },
        }
    }

    /// Answers the current step of a session.
    ///
    /// # Errors
    /// `unknown_session`; `step_conflict` with the current view; `invalid_input` with the fields. In these cases
    /// nothing changed. A key that was used before with other data gets one of the first two, never the answer to the
    /// other data.
    pub async fn submit(
        &self,
        cx: &RequestContext,
        session: &SessionId,
        step: &StepId,
        token: &SessionToken,
        response: &SubmitRequest,
    ) -> Result<SessionView, JourneyError> {
        let data = response.data.iter().map(|(name, value)| (name.as_str(), value.expose_secret()));
        let derivation = &self.parts.keys.session(session)?.derivation;
        let key = &derivation.answer_key(session, step, &response.key, &response.option, data);
        let answer = TurnAnswer { turn: response.turn, step, token, key };
        // Locked before any provider is called: two identical submits send one password.
        let lock = LockId::generate(self.parts.entropy.as_ref());
        let lock = self.parts.store.lock_turn(cx, session, &answer, lock).await?;
        self.answer_lock(cx, lock, AnswerKey { token, key }, Input::Client(response)).await
    }

    /// The view of a session, for the holder of its current token.
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

/// The place to which a session's sealed value is bound.
pub(crate) fn place(session: &SessionId, kind: &str, name: &str) -> String {
    format!("{session}/{kind}/{name}")
}
