//! What serving a request has come to, in numbers: for the line its log ends with, and the metrics made of it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Code, ProviderKind};

/// Numbers and a few words, all of them from short lists: never an id, nor anything that somebody has typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// How long the instance took to get ready, in milliseconds: only with its first request.
    pub init_ms: Option<u64>,
    /// Calls to DynamoDB.
    pub dynamodb_calls: u64,
    /// Those of them that met another transaction, or an item otherwise than they expected.
    pub dynamodb_conflicts: u64,
    /// Secrets that were read where they are stored.
    pub secrets_reads: u64,
    /// The kinds of providers that it was about.
    pub providers: BTreeSet<ProviderKind>,
    /// Calls to providers.
    pub provider_calls: u64,
    /// How long they took together, in milliseconds.
    pub provider_ms: u64,
    /// Those of them that brought no answer, or one that the provider has trouble (a 5xx or 429).
    pub provider_failures: u64,
    /// Claims of a provider's that were left out because they are not of the form their standard gives them.
    pub claims_left_out: u64,
    /// How often a provider was asked about somebody.
    pub attempts: u64,
    /// What came of the last time.
    pub attempt: Option<&'static str>,
    /// Whether it has created a user.
    pub user_provisioned: bool,
    /// Whether it has recognised one.
    pub user_recognised: bool,
    /// How a journey has ended with it.
    pub login: Option<Ended>,
}

/// How a journey has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Somebody is signed in.
    Completed,
    /// Nobody is, as the application is told.
    Rejected(Code),
}

impl Ended {
    /// One stable word.
    pub fn as_str(self) -> &'static str {
        match self {
            Ended::Completed => "completed",
            Ended::Rejected(code) => code.as_str(),
        }
    }
}

/// The counts of one request, in all the hands that it goes through.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<Counts>>);

impl Tally {
    pub(crate) fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
