//! Whole flows over the merged routers.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod architecture;
mod budget;
mod codes;
mod journey;
mod redirect;
