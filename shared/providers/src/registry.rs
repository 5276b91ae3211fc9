//! Which providers there are, and how a connector document becomes an adapter.

use std::fmt;
use std::sync::Arc;

use domain::{ConnectorDocument, ConnectorId, Method, Source};
use serde_json::{Map, Value};

use crate::document::{self, InvalidConnector};
use crate::oidc::{self, OidcProvider};
use crate::refusals::Refusals;
use crate::{
    ProviderAdapter, apple, auth0, cognito, entra, google, keycloak, meta, oauth2, okta, onelogin, openid_connect,
    pingone,
};

/// One line per provider.
pub(crate) const PROVIDERS: &[Provider] = &[
    okta::PROVIDER,
    auth0::PROVIDER,
    cognito::PROVIDER,
    entra::PROVIDER,
    keycloak::PROVIDER,
    onelogin::PROVIDER,
    pingone::PROVIDER,
    google::PROVIDER,
    apple::PROVIDER,
    meta::PROVIDER,
    openid_connect::PROVIDER,
    oauth2::PROVIDER,
];

/// Makes the adapter of a document whose common part has been checked. Makes no network call.
pub type Build = fn(&ConnectorDocument) -> Result<Arc<dyn ProviderAdapter>, InvalidConnector>;

/// Reads an OpenID Connect provider out of its own part of `settings`: those that every connector has are not in it.
pub type MakeOidc = fn(Map<String, Value>) -> Result<Box<dyn OidcProvider>, InvalidConnector>;

/// A kind of provider.
#[derive(Clone, Copy)]
pub struct Provider {
    /// As connector documents name it.
    pub name: &'static str,
    /// What it can do at all.
    pub methods: &'static [Method],
    /// What its refusals mean, by kind of request.
    pub refusals: &'static [&'static Refusals],
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Own(Build),
    Oidc(MakeOidc),
}

impl Provider {
    /// One that connector documents call `name`, and whose adapter is its own.
    pub const fn new(name: &'static str, methods: &'static [Method], build: Build) -> Self {
        Self { name, methods, refusals: &[], kind: Kind::Own(build) }
    }

    /// One that speaks OpenID Connect.
    pub const fn oidc(
        name: &'static str,
        methods: &'static [Method],
        refusals: &'static [&'static Refusals],
        make: MakeOidc,
    ) -> Self {
        Self { name, methods, refusals, kind: Kind::Oidc(make) }
    }

    fn build(&self, document: &ConnectorDocument) -> Result<Arc<dyn ProviderAdapter>, InvalidConnector> {
        match self.kind {
            Kind::Own(build) => build(document),
            Kind::Oidc(make) => oidc::build(document, make),
        }
    }
}

/// The kinds of providers that a deployment knows: those of this crate, unless it has been given one of its own, such as
/// the company's home-grown login service.
#[derive(Debug, Clone)]
pub struct Registry(Vec<Provider>);

impl Default for Registry {
    fn default() -> Self {
        Self(PROVIDERS.to_vec())
    }
}

impl Registry {
    /// These, and one more, which takes the place of any other of its name.
    pub fn and(mut self, provider: Provider) -> Self {
        self.0.push(provider);
        self
    }

    /// The kinds, by name.
    pub fn providers(&self) -> &[Provider] {
        &self.0
    }

