//! A browser's request to a realm, and the addresses and random names that the answer needs.

use axum::http::StatusCode;
use axum::http::header::LOCATION;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::auth_session::Place;
use super::authorize::AuthorizationRequest;
use super::pages;
use super::{Realm, State};
use crate::core::callback::Target;
use crate::core::server::Call;
use crate::core::wire::{Reply, encode_fields};

/// A browser's request to a realm.
pub(super) struct Visit<'a> {
    /// The realm as it is now.
    pub(super) realm: Realm,
    pub(super) issuer: String,
    pub(super) call: &'a Call<'a>,
}

impl<'a> Visit<'a> {
    pub(super) fn of(state: &State, realm: &Realm, call: &'a Call<'a>) -> Self {
        Self { realm: realm.clone(), issuer: state.issuer(call.host, &realm.name), call }
    }

    /// Whether browsers see this address as safe: HTTPS, or their own machine.
    pub(super) fn is_secure(&self) -> bool {
        let Some(rest) = self.issuer.strip_prefix("http://") else { return true };
        let host = rest.split('/').next().unwrap_or_default();
        let host = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')).map_or(host, |(host, _)| host);
        host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "[::1]"
    }

    /// The path below which the realm lies: `/realms/demo`.
    pub(super) fn path(&self) -> &str {
        let rest = self.issuer.split_once("://").map_or(self.issuer.as_str(), |(_, rest)| rest);
        rest.find('/').map_or("", |at| &rest[at..])
    }

    /// `bytes` random bytes as text that fits into an address.
    pub(super) fn random<const BYTES: usize>(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.call.entropy.bytes::<BYTES>())
    }

    /// The address of something a tab can do. What there is to carry along for the client is in it, too.
    pub(super) fn action(
        &self,
        action: &str,
        fields: &[(&str, String)],
        place: &Place,
        request: &AuthorizationRequest,
    ) -> String {
        let mut fields = fields.to_vec();
        fields.push(("client_id", request.client.clone()));
        fields.push(("tab_id", place.tab.clone()));
        fields.push(("client_data", client_data(&request.target)));
        format!("{}/login-actions/{action}?{}", self.issuer, encode_fields(&fields))
    }

    /// The same as a link of our own pages has it: without the host.
    pub(super) fn link(
        &self,
        action: &str,
        fields: &[(&str, String)],
        place: &Place,
        request: &AuthorizationRequest,
    ) -> String {
        let address = self.action(action, fields, place, request);
        address.replacen(&self.issuer, self.path(), 1)
    }

    /// A page of this realm.
    pub(super) fn page(&self, status: StatusCode, page: &pages::Page) -> Reply {
        pages::framed(Reply::text(status, "text/html;charset=utf-8", page.render(&self.realm.name)))
    }

    /// The page that says that nothing more can be done.
    pub(super) fn error_page(&self, status: StatusCode, text: &str) -> Reply {
        self.page(status, &pages::error(text))
    }

    /// Sends the browser to another address.
    pub(super) fn redirect(&self, address: &str) -> Reply {
        pages::framed(Reply::empty(StatusCode::FOUND).header(LOCATION, address))
    }
}

/// Where the client waits, for when everything else about a login is forgotten.
fn client_data(target: &Target) -> String {
    let mut data = json!({ "ru": target.redirect_uri, "rt": "code" });
    if let Some(mode) = target.mode.name() {
        data["rm"] = json!(mode);
    }
    if let Some(state) = &target.state {
        data["st"] = json!(state);
    }
    URL_SAFE_NO_PAD.encode(data.to_string())
}
