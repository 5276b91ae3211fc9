//! DynamoDB: sessions, the directory of users, the configuration. Only this crate and `aws` use an AWS SDK.
//!
//! **Must not know**: journeys, providers, tokens. Each write has a condition that makes the change happen once: see
//! [`sessions`] for the lock of a turn, [`redirects`] for the two halves of a redirect, and [`writes`] for the commit.
//!
//! **To add one more kind of item**: add its key to [`keys`], its file beside `users.rs`, and its row to the table
//! below. Every item has `v`, its schema version; a codec reads `v` and `v - 1`.
//!
//! | item | table | pk | sk |
//! |---|---|---|---|
//! | connector, client, with its revision | config | `CONNECTOR`, `CLIENT` | id |
//! | journey version; live pointer, with its revision | config | `JOURNEY#<id>` | `V#<n>`; `LIVE` |
//! | user | directory | `USER#<id>` | `PROFILE` |
//! | link | directory | `LINK#<source>#<hash(issuer_key, subject_key)>` | `LINK` |
//! | identifier reservation | directory | `IDENTIFIER#<kind>#<hash(value)>` | `RESERVATION` |
//! | session | sessions | `SESSION#<id>` | `STATE` |
//! | notification of a provider | sessions | `NOTIFICATION#<connector>#<id>` | `STATE` |
//! | counter of attempts | sessions | `COUNT#guesses#<hash(source, login name)>` | `STATE` |
//!
//! **With DynamoDB Local**: the tests run on an embedded engine or, with
//! `LANDFALL_TEST_DYNAMODB=http://127.0.0.1:<port>`, on DynamoDB Local, which `tests/interop/install-dynamodb-local.sh`
//! installs and `DynamoDbLocal.java` beside it starts. They pass on both, with the same write units per login. The
//! differences of DynamoDB Local 2.6.1:
//! - It deletes expired items every ten seconds, by the system's clock; the embedded engine never does. The tests'
//!   clock is in the past, so on a server they disable expiry after the tables are created.
//! - It separates tables and idempotency tokens by access key, as AWS does by account. Each test uses its own access
//!   key: with seeded entropy, transactions of two tests have the same token.
//! - It reports a repeated transaction as one read unit per item, the embedded engine as two. No code depends on it.
//! - Errors have the same codes but other messages. We read only codes.
//!
//! Neither returns `TransactionConflict`, AWS's error when two transactions write the same item. Only the unit tests of
//! [`writes`] cover it.

mod client;
pub mod config;
mod error;
pub mod guesses;
mod item;
pub mod keys;
pub mod notices;
pub mod redirects;
mod session_item;
pub mod sessions;
pub mod tables;
pub mod users;
pub mod writes;

pub use client::Store;
pub use config::{Document, Revision, Saved};
pub use error::StoreError;
pub use guesses::{Bucket, Guess, GuessLimits, Taken};
pub use notices::{Kept, Receipt};
pub use redirects::{Return, StateTaken};
pub use sessions::{LockId, Locked, Redeemed, TurnLock};
pub use tables::{TableDefinition, TableNames};
pub use writes::{CommitError, DirectoryWrite, Lost};
