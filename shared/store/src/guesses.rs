//! Limits for guesses at an account's secret: a token bucket of attempts, and pauses after consecutive failures.
//!
//! One write takes an attempt. If the attempt succeeds, nothing more is written. The item counts all attempts and all
//! failures, so the next attempt can compute the successes and see whether one of them ended a series of failures.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeValue, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure,
};
use chrono::{DateTime, TimeDelta, Utc};
use domain::RequestContext;

use crate::client::CallError;
use crate::item::{Item, V, millis, number, seconds};
use crate::keys::{self, Key};
use crate::tables::EXPIRES_AT;
use crate::{Store, StoreError};

/// A token bucket of attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// The number of attempts in a full bucket.
    pub size: i32,
    /// The time until the bucket gets one more attempt.
    pub refill: TimeDelta,
    /// The number of consecutive failures from which each failure causes a pause: first one second, then twice as long
    /// each time.
    pub pause_from: u32,
    /// The longest pause.
    pub longest_pause: TimeDelta,
}

impl Bucket {
    fn pause_after(&self, failures: u32) -> Option<TimeDelta> {
        let doubled = failures.checked_sub(self.pause_from)?;
        // Bounds the shift: 2^20 seconds is longer than any pause.
        Some(TimeDelta::seconds(1 << doubled.min(20)).min(self.longest_pause))
    }

    /// When a bucket that has one attempt left now will be full again.
    fn nearly_empty(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        now + self.refill * (self.size - 1)
    }
}

/// The limits for guesses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuessLimits {
    /// All attempts at one account.
    pub account: Bucket,
    /// Failed attempts from one address.
    pub address: Bucket,
}

impl Default for GuessLimits {
    fn default() -> Self {
        let (minute, longest_pause) = (TimeDelta::minutes(1), TimeDelta::minutes(15));
        Self {
            account: Bucket { size: 10, refill: minute, pause_from: 5, longest_pause },
            // Many users may share one address, and some mistype their password.
            address: Bucket { size: 100, refill: minute / 12, pause_from: u32::MAX, longest_pause },
        }
    }
}

/// A taken attempt.
#[derive(Debug)]
pub struct Guess {
    key: Key,
    /// The number of earlier successes, if a failure of this attempt starts a new series.
    new_series: Option<u64>,
}

/// The result of taking an attempt.
#[derive(Debug)]
pub enum Taken {
    /// The attempt may be made.
    Yes(Guess),
    /// No attempt is allowed before this time.
    NotBefore(DateTime<Utc>),
}

/// How long the number of consecutive failures is kept.
const RETENTION: TimeDelta = TimeDelta::days(1);

const NOT_PAUSED: &str = "(attribute_not_exists(paused_until) OR paused_until <= :now)";

