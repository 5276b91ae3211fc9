//! Sessions. Each change is a single conditional write: of two concurrent requests one wins, and the other learns what
//! the winner did.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure,
};
use chrono::{DateTime, Utc};
use domain::{
    AuthorizationCode, ClientId, Entropy, LastAnswer, RequestContext, Session, SessionId, SessionToken, Status, StepId,
    SubmitKey,
};

use crate::client::CallError;
use crate::item::{Item, bytes, millis, number, seconds, text};
use crate::keys::{self, PK};
use crate::session_item;
use crate::{Store, StoreError};

/// The id of a lock on a turn. Random, so that a request whose lock expired does not mistake another's lock for its
/// own.
#[derive(Clone, PartialEq, Eq)]
pub struct LockId([u8; 16]);

impl LockId {
    /// A new lock id.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(entropy.bytes())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The id as text for a transaction's idempotency token, which has at most 36 characters.
    pub(crate) fn as_token(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for LockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockId")
    }
}

/// A session whose turn this request has locked.
#[derive(Debug)]
pub struct Locked {
    /// The session when it was locked.
    pub session: Session,
    /// The lock, which commit and release require.
    pub lock: LockId,
}

/// The result of locking a turn.
#[derive(Debug)]
pub enum TurnLock {
    /// This request holds the lock until its deadline.
    Taken(Box<Locked>),
    /// Another request holds the lock.
    Busy(Box<Session>),
    /// The submit repeats the last turn's, with the same token and key: it gets the same answer.
    Answered(Box<Session>),
    /// The token is valid, but the session waits for another turn or step.
    OtherTurn(Box<Session>),
    /// The session is unknown or expired, or the token is wrong: one answer for all three.
    Absent,
}

/// The result of redeeming a code.
#[derive(Debug)]
pub enum Redeemed {
    /// The code was valid, and is now used.
    Yes(Box<Session>),
    /// The code was used before, so it may be stolen: the session is now revoked.
    Again(Box<Session>),
    /// The code is unknown, expired, or issued for another client, redirect URI or verifier. Nothing was changed.
    No,
}

/// What a client must present to redeem a code (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
#[derive(Debug)]
pub struct Redemption<'a> {
    /// The session whose id is in the code.
    pub session: &'a SessionId,
    /// The code.
    pub code: &'a AuthorizationCode,
    /// The client.
    pub client_id: &'a ClientId,
    /// The redirect URI from the authorization request.
    pub redirect_uri: &'a str,
    /// base64url(SHA-256(verifier)).
    pub code_challenge: &'a str,
}

/// The credentials of a submit.
#[derive(Clone, Copy)]
pub(crate) struct Presented<'a> {
    /// The turn that the submit names, if it names one.
    pub(crate) turn: Option<u32>,
    pub(crate) token: &'a SessionToken,
    pub(crate) key: &'a SubmitKey,
}

/// The turn that a submit answers, with its credentials.
#[derive(Debug)]
pub struct TurnAnswer<'a> {
    /// The turn.
    pub turn: u32,
    /// The step.
    pub step: &'a StepId,
    /// The session token.
    pub token: &'a SessionToken,
    /// The submit key.
    pub key: &'a SubmitKey,
}

