//! What must be refused, each test named after what it tries.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests are tests too")]

mod administrators;
mod away;
mod backends;
mod by;
mod callback;
mod canaries;
mod clients;
mod codes;
mod credentials;
mod expressions;
mod gateway;
mod guesses;
mod halves;
mod handed_over;
mod held;
mod identity;
mod issuer;
mod journeys;
mod native;
mod notifications;
mod oidc;
mod origins;
mod panics;
mod passwords;
mod requested;
mod returns;
mod signed_requests;
mod tokens;
mod transport;
