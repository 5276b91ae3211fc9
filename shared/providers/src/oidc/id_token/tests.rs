use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::super::jws::{ALGORITHMS, Algorithm as Allowed};
use super::*;

const ISSUER: &str = "https://id.example/realms/demo";
const NOW: i64 = 1_790_000_000;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

/// A token with this header and these claims as text, under a signature nobody has made.
fn unsigned(header: &str, claims: &str) -> String {
    format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

fn read(token: &str) -> Result<Unverified<'_>, ProviderError> {
    Unverified::read(Stage::IdToken, token)
}

fn header_check(header: Value) -> Option<Check> {
    check_of(&unsigned(&header.to_string(), "{}"), &Allowed::all())
}

fn check_of(token: &str, allowed: &[Allowed]) -> Option<Check> {
    let token = read(token).unwrap();
    failed(token.check_header(allowed).and_then(|_| token.kid().map(|_| ())))
}

fn failed<T>(result: Result<T, ProviderError>) -> Option<Check> {
    match result {
        Ok(_) => None,
        Err(ProviderError::Refused { stage: Stage::IdToken, check }) => Some(check),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn algorithms_are_taken_by_name_and_no_other_spelling() {
    for (name, _) in ALGORITHMS {
        assert_eq!(header_check(json!({ "alg": name })), None, "{name}");
        // A connector may take fewer.
        let only: Vec<Allowed> = serde_json::from_value(json!(["PS512"])).unwrap();
        let check = check_of(&unsigned(&json!({ "alg": name }).to_string(), "{}"), &only);
        assert_eq!(check, (*name != "PS512").then_some(Check::Algorithm), "{name}");
    }
    for bad in [
        json!("none"),
        json!("None"),
        json!("NONE"),
        json!("nOnE"),
        json!(""),
        json!("HS256"),
        json!("HS384"),
        json!("HS512"),
        json!("rs256"),
        json!("RS256 "),
        json!("RSA-OAEP"),
        json!("dir"),
        json!(["RS256"]),
        json!(null),
        json!(0),
    ] {
        assert_eq!(header_check(json!({ "alg": bad })), Some(Check::Algorithm), "{bad}");
    }
    assert_eq!(header_check(json!({})), Some(Check::Algorithm));
}

#[test]
fn headers_that_change_what_is_signed_are_refused_attacks_24_30() {
    for (name, value) in [("crit", json!(["exp"])), ("crit", json!([])), ("b64", json!(false)), ("b64", json!(true))] {
        assert_eq!(header_check(json!({ "alg": "RS256", name: value })), Some(Check::Header), "{name}");
    }
    for kid in [json!(["a"]), json!(1), json!(null), json!({})] {
        assert_eq!(header_check(json!({ "alg": "RS256", "kid": kid })), Some(Check::Header), "{kid}");
    }
    for kid in ["../../etc/passwd", "' OR 1=1 --", &"k".repeat(1_000_000)] {
        assert_eq!(header_check(json!({ "alg": "RS256", "kid": kid })), None);
    }
    let logout =
        unsigned(r#"{"alg":"RS256"}"#, r#"{"events":{"http://schemas.openid.net/event/backchannel-logout":{}}}"#);
    assert_eq!(check_of(&logout, &Allowed::all()), Some(Check::Header));
}

#[test]
fn a_name_that_appears_twice_is_refused() {
    assert_eq!(failed(read(&unsigned(r#"{"alg":"RS256","alg":"none"}"#, "{}"))), Some(Check::Json));
    assert_eq!(failed(read(&unsigned(r#"{"alg":"RS256"}"#, r#"{"sub":"a","sub":"b"}"#))), Some(Check::Json));
}

#[test]
fn what_is_no_signed_token_is_refused() {
    for bad in [
        "",
        ".",
        "..",
        "a.b",
        "e30.e30",
        "e30.e30.e30.e30",
        "e30.e30.e30.e30.e30",
        "e30=.e30=.c2ln",
        "W10.e30.c2ln",
        "!.e30.c2ln",
    ] {
        assert_eq!(failed(read(bad)), Some(Check::Format), "{bad}");
    }
}

#[test]
fn times_are_whole_seconds_within_a_minute_of_ours() {
    let check = |claims: &str| failed(read(&unsigned("{}", claims)).and_then(|token| check_times(&token, now())));
    let times = |exp: i64, iat: i64, nbf: i64| {
        check(&format!(r#"{{"exp":{},"iat":{},"nbf":{}}}"#, NOW + exp, NOW + iat, NOW + nbf))
    };

    assert_eq!(times(300, 0, 0), None);
    assert_eq!(times(-59, -300, -300), None);
    assert_eq!(times(-60, -300, -300), Some(Check::Expired));
    assert_eq!(times(300, 60, 60), None);
    assert_eq!(times(300, 61, 0), Some(Check::NotYetValid));
    assert_eq!(times(300, 0, 61), Some(Check::NotYetValid));
    assert_eq!(check(&format!(r#"{{"exp":{},"iat":{NOW}}}"#, NOW + 300)), None);

    let good = (NOW + 300).to_string();
    for odd in [
        "\"1790000300\"",
        "1790000300.0",
        "1790000300.5",
        "1.79e9",
        "-1",
        "null",
        "[1790000300]",
        "99999999999999999999",
        "\"2026-01-01T00:00:00Z\"",
    ] {
        for claims in [
            format!(r#"{{"exp":{odd},"iat":{NOW}}}"#),
            format!(r#"{{"exp":{good},"iat":{odd}}}"#),
            format!(r#"{{"exp":{good},"iat":{NOW},"nbf":{odd}}}"#),
        ] {
            assert_eq!(check(&claims), Some(Check::Format), "{claims}");
        }
    }
    assert_eq!(check(&format!(r#"{{"iat":{NOW}}}"#)), Some(Check::Format));
    assert_eq!(check(&format!(r#"{{"exp":{good}}}"#)), Some(Check::Format));
    assert_eq!(failed(read(&unsigned("{}", r#"{"exp":1e400,"iat":1}"#))), Some(Check::Format));
}

fn keys() -> Vec<(Algorithm, EncodingKey)> {
    let rsa = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let rsa = STANDARD.encode(AsDer::<Pkcs8V1Der>::as_der(&rsa).unwrap().as_ref());
    let rsa = format!("-----BEGIN PRIVATE KEY-----\n{rsa}\n-----END PRIVATE KEY-----\n");
    let rsa = EncodingKey::from_rsa_pem(rsa.as_bytes()).unwrap();
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap().to_pkcs8v1().unwrap();
    let ed = Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap();
    vec![
        (Algorithm::RS512, rsa.clone()),
        (Algorithm::PS256, rsa),
        (Algorithm::ES256, EncodingKey::from_ec_der(ec.as_ref())),
        (Algorithm::EdDSA, EncodingKey::from_ed_der(ed.as_ref())),
    ]
}

#[test]
fn every_family_of_algorithms_is_verified() {
    for (algorithm, key) in keys() {
        let sign = |claims: &Value| {
            let header = Header { kid: Some("k".into()), ..Header::new(algorithm) };
            jsonwebtoken::encode(&header, claims, &key).unwrap()
        };
        let published = |members: Value| {
            let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&key, algorithm).unwrap()).unwrap();
            jwk.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            Keys::select(&[jwk])
        };
        let claims = json!({ "iss": ISSUER, "aud": "landfall", "sub": "ada", "exp": NOW + 300, "iat": NOW });
        let (algorithms, nonce) = (Allowed::all(), Nonce::new("n".to_owned()));
        let expected = Expected { client_id: "landfall", algorithms: &algorithms };
        let check = |keys: &Keys, token: &str| failed(check_signed(now(), ISSUER, &expected, None, keys, token));
        let check_nonce =
            |keys: &Keys, token: &str| failed(check_signed(now(), ISSUER, &expected, Some(&nonce), keys, token));
        let keys = published(json!({ "kid": "k", "use": "sig" }));

        let token = sign(&claims);
        assert_eq!(check(&keys, &token), None, "{algorithm:?}");
        let (message, signature) = token.rsplit_once('.').unwrap();
        assert_eq!(check(&keys, &format!("{message}.{}", &signature[..signature.len() - 4])), Some(Check::Signature));
        assert_eq!(check(&keys, &format!("{message}.")), Some(Check::Signature));
        let other = sign(&json!({ "iss": ISSUER, "aud": "landfall", "sub": "eve", "exp": NOW + 300, "iat": NOW }));
        assert_eq!(check(&keys, &format!("{}.{signature}", other.rsplit_once('.').unwrap().0)), Some(Check::Signature));

        assert_eq!(check_nonce(&keys, &token), Some(Check::Nonce));
        for (sent, expected) in [("n", None), ("N", Some(Check::Nonce)), ("", Some(Check::Nonce))] {
            let mut claims = claims.clone();
            claims["nonce"] = json!(sent);
            assert_eq!(check_nonce(&keys, &sign(&claims)), expected, "{sent}");
        }

        // Userinfo is signed by the same keys.
        let unverified = read(&token).unwrap();
        let used = unverified.check_header(&algorithms).unwrap();
        let (message, signature) = unverified.signed().unwrap();
        assert_eq!(keys.verify(Some("k"), &used, message, &signature), Ok(()));
        assert_eq!(keys.verify(None, &used, message, &signature), Ok(()));
        assert_eq!(keys.verify(Some("other"), &used, message, &signature), Err(Check::Key));
        assert_eq!(keys.verify(None, &used, b"another message", &signature), Err(Check::Signature));
        let of_another = published(json!({ "kid": "k", "alg": "RS384" }));
        assert_eq!(of_another.verify(Some("k"), &used, message, &signature), Err(Check::Key));

        assert_eq!(check(&published(json!({ "kid": "other", "use": "sig" })), &token), Some(Check::Key));
        assert_eq!(check(&published(json!({ "kid": "k", "use": "enc" })), &token), Some(Check::Key));
        assert_eq!(check(&published(json!({ "kid": "k", "alg": "RS384" })), &token), Some(Check::Key));
    }
}