impl Store {
    /// Takes an attempt at the account with this hash. One write; if the bucket is not full, one failed write and a
    /// second one.
    pub async fn take_guess(&self, cx: &RequestContext, account: &str, bucket: &Bucket) -> Result<Taken, StoreError> {
        let key = keys::guesses(account);
        // Usually the bucket is full.
        let full = self
            .update_guesses(&key, cx.now + bucket.refill)
            .update_expression("SET full_at = :next, v = :v, expires_at = :expires ADD attempts :one")
            .condition_expression(format!("(attribute_not_exists(full_at) OR full_at <= :now) AND {NOT_PAUSED}"))
            .expression_attribute_values(":now", millis(cx.now))
            .expression_attribute_values(":next", millis(cx.now + bucket.refill))
            .expression_attribute_values(":one", number(1));
        let found = match self.call(cx, "UpdateItem", || full.clone().send()).await {
            Ok(output) => {
                let new_series = starts_series(output.attributes, cx.now)?;
                return Ok(Taken::Yes(Guess { key, new_series }));
            }
            Err(CallError::Service(_, UpdateItemError::ConditionalCheckFailedException(lost))) => lost.item,
            Err(error) => return Err(error.into()),
        };
        if let Some(until) = not_before(found, bucket, cx.now)? {
            return Ok(Taken::NotBefore(until));
        }
        let another = self
            .update_guesses(&key, cx.now + bucket.refill * bucket.size)
            .update_expression("SET full_at = full_at + :refill, v = :v, expires_at = :expires ADD attempts :one")
            .condition_expression(format!("full_at <= :nearly_empty AND {NOT_PAUSED}"))
            .expression_attribute_values(":now", millis(cx.now))
            .expression_attribute_values(":refill", number(bucket.refill.num_milliseconds()))
            .expression_attribute_values(":nearly_empty", millis(bucket.nearly_empty(cx.now)))
            .expression_attribute_values(":one", number(1));
        match self.call(cx, "UpdateItem", || another.clone().send()).await {
            // Another attempt may still be running, so the series is not over.
            Ok(_) => Ok(Taken::Yes(Guess { key, new_series: None })),
            Err(CallError::Service(_, UpdateItemError::ConditionalCheckFailedException(lost))) => {
                let until = not_before(lost.item, bucket, cx.now)?;
                Ok(Taken::NotBefore(until.unwrap_or(cx.now + bucket.refill)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The time before which no attempt is allowed for this hash. Eventually consistent.
    pub async fn no_guess_before(
        &self,
        cx: &RequestContext,
        hash: &str,
        bucket: &Bucket,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        let get = self
            .client()
            .get_item()
            .table_name(&self.tables().sessions)
            .set_key(Some(keys::guesses(hash).attributes()))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let output = self.call(cx, "GetItem", || get.clone().send()).await?;
        not_before(output.item, bucket, cx.now)
    }

    /// Records a failed attempt: one write, and a second one if a pause follows.
    pub async fn fail_guess(&self, cx: &RequestContext, guess: &Guess, bucket: &Bucket) -> Result<(), StoreError> {
        let until = cx.now + bucket.longest_pause;
        let update = self.update_guesses(&guess.key, until).expression_attribute_values(":one", number(1));
        let update = match guess.new_series {
            Some(succeeded) => update
                .update_expression(
                    "SET failures = :one, succeeded = :succeeded, v = :v, expires_at = :expires ADD failed :one",
                )
                .expression_attribute_values(":succeeded", number(succeeded)),
            None => update.update_expression("SET v = :v, expires_at = :expires ADD failures :one, failed :one"),
        };
        let update = update.return_values(ReturnValue::AllNew);
        let output = self.call(cx, "UpdateItem", || update.clone().send()).await?;
        let failures = Item::read(KIND, output.attributes.unwrap_or_default())?.number("failures")?;
        let Some(pause) = bucket.pause_after(failures) else { return Ok(()) };
        let update = self
            .update_guesses(&guess.key, until)
            .update_expression("SET paused_until = :paused, v = :v, expires_at = :expires")
            .expression_attribute_values(":paused", millis(cx.now + pause));
        self.call(cx, "UpdateItem", || update.clone().send()).await?;
        Ok(())
    }

    /// Records that the outcome of an attempt is unknown. It neither ends a series of failures nor counts in it.
    pub async fn forget_guess(&self, cx: &RequestContext, guess: &Guess, bucket: &Bucket) -> Result<(), StoreError> {
        let update = self
            .update_guesses(&guess.key, cx.now + bucket.refill * bucket.size)
            .update_expression("SET v = :v, expires_at = :expires ADD failed :one")
            .expression_attribute_values(":one", number(1));
        self.call(cx, "UpdateItem", || update.clone().send()).await?;
        Ok(())
    }

    fn update_guesses(&self, key: &Key, until: DateTime<Utc>) -> UpdateItemFluentBuilder {
        self.client()
            .update_item()
            .table_name(&self.tables().sessions)
            .set_key(Some(key.attributes()))
            .expression_attribute_values(":v", number(V))
            .expression_attribute_values(":expires", seconds(until + RETENTION))
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }
}

const KIND: &str = "counter of attempts";

/// The number of successes before an attempt at a full bucket; `None` if the last series of failures continues.
fn starts_series(
    before: Option<HashMap<String, AttributeValue>>,
    now: DateTime<Utc>,
) -> Result<Option<u64>, StoreError> {
    // For an item that did not exist, the embedded engine returns the key.
    let Some(before) = before.filter(|before| before.contains_key(EXPIRES_AT)) else { return Ok(Some(0)) };
    let item = Item::read(KIND, before)?;
    let count = |name| Ok::<u64, StoreError>(item.optional_number(name)?.unwrap_or(0));
    let succeeded = count("attempts")?.saturating_sub(count("failed")?);
    let continues = item.optional_number("succeeded")? == Some(succeeded) && item.seconds(EXPIRES_AT)? > now;
    Ok((!continues).then_some(succeeded))
}

/// The time before which no attempt is allowed; `None` if one is allowed now.
fn not_before(
    item: Option<HashMap<String, AttributeValue>>,
    bucket: &Bucket,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let Some(item) = item else { return Ok(None) };
    let item = Item::read(KIND, item)?;
    let refilled = item.optional_millis("full_at")?.map(|full_at| full_at - bucket.refill * (bucket.size - 1));
    let until = item.optional_millis("paused_until")?.max(refilled);
    Ok(until.filter(|until| *until > now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_up_to_the_longest() {
        let bucket = GuessLimits::default().account;
        let pauses = [0, 4, 5, 6, 9, 14, 15, 1000].map(|failures| bucket.pause_after(failures));
        let seconds = pauses.map(|pause| pause.map_or(0, |pause| pause.num_seconds()));
        assert_eq!(seconds, [0, 0, 1, 2, 16, 512, 900, 900]);
    }
}
