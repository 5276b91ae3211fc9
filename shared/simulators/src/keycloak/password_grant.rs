//! What was sent to the token endpoint.

use std::fmt;

use super::Call;
use crate::core::wire;

/// One password-grant request as it was received, whatever became of it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordGrant {
    realm: String,
    client_id: Option<String>,
    client_auth: ClientAuth,
    scope: Option<String>,
    username: Option<Vec<u8>>,
    password: Option<Vec<u8>>,
    otp: Option<Vec<u8>>,
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
    /// Both at once, which RFC 6749 section 2.3 forbids.
    Both,
}

impl ClientAuth {
    pub(super) fn of(call: &Call<'_>) -> Self {
        match (call.form.bytes("client_secret"), wire::basic(call.headers)) {
            (None, None) => Self::None,
            (Some(_), None) => Self::Post,
            (None, Some(_)) => Self::Basic,
            (Some(_), Some(_)) => Self::Both,
        }
    }
}

impl PasswordGrant {
    /// The request as an attempt; `None` if it is for another grant.
    pub(super) fn of(realm: &str, call: &Call<'_>) -> Option<Self> {
        let form = &call.form;
        if form.bytes("grant_type") != Some(b"password") {
            return None;
        }
        let basic = wire::basic(call.headers);
        let basic_id = basic.as_ref().and_then(|basic| basic.id.as_deref()).map(String::from_utf8_lossy);
        let owned = |name| form.bytes(name).map(<[u8]>::to_vec);
        Some(Self {
            realm: realm.into(),
            client_id: form.text("client_id").or(basic_id.map(|id| id.into_owned())),
            client_auth: ClientAuth::of(call),
            scope: form.text("scope"),
            username: owned("username"),
            password: owned("password"),
            otp: owned("otp").or_else(|| owned("totp")),
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

    /// The scopes it asked for.
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// The username, byte by byte once the form-urlencoding is undone.
    pub fn username(&self) -> Option<&[u8]> {
        self.username.as_deref()
    }

    /// The password, byte by byte once the form-urlencoding is undone.
    pub fn password(&self) -> Option<&[u8]> {
        self.password.as_deref()
    }

    /// The second factor's code, likewise.
    pub fn otp(&self) -> Option<&[u8]> {
        self.otp.as_deref()
    }
}

impl fmt::Debug for PasswordGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordGrant")
            .field("realm", &self.realm)
            .field("client_id", &self.client_id)
            .field("client_auth", &self.client_auth)
            .finish_non_exhaustive()
    }
}
