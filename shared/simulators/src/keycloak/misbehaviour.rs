//! What the simulator does when it is told not to behave: for tests of a relying party's refusals.

mod keys;
mod token;

use axum::http::StatusCode;
use axum::http::header::{LOCATION, RETRY_AFTER};
use serde_json::{Map, Value, json};

use super::Endpoint;
use crate::wire::Reply;

pub use keys::{BadKey, Published};

/// How Keycloak describes what went wrong inside.
pub(super) const SEE_THE_LOG: &str = "For more on this error consult the server log.";
/// An audience or subject that is not the right one.
const SOMEBODY_ELSE: &str = "somebody-else";
/// An issuer that is not the right one.
const OTHER_ISSUER: &str = "https://attacker.example/realms/demo";

/// A way to misbehave. Those about the ID token change nothing else: the credentials are checked, and the token that is
/// sent after the right ones is wrong in that one respect. Those about the whole answer are given before anything is
/// checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misbehaviour {
    /// `iss` names another issuer. At [`Endpoint::Discovery`]: so does the document.
    WrongIssuer,
    /// `aud` is another client.
    WrongAudience,
    /// `aud` is a list that names the client and another one; `azp` is right.
    SeveralAudiences,
    /// `azp` is another client.
    WrongAuthorizedParty,
    /// Signed by a key that is not in the key set, under the `kid` of one that is.
    ForgedSignature,
    /// Signed by a key that is not in the key set, under its own `kid`.
    UnknownKey,
    /// Signed by the key that is published for encryption, under its `kid`.
    EncryptionKey,
    /// `alg: none` and no signature.
    Unsigned,
    /// No signature, and `alg` is spelt so: `None`, `nOnE`.
    UnsignedAs(String),
    /// `alg: RS256` and a signature of no bytes.
    EmptySignature,
    /// Signed by an RSA key of 512 bits under the `kid` of the right one. It verifies where [`BadKey::Short`] is
    /// published [`Instead`](Published::Instead).
    ShortKeySignature,
    /// Signed by a key that the header brings along (`jwk`, `x5c`) and points to (`jku`, `x5u`).
    EmbeddedKey,
    /// Rightly signed, but `kid` is the path of a file.
    KidIsAPath,
    /// Rightly signed, but `kid` has a million characters.
    KidIsHuge,
    /// Rightly signed, but `kid` is a list that holds the right one.
    KidIsAList,
    /// Rightly signed, but `crit` names an extension that nobody knows (RFC 7515 section 4.1.11).
    UnknownCritical,
    /// Rightly signed, but `b64: false` says that the payload is not encoded (RFC 7797).
    UnencodedPayload,
    /// A rightly signed logout token in place of the ID token.
    LogoutToken,
    /// HS256, with the PEM of the public key as the secret.
    HmacWithPublicKey,
    /// HS256, with the client's secret (an empty one for a client without).
    HmacWithClientSecret,
    /// `exp` is an hour ago.
    Expired,
    /// `iat` is in an hour.
    IssuedInTheFuture,
    /// `nbf` is in an hour.
    NotYetValid,
    /// `exp` is the right number, as text.
    ExpiryAsText,
    /// `exp` is half a second later than it should be, and no whole number.
    ExpiryAsFraction,
    /// `exp` is a negative number.
    ExpiryNegative,
    /// `exp` is `1e400`, which no 64-bit number holds.
    ExpiryBeyondNumbers,
    /// There is no `exp`.
    NoExpiry,
    /// There is no `iat`.
    NoIssuedAt,
    /// `nonce` is not the one that was sent, or is there although none was sent.
    WrongNonce,
    /// There is no `nonce`.
    NoNonce,
    /// There is no `sub`.
    NoSubject,
    /// `sub` is there twice, first somebody else's.
    DuplicateClaims,
    /// `at_hash` belongs to another access token.
    WrongAccessTokenHash,
    /// The ID token is three parts of nonsense.
    GarbageIdToken,
    /// There is no ID token although `openid` was granted.
    NoIdToken,
    /// A right answer whose most important field (`id_token`, `sub`, `issuer`, `keys`) is there twice, first wrong.
    DuplicateKeys,
    /// At [`Endpoint::Certs`]: a key that must not be used.
    BadKey(BadKey, Published),
    /// At [`Endpoint::Userinfo`]: `sub` is somebody else's.
    WrongUserinfoSubject,
    /// At [`Endpoint::Authorize`] or [`Endpoint::LoginAction`]: callbacks come without `iss`.
    CallbackWithoutIss,
    /// Likewise: `iss` names another issuer.
    CallbackWithWrongIss,
    /// Likewise: callbacks come without `state`.
    CallbackWithoutState,
    /// Likewise: whoever would be asked for a password, or sent back with a code, comes back with this `error` and an
    /// `error_description` full of HTML.
    CallbackError(String),
    /// 200 with JSON that breaks off.
    Garbage,
    /// 200 with JSON that is nested 10,000 deep.
    DeepJson,
    /// 200 with an HTML page, as a captive portal or a proxy's login page answers.
    Html,
    /// 200 with JSON of that many bytes or a few more.
    HugeBody(usize),
    /// 500 with Keycloak's own error body.
    ServerError,
    /// 503 with a proxy's HTML page.
    Unavailable,
    /// 429 as a proxy in front may send it, with `Retry-After` in seconds if any.
    TooManyRequests {
        /// Seconds.
        retry_after: Option<u32>,
    },
    /// 307 to that address, which would be sent the credentials again.
    Redirect(String),
    /// No answer at all, ever: the caller's deadline has to end it.
    Silence,
}

