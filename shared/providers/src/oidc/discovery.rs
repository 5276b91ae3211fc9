//! The discovery document (OpenID Connect Discovery 1.0 section 4), and what a connector puts in its place.

use egress::{Request, Response};
use http::HeaderMap;
use http::header::LOCATION;
use openidconnect::core::CoreJwsSigningAlgorithm;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::address::check as check_address;
use super::authorize;
use super::issuer::{self, IssuerPolicy};
use super::profile::{IdentityFrom, Profile};
use crate::{Check, Cx, ProviderError, Stage, answers};

const STAGE: Stage = Stage::Discovery;

/// How a client may authenticate (OpenID Connect Core 9, RFC 8705 section 2): the words of which are shown.
const AUTH_METHODS: &[&str] = &[
    "client_secret_basic",
    "client_secret_post",
    "client_secret_jwt",
    "private_key_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
    "none",
];

/// What is taken from a provider's document. The algorithms it advertises are only shown to an administrator: Landfall
/// decides which ones it accepts.
///
/// The URLs are not trusted: egress vets each one when it is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Document {
    pub(super) issuer: String,
    pub(super) endpoints: Endpoints,
    /// Those with a registered name (RFC 7518 section 3.1). Other names are left out: they are free text from the provider.
    pub(super) algorithms: Vec<CoreJwsSigningAlgorithm>,
    /// Likewise.
    pub(super) auth_methods: Vec<&'static str>,
    /// Invalid members, which are ignored.
    pub(super) odd: Vec<&'static str>,
    names_itself: bool,
}

impl Document {
    /// Reads each member on its own: an invalid one does not affect the others.
    fn read(found: &Map<String, Value>) -> Self {
        let mut odd = Vec::new();
        let mut member = |name: &'static str, read: &mut dyn FnMut(&Value) -> bool| {
            if found.get(name).is_some_and(|value| !value.is_null() && !read(value)) {
                odd.push(name);
            }
        };
        let mut document = Self::default();
        let Endpoints { authorization_endpoint, token_endpoint, userinfo_endpoint, jwks_uri, .. } =
            &mut document.endpoints;
        for (name, endpoint) in [
            ("authorization_endpoint", authorization_endpoint),
            ("token_endpoint", token_endpoint),
            ("userinfo_endpoint", userinfo_endpoint),
            ("jwks_uri", jwks_uri),
        ] {
            member(name, &mut |value| {
                *endpoint = value.as_str().and_then(|url| Url::parse(url).ok());
                endpoint.is_some()
            });
        }
        member("issuer", &mut |value| value.as_str().map(|issuer| document.issuer = issuer.to_owned()).is_some());
        member("authorization_response_iss_parameter_supported", &mut |value| {
            // Every value but `false` counts as true: it makes callbacks stricter.
            document.names_itself = !matches!(value, Value::Null | Value::Bool(false));
            value.is_boolean()
        });
        member("id_token_signing_alg_values_supported", &mut |value| {
            let registered = |value: &Value| CoreJwsSigningAlgorithm::deserialize(value).ok();
            value.as_array().map(|all| document.algorithms = all.iter().filter_map(registered).collect()).is_some()
        });
        member("token_endpoint_auth_methods_supported", &mut |value| {
            let known = |value: &Value| AUTH_METHODS.iter().copied().find(|known| value == known);
            value.as_array().map(|all| document.auth_methods = all.iter().filter_map(known).collect()).is_some()
        });
        document.odd = odd;
        document
    }
}

/// Where a provider is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Endpoints {
    /// Where the discovery document is, if not below the issuer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discovery_endpoint: Option<Url>,
    /// Where browsers are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<Url>,
    /// Where grants are redeemed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint: Option<Url>,
    /// Where an access token is asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_endpoint: Option<Url>,
    /// Where the keys are published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<Url>,
}

