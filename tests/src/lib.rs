//! What whole-flow tests stand on: [`TestApp`], the merged routers over an embedded DynamoDB (or the server that
//! `LANDFALL_TEST_DYNAMODB` names) and simulated providers, with every outbound call going through a [`proxy`] that
//! counts it.
//!
//! **Must not know**: how anything inside works. A test speaks HTTP to the routers, looks at what the providers were
//! sent, at the items that are stored, and at the log.
//!
//! **To add one more**: a flow is a function in `tests/`, named as a sentence about the system; an attack is named after
//! what it tries. A suite against a real server is a file in `interop/`.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this crate is tests")]

mod app;
mod app_codes;
pub mod calls;
pub mod deployed;
pub mod falling;
mod flow;
pub mod functions;
pub mod house;
mod invoke;
mod items;
pub mod lambda;
pub mod proxy;
mod secrets;

pub use app::{ADMIN, Answer, Heard, ISSUER, KEYCLOAK, PLAIN, PROVIDERS, Setup, TestApp, subject_of};
pub use app_codes::{APP_CODE_SECRET, SEED};
pub use flow::{Login, TestSession, VERIFIER, changed, data, key, password_journey};
pub use invoke::{event, event_with, examples};
pub use secrets::WatchedSecrets;
pub use simulators::{Browser, Return, Shown};
