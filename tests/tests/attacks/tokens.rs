//! Tokens of our issuer, changed or made up.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta};
use domain::{Clock, Entropy, SeededEntropy};
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::{ISSUER, TestApp};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokens::{Expected, KeyKind, Ring, TokenKind, VerifyError, verify};

/// The tokens of a login, and what an application would verify them with.
struct Issued {
    app: TestApp,
    id_token: String,
    access_token: String,
}

impl Issued {
    async fn new() -> Self {
        let app = TestApp::new().await;
        let login = app.log_in(EMAIL, PASSWORD).await;
        let answer = app.redeem(&login.code).await.expect(200);
        let token = |name: &str| answer.body[name].as_str().unwrap().to_owned();
        Self { id_token: token("id_token"), access_token: token("access_token"), app }
    }

    /// Verifies as an application that expects this issuer's token of this kind for itself.
    fn verify_for(&self, token: &str, kind: TokenKind, issuer: &str, audience: &str) -> Result<(), VerifyError> {
        let expected = Expected { kind, issuer, audience };
        verify(token, &self.app.keys.public(self.app.clock.now()).unwrap(), &expected, self.app.clock.now()).map(drop)
    }

    /// Verifies as the application does.
    fn verify(&self, id_token: &str) -> Result<(), VerifyError> {
        self.verify_for(id_token, TokenKind::IdToken, ISSUER, "demo")
    }

    fn kid(&self) -> String {
        part(&self.id_token, 0)["kid"].as_str().unwrap().to_owned()
    }
}