impl Endpoints {
    /// For a provider with a custom domain: its keys are fetched from `address`, at the provider's own host. Otherwise a server
    /// at any domain that the settings name could sign for all users of the provider.
    pub(crate) fn keys_of_own_host(has_custom_domain: bool, address: &str) -> Self {
        Self { jwks_uri: Url::parse(address).ok().filter(|_| has_custom_domain), ..Self::default() }
    }

    /// Those of these that may be.
    pub(super) fn only(&self, may_be: impl Fn(&Url) -> bool) -> Self {
        let only = |url: &Option<Url>| url.clone().filter(&may_be);
        Self {
            discovery_endpoint: only(&self.discovery_endpoint),
            authorization_endpoint: only(&self.authorization_endpoint),
            token_endpoint: only(&self.token_endpoint),
            userinfo_endpoint: only(&self.userinfo_endpoint),
            jwks_uri: only(&self.jwks_uri),
        }
    }

    /// These, and where there is none the other.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            discovery_endpoint: self.discovery_endpoint.or(other.discovery_endpoint),
            authorization_endpoint: self.authorization_endpoint.or(other.authorization_endpoint),
            token_endpoint: self.token_endpoint.or(other.token_endpoint),
            userinfo_endpoint: self.userinfo_endpoint.or(other.userinfo_endpoint),
            jwks_uri: self.jwks_uri.or(other.jwks_uri),
        }
    }

    /// Which there are.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.named().map(|(name, _)| name).collect()
    }

    /// Those there are, by the names that settings and discovery documents give them.
    pub(super) fn named(&self) -> impl Iterator<Item = (&'static str, &Url)> {
        let all = [
            ("discovery_endpoint", &self.discovery_endpoint),
            ("authorization_endpoint", &self.authorization_endpoint),
            ("token_endpoint", &self.token_endpoint),
            ("userinfo_endpoint", &self.userinfo_endpoint),
            ("jwks_uri", &self.jwks_uri),
        ];
        all.into_iter().filter_map(|(name, url)| Some((name, url.as_ref()?)))
    }

    /// Whether the settings alone name the issuer: no document at the issuer's own address has confirmed it.
    pub(super) fn vouch_for_themselves(&self) -> bool {
        [&self.discovery_endpoint, &self.token_endpoint, &self.userinfo_endpoint, &self.jwks_uri]
            .into_iter()
            .any(Option::is_some)
    }

    /// Whether a login needs to know of no other, where this says who has logged in.
    pub(super) fn are_enough_for(&self, identity: &IdentityFrom) -> bool {
        let has_keys = self.jwks_uri.is_some() || !identity.is_signed();
        self.authorization_endpoint.is_some() && self.token_endpoint.is_some() && has_keys
    }
}

/// How an issuer is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// The key of its accounts, the same for each spelling of the issuer.
    pub(crate) issuer_key: String,
    /// As ID tokens and callbacks name it.
    issuers: Vec<String>,
    /// Whether it is reached over plain http, which egress does on one machine alone.
    over_http: bool,
    authorization_endpoint: Option<Url>,
    /// Whether the settings say so, and not the document.
    authorization_is_pinned: bool,
    token_endpoint: Option<Url>,
    pub(crate) userinfo_endpoint: Option<Url>,
    jwks_uri: Option<Url>,
    /// What it wants of every request of ours.
    pub(super) headers: HeaderMap,
    /// Whether it says who it is in every authorization response (RFC 9207 section 3).
    pub(crate) names_itself: bool,
}

impl Metadata {
    /// The metadata of a provider from its document, with what is `pinned` in its place. If enough is pinned, no document is
    /// fetched.
    pub(crate) async fn of(cx: &Cx<'_>, profile: &Profile, pinned: &Endpoints) -> Result<Self, ProviderError> {
        if pinned.are_enough_for(&profile.identity) {
            return Self::new(profile, pinned, None);
        }
        let document = cx.providers.issuers.document(cx, &profile.issuer, pinned).await?;
        Self::new(profile, pinned, Some(document.as_ref()))
    }

