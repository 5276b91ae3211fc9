//! Sessions: each change of one is a single conditional write, so that of two requests one wins and the other learns
//! what the winner did.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure,
};
use chrono::{DateTime, Utc};
use domain::{
    Answered, AuthorizationCode, AuthorizationRequest, ClientId, Entropy, IssuedCode, RequestContext, Session,
    SessionId, SessionToken, Status, StepId, SubmitKey,
};

use crate::client::CallError;
use crate::item::{Item, NewItem, bytes, map, millis, number, seconds, text};
use crate::keys;
use crate::tables::EXPIRES_AT;
use crate::{Store, StoreError};

/// Which request holds a turn. Random, so that a claim that lapsed and was taken again is not mistaken for ours.
#[derive(Clone, PartialEq, Eq)]
pub struct ClaimId([u8; 16]);

impl ClaimId {
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

impl fmt::Debug for ClaimId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimId")
    }
}

/// A session whose turn this request may answer.
#[derive(Debug)]
pub struct Claimed {
    /// As it stood when it was claimed.
    pub session: Session,
    /// To be shown when committing or giving back.
    pub claim: ClaimId,
}

/// What became of an attempt to claim a turn.
#[derive(Debug)]
pub enum Claim {
    /// It is ours until the request's deadline.
    Taken(Box<Claimed>),
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
    /// It had been redeemed before: somebody else may have it.
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
            .set_item(Some(session.to_item()?))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        self.call(cx, "PutItem", put.send()).await?;
        Ok(())
    }

    /// The session, for whoever holds the token in force. `None`: no such session, expired, or another's token.
    pub async fn get_session(
        &self,
        cx: &RequestContext,
        id: &SessionId,
        token: &SessionToken,
    ) -> Result<Option<Session>, StoreError> {
        let item = self.read(cx, "session", &self.tables().sessions, keys::session(id)).await?;
        let session = item.map(|item| Session::read(&item)).transpose()?;
        Ok(session.filter(|session| session.expires_at > cx.now && session.token == token.hash()))
    }

    /// Takes the answer to the session's current turn for this caller, and returns the session as it stands.
    ///
    /// One conditional update: of two submits of the same turn one is `Taken`, the other `Busy`, or `Answered` when it
    /// repeats the turn just done. The claim lapses at the request's deadline, so that a function that died does not
    /// strand its user. Expiry is part of the condition because DynamoDB's sweep may run days late.
    pub async fn claim_turn(
        &self,
        cx: &RequestContext,
        id: &SessionId,
        answer: &TurnAnswer<'_>,
        claim: ClaimId,
    ) -> Result<Claim, StoreError> {
        let update = self
            .update_session(id)
            .update_expression("SET claim = :claim, claimed_until = :deadline")
            .condition_expression(
                "turn = :turn AND step = :step AND #token = :token AND #status = :waiting \
                 AND (attribute_not_exists(claimed_until) OR claimed_until <= :now) AND expires_at > :seconds",
            )
            .expression_attribute_names("#token", "token")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":claim", bytes(claim.as_bytes()))
            .expression_attribute_values(":deadline", millis(cx.deadline))
            .expression_attribute_values(":turn", number(answer.turn))
            .expression_attribute_values(":step", text(answer.step.as_str()))
            .expression_attribute_values(":token", bytes(answer.token.hash().as_bytes()))
            .expression_attribute_values(":waiting", text(Status::InputRequired.as_str()))
            .expression_attribute_values(":now", millis(cx.now))
            .expression_attribute_values(":seconds", seconds(cx.now));
        match self.call(cx, "UpdateItem", update.send()).await {
            Ok(output) => {
                let session = Session::from_item(output.attributes.unwrap_or_default())?;
                Ok(Claim::Taken(Box::new(Claimed { session, claim })))
            }
            Err(CallError::Service(_, UpdateItemError::ConditionalCheckFailedException(lost))) => {
                Claim::of_the_loser(lost.item, answer, cx.now)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Gives a claim back: the turn may be answered again, as if nothing had been asked.
    pub async fn give_back(&self, cx: &RequestContext, claimed: &Claimed) -> Result<(), StoreError> {
        let update = self
            .update_session(&claimed.session.id)
            .update_expression("REMOVE claim, claimed_until")
            .condition_expression("claim = :claim")
            .expression_attribute_values(":claim", bytes(claimed.claim.as_bytes()));
        match self.call(cx, "UpdateItem", update.send()).await {
            // It lapsed and somebody else has it now, or it went with a commit: nothing is left to give back.
            Ok(_) | Err(CallError::Service(_, UpdateItemError::ConditionalCheckFailedException(_))) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Redeems a code: one conditional update that compares all the client has to show, so that a wrong verifier spends
    /// nothing and of two concurrent uses one wins.
    pub async fn redeem(&self, cx: &RequestContext, redemption: &Redemption<'_>) -> Result<Redeemed, StoreError> {
        let update = self
            .update_session(redemption.session)
            .update_expression("SET code_redeemed = :now")
            .condition_expression(
                "code = :code AND attribute_not_exists(code_redeemed) AND code_until > :now AND #status = :completed \
                 AND #request.client_id = :client AND #request.redirect_uri = :redirect \
                 AND #request.code_challenge = :challenge AND expires_at > :seconds",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#request", "request")
            .expression_attribute_values(":code", bytes(redemption.code.hash().as_bytes()))
            .expression_attribute_values(":now", millis(cx.now))
            .expression_attribute_values(":completed", text(Status::Completed.as_str()))
            .expression_attribute_values(":client", text(redemption.client_id.as_str()))
            .expression_attribute_values(":redirect", text(redemption.redirect_uri))
            .expression_attribute_values(":challenge", text(redemption.code_challenge))
            .expression_attribute_values(":seconds", seconds(cx.now));
        match self.call(cx, "UpdateItem", update.send()).await {
            Ok(output) => Ok(Redeemed::Yes(Box::new(Session::from_item(output.attributes.unwrap_or_default())?))),
            Err(CallError::Service(_, UpdateItemError::ConditionalCheckFailedException(lost))) => {
                let session = lost.item.map(Session::from_item).transpose()?;
                Ok(match session {
                    Some(session) if session.redeemed(redemption.code) => Redeemed::Again(Box::new(session)),
                    _ => Redeemed::No,
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn update_session(&self, id: &SessionId) -> UpdateItemFluentBuilder {
        self.client()
            .update_item()
            .table_name(&self.tables().sessions)
            .set_key(Some(keys::session(id).attributes()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }
}

impl Claim {
    /// What the loser of the conditional update learns from the item as it stands.
    fn of_the_loser(
        item: Option<HashMap<String, AttributeValue>>,
        answer: &TurnAnswer<'_>,
        now: DateTime<Utc>,
    ) -> Result<Self, StoreError> {
        let Some(item) = item else { return Ok(Claim::Absent) };
        let item = Item::read("session", item)?;
        let session = Box::new(Session::read(&item)?);
        if session.expires_at <= now {
            return Ok(Claim::Absent);
        }
        let given = Answered { token: answer.token.hash(), key: answer.key.hash() };
        if session.turn == answer.turn.saturating_add(1) && session.answered == Some(given) {
            return Ok(Claim::Answered(session));
        }
        if session.token != given.token {
            return Ok(Claim::Absent);
        }
        let current =
            session.status == Status::InputRequired && session.turn == answer.turn && session.step == *answer.step;
        Ok(if current { Claim::Busy(session) } else { Claim::Elsewhere(session) })
    }
}

/// Reading and writing a session's item. What conditions compare stands on top; the rest in two maps.
pub(crate) trait SessionItem: Sized {
    fn to_item(&self) -> Result<HashMap<String, AttributeValue>, StoreError>;
    fn from_item(item: HashMap<String, AttributeValue>) -> Result<Self, StoreError>;
    fn read(item: &Item) -> Result<Self, StoreError>;
    fn redeemed(&self, code: &AuthorizationCode) -> bool;
}

impl SessionItem for Session {
    fn to_item(&self) -> Result<HashMap<String, AttributeValue>, StoreError> {
        let mut item = NewItem::at(&keys::session(&self.id));
        item.set("id", text(self.id.as_str()));
        item.set(EXPIRES_AT, seconds(self.expires_at));
        item.set("status", text(self.status.as_str()));
        item.set("turn", number(self.turn));
        item.set("step", text(self.step.as_str()));
        item.set("token", bytes(self.token.as_bytes()));
        item.set_some("answered_token", self.answered.map(|answered| bytes(answered.token.as_bytes())));
        item.set_some("answered_key", self.answered.map(|answered| bytes(answered.key.as_bytes())));
        item.set_some("code", self.code.map(|code| bytes(code.hash.as_bytes())));
        item.set_some("code_until", self.code.map(|code| millis(code.expires_at)));
        item.set_some("code_redeemed", self.code.and_then(|code| code.redeemed_at).map(millis));
        item.set("request", map("session", &self.request)?);
        item.set("run", map("session", &self.run)?);
        Ok(item.build())
    }

    fn from_item(item: HashMap<String, AttributeValue>) -> Result<Self, StoreError> {
        Self::read(&Item::read("session", item)?)
    }

    fn read(item: &Item) -> Result<Self, StoreError> {
        let answered = match (item.optional_hash("answered_token")?, item.optional_hash("answered_key")?) {
            (Some(token), Some(key)) => Some(Answered { token, key }),
            _ => None,
        };
        let code = match (item.optional_hash("code")?, item.optional_millis("code_until")?) {
            (Some(hash), Some(expires_at)) => {
                Some(IssuedCode { hash, expires_at, redeemed_at: item.optional_millis("code_redeemed")? })
            }
            _ => None,
        };
        let status = item.text("status")?;
        let unknown = || StoreError::Corrupt { item: "session", reason: "attribute status".into() };
        Ok(Session {
            id: item.parsed("id")?,
            expires_at: item.seconds(EXPIRES_AT)?,
            status: Status::find(status).ok_or_else(unknown)?,
            turn: item.number("turn")?,
            step: item.parsed("step")?,
            token: item.hash("token")?,
            answered,
            code,
            request: item.map::<AuthorizationRequest>("request")?,
            run: item.map("run")?,
        })
    }

    fn redeemed(&self, code: &AuthorizationCode) -> bool {
        self.code.is_some_and(|issued| issued.hash == code.hash() && issued.redeemed_at.is_some())
    }
}