fn part(token: &str, index: usize) -> Value {
    let text = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[tokio::test]
async fn an_access_token_is_no_id_token_nor_the_reverse() {
    let issued = Issued::new().await;
    let (id, access) = (&issued.id_token, &issued.access_token);
    let id_token = |token, audience| issued.verify_for(token, TokenKind::IdToken, ISSUER, audience);
    let access_token = |token, audience| issued.verify_for(token, TokenKind::AccessToken, ISSUER, audience);

    assert_eq!((id_token(id, "demo"), access_token(access, ISSUER)), (Ok(()), Ok(())));
    for audience in ["demo", ISSUER] {
        assert_eq!(id_token(access, audience), Err(VerifyError::Type));
        assert_eq!(access_token(id, audience), Err(VerifyError::Type));
    }
    // An access token with the other type in its header is no longer what was signed.
    let mut header = part(access, 0);
    header["typ"] = json!("JWT");
    let (_, rest) = access.split_once('.').unwrap();
    assert_eq!(id_token(&format!("{}.{rest}", encode(&header)), ISSUER), Err(VerifyError::Signature));
}

#[tokio::test]
async fn a_token_of_another_issuer_audience_or_time_is_refused() {
    let issued = Issued::new().await;
    let id = &issued.id_token;
    let id_token = |issuer, audience| issued.verify_for(id, TokenKind::IdToken, issuer, audience);

    for issuer in ["https://evil.example", "https://id.example.com/", "https://ID.example.com", ""] {
        assert_eq!(id_token(issuer, "demo"), Err(VerifyError::Issuer), "{issuer}");
    }
    for audience in ["other", "Demo", "", ISSUER] {
        assert_eq!(id_token(ISSUER, audience), Err(VerifyError::Audience), "{audience}");
    }
    let lifetime = part(id, 1)["exp"].as_i64().unwrap() - part(id, 1)["iat"].as_i64().unwrap();
    issued.app.clock.advance(TimeDelta::seconds(lifetime + 59));
    assert_eq!(id_token(ISSUER, "demo"), Ok(()));
    issued.app.clock.advance(TimeDelta::seconds(1));
    assert_eq!(id_token(ISSUER, "demo"), Err(VerifyError::Expired));
    issued.app.clock.advance(TimeDelta::seconds(-lifetime - 60 - 61));
    assert_eq!(id_token(ISSUER, "demo"), Err(VerifyError::FromTheFuture));
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused() {
    let issued = Issued::new().await;
    let payload = issued.id_token.split('.').nth(1).unwrap();
    for algorithm in ["none", "None", "NONE", "nOnE", "", "ES256"] {
        let header = encode(&json!({ "alg": algorithm, "typ": "JWT", "kid": issued.kid() }));
        for token in [format!("{header}.{payload}."), format!("{header}.{payload}"), format!("{header}.{payload}.AA")] {
            assert!(issued.verify(&token).is_err(), "{algorithm}");
        }
    }
    assert_eq!(issued.verify(""), Err(VerifyError::Malformed));
}

#[tokio::test]
async fn a_token_signed_with_our_public_key_is_refused() {
    let issued = Issued::new().await;
    let jwks = issued.app.get("/oauth2/jwks", None).await.expect(200).body;
    let keys: JwkSet = serde_json::from_value(jwks.clone()).unwrap();
    let point = point_of(&keys.keys[0]);
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(issued.kid());
    let claims = part(&issued.id_token, 1);
    for secret in [jwks["keys"][0].to_string().into_bytes(), jwks.to_string().into_bytes(), point, Vec::new()] {
        let token = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(&secret)).unwrap();
        assert_eq!(issued.verify(&token), Err(VerifyError::Algorithm));
    }
}

/// An EC public key, uncompressed (SEC 1 section 2.3.3).
fn point_of(jwk: &Jwk) -> Vec<u8> {
    let AlgorithmParameters::EllipticCurve(key) = &jwk.algorithm else { panic!("our keys are EC keys") };
    let coordinate = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    [vec![4], coordinate(&key.x), coordinate(&key.y)].concat()
}

#[tokio::test]
async fn a_token_signed_with_another_key_is_refused() {
    let issued = Issued::new().await;
    let entropy = SeededEntropy::new(99);
    let theirs = Ring::generate(KeyKind::Signing, DateTime::UNIX_EPOCH, &entropy as &dyn Entropy).unwrap();
    let pem = theirs.active_at(DateTime::UNIX_EPOCH).unwrap();
    let key = EncodingKey::from_ec_pem(pem.expose_secret().as_bytes()).unwrap();
    let jwk = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
    let claims = part(&issued.id_token, 1);
    let sign = |change: &dyn Fn(&mut Header)| {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("JWT".into());
        header.kid = Some(issued.kid());
        change(&mut header);
        issued.verify(&jsonwebtoken::encode(&header, &claims, &key).unwrap())
    };

    assert_eq!(sign(&|_| {}), Err(VerifyError::Signature));
    assert_eq!(sign(&|header| header.kid = None), Err(VerifyError::UnknownKey));
    assert_eq!(sign(&|header| header.kid = Some("theirs".into())), Err(VerifyError::UnknownKey));
    assert_eq!(sign(&|header| header.kid = Some("../../dev/null".into())), Err(VerifyError::UnknownKey));
    assert_eq!(sign(&|header| header.jwk = Some(jwk.clone())), Err(VerifyError::Signature));
    assert_eq!(sign(&|header| header.jku = Some("https://evil.example/jwks".into())), Err(VerifyError::Signature));
    assert_eq!(sign(&|header| header.x5u = Some("https://evil.example/x5u".into())), Err(VerifyError::Signature));
}

#[tokio::test]
async fn a_token_whose_claims_were_changed_is_refused() {
    let issued = Issued::new().await;
    let [header, _, signature] = issued.id_token.split('.').collect::<Vec<_>>()[..] else {
        panic!("a JWT has 3 parts")
    };
    for (name, value) in [("sub", json!("usr_01ARZ3NDEKTSV4RRFFQ69G5FAV")), ("exp", json!(i64::MAX)), ("x", json!(1))] {
        let mut claims = part(&issued.id_token, 1);
        claims[name] = value;
        let token = format!("{header}.{}.{signature}", encode(&claims));
        assert_eq!(issued.verify(&token), Err(VerifyError::Signature), "{name}");
    }
}
