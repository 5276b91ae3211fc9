//! The discovery document (OpenID Connect Discovery 1.0 section 4), and what a connector puts in its place.

use domain::json;
use egress::Request;
use serde::Deserialize;
use url::Url;

use super::{address, authorize};
use crate::{Check, Cx, ProviderError, Stage, answers};

/// What is taken from a provider's document. The algorithms it advertises are not: which are good enough is not the
/// provider's to say.
///
/// The URLs may be anybody's. Each is vetted by egress when it is called.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Document {
    issuer: String,
    #[serde(flatten)]
    endpoints: Endpoints,
    authorization_response_iss_parameter_supported: Option<bool>,
}

/// Where a provider is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Endpoints {
    pub(crate) authorization_endpoint: Option<Url>,
    pub(crate) token_endpoint: Option<Url>,
    pub(crate) userinfo_endpoint: Option<Url>,
    pub(crate) jwks_uri: Option<Url>,
}

impl Endpoints {
    /// Whether a login needs to know of no other.
    fn are_enough(&self) -> bool {
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
        let (found, names_itself) = if pinned.are_enough() {
            (Endpoints::default(), false)
        } else {
            let document = cx.providers.issuers.document(cx, issuer).await?;
            (document.endpoints.clone(), document.authorization_response_iss_parameter_supported == Some(true))
        };
        let either = |pinned: &Option<Url>, found: Option<Url>| pinned.clone().or(found);
        let needed = |url: Option<Url>| url.ok_or_else(|| Stage::Discovery.refused(Check::Format));
        Ok(Self {
            issuer: issuer.to_owned(),
            authorization_endpoint: either(&pinned.authorization_endpoint, found.authorization_endpoint),
            token_endpoint: needed(either(&pinned.token_endpoint, found.token_endpoint))?,
            userinfo_endpoint: either(&pinned.userinfo_endpoint, found.userinfo_endpoint),
            jwks_uri: needed(either(&pinned.jwks_uri, found.jwks_uri))?,
            names_itself,
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
    let stage = Stage::Discovery;
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let url = Url::parse(&url).map_err(|_| stage.misconfigured("the issuer is no URL"))?;

    let response = cx.send(stage, Request::get(url)).await?;
    if response.status != http::StatusCode::OK {
        let hint = "there is no discovery document at this address: check the server's URL, with its path if it has one, \
                    and the name of the realm or tenant";
        return Err(answers::unpublished(cx.now(), stage, &response, hint));
    }
    let document: Document =
        json::typed(answers::object(stage, &response)?).ok_or_else(|| stage.refused(Check::Format))?;
    // Exactly, to the last slash (Discovery 1.0 section 4.3).
    if document.issuer != issuer {
        return Err(stage.refused(Check::Issuer));
    }
    Ok(document)
}
