//! What every OpenID Connect provider does alike (OpenID Connect Core 1.0, Discovery 1.0): the authorization code flow with
//! PKCE, state and nonce, and how an answer of a token endpoint becomes somebody.
//!
//! A provider is an [`OidcDialect`]: its own settings, its issuer, and the few things it does otherwise. The settings in
//! `options` are every connector's.

mod address;
mod authorize;
mod callback;
mod claims;
mod dialect;
mod discovery;
mod exchange;
mod id_token;
mod issuers;
mod jws;
mod key;
mod keys;
mod options;
mod probe;
mod relying_party;
mod token;
mod userinfo;

#[cfg(test)]
mod tests;

pub(crate) use address::check as check_address;
pub(crate) use claims::VerifiedClaims;
pub(crate) use dialect::OidcDialect;
pub(crate) use discovery::Endpoints;
pub(crate) use issuers::IssuerCache;
pub(crate) use probe::Probing;
pub(crate) use relying_party::{Proof, RelyingParty, build, not_switched_on};
pub(crate) use token::redeem;
