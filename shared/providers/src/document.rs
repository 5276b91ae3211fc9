//! What all connector documents have in common: how they are read, what is checked, and where one is wrong.

use std::fmt;

use domain::{ClientAuthMethod, ConnectorClient, ConnectorDocument};
use egress::are_certificates;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::check_secrets;
use crate::registry::Provider;

/// In seconds, of one call: API Gateway waits no longer for the whole request.
const MAX_TIMEOUT: u8 = 29;
/// In characters, of what is shown to people.
const MAX_NAME: usize = 100;
const MAX_DESCRIPTION: usize = 1000;

/// The part that all documents have in common.
pub(crate) fn check(provider: &Provider, document: &ConnectorDocument) -> Result<(), InvalidConnector> {
    check_texts(document)?;
    if document.timeout.is_some_and(|seconds| !(1..=MAX_TIMEOUT).contains(&seconds)) {
        return Err(InvalidConnector::at("timeout", format!("is not 1 to {MAX_TIMEOUT} seconds")));
    }
    if document.ca_certificates.as_deref().is_some_and(|pem| !are_certificates(pem)) {
        return Err(InvalidConnector::at(
            "ca_certificates",
            "is not one or more certificates in PEM (-----BEGIN CERTIFICATE-----)",
        ));
    }
    check_client("client", &document.client)?;
    if document.methods.is_empty() {
        return Err(InvalidConnector::at("methods", "no method is switched on"));
    }
    for (method, settings) in &document.methods {
        let place = format!("methods.{}", method.as_str());
        if !provider.methods.contains(method) {
            return Err(InvalidConnector::at(place, format!("{} connectors cannot do this", provider.name)));
        }
        if let Some(client) = &settings.client {
            check_client(&format!("{place}.client"), client)?;
        }
    }
    Ok(())
}

/// Texts for people stay on one line, and within a button.
fn check_texts(document: &ConnectorDocument) -> Result<(), InvalidConnector> {
    let ConnectorDocument { name, button, description, .. } = document;
    let texts = [
        ("name", Some(name), MAX_NAME),
        ("button", button.as_ref(), MAX_NAME),
        ("description", description.as_ref(), MAX_DESCRIPTION),
    ];
    for (place, text, most) in texts {
        let Some(text) = text else { continue };
        if text.trim().is_empty() || text.chars().count() > most {
            return Err(InvalidConnector::at(place, format!("is not 1 to {most} characters")));
        }
        if text.contains(char::is_control) {
            return Err(InvalidConnector::at(place, "has a line break or another control character in it"));
        }
    }
    match button {
        Some(button) if button.replace("{name}", "").contains(['{', '}']) => {
            Err(InvalidConnector::at("button", "has braces in it that are not {name}: nothing else is put into it"))
        }
        _ => Ok(()),
    }
}

fn check_client(place: &str, client: &ConnectorClient) -> Result<(), InvalidConnector> {
    if client.id.is_empty() {
        return Err(InvalidConnector::at(format!("{place}.id"), "is empty"));
    }
    if client.secret.as_deref().is_some_and(str::is_empty) {
        return Err(InvalidConnector::at(format!("{place}.secret"), "is empty: leave it out for a public client"));
    }
    match (client.token_endpoint_auth_method, &client.secret) {
        (Some(ClientAuthMethod::ClientSecretBasic | ClientAuthMethod::PrivateKeyJwt), None) => {
            return Err(InvalidConnector::at(
                format!("{place}.token_endpoint_auth_method"),
                "needs a secret, and there is none",
            ));
        }
        (Some(ClientAuthMethod::None), Some(_)) => {
            return Err(InvalidConnector::at(
                format!("{place}.secret"),
                "is never sent where token_endpoint_auth_method is none",
            ));
        }
        _ => {}
    }
    let of_assertions = [
        ("token_endpoint_auth_signing_alg", client.token_endpoint_auth_signing_alg.is_some()),
        ("key_id", client.key_id.is_some()),
        ("assertion_audience", client.assertion_audience.is_some()),
    ];
    match of_assertions.into_iter().find(|(_, present)| *present) {
        Some((name, _)) if client.token_endpoint_auth_method != Some(ClientAuthMethod::PrivateKeyJwt) => {
            let reason = "has a meaning only where token_endpoint_auth_method is private_key_jwt";
            Err(InvalidConnector::at(format!("{place}.{name}"), reason))
        }
        _ if client.key_id.as_deref().is_some_and(str::is_empty) => {
            Err(InvalidConnector::at(format!("{place}.key_id"), "is empty: leave it out where the provider gives none"))
        }
        _ => Ok(()),
    }
}

/// A document as a caller has sent it.
pub fn document(sent: Map<String, Value>) -> Result<ConnectorDocument, InvalidConnector> {
    check_secrets(&sent)?;
    read("connector", "", sent)
}

/// Settings out of a document.
pub fn settings<T: DeserializeOwned>(settings: Map<String, Value>) -> Result<T, InvalidConnector> {
    read("settings", "settings.", settings)
}

fn read<T: DeserializeOwned>(whole: &str, prefix: &str, from: Map<String, Value>) -> Result<T, InvalidConnector> {
    serde_path_to_error::deserialize(Value::Object(from)).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { whole.to_owned() } else { format!("{prefix}{path}") };
        InvalidConnector { place, reason: error.into_inner().to_string() }
    })
}

/// A connector document that describes no connector: where, and why.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct InvalidConnector {
    place: String,
    reason: String,
}

impl InvalidConnector {
    /// At `place`, the path of a member, for `reason`.
    pub fn at(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { place: place.into(), reason: reason.into() }
    }

    /// Where a name is unknown, says which others would not have been.
    pub(crate) fn with_known(mut self, names: &[&str]) -> Self {
        if self.reason.starts_with("unknown field ") {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            self.reason = format!("{}, or one of those of all connectors: {}", self.reason, names.join(", "));
        }
        self
    }

    /// The path of the member that is wrong: `settings.realm`.
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl fmt::Debug for InvalidConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
