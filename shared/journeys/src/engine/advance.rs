//! Answering a turn: from the lock to the commit.

use domain::{
    Code, IssuedCode, JourneyResult, LastAnswer, RequestContext, Sealed, Session, SessionToken, Status, StepId,
    SubmitKey,
};
use store::{CommitError, DirectoryWrite, Locked, Lost, TurnLock};
use tokens::KeyError;

use super::redirects::check_registration;
use super::redirects::outbound;
use super::turn::{Plan, Rest, Turn};
use super::{CODE, Journeys, MAX_STEPS, place};
use crate::compile::CompiledStep;
use crate::{Flow, Journey, JourneyError, SessionView, StepCx, StepError, SubmitRequest};

/// How often a turn is tried again after another request won the race for the same user's items.
const MAX_ATTEMPTS: u32 = 3;

/// Who answers a turn, and which answer it is.
#[derive(Clone, Copy)]
pub(super) struct AnswerKey<'a> {
    pub(super) token: &'a SessionToken,
    pub(super) key: &'a SubmitKey,
}

/// What a turn is answered with.
#[derive(Clone, Copy)]
pub(super) enum Input<'a> {
    /// By its client.
    Client(&'a SubmitRequest),
    /// By what the session's redirect brought.
    Returned,
}

/// What opens the session from now on.
struct InForce {
    token: SessionToken,
    /// Whether its holder has yet to be told.
    new: bool,
}

impl Journeys {
    /// Runs a new session to its first rest and keeps it.
    pub(super) async fn begin(
        &self,
        cx: &RequestContext,
        journey: &Journey,
        session: Session,
        token: SessionToken,
    ) -> Result<SessionView, JourneyError> {
        let mut turn = Turn::new(journey, session);
        self.drive(cx, &mut turn, None).await?;
        if !turn.memory.plan.writes.is_empty() || !turn.memory.session.run.proofs.is_empty() {
            return Err(JourneyError::Broken("a user cannot be authenticated before the client was asked anything"));
        }
        let session = self.rest(cx, &turn, None, &token)?;
        self.parts.store.create_session(cx, &session).await?;
        self.answer(cx, &session, InForce { token, new: true }).await
    }

    /// Answers a turn as far as it is ours to answer.
    pub(super) async fn answer_lock(
        &self,
        cx: &RequestContext,
        lock: TurnLock,
        answer_key: AnswerKey<'_>,
        input: Input<'_>,
    ) -> Result<SessionView, JourneyError> {
        match lock {
            TurnLock::Taken(locked) => self.advance(cx, *locked, answer_key, input).await,
            TurnLock::Busy(session) => self.processing(cx, &session).await,
            TurnLock::Answered(session) => self.view_again(cx, &session, answer_key).await,
            TurnLock::OtherTurn(session) => {
                let view = self.view_without_secrets(cx, &session).await?;
                Err(JourneyError::Conflict(Code::StepConflict, Box::new(view)))
            }
            TurnLock::Absent => Err(JourneyError::Refused(Code::UnknownSession)),
        }
    }

    /// Answers a locked turn. Whatever goes wrong, the lock is released or spent.
    async fn advance(
        &self,
        cx: &RequestContext,
        locked: Locked,
        answer_key: AnswerKey<'_>,
        input: Input<'_>,
    ) -> Result<SessionView, JourneyError> {
        let advanced = self.try_advance(cx, &locked, answer_key, input).await;
        if advanced.is_err()
            && let Err(error) = self.parts.store.release(cx, &locked).await
        {
            // It lapses with this request's deadline.
            tracing::warn!(event = "lock_not_released", session = %locked.session.id, %error);
        }
        advanced
    }

