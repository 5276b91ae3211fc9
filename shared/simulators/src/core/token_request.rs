//! What was sent to a token endpoint.

use std::fmt;

use axum::http::HeaderMap;

use super::server::Call;
use super::wire::{self, Form};

/// A request to the token endpoint as it was received, accepted or not.
#[derive(Clone)]
pub struct TokenRequest {
    form: Form,
    client_id: Option<String>,
    client_auth: ClientAuth,
    headers: HeaderMap,
}

/// How a client said who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// Without any secret.
    None,
    /// `client_secret` in the form.
    Post,
    /// HTTP Basic.
    Basic,
    /// `client_assertion` in the form.
    Assertion,
    /// Several at once, which RFC 6749 section 2.3 forbids.
    Several,
}

impl TokenRequest {
    pub(crate) fn of(call: &Call<'_>) -> Self {
        let shown = [
            (call.form.bytes("client_secret").is_some(), ClientAuth::Post),
            (wire::basic(call.headers).is_some(), ClientAuth::Basic),
            (call.form.bytes("client_assertion").is_some(), ClientAuth::Assertion),
        ];
        let mut shown = shown.into_iter().filter(|(present, _)| *present).map(|(_, how)| how);
        let client_auth = match (shown.next(), shown.next()) {
            (first, None) => first.unwrap_or(ClientAuth::None),
            _ => ClientAuth::Several,
        };
        let (id, _) = call.client();
        let client_id = id.and_then(|id| String::from_utf8(id).ok());
        Self { form: call.form.clone(), client_id, client_auth, headers: call.headers.clone() }
    }

    /// A call of a provider's own API, by the names that the standard has for what is in it.
    pub(crate) fn of_fields(fields: Vec<(&'static str, String)>, headers: &HeaderMap) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes()));
        let form = Form::from_iter(fields);
        let client_auth = if form.bytes("client_secret").is_some() { ClientAuth::Post } else { ClientAuth::None };
        Self { client_id: form.text("client_id"), form, client_auth, headers: headers.clone() }
    }

    /// `grant_type`.
    pub fn grant_type(&self) -> Option<&str> {
        self.text("grant_type")
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The client it came from.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// How that client authenticated.
    pub fn client_auth(&self) -> ClientAuth {
        self.client_auth
    }

    /// The secret in the form.
    pub fn client_secret(&self) -> Option<&str> {
        self.text("client_secret")
    }

    /// The JWT by which it authenticated.
    pub fn client_assertion(&self) -> Option<&str> {
        self.text("client_assertion")
    }

    /// The redirect URI, which has to be the one of the authorization request.
    pub fn redirect_uri(&self) -> Option<&str> {
        self.text("redirect_uri")
    }

    /// The code.
    pub fn code(&self) -> Option<&str> {
        self.text("code")
    }

    /// PKCE's verifier (RFC 7636 section 4.5).
    pub fn code_verifier(&self) -> Option<&str> {
        self.text("code_verifier")
    }

    /// The scopes it asked for.
    pub fn scope(&self) -> Option<&str> {
        self.text("scope")
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.form.bytes(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// The username, byte by byte once the form-urlencoding is undone.
    pub fn username(&self) -> Option<&[u8]> {
        self.form.bytes("username")
    }

    /// The password, byte by byte once the form-urlencoding is undone.
    pub fn password(&self) -> Option<&[u8]> {
        self.form.bytes("password")
    }

    /// The second factor's code, likewise.
    pub fn otp(&self) -> Option<&[u8]> {
        self.form.bytes("otp").or(self.form.bytes("totp"))
    }
}

impl Call<'_> {
    /// What a client says it is, and its secret. The form wins over Basic, for id and secret each.
    pub(crate) fn client(&self) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        let basic = wire::basic(self.headers).unwrap_or_default();
        let form = |name| self.form.bytes(name).map(<[u8]>::to_vec);
        (form("client_id").or(basic.id), form("client_secret").or(basic.secret))
    }
}

impl fmt::Debug for TokenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRequest")
            .field("client_id", &self.client_id)
            .field("client_auth", &self.client_auth)
            .finish_non_exhaustive()
    }
}
