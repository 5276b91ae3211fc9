//! DynamoDB: sessions, the directory of users, the configuration. The only crate, with `aws`, that names an AWS SDK.
//!
//! **Must not know**: what a journey does, what a provider answers, what a token says. It keeps what it is given, under
//! conditions that make each change happen once: see [`sessions`] for the turn's lock, [`redirects`] for the
//! two halves of a redirect, and [`writes`] for the commit.
//!
//! **To add one more kind of item**: its key in [`keys`], its file beside `users.rs`, its row in the table below. Every
//! item has `v`, its schema number; a codec reads `v` and `v - 1`.
//!
//! | item | table | pk | sk |
//! |---|---|---|---|
//! | connector, client, with its revision | config | `CONNECTOR`, `CLIENT` | id |
//! | journey version; live pointer, with its revision | config | `JOURNEY#<id>` | `V#<n>`; `LIVE` |
//! | user | directory | `USER#<id>` | `PROFILE` |
//! | link | directory | `LINK#<source>#<hash(issuer_key, subject_key)>` | `LINK` |
//! | identifier reservation | directory | `IDENTIFIER#<kind>#<hash(value)>` | `RESERVATION` |
//! | session | sessions | `SESSION#<id>` | `STATE` |
//! | counter of attempts | sessions | `COUNT#guesses#<hash(source, login name)>` | `STATE` |
//!
//! **Against Amazon's own**: the suite and the flows run in an embedded engine or, with
//! `LANDFALL_TEST_DYNAMODB=http://127.0.0.1:<port>`, on a DynamoDB Local, which
//! `tests/interop/install-dynamodb-local.sh` installs and `DynamoDbLocal.java` beside it starts. They pass on both, down to the write units of a login. What
//! DynamoDB Local 2.6.1 does otherwise:
//! - It deletes what has expired, by the system's clock, every ten seconds; the embedded engine never does. The tests'
//!   clock stands in the past, so on a server they switch expiry off once the tables are made.
//! - It keeps tables and idempotency tokens by access key, as AWS does by account. Each test has a key of its own there:
//!   with seeded entropy, the transactions of two tests have one token.
//! - A transaction that is sent again is reported as one read unit per item, by the embedded engine as two. Nothing here
//!   decides by it.
//! - Errors have the same codes and other words. We read codes only.
//!
//! Neither was seen to answer `TransactionConflict`, by which AWS says that two transactions met at one item: for it
//! stand the unit tests of [`writes`] alone.

mod client;
pub mod config;
mod error;
pub mod guesses;
mod item;
pub mod keys;
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
pub use redirects::{Return, StateTaken};
pub use sessions::{LockId, Locked, Redeemed, TurnLock};
pub use tables::{TableDefinition, TableNames};
pub use writes::{CommitError, DirectoryWrite, Lost};
