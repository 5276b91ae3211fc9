//! The discovery document (OpenID Connect Discovery 1.0 section 4), and what a connector puts in its place.

use domain::json;
use egress::Request;
use openidconnect::core::CoreJwsSigningAlgorithm;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use url::Url;

use super::{address, authorize};
use crate::{Check, Cx, ProviderError, Stage, answers};

/// What is taken from a provider's document. The algorithms it advertises are only shown to an administrator: which are
/// good enough is not the provider's to say.
///
/// The URLs may be anybody's. Each is vetted by egress when it is called.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Document {
    pub(super) issuer: String,
    #[serde(flatten)]
    pub(super) endpoints: Endpoints,
    #[serde(rename = "id_token_signing_alg_values_supported", default, deserialize_with = "registered")]
    pub(super) algorithms: Vec<CoreJwsSigningAlgorithm>,
    authorization_response_iss_parameter_supported: Option<bool>,
}

/// Those with a name that everybody knows (RFC 7518 section 3.1): a word of the provider's own goes nowhere.
fn registered<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<CoreJwsSigningAlgorithm>, D::Error> {
    let values = Value::deserialize(deserializer)?;
    let values = values.as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(values.iter().filter_map(|value| CoreJwsSigningAlgorithm::deserialize(value).ok()).collect())
}

/// Where a provider is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Endpoints {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) authorization_endpoint: Option<Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token_endpoint: Option<Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) userinfo_endpoint: Option<Url>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) jwks_uri: Option<Url>,
}

impl Endpoints {
    /// These, and where there is none the other.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            authorization_endpoint: self.authorization_endpoint.or(other.authorization_endpoint),
            token_endpoint: self.token_endpoint.or(other.token_endpoint),
            userinfo_endpoint: self.userinfo_endpoint.or(other.userinfo_endpoint),
            jwks_uri: self.jwks_uri.or(other.jwks_uri),
        }
    }

    /// Which there are.
    pub(super) fn names(&self) -> Vec<&'static str> {
        let all = [
            ("authorization_endpoint", &self.authorization_endpoint),
            ("token_endpoint", &self.token_endpoint),
            ("userinfo_endpoint", &self.userinfo_endpoint),
            ("jwks_uri", &self.jwks_uri),
        ];
        all.into_iter().filter_map(|(name, url)| url.as_ref().map(|_| name)).collect()
    }

    /// Whether a login needs to know of no other.
    pub(super) fn are_enough(&self) -> bool {
        self.authorization_endpoint.is_some() && self.token_endpoint.is_some() && self.jwks_uri.is_some()
    }
}

/// How an issuer is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Metadata {
    pub(crate) issuer: String,
    authorization_endpoint: Option<Url>,
    pub(crate) token_endpoint: Url,
    pub(crate) userinfo_endpoint: Option<Url>,
    pub(crate) jwks_uri: Url,
    /// Whether it says who it is in every authorization response (RFC 9207 section 3).
    pub(crate) names_itself: bool,
}

impl Metadata {
    /// Of `issuer`, as its document says, but for what is `pinned`. Where enough is, there need be no document.
    pub(crate) async fn of(cx: &Cx<'_>, issuer: &str, pinned: &Endpoints) -> Result<Self, ProviderError> {
        if pinned.are_enough() {
            return Self::new(issuer, pinned, None);
        }
        let document = cx.providers.issuers.document(cx, issuer).await?;
        Self::new(issuer, pinned, Some(document.as_ref()))
    }

    /// Likewise, of a document that has been fetched already.
    pub(super) fn new(issuer: &str, pinned: &Endpoints, document: Option<&Document>) -> Result<Self, ProviderError> {
        let found = document.map(|document| document.endpoints.clone()).unwrap_or_default();
        let endpoints = pinned.clone().or(found);
        let needed = |url: Option<Url>| url.ok_or_else(|| Stage::Discovery.refused(Check::Format));
        Ok(Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: endpoints.authorization_endpoint,
            token_endpoint: needed(endpoints.token_endpoint)?,
            userinfo_endpoint: endpoints.userinfo_endpoint,
            jwks_uri: needed(endpoints.jwks_uri)?,
            names_itself: document
                .is_some_and(|document| document.authorization_response_iss_parameter_supported == Some(true)),
        })
    }

    /// Where browsers are sent. No call of ours goes there, so nobody else vets it.
    pub(super) fn authorization_endpoint(&self) -> Result<&Url, ProviderError> {
        let stage = Stage::Authorize;
        let Some(endpoint) = &self.authorization_endpoint else {
            return Err(stage.misconfigured("the discovery document names no authorization endpoint"));
        };
        // Over plain http only where the issuer itself is, which egress calls on one machine alone.
        if address::check(endpoint).is_err() || (endpoint.scheme() == "http" && !self.issuer.starts_with("http://")) {
            return Err(stage.misconfigured(
                "the authorization endpoint is not an https address: see what the discovery document names",
            ));
        }
        // Nothing of ours may be there twice (RFC 6749 section 3.1).
        if endpoint.query_pairs().any(|(name, _)| authorize::is_reserved(&name)) {
            return Err(stage.refused(Check::Format));
        }
        Ok(endpoint)
    }
}

/// Fetches the document of `issuer`.
pub(crate) async fn fetch(cx: &Cx<'_>, issuer: &str) -> Result<Document, ProviderError> {
    let document = read(cx, issuer).await?;
    // Exactly, to the last slash (Discovery 1.0 section 4.3).
    if document.issuer == issuer { Ok(document) } else { Err(Stage::Discovery.refused(Check::Issuer)) }
}

/// Fetches the document that stands where that of `issuer` has to. Whose it is has not been looked at.
pub(super) async fn read(cx: &Cx<'_>, issuer: &str) -> Result<Document, ProviderError> {
    let stage = Stage::Discovery;
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let url = Url::parse(&url).map_err(|_| stage.misconfigured("the issuer is no URL"))?;

    let response = cx.read(stage, Request::get(url)).await?;
    if response.status != http::StatusCode::OK {
        let hint = match response.status {
            http::StatusCode::UNAUTHORIZED | http::StatusCode::FORBIDDEN => {
                "the discovery document is not given to everybody: use the provider's https address, and see whether a \
                 firewall stands in between"
            }
            _ => {
                "there is no discovery document at this address: check the server's URL, with its path if it has one, and \
                 the name of the realm or tenant"
            }
        };
        return Err(answers::unpublished(cx.now(), stage, &response, hint));
    }
    json::typed(answers::object(stage, &response)?).ok_or_else(|| stage.refused(Check::Format))
}
