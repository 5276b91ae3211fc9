//! Callbacks in the words of Keycloak, and what it remembers of them in the addresses of a login.

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::visit::Visit;
use super::{State, pages};
use crate::core::callback::{Delivery, Fields, ResponseMode, Target};
use crate::core::wire::Reply;

/// Undoes the `client_data` of a login's addresses.
pub(super) fn remembered(client_data: &str) -> Option<Target> {
    let data: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(client_data).ok()?).ok()?;
    let mode = data["rm"].as_str().and_then(ResponseMode::named).unwrap_or(ResponseMode::Default);
    let state = data["st"].as_str().map(str::to_owned);
    Some(Target { redirect_uri: data["ru"].as_str()?.to_owned(), mode, state })
}

/// Sends the browser back without a code.
pub(super) fn refuse(
    state: &State,
    visit: &Visit<'_>,
    target: &Target,
    error: &str,
    description: Option<&str>,
) -> Reply {
    deliver(state, visit, target, target.refusal(&visit.issuer, error, description))
}

/// Sends the browser back with these fields.
pub(super) fn deliver(state: &State, visit: &Visit<'_>, target: &Target, fields: Fields) -> Reply {
    match target.deliver(&state.book, fields) {
        Delivery::Redirect(address) => visit.redirect(&address),
        Delivery::Form(fields) => {
            let page = pages::form_post(&target.redirect_uri, &fields);
            pages::framed(Reply::text(StatusCode::OK, "text/html", page))
        }
    }
}
