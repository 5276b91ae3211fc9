//! Discovery, fetched anew: who the provider says it is, and over which certificate.

use openidconnect::core::CoreJwsSigningAlgorithm;
use serde::Serialize;
use serde_json::{Value, json};
use url::Url;

use super::super::connection::Registration;
use super::super::discovery::{self, Document, Metadata, Unread};
use super::super::{check_address, profile::OidcProvider};
use super::Probing;
use crate::report::{Finding, NotPassed, Probe, Verdict};
use crate::{Cx, Outage, ProviderError};

const ALL_PINNED: NotPassed =
    NotPassed::Unverifiable("the settings name every endpoint, so no discovery document is fetched");
const NO_DOCUMENT: NotPassed = NotPassed::Unverifiable("the discovery document could not be read: see discovery");
const OTHER_ISSUER: NotPassed =
    NotPassed::Unverifiable("the discovery document belongs to another issuer, so nothing was sent: see issuer");
const THIS_MACHINE: NotPassed = NotPassed::Unverifiable("plain http on this machine: there is no certificate to check");

/// The document, if there has to be one: what it says of the connector, and what later checks stand on.
pub(super) async fn read<'a>(
    registration: &'a Registration,
    provider: &'a dyn OidcProvider,
    cx: &'a Cx<'a>,
    with: &'a Probe<'a>,
) -> (Probing<'a>, Vec<Finding>) {
    let (policy, pinned) = (&registration.profile.issuer, registration.pinned());
    let address = discovery::address(policy, pinned);
    let is_known = pinned.are_enough_for(&registration.profile.identity);
    let fetched = if is_known { None } else { Some(discovery::read(cx, address.clone()).await) };
    let document = fetched.as_ref().and_then(|fetched| fetched.as_ref().ok());
    let metadata = match &fetched {
        Some(Err(unread)) => Err(registration.explained(unread.error)),
        Some(Ok(_)) | None => Metadata::new(&registration.profile, pinned, document),
    };
    // Only an API of the provider's own makes up for a token endpoint that is missing.
    let needs_it = registration.document.methods.keys().any(|method| !provider.has_own_api(*method));
    let metadata = metadata.and_then(|metadata| match metadata.token_endpoint() {
        Err(missing) if needs_it => Err(missing),
        _ => Ok(metadata),
    });

    let discovered = match (&fetched, &metadata) {
        (_, Err(error)) => Err(NotPassed::from(*error)),
        (None, Ok(_)) => Err(ALL_PINNED),
        (Some(_), Ok(_)) => Ok(()),
    };
    let detail = match &fetched {
        Some(Err(unread)) => asked(unread),
        _ => Some(shown(registration, document)),
    };
    let discovery = Finding { detail, ..Finding::of("discovery", discovered) };
    let issuer = issuer(registration, &fetched);
    let mut checks = vec![discovery, issuer.0, Finding::of("tls", certificate(address.as_ref(), &fetched))];
    // Without ID tokens there is no document to be missed.
    checks.retain(|_| registration.profile.identity.is_signed());

    let metadata = metadata.map_err(|_| NO_DOCUMENT);
    let redirect_uri = registration.redirect_uri(cx);
    let auth_methods = document.map(|document| document.auth_methods.clone()).unwrap_or_default();
    let (genuine, refused, accepted) = (issuer.1, Vec::new(), Vec::new());
    let probing =
        Probing { registration, provider, cx, with, redirect_uri, auth_methods, metadata, genuine, refused, accepted };
    (probing, checks)
}

type Fetched = Option<Result<Document, Unread>>;

/// Which address was asked, and where it says the document is now.
fn asked(unread: &Unread) -> Option<Value> {
    let mut detail = json!({ "asked": unread.asked.as_ref()? });
    if let Some(moved_to) = unread.moved_to.as_ref().filter(|url| is_shown(url)) {
        detail["moved_to"] = json!(moved_to);
    }
    Some(detail)
}

/// Whether the document is the issuer's, exactly (Discovery 1.0 section 4.3), and whether what it names is to be trusted.
fn issuer(registration: &Registration, fetched: &Fetched) -> (Finding, Verdict) {
    let policy = &registration.profile.issuer;
    match fetched {
        None => (Finding::of("issuer", Err(ALL_PINNED)).with(json!({ "expected": policy.first() })), Ok(())),
        Some(Err(_)) => {
            (Finding::of("issuer", Err(NO_DOCUMENT)).with(json!({ "expected": policy.first() })), Err(NO_DOCUMENT))
        }
        Some(Ok(document)) if policy.admits(&document.issuer) => (Finding::of("issuer", Ok(())), Ok(())),
        Some(Ok(document)) => {
            let finding = Finding::of("issuer", Err(NotPassed::Failed(registration.profile.another_issuer)));
            (finding.with(json!({ "expected": policy.first(), "found": named(document) })), Err(OTHER_ISSUER))
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

/// Whether an address of a document's is one that may be shown.
fn is_shown(url: &Url) -> bool {
    url.as_str().len() <= MAX_SHOWN && check_address(url).is_ok()
}

/// In bytes. No issuer has more.
const MAX_SHOWN: usize = 255;

/// Egress has checked the server's certificate if there was an answer.
fn certificate(address: Option<&Url>, fetched: &Fetched) -> Verdict {
    match fetched {
        None => Err(ALL_PINNED),
        Some(_) if address.is_some_and(|address| address.scheme() == "http") => Err(THIS_MACHINE),
        Some(Ok(_)) => Ok(()),
        Some(Err(Unread { error: error @ ProviderError::Unavailable { outage: Outage::Tls, .. }, .. })) => {
            Err(NotPassed::from(*error))
        }
        Some(Err(_)) => Err(NO_DOCUMENT),
    }
}

/// What is known of the provider, with what the settings say in place of the document.
fn shown(registration: &Registration, document: Option<&Document>) -> Value {
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
        /// Members of the document that make no sense, and are as if they were absent.
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        not_understood: &'a [&'static str],
    }
    let (policy, pinned) = (&registration.profile.issuer, registration.pinned());
    let found = document.map(|document| document.endpoints.only(is_shown)).unwrap_or_default();
    json!(Shown {
        issuer: document.map_or(Some(policy.first()), named),
        endpoints: pinned.clone().or(found),
        id_token_signing_alg_values_supported: document.map(|document| document.algorithms.as_slice()),
        pinned: pinned.names(),
        not_understood: document.map_or(&[], |document| document.odd.as_slice()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stage;

    #[test]
    fn a_certificate_was_good_if_the_document_came_over_it() {
        let document = Document::default;
        let outage = |outage| {
            let error = Stage::Discovery.unavailable(outage);
            Some(Err(Unread { error, asked: None, moved_to: None }))
        };
        for (issuer, fetched, verdict) in [
            ("https://id.example", Some(Ok(document())), Ok(())),
            ("http://127.0.0.1", Some(Ok(document())), Err(THIS_MACHINE)),
            ("https://id.example", outage(Outage::Connect), Err(NO_DOCUMENT)),
            ("https://id.example", outage(Outage::Tls), Err(Stage::Discovery.unavailable(Outage::Tls).into())),
            ("https://id.example", None, Err(ALL_PINNED)),
        ] {
            assert_eq!(certificate(Url::parse(issuer).ok().as_ref(), &fetched), verdict);
        }
    }
}
