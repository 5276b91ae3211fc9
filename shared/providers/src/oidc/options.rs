//! The settings that every OpenID Connect connector may have, beside those of its provider.

use std::fmt;

use domain::{ConnectorDocument, Method};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use url::Url;

use super::address;
use super::discovery::Endpoints;
use super::jws::Algorithm;
use super::parameters::{AuthorizeParams, ClaimsRequest};
use super::profile::{IdentityFrom, OidcProvider};
use crate::document::{self, InvalidConnector};
use crate::registry::MakeOidc;

/// `settings` of a connector document, as far as they are the same everywhere.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Options {
    /// What is asked for: `openid` with the redirect, or there is no ID token.
    #[serde(deserialize_with = "scopes")]
    pub(super) scopes: Vec<String>,
    /// Where the provider sends browsers back to, if that is an address of the application's own and not ours.
    pub(super) redirect_uri: Option<String>,
    /// How (OAuth 2.0 Multiple Response Type Encoding Practices section 2.1, Form Post Response Mode); absent: as the
    /// provider does it.
    pub(super) response_mode: Option<ResponseMode>,
    /// `prompt` and `acr_values` (OIDC Core 3.1.2.1), unless a journey asks for others.
    pub(super) prompt: Option<String>,
    pub(super) acr_values: Option<String>,
    /// More for the authorization endpoint: what a provider has of its own.
    pub(super) authorize_params: AuthorizeParams,
    /// RFC 7636 with S256. Off only for a provider that refuses what it does not know.
    pub(super) pkce: bool,
    /// How ID tokens may be signed.
    pub(super) algorithms: Vec<Algorithm>,
    /// For whom else ID tokens may be, beside the client (OIDC Core 3.1.3.7 clause 3); `azp` has to name the client then.
    pub(super) trusted_audiences: Vec<String>,
    /// The claims asked for (OIDC Core 5.5), unless a journey asks for others.
    pub(super) claims: Option<ClaimsRequest>,
    /// What stands in the place of the discovery document, or of a member of it.
    #[serde(skip)]
    pub(super) endpoints: Endpoints,
}

/// The names of [`Endpoints`].
const ENDPOINTS: &[&str] =
    &["discovery_endpoint", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"];

/// The names of [`Options`], but for its endpoints.
const NAMES: &[&str] = &[
    "scopes",
    "redirect_uri",
    "response_mode",
    "prompt",
    "acr_values",
    "authorize_params",
    "pkce",
    "algorithms",
    "trusted_audiences",
    "claims",
];

/// Those of both that mean nothing without an ID token.
const OF_SIGNED: &[&str] = &["algorithms", "trusted_audiences", "discovery_endpoint", "userinfo_endpoint", "jwks_uri"];

/// How a browser brings back the answer (OAuth 2.0 Multiple Response Type Encoding Practices section 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the address.
    Query,
    /// As a form that the browser posts (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

impl ResponseMode {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            ResponseMode::Query => "query",
            ResponseMode::FormPost => "form_post",
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            scopes: ["openid", "profile", "email"].map(str::to_owned).to_vec(),
            redirect_uri: None,
            response_mode: None,
            prompt: None,
            acr_values: None,
            authorize_params: AuthorizeParams::default(),
            pkce: true,
            algorithms: Algorithm::all(),
            trusted_audiences: Vec::new(),
            claims: None,
            endpoints: Endpoints::default(),
        }
    }
}

/// A list, or text with blanks or commas between scopes, as consoles show them.
fn scopes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Scopes;

    impl<'de> Visitor<'de> for Scopes {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of scopes, or text with blanks or commas between them")
        }

        fn visit_str<E>(self, text: &str) -> Result<Vec<String>, E> {
            let scopes = text.split(|c: char| c == ',' || c.is_ascii_whitespace());
            Ok(scopes.filter(|scope| !scope.is_empty()).map(str::to_owned).collect())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vec<String>, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(list))
        }
    }

    deserializer.deserialize_any(Scopes)
}

