//! Codes that were sent to the token endpoint.

use std::fmt;

use super::{Call, ClientAuth};
use crate::core::wire;

/// One request to exchange a code as it was received, whatever became of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Exchange {
    realm: String,
    client_id: Option<String>,
    client_auth: ClientAuth,
    redirect_uri: Option<String>,
    code: Option<String>,
    code_verifier: Option<String>,
}

impl Exchange {
    /// The request as an exchange; `None` if it is for another grant.
    pub(super) fn of(realm: &str, call: &Call<'_>) -> Option<Self> {
        let form = &call.form;
        if form.bytes("grant_type") != Some(b"authorization_code") {
            return None;
        }
        let basic = wire::basic(call.headers);
        let basic_id = basic.as_ref().and_then(|basic| basic.id.as_deref()).map(String::from_utf8_lossy);
        Some(Self {
            realm: realm.into(),
            client_id: form.text("client_id").or(basic_id.map(|id| id.into_owned())),
            client_auth: ClientAuth::of(call),
            redirect_uri: form.text("redirect_uri"),
            code: form.text("code"),
            code_verifier: form.text("code_verifier"),
        })
    }

    /// The realm it was sent to.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// The client it came from.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// How that client authenticated.
    pub fn client_auth(&self) -> ClientAuth {
        self.client_auth
    }

    /// The redirect URI, which has to be the one of the authorization request.
    pub fn redirect_uri(&self) -> Option<&str> {
        self.redirect_uri.as_deref()
    }

    /// The code.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// PKCE's verifier (RFC 7636 section 4.5).
    pub fn code_verifier(&self) -> Option<&str> {
        self.code_verifier.as_deref()
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("realm", &self.realm)
            .field("client_id", &self.client_id)
            .field("client_auth", &self.client_auth)
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}
