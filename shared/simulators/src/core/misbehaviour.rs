//! Ways in which a simulator misbehaves, for tests of what a relying party refuses.

mod bad_id_tokens;
mod dress;
mod keys;
mod token;

use axum::http::header::{ACCEPT, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::Endpoint;
use super::wire::Reply;

pub use bad_id_tokens::{BadIdToken, bad_id_tokens};
pub use dress::Dress;
pub use keys::{BadKey, KeySet, Published};

/// An audience or subject that is not the right one.
pub(crate) const WRONG_PARTY: &str = "wrong-party";
/// An issuer that is not the right one.
pub(crate) const OTHER_ISSUER: &str = "https://attacker.example";

/// A way to misbehave. Those about the ID token change nothing else: the credentials are checked, and the token that is
/// sent after the right ones is wrong in that one respect. Those about the whole answer are given before anything is
/// checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misbehaviour {
    /// These members are put over those of the right ID token, at [`Endpoint::Userinfo`] over what userinfo says; null
    /// takes a member away.
    Claims(Map<String, Value>),
    /// These members are put over those of a right JSON answer: the discovery document, the key set, the token answer,
    /// unsigned userinfo; null takes a member away.
    Members(Map<String, Value>),
    /// Only at paths that end so, where an endpoint has several.
    At(&'static str, Box<Misbehaviour>),
    /// A right answer with an unusual status, media type or encoding.
    Dress(Dress),
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
    /// Rightly signed, but another subject was put into the claims afterwards.
    AlteredPayload,
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
    /// Rightly signed, but the header has no `kid`.
    NoKid,
    /// Rightly signed, but `kid` is the path of a file.
    KidIsAPath,
    /// Rightly signed, but `kid` has a million characters.
    KidIsHuge,
    /// Rightly signed, but `kid` is a list that holds the right one.
    KidIsAList,
    /// Rightly signed, but `crit` names an unknown extension (RFC 7515 section 4.1.11).
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
    /// `sub` is there twice, first that of another user.
    DuplicateClaims,
    /// The ID token is three parts of nonsense.
    GarbageIdToken,
    /// There is no ID token although `openid` was granted.
    NoIdToken,
    /// A right answer whose most important field (`id_token`, `sub`, `issuer`, `keys`) is there twice, first wrong.
    DuplicateKeys,
    /// At [`Endpoint::Keys`]: right keys, published in an odd way, or none that is of use.
    KeySet(KeySet),
    /// At [`Endpoint::Keys`]: a key that must not be used.
    BadKey(BadKey, Published),
    /// At [`Endpoint::Userinfo`]: `sub` is that of another user.
    WrongUserinfoSubject,
    /// At [`Endpoint::Authorize`] or [`Endpoint::Login`]: callbacks come without `iss`.
    CallbackWithoutIss,
    /// Likewise: `iss` names another issuer.
    CallbackWithWrongIss,
    /// Likewise: callbacks come without `state`.
    CallbackWithoutState,
    /// Likewise: instead of a login form, or a callback with a code, there is a callback with this `error` and an
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
    /// 500 with the provider's own error body.
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
    /// 301 to that address, as where a slash is missing at the end of a path.
    Moved(String),
    /// This status with this JSON, as a provider refuses whose administrator has made a mistake.
    Answer(u16, Value),
    /// This status with an HTML page.
    Page(u16),
    /// 406 unless `Accept` names this media type or `*/*`.
    OnlyAccepts(&'static str),
    /// No answer at all, ever: the caller's deadline has to end it.
    Silence,
}

impl Misbehaviour {
    /// [`Claims`](Self::Claims) of a JSON object.
    pub fn claims(members: &Value) -> Self {
        Self::Claims(members.as_object().cloned().unwrap_or_default())
    }

    /// [`Members`](Self::Members) of a JSON object.
    pub fn members(members: &Value) -> Self {
        Self::Members(members.as_object().cloned().unwrap_or_default())
    }

    /// What of it there is at a path.
    pub(crate) fn at(&self, path: &str) -> Option<&Self> {
        match self {
            Self::At(end, how) => path.ends_with(end).then_some(how),
            how => Some(how),
        }
    }

    /// The answer that is given whatever was asked, with these headers.
    pub(crate) fn canned(&self, headers: &HeaderMap) -> Option<Reply> {
        Some(match self {
            Self::Garbage => Reply::text(StatusCode::OK, "application/json", r#"{"access_token":"ey"#),
            Self::DeepJson => {
                let (open, close) = (r#"{"deeper":"#.repeat(10_000), "}".repeat(10_000));
                Reply::text(StatusCode::OK, "application/json", format!("{open}1{close}"))
            }
            Self::Html => Reply::html(StatusCode::OK, "Please log in to the network."),
            Self::HugeBody(bytes) => Reply::json(StatusCode::OK, &json!({ "padding": "x".repeat(*bytes) })),
            Self::Unavailable => Reply::html(StatusCode::SERVICE_UNAVAILABLE, "503 Service Unavailable"),
            Self::TooManyRequests { retry_after } => {
                let reply = Reply::html(StatusCode::TOO_MANY_REQUESTS, "429 Too Many Requests");
                match retry_after {
                    Some(seconds) => reply.header(RETRY_AFTER, seconds.to_string()),
                    None => reply,
                }
            }
            Self::Answer(status, body) => Reply::json(StatusCode::from_u16(*status).unwrap_or_default(), body),
            Self::Page(status) => Reply::html(StatusCode::from_u16(*status).unwrap_or_default(), "<p>No.</p>"),
            Self::Redirect(address) => Reply::empty(StatusCode::TEMPORARY_REDIRECT).header(LOCATION, address),
            Self::Moved(address) => Reply::empty(StatusCode::MOVED_PERMANENTLY).header(LOCATION, address),
            Self::OnlyAccepts(media_type) => {
                let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("*/*");
                let admits = [*media_type, "*/*"].iter().any(|admitted| accept.contains(admitted));
                return (!admits).then(|| Reply::empty(StatusCode::NOT_ACCEPTABLE));
            }
            _ => return None,
        })
    }

    /// Changes an answer of `endpoint` that was right until now.
    pub(crate) fn spoil_reply(&self, endpoint: Endpoint, reply: &mut Reply) {
        if !reply.is_success() {
            return;
        }
        match self {
            Self::Dress(dress) => dress.put_on(reply),
            Self::Members(_) => {
                if let Ok(mut body) = serde_json::from_slice(&reply.body) {
                    self.spoil_members(&mut body);
                    reply.body = Value::Object(body).to_string().into_bytes();
                }
            }
            Self::DuplicateKeys if reply.body.starts_with(b"{") => Self::duplicate(endpoint, reply),
            _ => {}
        }
    }

    /// Changes the members of a right JSON answer.
    pub(crate) fn spoil_members(&self, body: &mut Map<String, Value>) {
        if let Self::Members(members) = self {
            put_over(body, members);
        }
    }

    fn duplicate(endpoint: Endpoint, reply: &mut Reply) {
        let wrong = match endpoint {
            Endpoint::Discovery => format!(r#"{{"issuer":"{OTHER_ISSUER}","#),
            Endpoint::Keys => r#"{"keys":[],"#.to_owned(),
            Endpoint::Token if reply.body.windows(10).any(|part| part == b"\"id_token\"") => {
                r#"{"id_token":"e30.e30.e30","#.to_owned()
            }
            Endpoint::Token => match first_member(&reply.body) {
                Some(name) => format!(r#"{{"{name}":"{WRONG_PARTY}","#),
                None => return,
            },
            Endpoint::Userinfo => format!(r#"{{"sub":"{WRONG_PARTY}","#),
            Endpoint::Authorize | Endpoint::Login => return,
        };
        reply.body.splice(..1, wrong.into_bytes());
    }

    /// Changes a discovery document.
    pub(crate) fn spoil_discovery(&self, document: &mut Value) {
        if *self == Self::WrongIssuer {
            document["issuer"] = json!(OTHER_ISSUER);
        }
    }

    /// Changes what userinfo says.
    pub(crate) fn spoil_userinfo(&self, info: &mut Map<String, Value>) {
        match self {
            Self::WrongUserinfoSubject => put_over(info, &Map::from_iter([("sub".into(), json!(WRONG_PARTY))])),
            Self::Claims(claims) => put_over(info, claims),
            _ => {}
        }
    }

    /// Changes what a callback brings back.
    pub(crate) fn spoil_callback(&self, fields: &mut Vec<(&'static str, String)>) {
        match self {
            Self::CallbackWithoutIss => fields.retain(|(name, _)| *name != "iss"),
            Self::CallbackWithoutState => fields.retain(|(name, _)| *name != "state"),
            Self::CallbackWithWrongIss => {
                fields.retain(|(name, _)| *name != "iss");
                fields.push(("iss", OTHER_ISSUER.to_owned()));
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

/// The name of the first member of a JSON object.
fn first_member(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    text.split('"').nth(1).map(str::to_owned)
}

/// Puts members over others; null takes one away.
fn put_over(members: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (name, value) in over {
        match value {
            Value::Null => members.remove(name),
            _ => members.insert(name.clone(), value.clone()),
        };
    }
}

#[cfg(test)]
mod tests;