impl Misbehaviour {
    /// The answer that is given whatever was asked.
    pub(super) fn canned(&self) -> Option<Reply> {
        Some(match self {
            Self::Garbage => Reply::text(StatusCode::OK, "application/json", r#"{"access_token":"ey"#),
            Self::DeepJson => {
                let (open, close) = (r#"{"deeper":"#.repeat(10_000), "}".repeat(10_000));
                Reply::text(StatusCode::OK, "application/json", format!("{open}1{close}"))
            }
            Self::Html => Reply::html(StatusCode::OK, "Please log in to the network."),
            Self::HugeBody(bytes) => Reply::json(StatusCode::OK, &json!({ "padding": "x".repeat(*bytes) })),
            Self::ServerError => server_error(),
            Self::Unavailable => Reply::html(StatusCode::SERVICE_UNAVAILABLE, "503 Service Unavailable"),
            Self::TooManyRequests { retry_after } => {
                let reply = Reply::html(StatusCode::TOO_MANY_REQUESTS, "429 Too Many Requests");
                match retry_after {
                    Some(seconds) => reply.header(RETRY_AFTER, seconds.to_string()),
                    None => reply,
                }
            }
            Self::Redirect(address) => Reply::empty(StatusCode::TEMPORARY_REDIRECT).header(LOCATION, address),
            _ => return None,
        })
    }

    /// Changes an answer of `endpoint` that was right until now.
    pub(super) fn spoil_reply(&self, endpoint: Endpoint, reply: &mut Reply) {
        if *self != Self::DuplicateKeys || !reply.is_success() || !reply.body.starts_with('{') {
            return;
        }
        let wrong = match endpoint {
            Endpoint::Discovery => format!(r#"{{"issuer":"{OTHER_ISSUER}","#),
            Endpoint::Certs => r#"{"keys":[],"#.to_owned(),
            Endpoint::Token => r#"{"id_token":"e30.e30.e30","#.to_owned(),
            Endpoint::Userinfo => format!(r#"{{"sub":"{SOMEBODY_ELSE}","#),
            Endpoint::Authorize | Endpoint::LoginAction => return,
        };
        reply.body.replace_range(..1, &wrong);
    }

    /// Changes a discovery document.
    pub(super) fn spoil_discovery(&self, document: &mut Value) {
        if *self == Self::WrongIssuer {
            document["issuer"] = json!(OTHER_ISSUER);
        }
    }

    /// Changes what userinfo says.
    pub(super) fn spoil_userinfo(&self, info: &mut Map<String, Value>) {
        if *self == Self::WrongUserinfoSubject {
            info.insert("sub".into(), json!(SOMEBODY_ELSE));
        }
    }

    /// Changes what a callback brings back.
    pub(super) fn spoil_callback(&self, fields: &mut Vec<(&'static str, String)>) {
        match self {
            Self::CallbackWithoutIss => fields.retain(|(name, _)| *name != "iss"),
            Self::CallbackWithoutState => fields.retain(|(name, _)| *name != "state"),
            Self::CallbackWithWrongIss => {
                for (_, value) in fields.iter_mut().filter(|(name, _)| *name == "iss") {
                    *value = OTHER_ISSUER.to_owned();
                }
            }
            Self::CallbackError(error) => {
                let html = r#"<script>alert(1)</script><a href="https://attacker.example/">Sign in again</a>"#;
                fields.retain(|(name, _)| matches!(*name, "state" | "iss"));
                fields.insert(0, ("error", error.clone()));
                fields.insert(1, ("error_description", html.to_owned()));
            }
            _ => {}
        }
    }
}

/// What Keycloak answers when something went wrong inside.
pub(super) fn server_error() -> Reply {
    let body = json!({ "error": "unknown_error", "error_description": SEE_THE_LOG });
    Reply::json(StatusCode::INTERNAL_SERVER_ERROR, &body)
}

#[cfg(test)]
mod tests;
