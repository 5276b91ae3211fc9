//! Whole flows over the merged routers.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests are tests too")]

mod app_codes;
mod architecture;
mod budget;
mod cells;
mod challenges;
mod codes;
mod cognito;
mod connector_test;
mod first_only;
mod journey;
mod logs;
mod meta;
mod notifications;
mod readme;
mod redirect;
