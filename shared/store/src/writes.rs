//! The commit of a turn: the session's new state and the changes to the directory, all or nothing.
//!
//! Uniqueness is never checked by a query, which another request could overtake. An item that claims an account or
//! identifier is put on the condition that it does not exist, in the same transaction as its user.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use domain::{Identifier, Link, RequestContext, Session, User, UserId};

use crate::client::CallError;
use crate::item::{NewItem, bytes, text};
use crate::keys::{self, Key, PK};
use crate::{LockId, Store, StoreError, session_item};

/// A change of the directory, planned by `directory` and committed by the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectoryWrite {
    /// A new user.
    CreateUser(User),
    /// Creates a link. Fails if the account is already linked.
    CreateLink(Link),
    /// Reserves an identifier for a user. Fails if it is already reserved.
    ReserveIdentifier {
        /// The identifier.
        identifier: Identifier,
        /// The user.
        user: UserId,
    },
    /// Writes nothing. Fails if the identifier is already reserved.
    RequireUnreserved(Identifier),
}

/// The commit failed. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Another request was faster: the writes that failed, in their order.
    #[error("lost a race to another request")]
    Lost(Vec<Lost>),
    /// DynamoDB.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A write that failed because of another request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// The turn: its lock expired, and another submit took it.
    Turn,
    /// The user id already exists.
    User,
    /// The account is already linked.
    Link,
    /// The identifier is already reserved.
    Identifier(Identifier),
    /// Another transaction was writing the same items at the same time.
    Contended,
}

impl Store {
    /// Stores `session` and does `writes` in one transaction, if `lock` still holds.
    ///
    /// A put costs one write unit per KB, a transaction two, so a turn without changes to the directory is a plain put.
    /// `attempt` is part of the idempotency token: a retry with other writes must be another transaction.
    pub async fn commit(
        &self,
        cx: &RequestContext,
        session: &Session,
        lock: &LockId,
        writes: &[DirectoryWrite],
        attempt: u32,
    ) -> Result<(), CommitError> {
        if writes.is_empty() {
            self.put_locked(cx, session, lock).await
        } else {
            self.transact(cx, session, lock, writes, attempt).await
        }
    }

