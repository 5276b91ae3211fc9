//! Notifications of providers: what each told of linked accounts, and which have been received.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Put, ReturnConsumedCapacity, TransactWriteItem, Update};
use chrono::{DateTime, Utc};
use domain::identity::IdentityKey;
use domain::{ConnectorId, Notices, NotificationId, RequestContext};

use crate::client::CallError;
use crate::item::{NewItem, map, number, seconds};
use crate::keys::{self, PK};
use crate::tables::EXPIRES_AT;
use crate::writes::{ABSENT, build_error};
use crate::{Store, StoreError};

/// That a notification was received: kept at least until no copy of it would be accepted.
#[derive(Debug)]
pub struct Receipt<'a> {
    /// The connector that it arrived at.
    pub connector: &'a ConnectorId,
    /// Its id, with which a copy arrives too.
    pub id: &'a NotificationId,
    /// Until when it is kept.
    pub until: DateTime<Utc>,
}

const RECEIVED_AT: &str = "received_at";

/// The result of keeping a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is kept, and the links are changed.
    Yes,
    /// It was kept before. Nothing changed.
    Before,
    /// A link changed meanwhile. Nothing was written.
    Outdated,
}

impl Store {
    /// Keeps a notification and what it changes of links, each the account with its notices as they were read and as they
    /// are to be. One transaction: a copy that arrives later, or at the same time, changes nothing.
    pub async fn keep_notification(
        &self,
        cx: &RequestContext,
        receipt: &Receipt<'_>,
        links: &[(&IdentityKey, Notices)],
    ) -> Result<Kept, StoreError> {
        let mut item = NewItem::at(&keys::notification(receipt.connector, receipt.id));
        item.set(EXPIRES_AT, seconds(receipt.until));
        item.set(RECEIVED_AT, seconds(cx.now));
        let put = Put::builder()
            .table_name(&self.tables().sessions)
            .set_item(Some(item.build()))
            .condition_expression(ABSENT)
            .expression_attribute_names("#pk", PK);
        let mut items = vec![TransactWriteItem::builder().put(put.build().map_err(build_error)?).build()];
        for (account, notices) in links {
            let before = notices.version;
            let notices = Notices { version: before.saturating_add(1), ..notices.clone() };
            let mut update = Update::builder()
                .table_name(&self.tables().directory)
                .set_key(Some(keys::link(account).attributes()))
                .update_expression("SET notices = :notices")
                .expression_attribute_names("#pk", PK)
                .expression_attribute_values(":notices", map("link", &notices)?);
            update = match before {
                0 => update.condition_expression("attribute_exists(#pk) AND attribute_not_exists(notices)"),
                _ => update
                    .condition_expression("attribute_exists(#pk) AND notices.#version = :version")
                    .expression_attribute_names("#version", "version")
                    .expression_attribute_values(":version", number(before)),
            };
            items.push(TransactWriteItem::builder().update(update.build().map_err(build_error)?).build());
        }
        let transaction = self
            .client()
            .transact_write_items()
            .set_transact_items(Some(items))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match self.call(cx, "TransactWriteItems", || transaction.clone().send()).await {
            Ok(_) => Ok(Kept::Yes),
            Err(CallError::Service(operation, TransactWriteItemsError::TransactionCanceledException(cancelled))) => {
                let codes = cancelled.cancellation_reasons().iter().map(|reason| reason.code().unwrap_or("None"));
                kept(operation, codes)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// When a notification was received, to the second; `None` if it was not, or is no longer kept: DynamoDB's sweep may run
    /// days late.
    pub async fn notification_received_at(
        &self,
        cx: &RequestContext,
        connector: &ConnectorId,
        id: &NotificationId,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let key = keys::notification(connector, id);
        let Some(item) = self.read(cx, "notification", &self.tables().sessions, key).await? else { return Ok(None) };
        if item.seconds(EXPIRES_AT)? <= cx.now {
            return Ok(None);
        }
        item.seconds(RECEIVED_AT).map(Some)
    }
}

/// The result of a cancelled transaction, whose first item is the notification.
fn kept<'a>(operation: &'static str, mut codes: impl Iterator<Item = &'a str>) -> Result<Kept, StoreError> {
    if codes.next() == Some("ConditionalCheckFailed") {
        return Ok(Kept::Before);
    }
    match codes.find(|code| *code != "None") {
        Some("ConditionalCheckFailed") => Ok(Kept::Outdated),
        // Another transaction was writing the same items, or DynamoDB is throttled: the provider sends it again.
        code => Err(StoreError::Unavailable { operation, reason: code.unwrap_or("cancelled").to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancelled_transaction_says_whether_the_notification_is_a_copy() {
        let kept = |codes: &[&str]| kept("TransactWriteItems", codes.iter().copied());
        assert_eq!(kept(&["ConditionalCheckFailed", "ConditionalCheckFailed"]).unwrap(), Kept::Before);
        assert_eq!(kept(&["None", "ConditionalCheckFailed"]).unwrap(), Kept::Outdated);
        for codes in [&["None", "TransactionConflict"][..], &["TransactionConflict", "None"], &["ThrottlingError"]] {
            assert!(matches!(kept(codes), Err(StoreError::Unavailable { .. })), "{codes:?}");
        }
    }
}
