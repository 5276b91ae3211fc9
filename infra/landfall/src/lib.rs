//! The `landfall` command: every function in one process on one machine, with AWS's services embedded beside it; and the
//! tools for a deployment.
//!
//! **Must not know**: anything a deployed function needs. Nothing here is linked into a Lambda, and `serve` merges the same
//! routers that the Lambdas serve.
//!
//! **To add one more command**: one file with its arguments and `run`, one variant of [`cli::Command`].

pub mod apply;
pub mod banner;
pub mod cli;
pub mod completions;
pub mod data;
pub mod demo;
pub mod documents;
pub mod embedded;
pub mod error;
pub mod functions;
pub mod hints;
pub mod keys;
pub mod log;
pub mod page;
pub mod phone;
pub mod secrets;
pub mod serve;
pub mod test_connector;
pub mod transcript;
pub mod verify;
