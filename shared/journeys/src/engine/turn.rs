//! The state of a session during a turn.

use std::collections::BTreeMap;

use chrono::SubsecRound;
use domain::{
    Code, ExternalIdentity, FieldError, IssuedCode, LastAnswer, Sealed, Session, SessionToken, Slot, Status, StepId,
};
use secrecy::SecretString;
use store::{DirectoryWrite, Lost};

use crate::Journey;
use crate::compile::Live;

/// The state of a session during a turn.
pub(super) struct Turn<'a> {
    pub(super) journey: &'a Journey,
    pub(super) memory: Memory,
    /// The session and identities before the step that planned the writes, to run that step again.
    pub(super) checkpoint: Option<(Session, Identities)>,
}

/// Everything that a turn changes before the commit.
pub(crate) struct Memory {
    pub(crate) session: Session,
    pub(crate) identities: Identities,
    /// Secret inputs of this request, by step and name. Never stored.
    pub(crate) secrets: BTreeMap<(StepId, String), SecretString>,
    pub(crate) plan: Plan,
    /// Whether the session token rotate_token with this turn.
    pub(crate) rotate_token: bool,
}

/// The identities that providers have asserted in this turn. They are sealed when the session is stored.
pub(crate) type Identities = BTreeMap<Slot, ExternalIdentity>;

/// The writes that a step has planned, and the failed writes of an earlier plan.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) writes: Vec<DirectoryWrite>,
    pub(crate) lost: Vec<Lost>,
}

/// Why a run stopped.
pub(super) enum Stop {
    /// The session waits at a step, or has ended.
    Done,
    /// The input is invalid; the session did not change.
    Invalid(Vec<FieldError>),
}

impl<'a> Turn<'a> {
    pub(super) fn new(journey: &'a Journey, session: Session) -> Self {
        let (identities, secrets, plan) = (Identities::new(), BTreeMap::new(), Plan::default());
        Self { journey, memory: Memory { session, identities, secrets, plan, rotate_token: false }, checkpoint: None }
    }

    /// Removes the outputs of a step from an earlier visit.
    pub(super) fn forget_outputs(&mut self, step: &StepId, slot: Option<&Slot>) {
        let Memory { session, identities, .. } = &mut self.memory;
        session.run.values.remove(step);
        session.run.pending.remove(step);
        session.redirect = None;
        if let Some(slot) = slot {
            session.run.identities.remove(slot);
            identities.remove(slot);
        }
    }

    pub(super) fn complete(&mut self) -> Stop {
        // Independent of the document: without a user there is no sign-in.
        if self.memory.session.run.user.is_none() {
            return self.abandon(Code::JourneyBroken, "the journey reached `complete` without a user");
        }
        self.memory.session.status = Status::Completed;
        self.memory.session.run.error = None;
        Stop::Done
    }

    pub(super) fn reject(&mut self, code: Code) -> Stop {
        self.memory.session.status = Status::Rejected;
        self.memory.session.run.error = Some(code);
        Stop::Done
    }

    /// Rejects the session because of an error, and drops the planned writes.
    pub(super) fn abandon(&mut self, code: Code, reason: &'static str) -> Stop {
        tracing::error!(event = "session_abandoned", session = %self.memory.session.id, %code, reason);
        self.memory.plan.writes.clear();
        self.reject(code)
    }

    /// The session as it is stored after the turn: with its turn counted, the answer recorded, unreadable values
    /// dropped, and this turn's identities sealed by `seal`.
    pub(super) fn finish<E>(
        &self,
        answered: Option<LastAnswer>,
        current_token: &SessionToken,
        code: Option<IssuedCode>,
        seal: impl Fn(&Slot, &ExternalIdentity) -> Result<Sealed<ExternalIdentity>, E>,
    ) -> Result<Session, E> {
        let mut session = self.memory.session.clone();
        session.turn = session.turn.saturating_add(1);
        session.answered = answered;
        session.token = current_token.hash();
        session.code = code;
        if let Some(code) = code {
            // The session must not expire before its code.
            session.expires_at = session.expires_at.max(code.expires_at.trunc_subsecs(0));
        }
        let live = match session.status {
            Status::InputRequired => self.journey.step(&session.step).map(|step| &step.live),
            Status::Completed | Status::Rejected => None,
        };
        let live = live.unwrap_or(const { &Live::NOTHING });
        forget(&mut session, live);
        for (slot, identity) in self.memory.identities.iter().filter(|(slot, _)| live.slots.contains(*slot)) {
            session.run.identities.insert(slot.clone(), seal(slot, identity)?);
        }
        Ok(session)
    }
}

fn forget(session: &mut Session, live: &Live) {
    let run = &mut session.run;
    run.params.retain(|name, _| live.params.contains(name));
    run.identities.retain(|slot, _| live.slots.contains(slot));
    // The current step may wait for a redirect.
    run.pending.retain(|step, _| live.challenges.contains(step) || *step == session.step);
    for (step, values) in &mut run.values {
        values.retain(|name, _| live.values.contains(&(step.clone(), name.clone())));
    }
    run.values.retain(|_, values| !values.is_empty());
    match session.status {
        Status::InputRequired => {}
        // Keep only what the token endpoint needs.
        Status::Completed => {
            (run.pending, run.first_only) = (BTreeMap::new(), None);
            if let Some(user) = &mut run.user {
                user.claims = user.claims.released_by(session.request.scopes());
                // Only proofs of the account that identified the user count. Their account is then known and dropped,
                // so that the item stays within 1 KB, which one write unit covers. A notification about the account may end
                // the login before its code is redeemed, if the provider sends any.
                let by = if user.notified_since.is_some() { user.by.clone() } else { user.by.take() };
                run.proofs.retain(|proof| proof.of == by);
                run.proofs.iter_mut().for_each(|proof| proof.of = None);
            }
        }
        Status::Rejected => {
            (run.pending, run.first_only) = (BTreeMap::new(), None);
            run.user = None;
            run.proofs = Vec::new();
        }
    }
}
