//! Runs sessions through journeys: locks a turn, lets steps do their part, commits once.

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

/// What the engine works with.
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

/// How long a session lives.
const SESSION: TimeDelta = TimeDelta::minutes(15);

/// How long what a redirect brought waits for its second half.
const RESUME: TimeDelta = TimeDelta::minutes(1);

/// How long a code waits to be redeemed. RFC 6749 section 4.1.2 recommends ten minutes at most.
const CODE: TimeDelta = TimeDelta::minutes(2);

/// How many steps a session may take.
const MAX_STEPS: u32 = 100;

/// The engine.
#[derive(Debug)]
pub struct Journeys {
    parts: Parts,
}

impl Journeys {
    /// An engine for journeys whose steps are of these types and lead to these connectors.
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

    /// Answers the step a session waits on.
    ///
    /// # Errors
    /// `unknown_session`; `step_conflict` with the current view; `invalid_input` with the fields. Nothing changed then. A key
    /// that was used for other data gets one of the first two, never the answer to that data.
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

    /// Shows a session to the holder of the token in force.
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
