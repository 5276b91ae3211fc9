//! DynamoDB: sessions, the directory of users, the configuration. The only crate, with `aws`, that names an AWS SDK.
//!
//! **Must not know**: what a journey does, what a provider answers, what a token says. It keeps what it is given, under
//! conditions that make each change happen once: see [`sessions`] for the turn's claim and [`writes`] for the commit.
//!
//! **To add one more kind of item**: its key in [`keys`], its file beside `users.rs`, its row in the table below. Every
//! item has `v`, its schema number; a codec reads `v` and `v - 1`.
//!
//! | item | table | pk | sk |
//! |---|---|---|---|
//! | connector, client | config | `CONNECTOR`, `CLIENT` | id |
//! | journey version; live pointer | config | `JOURNEY#<id>` | `V#<n>`; `LIVE` |
//! | user | directory | `USER#<id>` | `PROFILE` |
//! | link | directory | `LINK#<source>#<hash(issuer_key, subject_key)>` | `LINK` |
//! | identifier claim | directory | `IDENTIFIER#<kind>#<hash(value)>` | `CLAIM` |
//! | session | sessions | `SESSION#<id>` | `STATE` |

mod client;
pub mod config;
mod error;
mod item;
pub mod keys;
pub mod redirects;
mod session_item;
pub mod sessions;
pub mod tables;
pub mod users;
pub mod writes;

pub use client::Store;
pub use error::StoreError;
pub use redirects::Return;
pub use sessions::{Claim, ClaimId, Claimed, Redeemed};
pub use tables::{TableDefinition, TableNames};
pub use writes::{CommitError, DirectoryWrite, Lost};
