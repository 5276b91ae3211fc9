//! No secret stands in a connector document. Many people read connectors, and files of them are kept in repositories: what looks
//! like a secret is refused before it is stored, and no message shows it.

use serde_json::{Map, Value};

use crate::InvalidConnector;

const WHERE: &str = "put the value into Secrets Manager under connectors/<name> (on one machine: the file of --secrets), and name it \
                     here at client.secret";

/// How members are called that hold secrets, in lower case and without what stands between words.
const NAMES: &[&str] =
    &["secret", "password", "passwd", "passphrase", "privatekey", "apikey", "accesstoken", "refreshtoken"];

/// Refuses a connector document, as it was written, that has a secret in it.
///
/// # Errors
/// Where it is, and where it belongs.
pub fn check_secrets(document: &Map<String, Value>) -> Result<(), InvalidConnector> {
    for (name, value) in document {
        match (name.as_str(), value) {
            ("client", Value::Object(client)) => check_client("client", client)?,
            ("methods", Value::Object(methods)) => {
                for (method, settings) in methods {
                    let place = format!("methods.{method}");
                    let Value::Object(settings) = settings else { continue };
                    for (name, value) in settings {
                        match (name.as_str(), value) {
                            ("client", Value::Object(client)) => check_client(&format!("{place}.client"), client)?,
                            _ => check(&format!("{place}.{name}"), name, value)?,
                        }
                    }
                }
            }
            _ => check(name, name, value)?,
        }
    }
    Ok(())
}

fn check_client(place: &str, client: &Map<String, Value>) -> Result<(), InvalidConnector> {
    for (name, value) in client {
        let place = format!("{place}.{name}");
        match (name.as_str(), value) {
            ("secret", Value::String(text)) if may_be_name(text) => {}
            ("secret", Value::String(_)) => {
                return Err(refused(place, "is the name of a secret, and this looks like the secret itself"));
            }
            ("secret", Value::Null) => {}
            _ => check(&place, name, value)?,
        }
    }
    Ok(())
}

fn check(place: &str, name: &str, value: &Value) -> Result<(), InvalidConnector> {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    if !value.is_null() && NAMES.iter().any(|secret| name.ends_with(secret) || name == format!("{secret}value")) {
        return Err(refused(place, "is called like a secret, which does not stand in a connector"));
    }
    match value {
        Value::String(text) if text.contains("PRIVATE KEY-----") => Err(refused(place, "has a private key in it")),
        Value::Array(all) => {
            all.iter().enumerate().try_for_each(|(index, value)| check(&format!("{place}[{index}]"), "", value))
        }
        Value::Object(members) => {
            members.iter().try_for_each(|(name, value)| check(&format!("{place}.{name}"), name, value))
        }
        _ => Ok(()),
    }
}

fn refused(place: impl Into<String>, what: &str) -> InvalidConnector {
    InvalidConnector::at(place, format!("{what}: {WHERE}"))
}

/// In characters: no word of a name is as long and has digits in it.
const LONG: usize = 20;

/// Whether a text may be what a secret is called: of the characters that Secrets Manager takes in names, and no word of it
/// looks random. <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>
fn may_be_name(text: &str) -> bool {
    let is_random = |word: &str| {
        word.len() >= LONG
            && word.contains(|c: char| c.is_ascii_digit())
            && word.contains(|c: char| c.is_ascii_alphabetic())
    };
    let has_right_characters = text.chars().all(|c| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c));
    has_right_characters && !is_uuid(text) && !text.split(['/', '_', '.', '@', '-']).any(is_random)
}