    /// Likewise, of a document that has been fetched already.
    pub(super) fn new(
        profile: &Profile,
        pinned: &Endpoints,
        document: Option<&Document>,
    ) -> Result<Self, ProviderError> {
        let issuer = &profile.issuer;
        let found = document.map(|document| document.endpoints.clone()).unwrap_or_default();
        let endpoints = pinned.clone().or(found);
        if profile.identity.is_signed() && endpoints.jwks_uri.is_none() {
            return Err(NO_KEYS);
        }
        let reached = match document {
            Some(_) => address(issuer, pinned),
            None => endpoints.token_endpoint.clone(),
        };
        Ok(Self {
            issuer_key: issuer.key().to_owned(),
            issuers: issuer.names(document.map(|document| document.issuer.as_str())),
            over_http: reached.is_some_and(|address| address.scheme() == "http"),
            authorization_endpoint: endpoints.authorization_endpoint,
            authorization_is_pinned: pinned.authorization_endpoint.is_some(),
            token_endpoint: endpoints.token_endpoint,
            userinfo_endpoint: endpoints.userinfo_endpoint,
            jwks_uri: endpoints.jwks_uri,
            headers: profile.headers.clone(),
            names_itself: document.is_some_and(|document| document.names_itself),
        })
    }

    /// Of a provider that is only its name.
    #[cfg(test)]
    pub(super) fn for_tests(issuer: &str) -> Self {
        let nowhere = Url::parse("https://id.example/nowhere").ok();
        let pinned = Endpoints { token_endpoint: nowhere.clone(), jwks_uri: nowhere, ..Endpoints::default() };
        Self::new(&Profile::new(IssuerPolicy::exact(issuer)), &pinned, None).unwrap()
    }

    /// The same with an endpoint beside the token endpoint in its place.
    pub(crate) fn beside_token_endpoint(self, name: &str) -> Result<Self, ProviderError> {
        let beside = self.token_endpoint()?.join(name).map_err(|_| Stage::Token.refused(Check::Format))?;
        Ok(Self { token_endpoint: Some(beside), ..self })
    }

    /// Where grants are redeemed. A provider whose users sign in at an API of its own alone may have no such endpoint.
    pub(crate) fn token_endpoint(&self) -> Result<&Url, ProviderError> {
        self.token_endpoint.as_ref().ok_or(STAGE.misconfigured(
            "the discovery document names no token_endpoint, or an invalid one: check the provider's address; settings.token_endpoint \
             may name it",
        ))
    }

    /// Where its keys are, if it signs anything.
    pub(crate) fn jwks_uri(&self) -> Result<&Url, ProviderError> {
        self.jwks_uri.as_ref().ok_or(NO_KEYS)
    }

    /// As it names itself; where no document has said so, the first of its spellings.
    pub(super) fn issuer(&self) -> &str {
        self.issuers.first().map_or(&self.issuer_key, String::as_str)
    }

    /// Whether it names itself so: exactly, to the last slash.
    pub(crate) fn is_issuer(&self, named: &str) -> bool {
        self.issuers.iter().any(|issuer| issuer::is_one_of(issuer, named))
    }

    /// Whether a token's claims name it as their issuer, in the token's own tenant where it has tenants.
    pub(crate) fn is_issuer_of(&self, claims: &Map<String, Value>) -> bool {
        self.issuers.iter().any(|issuer| issuer::is_named_by(issuer, claims))
    }

    /// Where browsers are sent. Egress vets only what Landfall itself calls, so the address is checked here.
    pub(super) fn authorization_endpoint(&self) -> Result<&Url, ProviderError> {
        let stage = Stage::Authorize;
        let Some(endpoint) = &self.authorization_endpoint else {
            return Err(stage.misconfigured(
                "the discovery document names no authorization_endpoint, or an invalid one: check the \
                 provider's address; settings.authorization_endpoint may name it",
            ));
        };
        if check_address(endpoint).is_err() || (endpoint.scheme() == "http" && !self.over_http) {
            return Err(stage.misconfigured(match self.authorization_is_pinned {
                true => "settings.authorization_endpoint is not an https address",
                false => "the authorization_endpoint that the discovery document names is not an https address",
            }));
        }
        // No parameter may be there twice (RFC 6749 section 3.1).
        if endpoint.query_pairs().any(|(name, _)| authorize::is_reserved(&name)) {
            return Err(stage.refused(Check::Format));
        }
        Ok(endpoint)
    }
}

