//! What every function's HTTP edge shares: the [`App`] behind the routes, extractors that answer bad requests with our
//! problem documents, and the edge itself, where a request gets its context, its log line, its metrics and its headers.
//!
//! **Must not know**: any route. A function's `routes()` is URL -> call -> answer; this crate turns errors into answers,
//! and is the only one that does.
//!
//! **To add one more function**: `CONTRIBUTING.md` says how.

mod admin;
mod app;
mod cors;
mod edge;
mod extract;
mod failure;
mod gateway;
pub mod logs;
pub mod metrics;

pub use admin::Admin;
pub use app::App;
pub use cors::for_browsers;
pub use edge::router;
pub use extract::{Bearer, CallbackParameters, Context, Credentials, Form, Json, Path, SeeOther};
pub use failure::{ApiError, OAuthError, PageError, Problem};
pub use gateway::{events, serve};