/// A document's settings: those of all, read, and the provider's own, which its `make` reads.
pub(super) fn read(
    document: &ConnectorDocument,
    make: MakeOidc,
) -> Result<(Box<dyn OidcProvider>, Options), InvalidConnector> {
    let (mut common, mut endpoints, mut own) = (Map::new(), Map::new(), Map::new());
    for (name, value) in document.settings.clone() {
        let part = match name.as_str() {
            common_one if NAMES.contains(&common_one) => &mut common,
            endpoint if ENDPOINTS.contains(&endpoint) => &mut endpoints,
            _ => &mut own,
        };
        part.insert(name, value);
    }
    let provider = make(own).map_err(|error| error.with_known(&[NAMES, ENDPOINTS].concat()))?;
    provider.check(document)?;
    let profile = provider.profile();
    common.entry("scopes").or_insert_with(|| profile.scopes.into());
    common.entry("pkce").or_insert(profile.pkce.into());
    let mut options = Options { endpoints: document::settings(endpoints)?, ..document::settings(common)? };
    options.response_mode = options.response_mode.or(profile.response_mode);
    if !profile.identity.is_signed() {
        check_unsigned(&document.settings, &options.endpoints.clone().or(profile.endpoints.clone()))?;
    }
    let needs_id_token = matches!(profile.identity, IdentityFrom::IdToken);
    options.check(needs_id_token && document.methods.contains_key(&Method::Oidc))?;
    Ok((provider, options))
}

/// Where no ID token says who has logged in, there is no discovery document either, and nothing that keys are for.
fn check_unsigned(settings: &Map<String, Value>, endpoints: &Endpoints) -> Result<(), InvalidConnector> {
    if let Some(name) = OF_SIGNED.iter().find(|name| settings.contains_key(**name)) {
        return Err(InvalidConnector::at(format!("settings.{name}"), "has no meaning where there is no ID token"));
    }
    let needed =
        [("authorization_endpoint", &endpoints.authorization_endpoint), ("token_endpoint", &endpoints.token_endpoint)];
    match needed.into_iter().find(|(_, endpoint)| endpoint.is_none()) {
        Some((name, _)) => Err(InvalidConnector::at("settings", format!("missing field `{name}`"))),
        None => Ok(()),
    }
}

impl Options {
    /// Whether an ID token is asked for.
    pub(super) fn wants_id_token(&self) -> bool {
        self.scopes.iter().any(|scope| scope == "openid")
    }

    fn check(&self, needs_id_token: bool) -> Result<(), InvalidConnector> {
        let invalid = |name: &str, reason: &str| Err(InvalidConnector::at(format!("settings.{name}"), reason));
        if let Some(index) = self.scopes.iter().position(|scope| !is_token(scope)) {
            return invalid(&format!("scopes[{index}]"), "is not a scope");
        }
        if needs_id_token && !self.wants_id_token() {
            return invalid("scopes", "has no openid: without it there is no ID token");
        }
        if let Some(reason) = self.redirect_uri.as_deref().and_then(no_callback) {
            return invalid("redirect_uri", reason);
        }
        if let Some(prompt) = &self.prompt {
            let words: Vec<&str> = prompt.split(' ').collect();
            if !words.iter().all(|word| is_token(word)) {
                return invalid("prompt", "is not a list of words with one blank between them");
            }
            if words.len() > 1 && words.contains(&"none") {
                return invalid("prompt", "has none beside something else");
            }
        }
        if self.acr_values.as_deref().is_some_and(|values| !values.split(' ').all(is_token)) {
            return invalid("acr_values", "is not a list of words with one blank between them");
        }
        if let Some((name, Err(reason))) =
            self.endpoints.named().map(|(name, url)| (name, address::check(url))).find(|(_, checked)| checked.is_err())
        {
            return invalid(name, reason);
        }
        if self.trusted_audiences.iter().any(String::is_empty) {
            return invalid("trusted_audiences", "has an empty one");
        }
        if self.algorithms.is_empty() { invalid("algorithms", "is empty: leave it out to take all") } else { Ok(()) }
    }
}

