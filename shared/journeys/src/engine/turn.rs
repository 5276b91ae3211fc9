//! A run in the middle of a turn.

use std::collections::BTreeMap;

use chrono::SubsecRound;
use domain::{
    Code, ExternalIdentity, FieldError, IssuedCode, LastAnswer, Sealed, Session, SessionToken, Slot, Status, StepId,
};
use secrecy::SecretString;
use store::{DirectoryWrite, Lost};

use crate::Journey;
use crate::compile::Live;

/// A run in the middle of a turn.
pub(super) struct Turn<'a> {
    pub(super) journey: &'a Journey,
    pub(super) memory: Memory,
    /// The session and identities as they arrived at the step that planned the writes, to try that step again.
    pub(super) checkpoint: Option<(Session, Identities)>,
}

/// All that a turn changes, until it is committed.
pub(crate) struct Memory {
    pub(crate) session: Session,
    pub(crate) identities: Identities,
    /// Secret inputs of this request, by the step that took them. Never stored.
    pub(crate) secrets: BTreeMap<(StepId, String), SecretString>,
    pub(crate) plan: Plan,
    /// What the session is worth has grown: its token changes.
    pub(crate) rotates: bool,
}

/// The identities that providers have asserted in this turn. They are sealed when the session rests.
pub(crate) type Identities = BTreeMap<Slot, ExternalIdentity>;

/// What a step wants written together with the session's advance, and what an earlier plan lost.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) writes: Vec<DirectoryWrite>,
    pub(crate) lost: Vec<Lost>,
}

/// Where a run came to rest.
pub(super) enum Rest {
    /// On a step, or at its end.
    Arrived,
    /// Where it was: the input does not fit.
    Invalid(Vec<FieldError>),
}

impl<'a> Turn<'a> {
    pub(super) fn new(journey: &'a Journey, session: Session) -> Self {
        let (identities, secrets, plan) = (Identities::new(), BTreeMap::new(), Plan::default());
        Self { journey, memory: Memory { session, identities, secrets, plan, rotates: false }, checkpoint: None }
    }

    /// What a step left in an earlier round is not what it leaves in this one.
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

    pub(super) fn complete(&mut self) -> Rest {
        // Whatever the document says: without a user there is no sign-in.
        if self.memory.session.run.user.is_none() {
            return self.abandon(Code::JourneyBroken, "complete was reached without a user");
        }
        self.memory.session.status = Status::Completed;
        self.memory.session.run.error = None;
        Rest::Arrived
    }

    pub(super) fn reject(&mut self, code: Code) -> Rest {
        self.memory.session.status = Status::Rejected;
        self.memory.session.run.error = Some(code);
        Rest::Arrived
    }

    /// Ends the session because it must not go on; what was planned is not done.
    pub(super) fn abandon(&mut self, code: Code, reason: &'static str) -> Rest {
        tracing::error!(event = "session_abandoned", session = %self.memory.session.id, %code, reason);
        self.memory.plan.writes.clear();
        self.reject(code)
    }

    /// The session as it is kept until the next turn: counted, answered, without what no later step can read, and with
    /// the identities of this turn as `seal` seals them.
    pub(super) fn rest<E>(
        &self,
        answered: Option<LastAnswer>,
        in_force: &SessionToken,
        code: Option<IssuedCode>,
        seal: impl Fn(&Slot, &ExternalIdentity) -> Result<Sealed<ExternalIdentity>, E>,
    ) -> Result<Session, E> {
        let mut session = self.memory.session.clone();
        session.turn = session.turn.saturating_add(1);
        session.answered = answered;
        session.token = in_force.hash();
        session.code = code;
        if let Some(code) = code {
            // A login that took nearly all of its session's time still has a code to redeem.
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
    // The step where it rests may have sent the browser away.
    run.pending.retain(|step, _| live.challenges.contains(step) || *step == session.step);
    for (step, values) in &mut run.values {
        values.retain(|name, _| live.values.contains(&(step.clone(), name.clone())));
    }
    run.values.retain(|_, values| !values.is_empty());
    match session.status {
        Status::InputRequired => {}
        // What the token endpoint will say, and no more.
        Status::Completed => {
            run.pending = BTreeMap::new();
            if let Some(user) = &mut run.user {
                user.claims = user.claims.released_by(session.request.scopes());
                // Only factors of the account that was recognised speak for its user. Who they are of is now known, and
                // the item has to stay within the kilobyte that one write unit pays for.
                let by = user.by.take();
                run.proofs.retain(|proof| proof.of == by);
                run.proofs.iter_mut().for_each(|proof| proof.of = None);
            }
        }
        Status::Rejected => {
            run.pending = BTreeMap::new();
            run.user = None;
            run.proofs = Vec::new();
        }
    }
}