impl Store {
    /// Stores a new session.
    pub async fn create_session(&self, cx: &RequestContext, session: &Session) -> Result<(), StoreError> {
        let put = self
            .client()
            .put_item()
            .table_name(&self.tables().sessions)
            .set_item(Some(session_item::write(session)?))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", PK)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match self.call(cx, "PutItem", || put.clone().send()).await {
            // If the answer to a put was lost, the SDK repeats it, and the repeat finds the session. Without the
            // condition, a late repeat would undo later changes, including the rotation of the token.
            Ok(_) | Err(CallError::Service(_, PutItemError::ConditionalCheckFailedException(_))) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The session, and whether another request holds its lock. `None` if the session is unknown or expired, or if
    /// `token` is not its current token.
    pub async fn get_session(
        &self,
        cx: &RequestContext,
        id: &SessionId,
        token: &SessionToken,
    ) -> Result<Option<(Session, bool)>, StoreError> {
        let item = self.read(cx, "session", &self.tables().sessions, keys::session(id)).await?;
        let Some(item) = item else { return Ok(None) };
        let (session, locked_until) = (session_item::read(&item)?, item.optional_millis("locked_until")?);
        let is_theirs = session.expires_at > cx.now && session.token == token.hash();
        Ok(is_theirs.then_some((session, locked_until.is_some_and(|until| until > cx.now))))
    }

    /// Locks the session's current turn for this request, and returns the session.
    ///
    /// One conditional update: of two submits of the same turn one is `Taken`, the other `Busy`, or `Answered` if it
    /// repeats the last turn. The lock expires at the request's deadline, so that a crashed function does not block its
    /// user. Expiry is part of the condition because DynamoDB may delete expired items days late.
    pub async fn lock_turn(
        &self,
        cx: &RequestContext,
        id: &SessionId,
        answer: &TurnAnswer<'_>,
        lock: LockId,
    ) -> Result<TurnLock, StoreError> {
        let update = self
            .update_session(id)
            .update_expression("SET locked_by = :lock, locked_until = :deadline")
            .condition_expression(
                "turn = :turn AND step = :step AND #token = :token AND #status = :waiting \
                 AND (attribute_not_exists(locked_until) OR locked_until <= :now) AND expires_at > :seconds",
            )
            .expression_attribute_names("#token", "token")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":lock", bytes(lock.as_bytes()))
            .expression_attribute_values(":deadline", millis(cx.deadline))
            .expression_attribute_values(":turn", number(answer.turn))
            .expression_attribute_values(":step", text(answer.step.as_str()))
            .expression_attribute_values(":token", bytes(answer.token.hash().as_bytes()))
            .expression_attribute_values(":waiting", text(Status::InputRequired.as_str()))
            .expression_attribute_values(":now", millis(cx.now))
            .expression_attribute_values(":seconds", seconds(cx.now));
        match self.call(cx, "UpdateItem", || update.clone().send()).await {
            Ok(output) => {
                let session = session_item::from(output.attributes)?;
                Ok(TurnLock::Taken(Box::new(Locked { session, lock })))
            }
            Err(CallError::Service(_, UpdateItemError::ConditionalCheckFailedException(lost))) => {
                let presented = Presented { turn: Some(answer.turn), token: answer.token, key: answer.key };
                TurnLock::after_failed_condition(lost.item, presented, lock, cx.now, |_, session| {
                    Ok(session.status == Status::InputRequired
                        && session.turn == answer.turn
                        && session.step == *answer.step)
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Releases a lock: the turn may be answered again.
    pub async fn release(&self, cx: &RequestContext, locked: &Locked) -> Result<(), StoreError> {
        let update = self
            .update_session(&locked.session.id)
            .update_expression("REMOVE locked_by, locked_until")
            .condition_expression("locked_by = :lock")
            .expression_attribute_values(":lock", bytes(locked.lock.as_bytes()));
        match self.call(cx, "UpdateItem", || update.clone().send()).await {
            // The lock expired and another request has it, or a commit removed it: there is nothing to release.
            Ok(_) | Err(CallError::Service(_, UpdateItemError::ConditionalCheckFailedException(_))) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Redeems a code. One conditional update compares everything that the client must present: a wrong verifier does
    /// not use up the code, and of two concurrent uses one wins.
    ///
    /// `by` identifies this request: if the answer to the update was lost, the SDK repeats it, and the repeat finds the
    /// code redeemed by this request.
    pub async fn redeem(
        &self,
        cx: &RequestContext,
        redemption: &Redemption<'_>,
        by: &LockId,
    ) -> Result<Redeemed, StoreError> {
        let update = self
            .update_session(redemption.session)
            .update_expression("SET code_redeemed = :now, redeemed_by = :by")
            .condition_expression(
                "code = :code AND attribute_not_exists(code_redeemed) AND code_until > :now AND #status = :completed \
                 AND #request.client_id = :client AND #request.redirect_uri = :redirect \
                 AND #request.code_challenge = :challenge AND expires_at > :seconds",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#request", "request")
            .expression_attribute_values(":by", bytes(by.as_bytes()))
            .expression_attribute_values(":code", bytes(redemption.code.hash().as_bytes()))
            .expression_attribute_values(":now", millis(cx.now))
            .expression_attribute_values(":completed", text(Status::Completed.as_str()))
            .expression_attribute_values(":client", text(redemption.client_id.as_str()))
            .expression_attribute_values(":redirect", text(redemption.redirect_uri))
            .expression_attribute_values(":challenge", text(redemption.code_challenge))
            .expression_attribute_values(":seconds", seconds(cx.now));
        match self.call(cx, "UpdateItem", || update.clone().send()).await {
            Ok(output) => Ok(Redeemed::Yes(Box::new(session_item::from(output.attributes)?))),
            Err(CallError::Service(_, UpdateItemError::ConditionalCheckFailedException(lost))) => {
                let Some(item) = lost.item else { return Ok(Redeemed::No) };
                let item = Item::read("session", item)?;
                let session = Box::new(session_item::read(&item)?);
                let redeemed = session.code.filter(|issued| issued.redeemed_at.is_some());
                Ok(match redeemed {
                    Some(_) if item.bytes("redeemed_by") == Some(by.as_bytes()) => Redeemed::Yes(session),
                    Some(issued) if issued.hash == redemption.code.hash() => {
                        self.revoke(cx, &session, redemption.code).await?;
                        Redeemed::Again(session)
                    }
                    _ => Redeemed::No,
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Revokes the tokens of a session's code, permanently.
    async fn revoke(&self, cx: &RequestContext, session: &Session, code: &AuthorizationCode) -> Result<(), StoreError> {
        if session.revoked.is_some() {
            return Ok(());
        }
        let update = self
            .update_session(&session.id)
            .update_expression("SET revoked = :now")
            .condition_expression("code = :code AND attribute_not_exists(revoked)")
            .expression_attribute_values(":code", bytes(code.hash().as_bytes()))
            .expression_attribute_values(":now", millis(cx.now));
        match self.call(cx, "UpdateItem", || update.clone().send()).await {
            // Another request has revoked it, or the session is deleted.
            Ok(_) | Err(CallError::Service(_, UpdateItemError::ConditionalCheckFailedException(_))) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn update_session(&self, id: &SessionId) -> UpdateItemFluentBuilder {
        self.client()
            .update_item()
            .table_name(&self.tables().sessions)
            .set_key(Some(keys::session(id).attributes()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }
}

impl TurnLock {
    /// The result after the update's condition failed, from the item as it is now. `waits_for` returns whether the
    /// session waits for this very answer, so that another request must hold the lock.
    pub(crate) fn after_failed_condition(
        item: Option<HashMap<String, AttributeValue>>,
        presented: Presented<'_>,
        lock: LockId,
        now: DateTime<Utc>,
        waits_for: impl FnOnce(&Item, &Session) -> Result<bool, StoreError>,
    ) -> Result<Self, StoreError> {
        let Some(item) = item else { return Ok(TurnLock::Absent) };
        let item = Item::read("session", item)?;
        let session = Box::new(session_item::read(&item)?);
        // If the answer to an update was lost, the SDK repeats it. The repeat finds our own lock.
        if item.bytes("locked_by") == Some(lock.as_bytes()) {
            return Ok(TurnLock::Taken(Box::new(Locked { session: *session, lock })));
        }
        if session.expires_at <= now {
            return Ok(TurnLock::Absent);
        }
        let given = LastAnswer { token: presented.token.hash(), key: presented.key.hash() };
        let last = presented.turn.is_none_or(|turn| session.turn == turn.saturating_add(1));
        if last && session.answered == Some(given) {
            return Ok(TurnLock::Answered(session));
        }
        if session.token != given.token {
            return Ok(TurnLock::Absent);
        }
        Ok(if waits_for(&item, &session)? { TurnLock::Busy(session) } else { TurnLock::OtherTurn(session) })
    }
}
