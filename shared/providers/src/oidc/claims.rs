//! What a provider has vouched for.

use std::fmt;

use domain::{Claims, ConnectorDocument, ExternalIdentity, Method};
use serde_json::{Map, Value};

use crate::{Check, Cx, ProviderError, Stage};

/// Verified claims about one subject of one issuer.
pub(crate) struct Vouched {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) claims: Map<String, Value>,
}

impl Vouched {
    /// Claims whose `sub` is what OIDC Core section 2 says: there, and at most 255 characters.
    pub(crate) fn new(stage: Stage, issuer: &str, claims: Map<String, Value>) -> Result<Self, ProviderError> {
        match claims.get("sub").and_then(Value::as_str) {
            Some(subject) if (1..=255).contains(&subject.len()) => {
                Ok(Self { issuer: issuer.to_owned(), subject: subject.to_owned(), claims })
            }
            _ => Err(stage.refused(Check::Subject)),
        }
    }

    /// A claim that is text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// The identity, for providers whose `iss` and `sub` are canonical as they are.
    pub(crate) fn into_identity(
        self,
        cx: &Cx<'_>,
        document: &ConnectorDocument,
        method: Method,
        upstream_session: Option<String>,
    ) -> ExternalIdentity {
        ExternalIdentity {
            connector: document.id.clone(),
            source: document.source(),
            provider: document.provider.clone(),
            method,
            issuer_key: self.issuer.clone(),
            subject_key: self.subject.clone(),
            claims: Claims::mapped(&self.claims),
            issuer: self.issuer,
            subject: self.subject,
            upstream_session,
            authenticated_at: cx.now(),
        }
    }
}

impl fmt::Debug for Vouched {
    // Claims describe a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vouched").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
