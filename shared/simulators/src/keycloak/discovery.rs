//! The discovery document and the keys: what a relying party reads before a login.

use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use serde_json::Value;

use super::server_error;
use super::{Realm, State};
use crate::core::Endpoint;
use crate::core::server::Call;
use crate::core::wire::Reply;

/// What a real 26.7.3 answered for a fresh realm, with `{public}` for the realm's URL. As misleading as it was: `password` is listed even where no client may use it, HS256 although no
/// key for it is published; `none` is missing although public clients work.
const DOCUMENT: &str = include_str!("discovery/document.json");

/// The discovery document (OIDC Discovery section 4.2).
pub(super) fn document(state: &State, realm: &Realm, call: &Call<'_>) -> Reply {
    let text = DOCUMENT.replace("{public}", &state.issuer(call.host, &realm.name));
    let Ok(mut document) = serde_json::from_str::<Value>(&text) else { return server_error() };
    if let Some(misbehaviour) = state.book.at(Endpoint::Discovery) {
        misbehaviour.spoil_discovery(&mut document);
    }
    Reply::json(StatusCode::OK, &document).header(CACHE_CONTROL, "no-cache, must-revalidate, no-transform, no-store")
}

/// The key set.
pub(super) fn keys(state: &State, realm: &Realm) -> Reply {
    let keys = realm.keys.published(state.book.at(Endpoint::Keys));
    keys.map_or_else(|_| server_error(), |keys| Reply::json(StatusCode::OK, &keys).header(CACHE_CONTROL, "no-cache"))
}