    async fn try_advance(
        &self,
        cx: &RequestContext,
        locked: &Locked,
        answer_key: AnswerKey<'_>,
        input: Input<'_>,
    ) -> Result<SessionView, JourneyError> {
        let before = &locked.session;
        let client = self.parts.clients.find(cx, &before.request.client_id).await?;
        check_registration(client.as_deref(), before)?;
        let journey = self.parts.library.journey(cx, &before.run.journey, before.run.version).await?;
        let mut turn = Turn::new(&journey, before.clone());
        turn.memory.session.run.error = None;
        turn.memory.session.run.retry_after = None;
        if let Rest::Invalid(fields) = self.drive(cx, &mut turn, Some(input)).await? {
            return Err(JourneyError::Fields(Code::InvalidInput, fields));
        }
        for attempt in 0..MAX_ATTEMPTS {
            let in_force = self.token_after(before, &turn, answer_key)?;
            let answered = LastAnswer { token: answer_key.token.hash(), key: answer_key.key.hash() };
            let session = self.rest(cx, &turn, Some(answered), &in_force.token)?;
            let writes = &turn.memory.plan.writes;
            match self.parts.store.commit(cx, &session, &locked.lock, writes, attempt).await {
                Ok(()) => {
                    note_writes(cx, writes);
                    return self.answer(cx, &session, in_force).await;
                }
                Err(CommitError::Store(error)) => return Err(error.into()),
                // It lapsed while we worked, and another request has taken the turn. The same submit, sent again, gets
                // that one's answer.
                Err(CommitError::Lost(lost)) if lost.contains(&Lost::Turn) => return Err(JourneyError::Contended),
                // The identity is still in memory: nothing is sent to the provider again.
                Err(CommitError::Lost(lost)) => self.try_step_again(cx, &mut turn, lost).await?,
            }
        }
        Err(JourneyError::Contended)
    }

    async fn try_step_again(
        &self,
        cx: &RequestContext,
        turn: &mut Turn<'_>,
        lost: Vec<Lost>,
    ) -> Result<(), JourneyError> {
        let unplanned = || JourneyError::Broken("writes were planned by no step");
        let (session, identities) = turn.checkpoint.take().ok_or_else(unplanned)?;
        (turn.memory.session, turn.memory.identities) = (session, identities);
        turn.memory.plan = Plan { writes: Vec::new(), lost };
        self.drive(cx, turn, None).await.map(drop)
    }

    /// Enters steps, one after the other, until the run rests. Starts with the answer to the current step, if any.
    async fn drive(
        &self,
        cx: &RequestContext,
        turn: &mut Turn<'_>,
        mut input: Option<Input<'_>>,
    ) -> Result<Rest, JourneyError> {
        loop {
            let here = turn.memory.session.step.clone();
            let journey = turn.journey;
            let step = journey.step(&here).ok_or(JourneyError::Broken("a session stands on a step that is gone"))?;
            let flow = self.run_step(cx, turn, &here, step, input.take()).await;
            let outcome = match flow {
                Ok(Flow::Done(outcome)) => outcome,
                Ok(Flow::Ask) => return Ok(Rest::Arrived),
                Ok(Flow::Invalid(fields)) => return Ok(Rest::Invalid(fields)),
                Ok(Flow::Complete) => return Ok(turn.complete()),
                Ok(Flow::Reject(code)) => return Ok(turn.reject(code)),
                Err(StepError::Refused) => return Ok(turn.abandon(Code::IdentityRefused, "a step refused its input")),
                Err(StepError::Broken(reason)) => return Ok(turn.abandon(Code::JourneyBroken, reason)),
                Err(StepError::TooManyAttempts { retry_after }) => {
                    return Err(JourneyError::TooManyAttempts { retry_after });
                }
                Err(StepError::Store(error)) => return Err(error.into()),
            };
            let target = step.target(outcome).ok_or(JourneyError::Broken("an outcome leads nowhere"))?;
            let session = &mut turn.memory.session;
            session.step = target.clone();
            session.run.steps = session.run.steps.saturating_add(1);
            if session.run.steps > MAX_STEPS {
                return Ok(turn.abandon(Code::TooManySteps, "the step limit"));
            }
        }
    }

