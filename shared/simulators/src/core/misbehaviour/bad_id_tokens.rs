//! ID tokens that must be refused, for every test that checks it.

use serde_json::{Value, json};

use super::Misbehaviour;

/// A way to spoil an ID token.
#[derive(Debug, Clone)]
pub struct BadIdToken {
    /// How it is spoilt.
    pub how: Misbehaviour,
    /// What is wrong with it, in one word.
    pub fault: &'static str,
    /// Whether it is wrong only in a redirect: a direct grant has no `nonce`.
    pub by_redirect_only: bool,
}

/// Every way there is, but for a `kid` that alone is too much to read and for none at all.
pub fn bad_id_tokens() -> Vec<BadIdToken> {
    use Misbehaviour as M;
    let claims = |members: Value| M::claims(&members);
    let unsigned_as = |algorithm: &str| M::UnsignedAs(algorithm.to_owned());
    let rows = [
        // Issuer, subject and audience.
        (M::WrongIssuer, "issuer"),
        (claims(json!({ "iss": ["https://id.example"] })), "issuer"),
        (M::WrongAudience, "audience"),
        (M::SeveralAudiences, "audience"),
        (claims(json!({ "aud": [] })), "audience"),
        (claims(json!({ "aud": ["landfall", 1] })), "audience"),
        (claims(json!({ "aud": { "landfall": true } })), "audience"),
        (M::WrongAuthorizedParty, "authorized_party"),
        (claims(json!({ "azp": ["landfall"] })), "authorized_party"),
        // Which login it is about.
        (M::WrongNonce, "nonce"),
        (M::NoNonce, "nonce"),
        (claims(json!({ "nonce": "" })), "nonce"),
        (claims(json!({ "nonce": ["n"] })), "nonce"),
        (M::NoSubject, "subject"),
        (claims(json!({ "sub": "" })), "subject"),
        (claims(json!({ "sub": 1 })), "subject"),
        (claims(json!({ "sub": "s".repeat(256) })), "subject"),
        // The signature.
        (M::ForgedSignature, "signature"),
        (M::AlteredPayload, "signature"),
        (M::EmptySignature, "signature"),
        (M::ShortKeySignature, "signature"),
        (M::UnknownKey, "key"),
        (M::EncryptionKey, "key"),
        (M::EmbeddedKey, "key"),
        (M::Unsigned, "algorithm"),
        (unsigned_as("None"), "algorithm"),
        (unsigned_as("NONE"), "algorithm"),
        (unsigned_as("nOnE"), "algorithm"),
        (unsigned_as(" none"), "algorithm"),
        (unsigned_as(""), "algorithm"),
        (unsigned_as("RS256 "), "algorithm"),
        (unsigned_as("rs256"), "algorithm"),
        (unsigned_as("ES256K"), "algorithm"),
        (unsigned_as("RS256"), "signature"),
        (M::HmacWithPublicKey, "algorithm"),
        (M::HmacWithClientSecret, "algorithm"),
        // What the header says of keys and of itself.
        (M::KidIsAPath, "key"),
        (M::KidIsAList, "header"),
        (M::UnknownCritical, "header"),
        (M::UnencodedPayload, "header"),
        (M::LogoutToken, "header"),
        // When.
        (M::Expired, "expired"),
        (M::IssuedInTheFuture, "not_yet_valid"),
        (M::NotYetValid, "not_yet_valid"),
        (M::ExpiryAsText, "format"),
        (M::ExpiryNegative, "format"),
        (M::ExpiryBeyondNumbers, "format"),
        (M::NoExpiry, "format"),
        (M::NoIssuedAt, "format"),
        // Ambiguous tokens, and tokens that are not a JWT.
        (M::DuplicateClaims, "json"),
        (M::GarbageIdToken, "format"),
    ];
    let row = |(how, fault)| BadIdToken { how, fault, by_redirect_only: fault == "nonce" };
    rows.into_iter().map(row).collect()
}
