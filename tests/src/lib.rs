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

mod answer;
mod app;
mod app_codes;
mod away;
pub mod calls;
pub mod deployed;
mod documents;
pub mod falling;
mod flow;
pub mod functions;
pub mod house;
mod invoke;
mod items;
pub mod journeys;
pub mod lambda;
mod notified;
pub mod proxy;
mod secrets;
pub mod sent;
mod setup;
pub mod witness;

pub use answer::{Answer, Heard};
pub use app::{ADMIN, ISSUER, TestApp};
pub use app_codes::{APP_CODE_SECRET, SEED};
pub use away::Away;
pub use flow::{Login, TestSession, VERIFIER, changed, data, key, password_journey, submission};
pub use invoke::{event, event_with, examples};
pub use secrets::WatchedSecrets;
pub use setup::{KEYCLOAK, OWN_CALLBACK, PLAIN, PROVIDERS, Setup, subject_of};
pub use simulators::{Browser, Return, Shown};