/// Of the characters of a scope (RFC 6749 section 3.3).
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// Why an address is none that a provider sends browsers back to. One of a native application has a scheme with a dot in
/// it (RFC 8252 section 7.1), which no scheme that runs or shows something in a browser has.
fn no_callback(address: &str) -> Option<&'static str> {
    match Url::parse(address) {
        Err(_) => Some("is not an address"),
        Ok(url) if url.scheme().contains('.') => url.fragment().map(|_| "has a fragment"),
        Ok(url) => address::check(&url).err(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn complaint(settings: Value) -> String {
        let Value::Object(settings) = settings else { panic!("an object") };
        let options = document::settings::<Options>(settings);
        options.and_then(|options| options.check(true)).map_or_else(|error| error.to_string(), |()| "none".to_owned())
    }

    #[test]
    fn every_option_is_known_to_be_common() {
        let unknown = complaint(json!({ "nothing": 1 }));
        for name in NAMES {
            assert!(unknown.contains(&format!("`{name}`")), "{unknown}");
        }
        assert_eq!(unknown.matches('`').count(), 2 * (NAMES.len() + 1));
    }

    #[test]
    fn a_wrong_option_is_told_where_it_is_wrong() {
        for (settings, expected) in [
            (json!({}), "none"),
            (json!({ "scopes": ["openid", "acme:read"] }), "none"),
            (json!({ "scopes": " openid,email  acme:read," }), "none"),
            (json!({ "scopes": "profile email" }), "settings.scopes: has no openid: without it there is no ID token"),
            (json!({ "scopes": "" }), "settings.scopes: has no openid: without it there is no ID token"),
            (json!({ "scopes": "openid \"" }), "settings.scopes[1]: is not a scope"),
            (json!({ "scopes": ["openid", 1] }), "settings.scopes[1]: invalid type: integer `1`, expected a string"),
            (json!({ "scopes": ["openid", "a b"] }), "settings.scopes[1]: is not a scope"),
            (json!({ "scopes": ["openid", ""] }), "settings.scopes[1]: is not a scope"),
            (json!({ "scopes": ["openid", "a\"b"] }), "settings.scopes[1]: is not a scope"),
            (json!({ "scopes": ["openid", "ä"] }), "settings.scopes[1]: is not a scope"),
            (json!({ "scopes": ["email"] }), "settings.scopes: has no openid: without it there is no ID token"),
            (json!({ "redirect_uri": "https://shop.example/after?a=b" }), "none"),
            (json!({ "redirect_uri": "http://127.0.0.1:3000/after" }), "none"),
            (json!({ "redirect_uri": "com.example.shop:/after" }), "none"),
            (json!({ "redirect_uri": "/after" }), "settings.redirect_uri: is not an address"),
            (json!({ "redirect_uri": "javascript:alert(1)" }), "settings.redirect_uri: is not an https address"),
            (json!({ "redirect_uri": "http://shop.example/" }), "settings.redirect_uri: is not an https address"),
            (json!({ "redirect_uri": "https://shop.example/#a" }), "settings.redirect_uri: has a fragment"),
            (json!({ "redirect_uri": "com.example.shop:/#a" }), "settings.redirect_uri: has a fragment"),
            (
                json!({ "response_mode": "fragment" }),
                "settings.response_mode: unknown variant `fragment`, expected `query` or `form_post`",
            ),
            (json!({ "prompt": "login consent" }), "none"),
            (json!({ "prompt": "none login" }), "settings.prompt: has none beside something else"),
            (
                json!({ "prompt": "login  consent" }),
                "settings.prompt: is not a list of words with one blank between them",
            ),
            (json!({ "acr_values": "" }), "settings.acr_values: is not a list of words with one blank between them"),
            (json!({ "authorize_params": { "kc_idp_hint": "google" } }), "none"),
            (
                json!({ "authorize_params": { "state": "x" } }),
                "settings.authorize_params: \"state\" is the protocol's own: it cannot be set here",
            ),
            (
                json!({ "authorize_params": { "request_uri": "x" } }),
                "settings.authorize_params: \"request_uri\" is the protocol's own: it cannot be set here",
            ),
            (
                json!({ "authorize_params": { "a": 1 } }),
                "settings.authorize_params.a: invalid type: integer `1`, expected a string",
            ),
            (
                json!({ "claims": { "acr": {} } }),
                "settings.claims: has neither id_token nor userinfo, which say where the claims are wanted",
            ),
            (json!({ "pkce": "no" }), "settings.pkce: invalid type: string \"no\", expected a boolean"),
            (json!({ "algorithms": ["ES256", "PS256"] }), "none"),
            (json!({ "algorithms": [] }), "settings.algorithms: is empty: leave it out to take all"),
            (
                json!({ "algorithms": ["RS256", "HS256"] }),
                "settings.algorithms[1]: \"HS256\" is not supported. Supported are: RS256, RS384, RS512, PS256, PS384, \
                 PS512, ES256, ES384, ES512, EdDSA, Ed25519",
            ),
            (json!({ "trusted_audiences": ["api"] }), "none"),
            (json!({ "trusted_audiences": [""] }), "settings.trusted_audiences: has an empty one"),
        ] {
            assert_eq!(complaint(settings), expected);
        }
    }
}