/// As Keycloak wrote the secrets of clients formerly.
fn is_uuid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is said of a good document with these members over its own: the place and why.
    fn complaint(over: &Value) -> Option<String> {
        let mut document = json!({
            "id": "staff", "provider": "oidc", "name": "Staff", "client": { "id": "landfall", "secret": "staff" },
            "methods": { "oidc": {}, "password": { "client": { "id": "landfall", "secret": "staff" } } },
            "settings": { "issuer": "https://id.example" },
        });
        document.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
        let refused = check_secrets(document.as_object().unwrap()).err()?.to_string();
        Some(refused.strip_suffix(&format!(": {WHERE}")).unwrap_or_else(|| panic!("{refused}")).to_owned())
    }

    #[test]
    fn a_secret_in_a_document_is_refused_where_it_stands() {
        const NAMED: &str = "is called like a secret, which does not stand in a connector";
        let key = "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n";
        for (over, expected) in [
            (json!({ "client_secret": "canary" }), format!("client_secret: {NAMED}")),
            (json!({ "password": 7 }), format!("password: {NAMED}")),
            (json!({ "client": { "id": "a", "client_secret": "canary" } }), format!("client.client_secret: {NAMED}")),
            (json!({ "client": { "id": "a", "secret_value": "canary" } }), format!("client.secret_value: {NAMED}")),
            (json!({ "client": { "id": "a", "secret": { "value": "canary" } } }), format!("client.secret: {NAMED}")),
            (json!({ "settings": { "clientSecret": "canary" } }), format!("settings.clientSecret: {NAMED}")),
            (json!({ "settings": { "API-Key": "canary" } }), format!("settings.API-Key: {NAMED}")),
            (json!({ "settings": { "private_key": { "d": "canary" } } }), format!("settings.private_key: {NAMED}")),
            (
                json!({ "settings": { "authorize_params": { "client_secret": "canary" } } }),
                format!("settings.authorize_params.client_secret: {NAMED}"),
            ),
            (
                json!({ "methods": { "password": { "client": { "id": "a", "password": "canary" } } } }),
                format!("methods.password.client.password: {NAMED}"),
            ),
            (json!({ "methods": { "password": { "secret": "canary" } } }), format!("methods.password.secret: {NAMED}")),
            (json!({ "description": key }), "description: has a private key in it".to_owned()),
            (json!({ "ca_certificates": key }), "ca_certificates: has a private key in it".to_owned()),
            (json!({ "settings": { "keys": ["a", key] } }), "settings.keys[1]: has a private key in it".to_owned()),
        ] {
            assert_eq!(complaint(&over), Some(expected), "{over}");
        }
    }

    #[test]
    fn what_is_no_secret_is_none() {
        for over in [
            json!({}),
            json!({ "client": { "id": "6f1b7a0c9d8e4f2ab3c4", "secret": null, "key_id": "6f1b7a0c9d8e4f2ab3c4d5e6" } }),
            json!({ "client": { "id": "a", "secret": "a", "token_endpoint_auth_method": "client_secret_basic" } }),
            json!({ "settings": { "token_endpoint": "https://id.example/token", "authorize_params": { "secretary": "a" } } }),
            json!({ "methods": { "password": {} }, "tokens": "keep", "timeout": 5 }),
        ] {
            assert_eq!(complaint(&over), None, "{over}");
        }
    }

    #[test]
    fn a_secrets_name_is_told_from_a_secret() {
        for name in [
            "keycloak-prod",
            "Okta_2024",
            "staff",
            "team/keycloak.prod-eu-central-1",
            "the-old-identity-provider-of-the-whole-company",
            "internationalization",
        ] {
            assert!(may_be_name(name), "{name}");
        }
        for (whose, secret) in [
            ("Keycloak", "fGdNMJGjJVXnDbdW0kW2UwNrTvBTtG6z"),
            ("Keycloak, formerly", "d0b8122f-8dfb-46b7-b68a-f5cc4e25d000"),
            ("Entra ID", "abc8Q~dEfGhIjKlMnOpQrStUvWxYz0123456789"),
            ("Google", "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"),
            ("Okta", "vZ8q1K0xW3mN5bT7yR9uL2pE4sA6dF8gH0jC1vB3"),
            ("OneLogin", "1f3870be274f6c49b3e31a0c6728957f1f3870be274f6c49b3e31a0c6728957f"),
            ("a person", "correct horse"),
            ("a person", "hunter2!"),
            ("base64", "c2VjcmV0IGNhbmFyeSBvZiAzMiBieXRlcw=="),
            ("a key", "-----BEGIN PRIVATE KEY-----"),
        ] {
            assert!(!may_be_name(secret), "{whose}");
            let refused = complaint(&json!({ "client": { "id": "a", "secret": secret } }));
            let expected = "client.secret: is the name of a secret, and this looks like the secret itself";
            assert_eq!(refused.as_deref(), Some(expected), "{whose}");
        }
    }
}
