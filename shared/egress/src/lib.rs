//! The only crate that calls identity providers: one HTTP client with a guard against SSRF.
//!
//! Every call has a deadline within its request's deadline, a limit on the body, and a checked address (`address`;
//! `resolver` for names). No proxies, no redirects, no retries: a request is sent to that address once or not at all. A
//! host that does not answer is not called for a while (`breaker`). One log line per call (target `outbound`) has the
//! host, path and duration, but no body, header or query.
//!
//! **Must not know**: providers, OAuth. It transports bytes, and its errors say what the caller can do.
//!
//! **To add one more** rule about addresses: one line in `address`, and its test beside it. AWS services are not called
//! from here: the AWS SDK has its own client (`aws`).

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