    async fn run_step(
        &self,
        cx: &RequestContext,
        turn: &mut Turn<'_>,
        here: &StepId,
        step: &CompiledStep,
        input: Option<Input<'_>>,
    ) -> Result<Flow, StepError> {
        if input.is_none() {
            turn.forget_outputs(here, step.slot.as_ref());
        }
        let returned = matches!(input, Some(Input::Returned)).then(|| self.open_returned(&turn.memory.session));
        let before = step.shape.plans.then(|| (turn.memory.session.clone(), turn.memory.identities.clone()));
        let mut step_cx = StepCx {
            request: cx,
            outbound: outbound(cx, &turn.memory.session),
            parts: &self.parts,
            here,
            slot: step.slot.as_ref(),
            memory: &mut turn.memory,
        };
        let flow = match (input, returned) {
            (_, Some(returned)) => step.step.resume(&mut step_cx, returned).await,
            (Some(Input::Client(response)), _) => step.step.submit(&mut step_cx, response).await,
            _ => step.step.enter(&mut step_cx).await,
        };
        if !turn.memory.plan.writes.is_empty() && turn.checkpoint.is_none() {
            turn.checkpoint = before;
        }
        flow
    }

    /// The session as the turn leaves it.
    fn rest(
        &self,
        cx: &RequestContext,
        turn: &Turn<'_>,
        answered: Option<LastAnswer>,
        in_force: &SessionToken,
    ) -> Result<Session, JourneyError> {
        let session = &turn.memory.session;
        turn.rest(answered, in_force, self.code_for(cx, session, in_force)?, |slot, identity| {
            let place = place(&session.id, "slot", slot.as_str());
            let key = self.parts.keys.session(&session.id)?;
            Sealed::seal(&key.sealing, self.parts.entropy.as_ref(), &place, identity)
                .map_err(|_| JourneyError::Broken("an identity cannot be sealed"))
        })
    }

    fn token_after(
        &self,
        before: &Session,
        turn: &Turn<'_>,
        AnswerKey { token, key }: AnswerKey<'_>,
    ) -> Result<InForce, KeyError> {
        if !turn.memory.rotates {
            return Ok(InForce { token: token.clone(), new: false });
        }
        let derivation = &self.parts.keys.session(&before.id)?.derivation;
        Ok(InForce { token: derivation.next_token(&before.id, before.turn, token, key), new: true })
    }

    fn code_for(
        &self,
        cx: &RequestContext,
        session: &Session,
        token: &SessionToken,
    ) -> Result<Option<IssuedCode>, KeyError> {
        if session.status != Status::Completed {
            return Ok(None);
        }
        Ok(Some(IssuedCode {
            hash: self.parts.keys.session(&session.id)?.derivation.code(&session.id, token).hash(),
            // Stored in milliseconds.
            expires_at: chrono::SubsecRound::trunc_subsecs(cx.now + CODE, 3),
            redeemed_at: None,
        }))
    }

    async fn answer(
        &self,
        cx: &RequestContext,
        session: &Session,
        in_force: InForce,
    ) -> Result<SessionView, JourneyError> {
        match session.status {
            Status::InputRequired => {}
            Status::Completed => {
                let user = session.run.user.as_ref().map(|user| user.id.as_str());
                cx.count(|counts| counts.login = Some(JourneyResult::Completed));
                tracing::info!(event = "session_completed", session = %session.id, user);
            }
            Status::Rejected => {
                cx.count(|counts| counts.login = session.run.error.map(JourneyResult::Rejected));
                let code = session.run.error.map(Code::as_str);
                tracing::warn!(event = "session_rejected", session = %session.id, code);
            }
        }
        let mut view = self.view_with(cx, session, &in_force.token).await?;
        view.session_token = in_force.new.then_some(in_force.token);
        Ok(view)
    }
}

fn note_writes(cx: &RequestContext, writes: &[DirectoryWrite]) {
    for write in writes {
        if let DirectoryWrite::CreateUser(user) = write {
            cx.count(|counts| {
                counts.user_provisioned = true;
                counts.providers.extend(user.links.iter().map(|link| link.provider.clone()));
            });
            let connector = user.links.first().map(|link| link.connector.as_str());
            tracing::info!(event = "user_provisioned", user = %user.id, connector);
        }
    }
}
