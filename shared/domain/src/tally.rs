//! Counts of one request, for its summary log line and the metrics made from it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Code, ProviderKind};

/// Numbers, and names from short fixed lists. Never an id or a user's input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// The instance's initialization time in milliseconds. Only with its first request.
    pub init_ms: Option<u64>,
    /// Calls to DynamoDB.
    pub dynamodb_calls: u64,
    /// Calls to DynamoDB that failed because of another transaction or a failed condition.
    pub dynamodb_conflicts: u64,
    /// Secrets read from their store, not from the cache.
    pub secrets_reads: u64,
    /// The kinds of the providers involved.
    pub providers: BTreeSet<ProviderKind>,
    /// Calls to providers.
    pub provider_calls: u64,
    /// The total duration of the calls to providers, in milliseconds.
    pub provider_ms: u64,
    /// Calls to providers without an answer, or with a 5xx or 429.
    pub provider_failures: u64,
    /// Claims that were dropped because they have the wrong type or form.
    pub claims_left_out: u64,
    /// Login attempts at a provider.
    pub attempts: u64,
    /// The outcome of the last attempt.
    pub attempt: Option<&'static str>,
    /// Whether the request created a user.
    pub user_provisioned: bool,
    /// Whether the request recognised an existing user.
    pub user_recognised: bool,
    /// Changes of accounts of which a provider told.
    pub notices: u64,
    /// The result of a journey that ended with this request.
    pub login: Option<JourneyResult>,
}

/// The result of a journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JourneyResult {
    /// The user is signed in.
    Completed,
    /// No sign-in; the application gets this code.
    Rejected(Code),
}

impl JourneyResult {
    /// A stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            JourneyResult::Completed => "completed",
            JourneyResult::Rejected(code) => code.as_str(),
        }
    }
}

/// The counts of one request, shared by all clones of its context.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<Counts>>);

impl Tally {
    pub(crate) fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