    /// Connectors that vouch for the accounts of one issuer under different sources: a user who comes through the one is a
    /// stranger to the other.
    pub fn split_pools<'a>(&self, documents: &'a [ConnectorDocument]) -> Vec<SplitPool<'a>> {
        let mut known: Vec<(String, Source, &ConnectorDocument)> = Vec::new();
        let mut split = Vec::new();
        for document in documents {
            let Ok(adapter) = self.adapter(document) else { continue };
            let (Some(issuer), Some(source)) = (adapter.issuer_key(), adapter.source().cloned()) else { continue };
            let other = known.iter().find(|(key, theirs, _)| key == issuer && *theirs != source);
            if let Some((_, theirs, other)) = other {
                let (connector, other) = (&document.id, &other.id);
                split.push(SplitPool { connector, own: source.clone(), other, others: theirs.clone() });
            }
            known.push((issuer.to_owned(), source, document));
        }
        split
    }

    /// The adapter that a connector document describes. Checks the whole document, without a network call. Does not check
    /// whether the connector is enabled.
    pub fn adapter(&self, document: &ConnectorDocument) -> Result<Arc<dyn ProviderAdapter>, InvalidConnector> {
        let provider =
            self.0.iter().rev().find(|provider| provider.name == document.provider.as_str()).ok_or_else(|| {
                let known = self.0.iter().map(|provider| provider.name).collect::<Vec<_>>().join(", ");
                InvalidConnector::at(
                    "provider",
                    format!("unknown provider {:?}, known are: {known}", document.provider.as_str()),
                )
            })?;

        document::check(provider, document)?;
        provider.build(document)
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Two connectors to one issuer, with different sources.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "connector {connector} has the source {own}, and connector {other}, which leads to the same issuer, has {others}: a user of \
     the one is a stranger to the other. Give both one source, unless that is meant"
)]
pub struct SplitPool<'a> {
    /// One.
    pub connector: &'a ConnectorId,
    /// Its source.
    pub own: Source,
    /// The other.
    pub other: &'a ConnectorId,
    /// Its source.
    pub others: Source,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is wrong with a good document in which `pointer` holds `value` (`null`: nothing).
    fn complaint(pointer: &str, value: Value) -> String {
        let mut document = json!({
            "id": "keycloak-prod", "provider": "keycloak", "name": "Staff",
            "client": { "id": "landfall", "secret": "keycloak-prod" },
            "methods": { "password": {} },
            "settings": { "url": "https://id.example.com", "realm": "acme" },
        });
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Value::Null => parent.remove(name),
            value => parent.insert(name.to_owned(), value),
        };
        match Registry::default().adapter(&serde_json::from_value(document).unwrap()) {
            Ok(_) => "none".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_wrong_document_is_told_where_it_is_wrong() {
        for (pointer, value, expected) in [
            ("/name", json!("Anybody"), "none"),
            ("/name", json!(" "), "name: is not 1 to 100 characters"),
            ("/name", json!("\u{e9}".repeat(100)), "none"),
            ("/name", json!("a".repeat(101)), "name: is not 1 to 100 characters"),
            ("/name", json!("a\nb"), "name: has a line break or another control character in it"),
            ("/button", json!("Sign in at {name}"), "none"),
            ("/button", json!(""), "button: is not 1 to 100 characters"),
            ("/button", json!("\u{1b}[2J"), "button: has a line break or another control character in it"),
            (
                "/button",
                json!("Sign in at {nam}"),
                "button: has braces in it that are not {name}: nothing else is put into it",
            ),
            ("/description", json!("Of the company that we bought."), "none"),
            ("/description", json!("a".repeat(1001)), "description: is not 1 to 1000 characters"),
            (
                "/provider",
                json!("kecloak"),
                "provider: unknown provider \"kecloak\", known are: okta, auth0, cognito, entra, keycloak, onelogin, pingone, google, \
                 apple, meta, oidc, oauth2",
            ),
            ("/client/id", json!(""), "client.id: is empty"),
            ("/client/secret", json!(""), "client.secret: is empty: leave it out for a public client"),
            (
                "/client",
                json!({ "id": "a", "token_endpoint_auth_method": "client_secret_basic" }),
                "client.token_endpoint_auth_method: needs a secret, and there is none",
            ),
            (
                "/methods/password",
                json!({ "client": { "id": "a", "secret": "a", "token_endpoint_auth_method": "none" } }),
                "methods.password.client.secret: is never sent where token_endpoint_auth_method is none",
            ),
            (
                "/client",
                json!({ "id": "a", "token_endpoint_auth_method": "private_key_jwt" }),
                "client.token_endpoint_auth_method: needs a secret, and there is none",
            ),
            (
                "/client",
                json!({ "id": "a", "secret": "a", "token_endpoint_auth_method": "private_key_jwt", "key_id": "" }),
                "client.key_id: is empty: leave it out where the provider gives none",
            ),
            (
                "/client",
                json!({ "id": "a", "secret": "a", "key_id": "one" }),
                "client.key_id: has a meaning only where token_endpoint_auth_method is private_key_jwt",
            ),
            (
                "/client",
                json!({ "id": "a", "secret": "a", "token_endpoint_auth_signing_alg": "PS256" }),
                "client.token_endpoint_auth_signing_alg: has a meaning only where token_endpoint_auth_method is \
                 private_key_jwt",
            ),
            (
                "/client",
                json!({ "id": "a", "secret": "a", "assertion_audience": "issuer" }),
                "client.assertion_audience: has a meaning only where token_endpoint_auth_method is private_key_jwt",
            ),
            ("/timeout", json!(29), "none"),
            ("/timeout", json!(0), "timeout: is not 1 to 29 seconds"),
            ("/timeout", json!(30), "timeout: is not 1 to 29 seconds"),
            (
                "/ca_certificates",
                json!("no PEM"),
                "ca_certificates: is not one or more certificates in PEM (-----BEGIN CERTIFICATE-----)",
            ),
            ("/methods", json!({}), "methods: no method is switched on"),
            ("/methods/password", json!({ "client": { "id": "" } }), "methods.password.client.id: is empty"),
            ("/settings/realm", Value::Null, "settings: missing field `realm`"),
            ("/settings/url", Value::Null, "settings: missing field `url`"),
            ("/settings/realm", json!(1), "settings.realm: invalid type: integer `1`, expected a string"),
            ("/settings/realm", json!(""), "settings.realm: is not the name of a realm"),
            ("/settings/url", json!("id.example.com"), "settings.url: relative URL without a base: \"id.example.com\""),
            ("/settings/url", json!("ftp://id.example.com"), "settings.url: is not an https address"),
            (
                "/settings/relm",
                json!("acme"),
                "settings.relm: unknown field `relm`, expected `url` or `realm`, or one of those of all connectors: `scopes`, \
                 `redirect_uri`, `response_mode`, `prompt`, `acr_values`, `authorize_params`, `pkce`, `algorithms`, \
                 `trusted_audiences`, `claims`, `discovery_endpoint`, `authorization_endpoint`, `token_endpoint`, \
                 `userinfo_endpoint`, `jwks_uri`",
            ),
            ("/settings/scopes", json!("openid, email"), "none"),
            (
                "/settings/scopes",
                json!(1),
                "settings.scopes: invalid type: integer `1`, expected a list of scopes, or text with blanks or commas between \
                 them",
            ),
            ("/settings/scopes", json!(["openid", "a b"]), "settings.scopes[1]: is not a scope"),
        ] {
            assert_eq!(complaint(pointer, value), expected);
        }
    }

    #[test]
    fn a_custom_domain_signs_for_no_user_of_the_provider() {
        let (environment, tenant) = ("3fa85f64-5717-4562-b3fc-2c963f66afa6", "3b9c0d53-0000-4000-8000-0123456789ab");
        for (name, settings, keys) in [
            (
                "okta",
                json!({ "domain": "acme.okta.com", "custom_domain": "evil.example" }),
                "https://acme.okta.com/oauth2/default/v1/keys".to_owned(),
            ),
            (
                "okta",
                json!({ "domain": "acme.okta.com", "custom_domain": "evil.example", "authorization_server": "" }),
                "https://acme.okta.com/oauth2/v1/keys".to_owned(),
            ),
            (
                "auth0",
                json!({ "domain": "acme.auth0.com", "custom_domains": ["evil.example"] }),
                "https://acme.auth0.com/.well-known/jwks.json".to_owned(),
            ),
            (
                "pingone",
                json!({ "environment_id": environment, "region": "EU", "custom_domain": "evil.example" }),
                format!("https://auth.pingone.eu/{environment}/as/jwks"),
            ),
            (
                "entra",
                json!({ "tenant": tenant, "external_id": "evil.example" }),
                format!("https://{tenant}.ciamlogin.com/{tenant}/discovery/v2.0/keys"),
            ),
        ] {
            let provider = PROVIDERS.iter().find(|provider| provider.name == name).unwrap();
            let Kind::Oidc(make) = provider.kind else { panic!("{name} speaks OpenID Connect") };
            let made = make(settings.as_object().unwrap().clone()).unwrap();
            assert_eq!(
                made.profile().endpoints.jwks_uri.as_ref().map(|url| url.as_str()),
                Some(keys.as_str()),
                "{name}"
            );
        }
    }

    #[test]
    fn a_method_the_provider_cannot_do_is_named() {
        let limited = Provider::new("limited", &[], build_never);
        let document = serde_json::from_value(json!({
            "id": "a", "provider": "limited", "name": "A", "client": { "id": "a" }, "methods": { "password": {} },
        }));
        let error = document::check(&limited, &document.unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "methods.password: limited connectors cannot do this");
    }

    fn build_never(_: &ConnectorDocument) -> Result<Arc<dyn ProviderAdapter>, InvalidConnector> {
        Err(InvalidConnector::at("", ""))
    }
}
