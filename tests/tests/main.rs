//! Whole flows over the merged routers.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod architecture;
mod budget;
mod codes;
mod connector_test;
mod journey;
mod redirect;
