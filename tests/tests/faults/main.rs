//! Faults, and how each ends.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod client;
mod flows;
mod invariants;
mod sweep;
mod time;
