//! Discovery, fetched anew: who the provider says it is, and over which certificate.

use openidconnect::core::CoreJwsSigningAlgorithm;
use serde::Serialize;
use serde_json::json;
use url::Url;

use super::super::dialect::OidcDialect;
use super::super::discovery::{self, Document, Metadata};
use super::super::relying_party::RelyingParty;
use super::Probing;
use crate::report::{Finding, NotPassed, Probe, Verdict};
use crate::{Cx, Outage, ProviderError};

const ALL_PINNED: NotPassed =
    NotPassed::Unverifiable("the settings name every endpoint, so no discovery document is fetched");
const NO_DOCUMENT: NotPassed = NotPassed::Unverifiable("there is no discovery document to go by: see discovery");
const OTHER_ISSUER: NotPassed =
    NotPassed::Unverifiable("the discovery document is another issuer's, to whom nothing is sent: see issuer");
const THIS_MACHINE: NotPassed = NotPassed::Unverifiable("over plain http, on this machine, nobody shows a certificate");

/// The document, if there has to be one: what it says of the connector, and what later checks stand on.
pub(super) async fn read<'a, D: OidcDialect>(
    party: &'a RelyingParty<D>,
    cx: &'a Cx<'a>,
    with: &'a Probe<'a>,
) -> (Probing<'a, D>, Vec<Finding>) {
    let pinned = &party.endpoints;
    let fetched = if pinned.are_enough() { None } else { Some(discovery::read(cx, &party.issuer).await) };
    let document = fetched.as_ref().and_then(|fetched| fetched.as_ref().ok());
    let metadata = match &fetched {
        Some(Err(error)) => Err(*error),
        Some(Ok(_)) | None => Metadata::new(&party.issuer, pinned, document),
    };

    let discovered = match (&fetched, &metadata) {
        (_, Err(error)) => Err(NotPassed::from(*error)),
        (None, Ok(_)) => Err(ALL_PINNED),
        (Some(_), Ok(_)) => Ok(()),
    };
    let mut discovery = Finding::of("discovery", discovered);
    if document.is_some() || fetched.is_none() {
        discovery = discovery.with(shown(party, document));
    }
    let issuer = issuer(party, &fetched);
    let checks = vec![discovery, issuer.0, Finding::of("tls", certificate(&party.issuer, &fetched))];

    let metadata = metadata.map_err(|_| NO_DOCUMENT);
    let redirect_uri = party.redirect_uri(cx);
    let (refused, accepted) = (Vec::new(), Vec::new());
    (Probing { party, cx, with, redirect_uri, metadata, genuine: issuer.1, refused, accepted }, checks)
}

type Fetched = Option<Result<Document, ProviderError>>;

/// Whether the document is the issuer's, exactly (Discovery 1.0 section 4.3), and whether what it names is to be trusted.
fn issuer<D: OidcDialect>(party: &RelyingParty<D>, fetched: &Fetched) -> (Finding, Verdict) {
    match fetched {
        None => (Finding::of("issuer", Err(ALL_PINNED)), Ok(())),
        Some(Err(_)) => (Finding::of("issuer", Err(NO_DOCUMENT)), Err(NO_DOCUMENT)),
        Some(Ok(document)) if document.issuer == party.issuer => (Finding::of("issuer", Ok(())), Ok(())),
        Some(Ok(document)) => {
            let finding = Finding::of("issuer", Err(NotPassed::Failed(D::ANOTHER_ISSUER)));
            (finding.with(json!({ "expected": party.issuer, "found": named(document) })), Err(OTHER_ISSUER))
        }
    }
}

/// Whose the document says it is. Only an address: what else stands there may say anything.
fn named(document: &Document) -> Option<&str> {
    let issuer = document.issuer.as_str();
    // Written as a parser writes it: nothing in it that a terminal would take for more than text.
    let is_plain = |url: Url| {
        let same = url.as_str().trim_end_matches('/') == issuer.trim_end_matches('/');
        same && matches!(url.scheme(), "https" | "http")
    };
    (issuer.len() <= MAX_SHOWN && Url::parse(issuer).is_ok_and(is_plain)).then_some(issuer)
}

/// In bytes. No issuer has more.
const MAX_SHOWN: usize = 255;

/// Egress has checked the certificate of whoever has answered.
fn certificate(issuer: &str, fetched: &Fetched) -> Verdict {
    match fetched {
        None => Err(ALL_PINNED),
        Some(_) if !issuer.starts_with("https://") => Err(THIS_MACHINE),
        Some(Ok(_)) => Ok(()),
        Some(Err(error @ ProviderError::Unavailable { outage: Outage::Tls, .. })) => Err(NotPassed::from(*error)),
        Some(Err(_)) => Err(NO_DOCUMENT),
    }
}

/// What is known of the provider, with what the settings say in place of the document.
fn shown<D: OidcDialect>(party: &RelyingParty<D>, document: Option<&Document>) -> serde_json::Value {
    #[derive(Serialize)]
    struct Shown<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        issuer: Option<&'a str>,
        #[serde(flatten)]
        endpoints: discovery::Endpoints,
        #[serde(skip_serializing_if = "Option::is_none")]
        id_token_signing_alg_values_supported: Option<&'a [CoreJwsSigningAlgorithm]>,
        /// Those that are as the settings say, whatever the document does.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        pinned: Vec<&'static str>,
    }
    let found = document.map(|document| document.endpoints.clone()).unwrap_or_default();
    json!(Shown {
        issuer: document.map_or(Some(&party.issuer), named),
        endpoints: party.endpoints.clone().or(found),
        id_token_signing_alg_values_supported: document.map(|document| document.algorithms.as_slice()),
        pinned: party.endpoints.names(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stage;

    #[test]
    fn a_certificate_was_good_if_the_document_came_over_it() {
        let document = || serde_json::from_value(json!({ "issuer": "https://id.example" })).unwrap();
        let outage = |outage| Some(Err(Stage::Discovery.unavailable(outage)));
        for (issuer, fetched, verdict) in [
            ("https://id.example", Some(Ok(document())), Ok(())),
            ("http://127.0.0.1", Some(Ok(document())), Err(THIS_MACHINE)),
            ("https://id.example", outage(Outage::Connect), Err(NO_DOCUMENT)),
            ("https://id.example", outage(Outage::Tls), Err(Stage::Discovery.unavailable(Outage::Tls).into())),
            ("https://id.example", None, Err(ALL_PINNED)),
        ] {
            assert_eq!(certificate(issuer, &fetched), verdict);
        }
    }
}
