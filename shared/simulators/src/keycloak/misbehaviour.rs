//! What the simulator does when it is told not to behave: for tests of a relying party's refusals.

use axum::http::StatusCode;
use axum::http::header::{LOCATION, RETRY_AFTER};
use serde_json::{Map, Value, json};

use super::Endpoint;
use crate::signer::{self, SigningKey};
use crate::wire::Reply;

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
    /// 200 with JSON that breaks off.
    Garbage,
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
        };
        reply.body.replace_range(..1, &wrong);
    }

    /// Changes a discovery document.
    pub(super) fn spoil_discovery(&self, document: &mut Value) {
        if *self == Self::WrongIssuer {
            document["issuer"] = json!(OTHER_ISSUER);
        }
    }

    /// Changes the claims of an ID token; `now` in seconds.
    pub(super) fn spoil_claims(&self, claims: &mut Map<String, Value>, now: i64) {
        let mut set = |name: &str, value: Value| claims.insert(name.into(), value);
        match self {
            Self::WrongIssuer => set("iss", json!(OTHER_ISSUER)),
            Self::WrongAudience => set("aud", json!(SOMEBODY_ELSE)),
            Self::SeveralAudiences => {
                let client = claims.get("aud").cloned();
                claims.insert("aud".into(), json!([client, SOMEBODY_ELSE]))
            }
            Self::WrongAuthorizedParty => set("azp", json!(SOMEBODY_ELSE)),
            Self::Expired => {
                set("iat", json!(now - 3_900));
                set("exp", json!(now - 3_600))
            }
            Self::IssuedInTheFuture => {
                set("iat", json!(now + 3_600));
                set("exp", json!(now + 3_900))
            }
            Self::NotYetValid => {
                set("nbf", json!(now + 3_600));
                set("exp", json!(now + 3_900))
            }
            Self::NoSubject => claims.remove("sub"),
            Self::WrongAccessTokenHash => set("at_hash", json!(signer::at_hash(SOMEBODY_ELSE))),
            _ => None,
        };
    }

    /// Signs an ID token as it should not be; `None` where the signature is not what is wrong.
    pub(super) fn sign(
        &self,
        realm: &str,
        key: &SigningKey,
        client_secret: &str,
        payload: &str,
    ) -> Option<Result<String, jsonwebtoken::errors::Error>> {
        Some(match self {
            Self::ForgedSignature => key.forged().sign(payload),
            Self::UnknownKey => SigningKey::foreign().sign(payload),
            Self::EncryptionKey => SigningKey::encryption(realm).sign(payload),
            Self::Unsigned => Ok(signer::unsigned(payload)),
            Self::HmacWithPublicKey => signer::sign_hs256(key.kid(), key.public_pem().as_bytes(), payload),
            Self::HmacWithClientSecret => signer::sign_hs256(key.kid(), client_secret.as_bytes(), payload),
            Self::DuplicateClaims => key.sign(&payload.replacen('{', &format!(r#"{{"sub":"{SOMEBODY_ELSE}","#), 1)),
            Self::GarbageIdToken => Ok("bm90.YQ.dG9rZW4".to_owned()),
            _ => return None,
        })
    }
}

/// What Keycloak answers when something went wrong inside.
pub(super) fn server_error() -> Reply {
    let body = json!({
        "error": "unknown_error",
        "error_description": "For more on this error consult the server log.",
    });
    Reply::json(StatusCode::INTERNAL_SERVER_ERROR, &body)
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, LOGIN, TOKEN, demo, part};
    use super::*;

    const CERTS: &str = "/realms/demo/protocol/openid-connect/certs";

    async fn id_token_of(misbehaviour: Misbehaviour) -> (Value, Value) {
        let bench = Bench::new(demo());
        bench.keycloak.misbehave(Some(misbehaviour));
        let token = bench.login().await["id_token"].clone();
        (part(&token, 0), part(&token, 1))
    }

    #[tokio::test]
    async fn a_spoilt_id_token_is_wrong_in_one_claim_only() {
        let right = Bench::new(demo()).login().await["id_token"].clone();
        for (misbehaviour, spoilt) in [
            (Misbehaviour::WrongIssuer, vec!["iss"]),
            (Misbehaviour::WrongAudience, vec!["aud"]),
            (Misbehaviour::SeveralAudiences, vec!["aud"]),
            (Misbehaviour::WrongAuthorizedParty, vec!["azp"]),
            (Misbehaviour::Expired, vec!["exp", "iat"]),
            (Misbehaviour::IssuedInTheFuture, vec!["exp", "iat"]),
            (Misbehaviour::NotYetValid, vec!["exp", "nbf"]),
            (Misbehaviour::NoSubject, vec!["sub"]),
            (Misbehaviour::WrongAccessTokenHash, vec!["at_hash"]),
        ] {
            let (header, claims) = id_token_of(misbehaviour.clone()).await;
            let right_claims = part(&right, 1);
            assert_eq!(header, part(&right, 0));
            let names = right_claims.as_object().unwrap().keys().chain(claims.as_object().unwrap().keys());
            let mut differing: Vec<&str> =
                names.map(String::as_str).filter(|name| right_claims.get(name) != claims.get(name)).collect();
            differing.sort_unstable();
            differing.dedup();
            assert_eq!(differing, spoilt, "{misbehaviour:?}");
        }
    }

    #[tokio::test]
    async fn a_spoilt_signature_names_what_an_attacker_would_name() {
        let bench = Bench::new(demo());
        let keys = bench.get("sso.test", CERTS).await.json();
        let kid = |usage: &str| {
            let key = keys["keys"].as_array().unwrap().iter().find(|key| key["use"] == usage).unwrap();
            Some(key["kid"].as_str().unwrap().to_owned())
        };
        for (misbehaviour, algorithm, named) in [
            (Misbehaviour::ForgedSignature, "RS256", kid("sig")),
            (Misbehaviour::EncryptionKey, "RS256", kid("enc")),
            (Misbehaviour::HmacWithPublicKey, "HS256", kid("sig")),
            (Misbehaviour::HmacWithClientSecret, "HS256", kid("sig")),
            (Misbehaviour::Unsigned, "none", None),
        ] {
            let (header, _) = id_token_of(misbehaviour.clone()).await;
            assert_eq!(header["alg"], algorithm, "{misbehaviour:?}");
            assert_eq!(header["kid"].as_str().map(str::to_owned), named, "{misbehaviour:?}");
        }
        let (header, _) = id_token_of(Misbehaviour::UnknownKey).await;
        assert!(!keys.to_string().contains(header["kid"].as_str().unwrap()));
    }

    // Otherwise a relying party could refuse these tokens for the wrong reason.
    #[tokio::test]
    async fn what_is_signed_with_the_wrong_kind_of_key_is_signed_well() {
        use jsonwebtoken::{Algorithm, DecodingKey, crypto, jwk::JwkSet};
        let bench = Bench::new(demo());
        let keys: JwkSet = serde_json::from_str(&bench.get("sso.test", CERTS).await.body).unwrap();
        let pem = SigningKey::generation("demo", 0).public_pem().as_bytes();
        for (misbehaviour, algorithm, key) in [
            (Misbehaviour::HmacWithPublicKey, Algorithm::HS256, DecodingKey::from_secret(pem)),
            (Misbehaviour::HmacWithClientSecret, Algorithm::HS256, DecodingKey::from_secret(b"secret")),
            (Misbehaviour::EncryptionKey, Algorithm::RS256, DecodingKey::from_jwk(&keys.keys[0]).unwrap()),
        ] {
            bench.keycloak.misbehave(Some(misbehaviour.clone()));
            let token = bench.login().await["id_token"].as_str().unwrap().to_owned();
            let (message, signature) = token.rsplit_once('.').unwrap();
            assert!(crypto::verify(signature, message.as_bytes(), &key, algorithm).unwrap(), "{misbehaviour:?}");
        }
    }

    #[tokio::test]
    async fn an_answer_can_break_in_every_way_a_network_breaks_it() {
        let bench = Bench::new(demo());
        for (misbehaviour, status, media_type) in [
            (Misbehaviour::Garbage, 200, "application/json"),
            (Misbehaviour::Html, 200, "text/html;charset=utf-8"),
            (Misbehaviour::HugeBody(3_000_000), 200, "application/json"),
            (Misbehaviour::ServerError, 500, "application/json"),
            (Misbehaviour::Unavailable, 503, "text/html;charset=utf-8"),
            (Misbehaviour::TooManyRequests { retry_after: Some(30) }, 429, "text/html;charset=utf-8"),
            (Misbehaviour::Redirect("http://elsewhere.test/".into()), 307, ""),
        ] {
            bench.keycloak.misbehave(Some(misbehaviour.clone()));
            let answer = bench.post(TOKEN, LOGIN).await;
            assert_eq!((answer.status, answer.header("content-type")), (status, media_type), "{misbehaviour:?}");
            match misbehaviour {
                Misbehaviour::HugeBody(bytes) => assert!(answer.body.len() >= bytes),
                Misbehaviour::TooManyRequests { .. } => assert_eq!(answer.header("retry-after"), "30"),
                Misbehaviour::Redirect(to) => assert_eq!(answer.header("location"), to),
                Misbehaviour::Garbage => assert!(serde_json::from_str::<Value>(&answer.body).is_err()),
                _ => {}
            }
        }
        assert_eq!(bench.keycloak.requests().len(), 7);
        bench.keycloak.misbehave(None);
        bench.login().await;
    }

    #[tokio::test]
    async fn a_silent_server_has_received_the_password_all_the_same() {
        let bench = Bench::new(demo());
        bench.keycloak.misbehave(Some(Misbehaviour::Silence));
        let mut request = std::pin::pin!(bench.post(TOKEN, LOGIN));
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(request.as_mut().poll(cx).is_pending())).await;
        assert!(polled);
        assert_eq!(bench.keycloak.requests().len(), 1);
    }

    #[tokio::test]
    async fn duplicate_keys_show_the_wrong_value_first() {
        let bench = Bench::new(demo());
        bench.keycloak.misbehave(Some(Misbehaviour::DuplicateKeys));
        let body = bench.post(TOKEN, LOGIN).await.body;
        assert_eq!(body.matches(r#""id_token":"#).count(), 2);
        assert!(body.starts_with(r#"{"id_token":"e30.e30.e30","#));

        bench.keycloak.misbehave(Some(Misbehaviour::DuplicateClaims));
        let token = bench.login().await["id_token"].as_str().unwrap().to_owned();
        let claims = super::super::bench::text_part(&token, 1);
        assert_eq!(claims.matches(r#""sub":"#).count(), 2);
    }

    #[tokio::test]
    async fn misbehaviour_at_one_endpoint_leaves_the_others_alone() {
        let bench = Bench::new(demo());
        bench.keycloak.misbehave_at(Endpoint::Certs, Some(Misbehaviour::ServerError));
        bench.keycloak.misbehave_at(Endpoint::Discovery, Some(Misbehaviour::WrongIssuer));
        assert_eq!(bench.get("sso.test", CERTS).await.status, 500);
        let document = bench.get("sso.test", "/realms/demo/.well-known/openid-configuration").await.json();
        assert_eq!(document["issuer"], OTHER_ISSUER);
        assert!(bench.login().await["id_token"].is_string());
    }

    #[tokio::test]
    async fn an_id_token_can_be_missing_or_nonsense_while_the_rest_is_right() {
        let bench = Bench::new(demo());
        bench.keycloak.misbehave(Some(Misbehaviour::NoIdToken));
        let body = bench.login().await;
        assert!(body.get("id_token").is_none() && body["access_token"].is_string());

        bench.keycloak.misbehave(Some(Misbehaviour::GarbageIdToken));
        assert_eq!(bench.login().await["id_token"], "bm90.YQ.dG9rZW4");
    }
}