const NO_KEYS: ProviderError = STAGE.misconfigured(
    "the discovery document names no jwks_uri, or an invalid one: check the provider's address; settings.jwks_uri may name it",
);

/// Why there is no document.
#[derive(Debug)]
pub(super) struct Unread {
    pub(super) error: ProviderError,
    /// Which address was asked.
    pub(super) asked: Option<Url>,
    /// Where the provider says it has moved. Landfall does not follow: an administrator has to change the settings.
    pub(super) moved_to: Option<Url>,
}

/// Fetches the document at an address.
pub(crate) async fn fetch(cx: &Cx<'_>, at: &Url) -> Result<Document, ProviderError> {
    read(cx, Some(at.clone())).await.map_err(|unread| unread.error)
}

/// Where the document is: as the settings say, or below the issuer (Discovery 1.0 section 4).
pub(super) fn address(issuer: &IssuerPolicy, pinned: &Endpoints) -> Option<Url> {
    let below =
        || Url::parse(&format!("{}/.well-known/openid-configuration", issuer.first().trim_end_matches('/'))).ok();
    pinned.discovery_endpoint.clone().or_else(below)
}

/// What to say where [`address`] is none.
pub(super) const NO_ADDRESS: ProviderError = STAGE.misconfigured("the issuer is no URL");

/// Both must be equal, to the last slash (Discovery 1.0 section 4.3). If they differ, no login is possible until an
/// administrator corrects the settings.
pub(super) fn check_issuer(issuer: &IssuerPolicy, document: &Document) -> Result<(), ProviderError> {
    match issuer.admits(&document.issuer) {
        true => Ok(()),
        false => Err(STAGE.misconfigured(
            "the discovery document names another issuer than the settings: run the connector test, which shows both",
        )),
    }
}

/// Fetches the document at an [`address`]. Whose it is has not been looked at.
pub(super) async fn read(cx: &Cx<'_>, at: Option<Url>) -> Result<Document, Unread> {
    let url = at.ok_or(Unread { error: NO_ADDRESS, asked: None, moved_to: None })?;
    let unread = |error| Unread { error, asked: Some(url.clone()), moved_to: None };

    let response = cx.read(STAGE, Request::get(url.clone())).await.map_err(unread)?;
    if response.status.is_redirection() {
        let moved_to = response.header(&LOCATION).and_then(|location| url.join(location).ok());
        let hint = "the discovery document has moved, and redirects are not followed: put the address where it is now into \
                    the settings";
        return Err(Unread { moved_to, ..unread(STAGE.misconfigured(hint)) });
    }
    if !response.status.is_success() {
        return Err(unread(answers::unpublished(cx.now(), STAGE, &response, not_there(&response))));
    }
    let found = answers::object(STAGE, &response).map_err(unread)?;
    let document = Document::read(&found);
    if document.issuer.is_empty() {
        // Some say with 200 that there is none.
        let error = match found.contains_key("error") {
            true => STAGE.misconfigured(NO_DOCUMENT),
            false => STAGE.misconfigured("the discovery document names no issuer: is this the provider's address?"),
        };
        return Err(unread(error));
    }
    Ok(document)
}

pub(super) const NO_DOCUMENT: &str = "there is no discovery document at this address: check the server's URL, with its path if it has \
                           one, and the name of the realm or tenant";

fn not_there(response: &Response) -> &'static str {
    match response.status {
        http::StatusCode::UNAUTHORIZED | http::StatusCode::FORBIDDEN => {
            "the provider refuses to send its discovery document: use the provider's https address, and see whether a firewall \
             stands in between"
        }
        _ => NO_DOCUMENT,
    }
}
