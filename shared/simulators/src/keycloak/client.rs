//! Clients of a realm.

use std::fmt;

use super::direct_grant::DirectGrantFlow;
use crate::core::client_key::ClientKey;

/// Scopes that are granted to every client but not shown in the `scope` of an answer.
const HIDDEN_SCOPES: [&str; 4] = ["web-origins", "acr", "roles", "basic"];

/// A client as an administrator would make one: enabled, standard flow on but without a redirect URI, direct access
/// grants off, consent not required, with the scopes of a fresh realm.
#[derive(Clone)]
pub struct Client {
    pub(super) id: String,
    pub(super) kind: ClientKind,
    pub(super) enabled: bool,
    pub(super) standard_flow: bool,
    pub(super) redirect_uris: Vec<String>,
    pub(super) pkce_required: bool,
    pub(super) direct_grants: bool,
    pub(super) consent_required: bool,
    pub(super) password_grant_prohibited: bool,
    pub(super) direct_grant_flow: DirectGrantFlow,
    pub(super) amr_mapper: bool,
    pub(super) signed_userinfo: bool,
    pub(super) claims_in_id_token: bool,
    pub(super) default_scopes: Vec<String>,
    pub(super) optional_scopes: Vec<String>,
}

#[derive(Clone)]
pub(super) enum ClientKind {
    Confidential { secret: String },
    Public,
    SignedJwt { key: Option<ClientKey> },
    Saml,
}

impl Client {
    /// Authenticates with a secret, in the form or by Basic.
    pub fn confidential(id: &str, secret: &str) -> Self {
        Self::of(id, ClientKind::Confidential { secret: secret.into() })
    }

    /// Does not authenticate. Whatever secret is sent is accepted, as the real server does.
    pub fn public(id: &str) -> Self {
        Self::of(id, ClientKind::Public)
    }

    /// Has to authenticate with a signed JWT, and no key has been imported for it.
    pub fn signed_jwt(id: &str) -> Self {
        Self::of(id, ClientKind::SignedJwt { key: None })
    }

    /// Likewise, and this is the key ("Keys > Import key").
    pub(super) fn signed_with(id: &str, key: ClientKey) -> Self {
        Self::of(id, ClientKind::SignedJwt { key: Some(key) })
    }

    /// Speaks SAML.
    pub fn saml(id: &str) -> Self {
        Self::of(id, ClientKind::Saml)
    }

    fn of(id: &str, kind: ClientKind) -> Self {
        let owned = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect();
        Self {
            id: id.into(),
            kind,
            enabled: true,
            standard_flow: true,
            redirect_uris: Vec::new(),
            pkce_required: false,
            direct_grants: false,
            consent_required: false,
            password_grant_prohibited: false,
            direct_grant_flow: DirectGrantFlow::password(),
            amr_mapper: false,
            signed_userinfo: false,
            claims_in_id_token: true,
            default_scopes: owned(&["web-origins", "acr", "roles", "profile", "basic", "email"]),
            optional_scopes: owned(&["address", "phone", "offline_access", "organization", "microprofile-jwt"]),
        }
    }

    /// Another secret; the client becomes a confidential one.
    pub fn secret(mut self, secret: &str) -> Self {
        self.kind = ClientKind::Confidential { secret: secret.into() };
        self
    }

    /// Whether the client is enabled.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// "Standard flow": whether the client may send browsers to the authorization endpoint.
    pub fn standard_flow(mut self, allowed: bool) -> Self {
        self.standard_flow = allowed;
        self
    }

    /// One more "Valid redirect URI", compared character by character.
    pub fn redirect_uri(mut self, uri: &str) -> Self {
        self.redirect_uris.push(uri.into());
        self
    }

    /// "PKCE Method": S256 has to be used. Otherwise PKCE is up to the request.
    pub fn pkce_required(mut self, required: bool) -> Self {
        self.pkce_required = required;
        self
    }

    /// "Direct access grants": whether the client may send passwords.
    pub fn direct_grants(mut self, allowed: bool) -> Self {
        self.direct_grants = allowed;
        self
    }

    /// Whether users have to consent: the browser login asks them, a direct grant cannot.
    pub fn consent_required(mut self, required: bool) -> Self {
        self.consent_required = required;
        self
    }

    /// Whether a client policy forbids the password grant.
    pub fn password_grant_prohibited(mut self, prohibited: bool) -> Self {
        self.password_grant_prohibited = prohibited;
        self
    }

    /// "Authentication flow overrides > Direct grant flow": what direct grants ask of users, where it is not the
    /// [built-in flow](DirectGrantFlow::password).
    pub fn direct_grant_flow(mut self, flow: DirectGrantFlow) -> Self {
        self.direct_grant_flow = flow;
        self
    }

    /// The mapper "Authentication Method Reference (AMR)": whether ID tokens have `amr`, which names what was checked
    /// by an execution that [has a name for it](DirectGrantFlow::otp_reference).
    pub fn amr_mapper(mut self, present: bool) -> Self {
        self.amr_mapper = present;
        self
    }

    /// Whether userinfo is answered as a signed JWT.
    pub fn signed_userinfo(mut self, signed: bool) -> Self {
        self.signed_userinfo = signed;
        self
    }

    /// "Add to ID token" of the mappers of `profile` and `email`: whether the ID token shows what userinfo shows.
    pub fn claims_in_id_token(mut self, shown: bool) -> Self {
        self.claims_in_id_token = shown;
        self
    }

    /// Takes a scope away, such as `profile`, `email` or `basic`: not granted by default, refused when asked for.
    pub fn without_scope(mut self, scope: &str) -> Self {
        self.default_scopes.retain(|other| other != scope);
        self.optional_scopes.retain(|other| other != scope);
        self
    }

    /// What a request for `scope` is granted: `openid` only if asked for, the default scopes always, optional ones if
    /// asked for. `None` if it asks for anything else.
    pub(super) fn grant(&self, scope: &str) -> Option<Vec<String>> {
        let requested: Vec<&str> = scope.split(' ').filter(|scope| !scope.is_empty()).collect();
        let known =
            |scope: &&&str| self.default_scopes.iter().chain(&self.optional_scopes).any(|other| other == **scope);
        if requested.iter().filter(|scope| **scope != "openid").any(|scope| !known(&scope)) {
            return None;
        }
        let openid = requested.contains(&"openid").then(|| "openid".to_owned());
        let optional = self.optional_scopes.iter().filter(|scope| requested.contains(&scope.as_str())).cloned();
        Some(openid.into_iter().chain(self.default_scopes.iter().cloned()).chain(optional).collect())
    }
}

/// The `scope` an answer shows for what was granted.
pub(super) fn shown(granted: &[String]) -> String {
    let shown: Vec<&str> = granted.iter().map(String::as_str).filter(|scope| !HIDDEN_SCOPES.contains(scope)).collect();
    shown.join(" ")
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("id", &self.id).field("enabled", &self.enabled).finish_non_exhaustive()
    }
}