    async fn put_locked(&self, cx: &RequestContext, session: &Session, lock: &LockId) -> Result<(), CommitError> {
        let put = self
            .client()
            .put_item()
            .table_name(&self.tables().sessions)
            .set_item(Some(session_item::write(session)?))
            .condition_expression(LOCK_HOLDS)
            .expression_attribute_values(":lock", bytes(lock.as_bytes()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match self.call(cx, "PutItem", || put.clone().send()).await {
            Ok(_) => Ok(()),
            Err(CallError::Service(_, PutItemError::ConditionalCheckFailedException(lost))) => {
                // If the answer to a put was lost, the SDK repeats it. The repeat finds no lock, but our own session.
                let written = lost.item.map(|item| session_item::from(Some(item))).transpose()?;
                if written.as_ref() == Some(session) { Ok(()) } else { Err(CommitError::Lost(vec![Lost::Turn])) }
            }
            Err(error) => Err(CommitError::Store(error.into())),
        }
    }

    async fn transact(
        &self,
        cx: &RequestContext,
        session: &Session,
        lock: &LockId,
        writes: &[DirectoryWrite],
        attempt: u32,
    ) -> Result<(), CommitError> {
        let advance = Put::builder()
            .table_name(&self.tables().sessions)
            .set_item(Some(session_item::write(session)?))
            .condition_expression(LOCK_HOLDS)
            .expression_attribute_values(":lock", bytes(lock.as_bytes()));
        let mut items = vec![TransactWriteItem::builder().put(advance.build().map_err(build_error)?).build()];
        for write in writes {
            items.push(self.transact_item(write)?);
        }
        let transaction = self
            .client()
            .transact_write_items()
            .set_transact_items(Some(items))
            .client_request_token(format!("{}{attempt}", lock.as_token()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match self.call(cx, "TransactWriteItems", || transaction.clone().send()).await {
            Ok(_) => Ok(()),
            Err(CallError::Service(operation, TransactWriteItemsError::TransactionCanceledException(cancelled))) => {
                let codes = cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None"));
                lost(operation, codes, writes)
            }
            Err(error) => Err(CommitError::Store(error.into())),
        }
    }

    fn transact_item(&self, write: &DirectoryWrite) -> Result<TransactWriteItem, StoreError> {
        let table = &self.tables().directory;
        if let DirectoryWrite::RequireUnreserved(identifier) = write {
            let check = ConditionCheck::builder()
                .table_name(table)
                .set_key(Some(keys::identifier(identifier).attributes()))
                .condition_expression(ABSENT)
                .expression_attribute_names("#pk", PK);
            return Ok(TransactWriteItem::builder().condition_check(check.build().map_err(build_error)?).build());
        }
        let put = Put::builder()
            .table_name(table)
            .set_item(Some(write.to_item()?))
            .condition_expression(ABSENT)
            .expression_attribute_names("#pk", PK);
        Ok(TransactWriteItem::builder().put(put.build().map_err(build_error)?).build())
    }
}

const LOCK_HOLDS: &str = "locked_by = :lock";
pub(crate) const ABSENT: &str = "attribute_not_exists(#pk)";

impl DirectoryWrite {
    fn key(&self) -> Key {
        match self {
            DirectoryWrite::CreateUser(user) => keys::user(&user.id),
            DirectoryWrite::CreateLink(link) => keys::link(&link.key),
            DirectoryWrite::ReserveIdentifier { identifier, .. } | DirectoryWrite::RequireUnreserved(identifier) => {
                keys::identifier(identifier)
            }
        }
    }

    fn to_item(&self) -> Result<HashMap<String, AttributeValue>, StoreError> {
        let mut item = NewItem::at(&self.key());
        match self {
            DirectoryWrite::CreateUser(user) => item = item.with("user", user)?,
            DirectoryWrite::CreateLink(link) => item = item.with("link", link)?,
            DirectoryWrite::ReserveIdentifier { user, .. } => item.set("user", text(user.as_str())),
            DirectoryWrite::RequireUnreserved(_) => {}
        }
        Ok(item.build())
    }

    fn lost(&self) -> Lost {
        match self {
            DirectoryWrite::CreateUser(_) => Lost::User,
            DirectoryWrite::CreateLink(_) => Lost::Link,
            DirectoryWrite::ReserveIdentifier { identifier, .. } | DirectoryWrite::RequireUnreserved(identifier) => {
                Lost::Identifier(identifier.clone())
            }
        }
    }
}

/// The failed writes of a cancelled transaction. Its reasons are in the order of its items, the session first.
fn lost<'a>(
    operation: &'static str,
    codes: impl Iterator<Item = &'a str>,
    writes: &[DirectoryWrite],
) -> Result<(), CommitError> {
    let named = std::iter::once(Lost::Turn).chain(writes.iter().map(DirectoryWrite::lost));
    let mut losses = Vec::new();
    for (code, lost) in codes.zip(named) {
        match code {
            "None" => {}
            "ConditionalCheckFailed" => losses.push(lost),
            "TransactionConflict" => losses.push(Lost::Contended),
            "ThrottlingError" | "ProvisionedThroughputExceeded" => {
                return Err(StoreError::Unavailable { operation, reason: code.to_owned() }.into());
            }
            other => return Err(StoreError::Refused { operation, reason: other.to_owned() }.into()),
        }
    }
    if losses.is_empty() {
        return Err(StoreError::Refused { operation, reason: "cancelled without a reason".into() }.into());
    }
    Err(CommitError::Lost(losses))
}

pub(crate) fn build_error(error: aws_sdk_dynamodb::error::BuildError) -> StoreError {
    StoreError::Refused { operation: "TransactWriteItems", reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn losses(codes: &[&str]) -> CommitError {
        let identifier = Identifier::email("ada@example.org").unwrap();
        let writes = [DirectoryWrite::RequireUnreserved(identifier)];
        lost("TransactWriteItems", codes.iter().copied(), &writes).unwrap_err()
    }

    #[test]
    fn a_cancelled_transaction_says_what_was_lost() {
        let identifier = Identifier::email("ada@example.org").unwrap();
        assert!(
            matches!(losses(&["None", "ConditionalCheckFailed"]), CommitError::Lost(l) if l == [Lost::Identifier(identifier)])
        );
        assert!(matches!(losses(&["ConditionalCheckFailed", "None"]), CommitError::Lost(l) if l == [Lost::Turn]));
        assert!(matches!(losses(&["TransactionConflict", "None"]), CommitError::Lost(l) if l == [Lost::Contended]));
    }

    #[test]
    fn throttling_in_a_transaction_is_not_a_lost_race() {
        assert!(matches!(losses(&["None", "ThrottlingError"]), CommitError::Store(StoreError::Unavailable { .. })));
        assert!(matches!(losses(&["None", "ValidationError"]), CommitError::Store(StoreError::Refused { .. })));
    }
}
