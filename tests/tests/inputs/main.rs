//! Bad input: each has its stable code and leaves everything as it was.
#![expect(clippy::unwrap_used, reason = "this crate is tests, their helpers included")]

mod connectors;
mod journeys;
mod limits;
mod paths;
mod refusal;
mod requests;
mod run_time;
