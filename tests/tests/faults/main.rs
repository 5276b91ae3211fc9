//! Faults, and how each ends.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests are tests too")]

mod client;
mod clocks;
mod dynamodb;
mod flows;
mod invariants;
mod map;
mod provider;
mod races;
mod sweep;
mod time;
