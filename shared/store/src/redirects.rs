//! The two halves of a redirect. The browser that comes back from a provider and the client that holds the session
//! token may belong to two different people: an attacker may have sent the link to a victim. So the first half only
//! stores the provider's outcome; the second half, with the session token, continues with it.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use chrono::{DateTime, Utc};
use domain::{
    FirstOnly, ProviderOutcome, RequestContext, Sealed, SecretHash, Session, SessionId, SessionToken, Status, StepId,
    SubmitKey,
};

use crate::client::CallError;
use crate::item::{Item, bytes, millis, seconds, text};
use crate::sessions::Presented;
use crate::{LockId, Locked, Store, StoreError, TurnLock, session_item};

/// The result of a callback, stored for the second half.
#[derive(Debug)]
pub struct Return<'a> {
    /// The hash of the `state` that came back.
    pub state: SecretHash,
    /// The provider's outcome.
    pub returned: &'a Sealed<ProviderOutcome>,
    /// The hash of `resume`, which the browser carries to the client.
    pub resume: SecretHash,
    /// When `resume` expires.
    pub until: DateTime<Utc>,
}

/// The result of taking a `state`.
#[derive(Debug)]
pub enum StateTaken {
    /// This request has taken the state of this session.
    Yes(Box<Session>),
    /// The state is unknown, already used, or belongs to an earlier turn. The session with the id in the state, if it
    /// exists: the id alone proves nothing about the browser.
    No(Option<Box<Session>>),
}

impl Store {
    /// Takes the `state` that a browser brought back: once, and only while its turn still waits. The same update stores
    /// `first_only`, which the provider does not send again.
    pub async fn take_state(
        &self,
        cx: &RequestContext,
        session: &SessionId,
        state: SecretHash,
        by: &LockId,
        first_only: Option<&Sealed<FirstOnly>>,
    ) -> Result<StateTaken, StoreError> {
        let mut update = self
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
        if let Some(first_only) = first_only {
            update = update
                .update_expression("SET state_by = :by, #run.first_only = :first_only")
                .expression_attribute_names("#run", "run")
                .expression_attribute_values(":first_only", bytes(first_only.as_bytes()));
        }
        match self.call(cx, "UpdateItem", || update.clone().send()).await {
            Ok(output) => Ok(StateTaken::Yes(Box::new(session_item::from(output.attributes)?))),
            Err(CallError::Service(_, UpdateItemError::ConditionalCheckFailedException(lost))) => {
                // If the answer to an update was lost, the SDK repeats it. The repeat finds the state taken by this
                // request.
                let Some(item) = lost.item else { return Ok(StateTaken::No(None)) };
                let item = Item::read("session", item)?;
                let session = Box::new(session_item::read(&item)?);
                let is_ours = item.bytes("state_by") == Some(by.as_bytes());
                Ok(if is_ours { StateTaken::Yes(session) } else { StateTaken::No(Some(session)) })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Stores the outcome of a redirect and removes the adapter's state at `step`. Returns `false` if the session has
    /// moved on since the `state` was taken.
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
                // If the SDK repeated the update, the stored key is ours.
                let kept =
                    lost.item.map(|item| Item::read("session", item)?.optional_hash("resume_key")).transpose()?;
                Ok(kept.flatten() == Some(back.resume))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Locks a turn whose redirect has come back. The caller must present both the session token and `resume`.
    /// Otherwise like [`Store::lock_turn`]. The expiry of `resume` is checked only for its first lock, so that a repeat
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
                TurnLock::after_failed_condition(lost.item, presented, lock, cx.now, |item, _| {
                    // Busy only if another request holds the lock, not if `resume` has expired.
                    let busy = item.optional_millis("locked_until")?.is_some_and(|until| until > cx.now);
                    Ok(busy && item.optional_hash("resume_key")? == Some(resume.hash()))
                })
            }
            Err(error) => Err(error.into()),
        }
    }
}
