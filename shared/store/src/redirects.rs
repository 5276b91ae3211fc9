//! The two halves of a redirect. The browser that comes back from a provider and the client that holds the session's
//! token may be two people: the first only brings what the provider said, and only the second goes on with it.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use chrono::{DateTime, Utc};
use domain::{
    ProviderOutcome, RequestContext, Sealed, SecretHash, Session, SessionId, SessionToken, Status, StepId, SubmitKey,
};

use crate::client::CallError;
use crate::item::{Item, bytes, millis, seconds, text};
use crate::sessions::Presented;
use crate::{LockId, Locked, Store, StoreError, TurnLock, session_item};

/// What a callback leaves for the second half.
#[derive(Debug)]
pub struct Return<'a> {
    /// Of the state it came back with.
    pub state: SecretHash,
    /// What came of it.
    pub returned: &'a Sealed<ProviderOutcome>,
    /// Of what the browser carries to the client.
    pub resume: SecretHash,
    /// Until when that is good.
    pub until: DateTime<Utc>,
}

/// What came of taking a `state`.
#[derive(Debug)]
pub enum StateTaken {
    /// It is ours; the session as it stands.
    Yes(Box<Session>),
    /// It is unknown, spent, or of a turn that is over. The session that it names, if there is one: naming it proves
    /// nothing.
    No(Option<Box<Session>>),
}

impl Store {
    /// Takes the `state` that a browser brought back: once, and only while the turn that sent it out waits.
    pub async fn take_state(
        &self,
        cx: &RequestContext,
        session: &SessionId,
        state: SecretHash,
        by: &LockId,
    ) -> Result<StateTaken, StoreError> {
        let update = self
            .update_session(session)
            .update_expression("SET state_by = :by")
            .condition_expression(
                "redirect_state = :state AND attribute_not_exists(state_by) AND #status = :waiting \
                 AND expires_at > :seconds",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":by", bytes(by.as_bytes()))
            .expression_attribute_values(":state", bytes(state.as_bytes()))
            .expression_attribute_values(":waiting", text(Status::InputRequired.as_str()))
            .expression_attribute_values(":seconds", seconds(cx.now));
        match self.call(cx, "UpdateItem", || update.clone().send()).await {
            Ok(output) => Ok(StateTaken::Yes(Box::new(session_item::from(output.attributes)?))),
            Err(CallError::Service(_, UpdateItemError::ConditionalCheckFailedException(lost))) => {
                // The SDK repeats an update whose answer was lost, and the repeat finds the state taken by ourselves.
                let Some(item) = lost.item else { return Ok(StateTaken::No(None)) };
                let item = Item::read("session", item)?;
                let session = Box::new(session_item::read(&item)?);
                let is_ours = item.bytes("state_by") == Some(by.as_bytes());
                Ok(if is_ours { StateTaken::Yes(session) } else { StateTaken::No(Some(session)) })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps what came of a redirect, in place of what its adapter had to remember at `step`. `false` if the turn has moved
    /// on since its state was taken.
    pub async fn keep_returned(
        &self,
        cx: &RequestContext,
        session: &SessionId,
        step: &StepId,
        back: &Return<'_>,
        by: &LockId,
    ) -> Result<bool, StoreError> {
        let update = self
            .update_session(session)
            .update_expression(
                "SET returned = :returned, resume_key = :resume, resume_until = :until \
                 REMOVE #run.pending.#step, redirect_state, state_by",
            )
            .condition_expression("redirect_state = :state AND state_by = :by AND expires_at > :seconds")
            .expression_attribute_names("#run", "run")
            .expression_attribute_names("#step", step.as_str())
            .expression_attribute_values(":returned", bytes(back.returned.as_bytes()))
            .expression_attribute_values(":resume", bytes(back.resume.as_bytes()))
            .expression_attribute_values(":until", millis(back.until))
            .expression_attribute_values(":state", bytes(back.state.as_bytes()))
            .expression_attribute_values(":by", bytes(by.as_bytes()))
            .expression_attribute_values(":seconds", seconds(cx.now));
        match self.call(cx, "UpdateItem", || update.clone().send()).await {
            Ok(_) => Ok(true),
            Err(CallError::Service(_, UpdateItemError::ConditionalCheckFailedException(lost))) => {
                // Ours, if the SDK has repeated it.
                let kept =
                    lost.item.map(|item| Item::read("session", item)?.optional_hash("resume_key")).transpose()?;
                Ok(kept.flatten() == Some(back.resume))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the turn whose redirect has come back, for whoever shows both halves: the session's token and what the browser
    /// carried. Like [`Store::lock_turn`]; how late `resume` may come is asked of its first lock only, so that a repeat
    /// after a lost answer is not too late.
    pub async fn lock_return(
        &self,
        cx: &RequestContext,
        session: &SessionId,
        token: &SessionToken,
        resume: &SubmitKey,
        lock: LockId,
    ) -> Result<TurnLock, StoreError> {
        let update = self
            .update_session(session)
            .update_expression("SET locked_by = :lock, locked_until = :deadline, resumed = :now")
            .condition_expression(
                "resume_key = :resume AND (resume_until > :now OR attribute_exists(resumed)) AND #token = :token \
                 AND #status = :waiting AND (attribute_not_exists(locked_until) OR locked_until <= :now) \
                 AND expires_at > :seconds",
            )
            .expression_attribute_names("#token", "token")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":lock", bytes(lock.as_bytes()))
            .expression_attribute_values(":deadline", millis(cx.deadline))
            .expression_attribute_values(":resume", bytes(resume.hash().as_bytes()))
            .expression_attribute_values(":token", bytes(token.hash().as_bytes()))
            .expression_attribute_values(":waiting", text(Status::InputRequired.as_str()))
            .expression_attribute_values(":now", millis(cx.now))
            .expression_attribute_values(":seconds", seconds(cx.now));
        match self.call(cx, "UpdateItem", || update.clone().send()).await {
            Ok(output) => {
                let session = session_item::from(output.attributes)?;
                Ok(TurnLock::Taken(Box::new(Locked { session, lock })))
            }
            Err(CallError::Service(_, UpdateItemError::ConditionalCheckFailedException(lost))) => {
                let presented = Presented { turn: None, token, key: resume };
                TurnLock::of_the_loser(lost.item, presented, lock, cx.now, |item, _| {
                    // Another request has it; if it is merely too late, nobody has.
                    let busy = item.optional_millis("locked_until")?.is_some_and(|until| until > cx.now);
                    Ok(busy && item.optional_hash("resume_key")? == Some(resume.hash()))
                })
            }
            Err(error) => Err(error.into()),
        }
    }
}
