//! Scripted identity providers that behave like the real ones, quirks included: for tests, for the demo provider of
//! `landfall serve`, and for rehearsing a migration. Nothing that is deployed links this crate.
//!
//! **Must not know**: Landfall's adapters, engine or HTTP surface. A simulator is written from what the real server was
//! seen to do, never from what our adapter expects, or the two would agree on the same mistake. Time and randomness
//! come from `domain`'s ports, so a test can move the one and repeat the other.
//!
//! **To add one more**: a file named after the provider, whose opening lines say which release it imitates and from where
//! that is known, and its line in [`SIMULATORS`], which brings it into the conformance suite. One that speaks OpenID
//! Connect is [`Standard`] with its [`Quirks`]: paths, claims and words, and nothing that the standard says already. One that
//! speaks OAuth 2.0 alone is a dialect in [`oauth2`]. Any other is a [`Subject`] on `core`, which holds the server, forms and answers, keys and JWTs, and the ways to misbehave.

pub mod apple;
pub mod auth0;
pub mod cognito;
pub mod entra;
pub mod google;
pub mod keycloak;
pub mod meta;
pub mod oauth2;
pub mod okta;
pub mod onelogin;
pub mod pingone;
pub mod plain;

mod core;

pub use self::core::{
    Algorithm, ApiCall, BadIdToken, BadKey, Browser, ClientAuth, Delivery, Direct, DirectCall, Dress, Endpoint,
    Enrolled, Envelope, Fields, HtmlForm, KeySet, Make, Misbehaviour, OldKey, Page, Person, Pkce, Published, Quirks,
    Refused, Registration, Return, SentCode, Shown, SignedSecret, Simulator, Standard, Standing, Subject, TokenRequest,
    bad_id_tokens,
};
pub use keycloak::Keycloak;
pub use plain::Plain;

/// Every kind of simulated provider.
pub const SIMULATORS: &[Simulator] = &[
    okta::SIMULATOR,
    auth0::SIMULATOR,
    cognito::SIMULATOR,
    entra::SIMULATOR,
    keycloak::SIMULATOR,
    onelogin::SIMULATOR,
    pingone::SIMULATOR,
    google::SIMULATOR,
    apple::SIMULATOR,
    meta::SIMULATOR,
    plain::SIMULATOR,
    oauth2::SIMULATOR,
];

/// Tenants of these providers that have other methods, in the conformance suite like them.
pub const OTHER_TENANTS: &[Simulator] = &[entra::EXTERNAL];
