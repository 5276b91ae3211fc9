//! What must be refused, each test named after what it tries.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests are tests too")]

mod clients;
mod held;
mod identity;
mod issuer;
mod journeys;
mod transport;
mod witness;
