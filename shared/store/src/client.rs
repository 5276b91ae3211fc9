//! All calls to DynamoDB: each within the request's deadline, each with its log line.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::put_item::PutItemOutput;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsOutput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};
use domain::{Entropy, RequestContext};

use crate::item::Item;
use crate::keys::{self, Key};
use crate::{StoreError, TableNames};

/// The store: Landfall's data in DynamoDB.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    tables: Arc<TableNames>,
    entropy: Arc<dyn Entropy>,
}

/// The pauses before the retries of a write that conflicts with a transaction.
const PAUSES: [RangeInclusive<Duration>; 3] = [
    Duration::from_millis(20)..=Duration::from_millis(40),
    Duration::from_millis(50)..=Duration::from_millis(100),
    Duration::from_millis(100)..=Duration::from_millis(300),
];

/// The consumed capacity units, if the call reports them.
pub(crate) trait Metered {
    fn capacity(&self) -> Option<f64>;
}

macro_rules! metered {
    ($($output:ident),*) => {$(
        impl Metered for $output {
            fn capacity(&self) -> Option<f64> {
                self.consumed_capacity().and_then(ConsumedCapacity::capacity_units)
            }
        }
    )*};
}

metered!(GetItemOutput, PutItemOutput, QueryOutput, UpdateItemOutput);

impl Metered for TransactWriteItemsOutput {
    fn capacity(&self) -> Option<f64> {
        Some(self.consumed_capacity().iter().filter_map(ConsumedCapacity::capacity_units).sum())
    }
}

impl Store {
    /// A store over `client`.
    pub fn new(client: Client, tables: TableNames, entropy: Arc<dyn Entropy>) -> Self {
        Self { client, tables: Arc::new(tables), entropy }
    }

    /// The names of the tables.
    pub fn tables(&self) -> &TableNames {
        &self.tables
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Makes one call within the request's remaining time.
    ///
    /// The SDK retries calls that were throttled or lost. It does not retry a write that conflicts with a running
    /// transaction ([`TRANSACTION_CONFLICT`]), which has changed nothing. We retry that write with the same conditions:
    /// if another request is committing, this one then learns its result.
    pub(crate) async fn call<T: Metered, E: ProvideErrorMetadata, F>(
        &self,
        cx: &RequestContext,
        operation: &'static str,
        send: impl Fn() -> F,
    ) -> Result<T, CallError<E>>
    where
        F: Future<Output = Result<T, SdkError<E>>>,
    {
        for bounds in &PAUSES {
            let outcome = self.attempt(cx, operation, send()).await;
            if !matches!(&outcome, Err(CallError::Service(_, error)) if error.code() == Some(TRANSACTION_CONFLICT)) {
                return outcome;
            }
            let pause = self.entropy.pause(bounds);
            if pause >= cx.remaining() {
                return outcome;
            }
            tokio::time::sleep(pause).await;
        }
        self.attempt(cx, operation, send()).await
    }

    /// Makes the call once (the SDK may retry it) and writes its log line.
    async fn attempt<T: Metered, E: ProvideErrorMetadata>(
        &self,
        cx: &RequestContext,
        operation: &'static str,
        call: impl Future<Output = Result<T, SdkError<E>>>,
    ) -> Result<T, CallError<E>> {
        let stopwatch = cx.stopwatch();
        let result = tokio::time::timeout(cx.remaining(), call).await;
        let (outcome, capacity) = match &result {
            Ok(Ok(output)) => ("ok", output.capacity()),
            Ok(Err(error)) => (error.code().unwrap_or("failed"), None),
            Err(_) => ("timeout", None),
        };
        let duration_ms = stopwatch.millis();
        cx.count(|counts| {
            counts.dynamodb_calls += 1;
            counts.dynamodb_conflicts += u64::from(CONFLICTS.contains(&outcome));
        });
        tracing::info!(target: "outbound", service = "dynamodb", operation, outcome, capacity, duration_ms);
        match result {
            Ok(Ok(output)) => Ok(output),
            // A 5xx of any name: the same call may succeed later.
            Ok(Err(SdkError::ServiceError(error))) if error.raw().status().is_server_error() => {
                Err(CallError::Transport(StoreError::Unavailable { operation, reason: code_of(error.err()) }))
            }
            Ok(Err(SdkError::ServiceError(error))) => Err(CallError::Service(operation, error.into_err())),
            Ok(Err(other)) => Err(CallError::Transport(StoreError::from_sdk(operation, &other))),
            Err(_) => Err(CallError::Transport(StoreError::Unavailable {
                operation,
                reason: "it did not answer within the request's deadline".into(),
            })),
        }
    }

    /// Opens a connection, so that the first request does not have to wait for it: reads an item that does not exist.
    /// Errors are ignored here; the first request will report them.
    pub async fn connect(&self, cx: &RequestContext) {
        let _absent = self.read(cx, "absent", &self.tables.config, keys::absent()).await;
    }

    /// Reads one item, with strong consistency.
    pub(crate) async fn read(
        &self,
        cx: &RequestContext,
        kind: &'static str,
        table: &str,
        key: Key,
    ) -> Result<Option<Item>, StoreError> {
        let get = self
            .client()
            .get_item()
            .table_name(table)
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let output = self.call(cx, "GetItem", || get.clone().send()).await?;
        output.item.map(|attributes| Item::read(kind, attributes)).transpose()
    }
}

/// A failed call: either DynamoDB's error, which may be a lost race, or no usable answer.
pub(crate) enum CallError<E> {
    Service(&'static str, E),
    Transport(StoreError),
}

impl<E: ProvideErrorMetadata> From<CallError<E>> for StoreError {
    fn from(error: CallError<E>) -> Self {
        match error {
            CallError::Service(operation, error) => StoreError::from_service(operation, &error),
            CallError::Transport(error) => error,
        }
    }
}

/// The error's code. Messages of validation errors may quote values, so only the code is safe to log.
fn code_of(error: &impl ProvideErrorMetadata) -> String {
    error.code().unwrap_or("an unnamed error").to_owned()
}

/// The error of a single write that conflicts with a running transaction: "Transaction conflict handling" in
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html>
const TRANSACTION_CONFLICT: &str = "TransactionConflictException";

/// The errors of a write whose condition failed, or that conflicts with a transaction.
const CONFLICTS: &[&str] = &["ConditionalCheckFailedException", TRANSACTION_CONFLICT, "TransactionCanceledException"];

/// The errors after which the same call may succeed later.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html>
const TRANSIENT: &[&str] = &[
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    TRANSACTION_CONFLICT,
    "TransactionInProgressException",
];

impl StoreError {
    /// From an SDK error of any kind.
    pub(crate) fn from_sdk<E: ProvideErrorMetadata>(operation: &'static str, error: &SdkError<E>) -> Self {
        match error {
            SdkError::ServiceError(service) => Self::from_service(operation, service.err()),
            SdkError::TimeoutError(_) => Self::Unavailable { operation, reason: "it timed out".into() },
            SdkError::DispatchFailure(_) => Self::Unavailable { operation, reason: "the connection failed".into() },
            SdkError::ResponseError(_) => Self::Unavailable { operation, reason: "the answer was unreadable".into() },
            _ => Self::Refused { operation, reason: "the request could not be built".into() },
        }
    }

    fn from_service(operation: &'static str, error: &impl ProvideErrorMetadata) -> Self {
        let reason = code_of(error);
        if TRANSIENT.contains(&reason.as_str()) {
            Self::Unavailable { operation, reason }
        } else {
            Self::Refused { operation, reason }
        }
    }
}
