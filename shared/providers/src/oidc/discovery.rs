//! The discovery document (OpenID Connect Discovery 1.0 section 4).

use domain::json;
use egress::Request;
use serde::Deserialize;
use url::Url;

use crate::{Check, Cx, ProviderError, Stage, answers};

/// What is taken from a provider's document. The algorithms it advertises are not: which are good enough is not the
/// provider's to say.
///
/// The URLs may be anybody's. Each is vetted by egress when it is called.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) issuer: String,
    pub(crate) token_endpoint: Url,
    pub(crate) userinfo_endpoint: Option<Url>,
    pub(crate) jwks_uri: Url,
}

/// Fetches the document of `issuer`.
pub(crate) async fn fetch(cx: &Cx<'_>, issuer: &str) -> Result<Metadata, ProviderError> {
    let stage = Stage::Discovery;
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let url = Url::parse(&url).map_err(|_| stage.misconfigured("the issuer is no URL"))?;

    let response = cx.send(stage, Request::get(url)).await?;
    if response.status != http::StatusCode::OK {
        let hint = "there is no discovery document at this address: check the server's URL, with its path if it has one, \
                    and the name of the realm or tenant";
        return Err(answers::unpublished(cx.now(), stage, &response, hint));
    }
    let metadata: Metadata =
        json::typed(answers::object(stage, &response)?).ok_or_else(|| stage.refused(Check::Format))?;
    // Exactly, to the last slash (Discovery 1.0 section 4.3).
    if metadata.issuer != issuer {
        return Err(stage.refused(Check::Issuer));
    }
    Ok(metadata)
}
