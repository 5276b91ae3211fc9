//! How an answer travels back to the client: in the query, in the fragment, or as a form the browser posts.

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::visit::Visit;
use super::{State, pages};
use crate::core::Endpoint;
use crate::core::wire::{Reply, encode_fields};

/// Where a client waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) redirect_uri: String,
    pub(super) mode: ResponseMode,
    pub(super) state: Option<String>,
}

/// OAuth 2.0 Multiple Response Types section 2.1, and OAuth 2.0 Form Post Response Mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseMode {
    /// The way of the response type: the query for a code.
    Default,
    Query,
    Fragment,
    FormPost,
}

impl ResponseMode {
    /// The mode of that name. Those that wrap the answer into a JWT are not simulated.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Query, Self::Fragment, Self::FormPost].into_iter().find(|mode| mode.name() == Some(name))
    }

    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Default => None,
            Self::Query => Some("query"),
            Self::Fragment => Some("fragment"),
            Self::FormPost => Some("form_post"),
        }
    }
}

impl Target {
    /// Undoes the `client_data` of a login's addresses.
    pub(super) fn remembered(client_data: &str) -> Option<Self> {
        let data: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(client_data).ok()?).ok()?;
        let mode = data["rm"].as_str().and_then(ResponseMode::named).unwrap_or(ResponseMode::Default);
        let state = data["st"].as_str().map(str::to_owned);
        Some(Self { redirect_uri: data["ru"].as_str()?.to_owned(), mode, state })
    }
}

/// Sends the browser back without a code (RFC 6749 section 4.1.2.1, RFC 9207 section 2).
pub(super) fn refuse(
    state: &State,
    visit: &Visit<'_>,
    target: &Target,
    error: &str,
    description: Option<&str>,
) -> Reply {
    let mut fields = vec![("error", error.to_owned())];
    fields.extend(description.map(|text| ("error_description", text.to_owned())));
    fields.extend(target.state.clone().map(|state| ("state", state)));
    fields.push(("iss", visit.issuer.clone()));
    deliver(state, visit, target, fields)
}

/// Sends the browser back with these fields.
pub(super) fn deliver(
    state: &State,
    visit: &Visit<'_>,
    target: &Target,
    mut fields: Vec<(&'static str, String)>,
) -> Reply {
    for endpoint in [Endpoint::Authorize, Endpoint::Login] {
        if let Some(misbehaviour) = state.misbehaviours.get(&endpoint) {
            misbehaviour.spoil_callback(&mut fields);
        }
    }
    let address = &target.redirect_uri;
    match target.mode {
        ResponseMode::FormPost => {
            let page = pages::form_post(address, &fields);
            pages::framed(Reply::text(StatusCode::OK, "text/html", page))
        }
        ResponseMode::Fragment => visit.redirect(&format!("{address}#{}", encode_fields(&fields))),
        ResponseMode::Query | ResponseMode::Default => {
            let separator = if address.contains('?') { '&' } else { '?' };
            visit.redirect(&format!("{address}{separator}{}", encode_fields(&fields)))
        }
    }
}
