//! The HTTP edge that all functions share: the [`App`] behind the routes, extractors that answer bad requests with
//! problem documents, and the edge itself, which gives a request its context, log line, metrics and headers.
//!
//! **Must not know**: any route. A function's `routes()` maps a URL to a call and its answer. Only this crate turns
//! errors into responses.
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
mod page;

pub use admin::Admin;
pub use app::App;
pub use cors::for_browsers;
pub use edge::router;
pub use extract::{AnyBody, Bearer, CallbackParameters, Context, Credentials, Form, Json, Path, Query, SeeOther};
pub use failure::{ApiError, OAuthError, PageError, Problem};
pub use gateway::{events, serve};
pub use page::Page;
