//! What every OpenID Connect provider does alike (OpenID Connect Core 1.0, Discovery 1.0): the authorization code flow with
//! PKCE, state and nonce, and how an answer of a token endpoint becomes an identity: by its ID token, or, of a provider that gives
//! none, by an API (`lookup`).
//!
//! A provider is an [`OidcProvider`]: its [`Profile`] and a few hooks. The settings in `options` are every connector's.

mod address;
mod assertion;
mod authorize;
mod callback;
mod claims;
mod connection;
mod discovery;
mod id_token;
mod issuer;
mod issuers;
mod jws;
mod key;
mod keys;
mod lookup;
mod options;
mod parameters;
mod probe;
mod profile;
mod relying_party;
mod security_event;
mod signed_secret;
mod standard;
mod token;
mod userinfo;

#[cfg(test)]
mod tests;

pub use address::{check as check_address, is_host, is_label};
pub use callback::OF_A_REDIRECT;
pub use claims::VerifiedClaims;
pub use connection::{Connection, Grant};
pub use discovery::Endpoints;
pub use issuer::{IssuerPolicy, TENANT, is_guid, of_tenant};
pub use lookup::{Entry, Lookup, OF_AN_API, Said, Verb};
pub use options::ResponseMode;
pub use parameters::{AuthorizeParams, ClaimsRequest};
pub use probe::Probing;
pub use profile::{Begun, IdentityFrom, OidcProvider, Profile, Returned, Trial};
pub use security_event::SecurityEvent;
pub use signed_secret::SignedSecret;
pub use standard::OF_A_CODE;
pub use token::TokenAnswer;

pub(crate) use assertion::is_private_key;
pub(crate) use authorize::PendingRedirect;
pub(crate) use id_token::{LEEWAY, time};
pub(crate) use issuers::IssuerCache;
pub(crate) use relying_party::build;
pub(crate) use signed_secret::SignedSecrets;

/// What is wrong with a connector of these settings: `none`, or where and why.
#[cfg(test)]
pub(crate) fn complaint_about(provider: &str, settings: serde_json::Value) -> String {
    let document = serde_json::json!({
        "id": "acme", "provider": provider, "name": "Acme", "client": { "id": "landfall" },
        "methods": { "oidc": {} }, "settings": settings,
    });
    match crate::Registry::default().adapter(&serde_json::from_value(document).unwrap()) {
        Ok(_) => "none".to_owned(),
        Err(error) => error.to_string(),
    }
}
