//! Sessions: each change of one is a single conditional write, so that of two requests one wins and the other learns
//! what the winner did.

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

/// Which request holds a turn. Random, so that a lock that lapsed and was taken again is not mistaken for ours.
#[derive(Clone, PartialEq, Eq)]
pub struct LockId([u8; 16]);

impl LockId {
    /// A new one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(entropy.bytes())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As a transaction's idempotency token takes it: at most 36 characters.
    pub(crate) fn as_token(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for LockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockId")
    }
}

/// A session whose turn this request may answer.
#[derive(Debug)]
pub struct Locked {
    /// As it stood when it was locked.
    pub session: Session,
    /// To be shown when committing or giving back.
    pub lock: LockId,
}

/// What became of an attempt to lock a turn.
#[derive(Debug)]
pub enum TurnLock {
    /// It is ours until the request's deadline.
    Taken(Box<Locked>),
    /// Another request is answering it.
    Busy(Box<Session>),
    /// It is the turn that was just answered, with the same token and key: the same answer is due.
    Answered(Box<Session>),
    /// The token is in force, but the session waits for another turn or step.
    Elsewhere(Box<Session>),
    /// No such session, expired, or another's token: one answer for all three.
    Absent,
}

/// What became of an attempt to redeem a code.
#[derive(Debug)]
pub enum Redeemed {
    /// It was good, and is now spent.
    Yes(Box<Session>),
    /// It had been redeemed before, so two people have it: the session is revoked from now on.
    Again(Box<Session>),
    /// Unknown, expired, or for another client, redirect URI or verifier. Nothing was changed.
    No,
}

/// What a client has to show to redeem a code (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
#[derive(Debug)]
pub struct Redemption<'a> {
    /// The session the code names.
    pub session: &'a SessionId,
    /// The code.
    pub code: &'a AuthorizationCode,
    /// The client.
    pub client_id: &'a ClientId,
    /// As in the authorization request.
    pub redirect_uri: &'a str,
    /// base64url(SHA-256(verifier)).
    pub code_challenge: &'a str,
}

/// Who answers a turn.
#[derive(Clone, Copy)]
pub(crate) struct Presented<'a> {
    /// Where whoever answers says so.
    pub(crate) turn: Option<u32>,
    pub(crate) token: &'a SessionToken,
    pub(crate) key: &'a SubmitKey,
}

/// What a submit says it answers.
#[derive(Debug)]
pub struct TurnAnswer<'a> {
    /// The turn.
    pub turn: u32,
    /// The step.
    pub step: &'a StepId,
    /// The token it came with.
    pub token: &'a SessionToken,
    /// Its key.
    pub key: &'a SubmitKey,
}

impl Store {
    /// Keeps a new session.
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
            // The SDK repeats a put whose answer was lost, and the repeat finds it done. On no condition, a late one
            // would undo what has happened since, the token's rotation with it.
            Ok(_) | Err(CallError::Service(_, PutItemError::ConditionalCheckFailedException(_))) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The session, for whoever holds the token in force, and whether another request is answering its turn. `None`: no
    /// such session, expired, or another's token.
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

    /// Takes the answer to the session's current turn for this caller, and returns the session as it stands.
    ///
    /// One conditional update: of two submits of the same turn one is `Taken`, the other `Busy`, or `Answered` when it
    /// repeats the turn just done. the lock lapses at the request's deadline, so that a function that died does not
    /// strand its user. Expiry is part of the condition because DynamoDB's sweep may run days late.
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
                TurnLock::of_the_loser(lost.item, presented, lock, cx.now, |_, session| {
                    Ok(session.status == Status::InputRequired
                        && session.turn == answer.turn
                        && session.step == *answer.step)
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a lock back: the turn may be answered again, as if nothing had been asked.
    pub async fn release(&self, cx: &RequestContext, locked: &Locked) -> Result<(), StoreError> {
        let update = self
            .update_session(&locked.session.id)
            .update_expression("REMOVE locked_by, locked_until")
            .condition_expression("locked_by = :lock")
            .expression_attribute_values(":lock", bytes(locked.lock.as_bytes()));
        match self.call(cx, "UpdateItem", || update.clone().send()).await {
            // It lapsed and somebody else has it now, or it went with a commit: nothing is left to give back.
            Ok(_) | Err(CallError::Service(_, UpdateItemError::ConditionalCheckFailedException(_))) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Redeems a code: one conditional update that compares all the client has to show, so that a wrong verifier spends
    /// nothing and of two concurrent uses one wins.
    ///
    /// `by` tells this request from any other: the SDK repeats an update whose answer was lost, and the repeat finds the
    /// code redeemed by ourselves.
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

    /// Ends what a session's code gave: once, and for good.
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
            // Another request has revoked it, or it is long gone.
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
    /// What the loser of the conditional update learns from the item as it stands. `waits_for` says whether the session
    /// waits for just this answer, and another request is giving it.
    pub(crate) fn of_the_loser(
        item: Option<HashMap<String, AttributeValue>>,
        presented: Presented<'_>,
        lock: LockId,
        now: DateTime<Utc>,
        waits_for: impl FnOnce(&Item, &Session) -> Result<bool, StoreError>,
    ) -> Result<Self, StoreError> {
        let Some(item) = item else { return Ok(TurnLock::Absent) };
        let item = Item::read("session", item)?;
        let session = Box::new(session_item::read(&item)?);
        // The SDK repeats an update whose answer was lost, and the repeat finds our own lock.
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
        Ok(if waits_for(&item, &session)? { TurnLock::Busy(session) } else { TurnLock::Elsewhere(session) })
    }
}
