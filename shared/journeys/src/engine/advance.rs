//! Answers a turn: from the lock to the commit.

use domain::{
    Code, IssuedCode, JourneyResult, LastAnswer, RequestContext, Sealed, Session, SessionToken, Status, StepId,
    SubmitKey,
};
use store::{CommitError, DirectoryWrite, Locked, Lost, TurnLock};
use tokens::KeyError;

use super::redirects::check_registration;
use super::redirects::outbound;
use super::turn::{Plan, Stop, Turn};
use super::{CODE, Journeys, MAX_STEPS, place};
use crate::compile::CompiledStep;
use crate::{Flow, Journey, JourneyError, SessionView, StepCx, StepError, SubmitRequest};

/// The number of attempts to commit a turn when other requests write the same user's items.
const MAX_ATTEMPTS: u32 = 3;

/// The token and key of a submit.
#[derive(Clone, Copy)]
pub(super) struct AnswerKey<'a> {
    pub(super) token: &'a SessionToken,
    pub(super) key: &'a SubmitKey,
}

/// The input that answers a turn.
#[derive(Clone, Copy)]
pub(super) enum Input<'a> {
    /// A submit of the client.
    Client(&'a SubmitRequest),
    /// The outcome of the session's redirect.
    Returned,
}

/// The session token after this turn.
struct CurrentToken {
    token: SessionToken,
    /// Whether the token is new, so that the answer must contain it.
    new: bool,
}

impl Journeys {
    /// Runs a new session up to its first client-facing step, and stores it.
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
        let session = self.finish(cx, &turn, None, &token)?;
        self.parts.store.create_session(cx, &session).await?;
        self.answer(cx, &session, CurrentToken { token, new: true }).await
    }

    /// Answers a turn according to the result of locking it.
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

    /// Answers a locked turn. If that fails, the lock is released.
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
            // The lock expires at this request's deadline.
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
        if let Stop::Invalid(fields) = self.drive(cx, &mut turn, Some(input)).await? {
            return Err(JourneyError::Fields(Code::InvalidInput, fields));
        }
        for attempt in 0..MAX_ATTEMPTS {
            let current_token = self.token_after(before, &turn, answer_key)?;
            let answered = LastAnswer { token: answer_key.token.hash(), key: answer_key.key.hash() };
            let session = self.finish(cx, &turn, Some(answered), &current_token.token)?;
            let writes = &turn.memory.plan.writes;
            match self.parts.store.commit(cx, &session, &locked.lock, writes, attempt).await {
                Ok(()) => {
                    log_writes(cx, writes);
                    return self.answer(cx, &session, current_token).await;
                }
                Err(CommitError::Store(error)) => return Err(error.into()),
                // The lock expired, and another request has taken the turn. A repeat of this submit gets that request's
                // answer.
                Err(CommitError::Lost(lost)) if lost.contains(&Lost::Turn) => return Err(JourneyError::Contended),
                // Only the last step runs again, with the identity from memory: nothing is sent to the provider again.
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
        let unplanned = || JourneyError::Broken("there are planned writes without a checkpoint");
        let (session, identities) = turn.checkpoint.take().ok_or_else(unplanned)?;
        (turn.memory.session, turn.memory.identities) = (session, identities);
        turn.memory.plan = Plan { writes: Vec::new(), lost };
        self.drive(cx, turn, None).await.map(drop)
    }

    /// Runs steps, one after the other, until the session waits or ends. If there is an input, the current step gets it
    /// first.
    async fn drive(
        &self,
        cx: &RequestContext,
        turn: &mut Turn<'_>,
        mut input: Option<Input<'_>>,
    ) -> Result<Stop, JourneyError> {
        loop {
            let here = turn.memory.session.step.clone();
            let journey = turn.journey;
            let step =
                journey.step(&here).ok_or(JourneyError::Broken("a session's current step does not exist any more"))?;
            let flow = self.run_step(cx, turn, &here, step, input.take()).await;
            let outcome = match flow {
                Ok(Flow::Done(outcome)) => outcome,
                Ok(Flow::Ask) => return Ok(Stop::Done),
                Ok(Flow::Invalid(fields)) => return Ok(Stop::Invalid(fields)),
                Ok(Flow::Complete) => return Ok(turn.complete()),
                Ok(Flow::Reject(code)) => return Ok(turn.reject(code)),
                Err(StepError::Refused) => return Ok(turn.abandon(Code::IdentityRefused, "a step refused an identity")),
                Err(StepError::Broken(reason)) => return Ok(turn.abandon(Code::JourneyBroken, reason)),
                Err(StepError::TooManyAttempts { retry_after }) => {
                    return Err(JourneyError::TooManyAttempts { retry_after });
                }
                Err(StepError::Store(error)) => return Err(error.into()),
            };
            let target = step.target(outcome).ok_or(JourneyError::Broken("an outcome has no target"))?;
            let session = &mut turn.memory.session;
            session.step = target.clone();
            session.run.steps = session.run.steps.saturating_add(1);
            if session.run.steps > MAX_STEPS {
                return Ok(turn.abandon(Code::TooManySteps, "the session reached the step limit"));
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

    /// The session after the turn, as it is stored.
    fn finish(
        &self,
        cx: &RequestContext,
        turn: &Turn<'_>,
        answered: Option<LastAnswer>,
        current_token: &SessionToken,
    ) -> Result<Session, JourneyError> {
        let session = &turn.memory.session;
        turn.finish(answered, current_token, self.code_for(cx, session, current_token)?, |slot, identity| {
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
    ) -> Result<CurrentToken, KeyError> {
        if !turn.memory.rotate_token {
            return Ok(CurrentToken { token: token.clone(), new: false });
        }
        let derivation = &self.parts.keys.session(&before.id)?.derivation;
        Ok(CurrentToken { token: derivation.next_token(&before.id, before.turn, token, key), new: true })
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
        current_token: CurrentToken,
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
        let mut view = self.view_with(cx, session, &current_token.token).await?;
        view.session_token = current_token.new.then_some(current_token.token);
        Ok(view)
    }
}

fn log_writes(cx: &RequestContext, writes: &[DirectoryWrite]) {
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
