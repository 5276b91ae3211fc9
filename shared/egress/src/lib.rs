//! The only room that dials out: one HTTP client for everything that is said to identity providers.
//!
//! Every call has a deadline inside its request's own, a cap on the body, and an address that has been vetted
//! (`address`; `resolver` for names). No proxies, no redirects, no decompression, no second attempt: what a caller sends
//! is sent to that address once or not at all. A host that does not answer is left alone for a while (`breaker`). One log
//! line per call (target `outbound`) says where it went and how long it took, never what was said: no body, no header, no
//! query.
//!
//! **Must not know**: providers, OAuth, JSON. It carries bytes, and its errors say only what that means for the caller.
//!
//! **To add one more** rule about whom we may talk to: one line in `address`, and its test beside it. A service that
//! is not reached over HTTP needs no room here: the AWS SDK brings its own client (`aws`).

mod address;
mod breaker;
mod client;
mod error;
mod public;
mod request;
mod resolver;

pub use client::{BODY_LIMIT, CALL_LIMIT, Egress, are_certificates};
pub use domain::Reach;
pub use error::{EgressError, Refusal};
pub use request::{Request, Response};
