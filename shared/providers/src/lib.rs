//! The provider-adapter crate: one file per identity provider.
//!
//! An adapter is given what a user typed, or what their browser brought back from the provider, and says who the provider
//! says they are ([`ProviderAdapter`]). Everything a provider sends is checked here, clause by clause, before it becomes an
//! [`domain::ExternalIdentity`]; everything a provider refuses becomes a [`ProviderError`] that says who must act. Calls go
//! out through `egress` and nowhere else. A password or a code is sent once per request and never again by itself, but where a
//! provider has not looked at it because our own secret was out of date (`oidc::token`).
//!
//! **Must not know**: journeys, sessions, users, storage. What outlives an attempt is handed back as
//! [`domain::Pending`]; who keeps it, and how, is not decided here. Nothing a provider writes (an error text, a claim)
//! gets into an error or a log line: both have enums and constant sentences only.
//!
//! **To add one more**: a file named after the provider with `pub(crate) const PROVIDER`, one line in `registry`, its guide
//! in `guides`, and its simulator, with a line in `simulators::SIMULATORS`: `conformance` runs every method of it, and fails until it
//! is there. A provider that speaks OpenID Connect is `Provider::oidc(name, methods, refusals, make)`: `make` reads
//! its settings into an [`oidc::OidcProvider`], which is a [`oidc::Profile`] (its issuer, and what else is data) and the hooks
//! in which it differs; `refusals` are the tables of the errors it documents, which the guide shows and the conformance suite
//! goes through. `keycloak` has a grant of its own beside; `openid_connect` is any other. One that does not speak it
//! implements [`ProviderAdapter`] itself. A provider that only one company has needs no change here: its functions' `main.rs` pass
//! `Connectors::new` a [`Registry`] with one more ([`Registry::and`]).

mod adapter;
pub mod answers;
mod apple;
mod auth0;
mod cognito;
mod cx;
mod document;
mod entra;
mod error;
mod google;
#[cfg(test)]
mod guides;
mod keycloak;
mod meta;
mod notification;
mod oauth2;
pub mod oidc;
mod okta;
mod onelogin;
mod openid_connect;
mod pingone;
pub mod refusals;
mod registry;
mod report;
mod secrets;

#[cfg(test)]
mod bench;
#[cfg(test)]
mod conformance;

pub use adapter::{Answer, Attempt, Callback, Hints, Progress, ProviderAdapter, Wishes, not_switched_on};
pub use cx::{Cx, Providers, callback_url};
pub use document::{InvalidConnector, document, settings};
pub use domain::Rejection;
pub use error::{Check, Outage, ProviderError, Stage};
pub use notification::{Acknowledgement, Notification, Received};
pub use registry::{Build, MakeOidc, Provider, Registry, SplitPool};
pub use report::{Finding, NotPassed, Probe, Report, Status, Verdict};
pub use secrets::check_secrets;
