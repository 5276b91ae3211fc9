use std::slice;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::super::jws::{ALGORITHMS, Algorithm as Allowed};
use super::super::keys::Keys;
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
fn times_are_seconds_within_a_minute_of_ours_and_a_fraction_counts_against_the_bearer() {
    let check =
        |claims: &str| failed(read(&unsigned("{}", claims)).and_then(|token| check_times(&token.claims, now())));
    let times = |exp: &str, iat: &str, nbf: &str| check(&format!(r#"{{"exp":{exp},"iat":{iat},"nbf":{nbf}}}"#));
    let at = |seconds: i64| (NOW + seconds).to_string();

    assert_eq!(times(&at(300), &at(0), &at(0)), None);
    assert_eq!(times(&at(-59), &at(-300), &at(-300)), None);
    assert_eq!(times(&at(-60), &at(-300), &at(-300)), Some(Check::Expired));
    assert_eq!(times(&at(300), &at(60), &at(60)), None);
    assert_eq!(times(&at(300), &at(61), &at(0)), Some(Check::NotYetValid));
    assert_eq!(times(&at(300), &at(0), &at(61)), Some(Check::NotYetValid));
    assert_eq!(times("1790000300.0", "1790000000.0", "1.79e9"), None);
    let just_before = (NOW - 60).to_string() + ".9";
    assert_eq!(times(&just_before, &at(-300), &at(-300)), Some(Check::Expired));
    assert_eq!(times(&at(300), &(at(60) + ".1"), &at(0)), Some(Check::NotYetValid));
    assert_eq!(check(&format!(r#"{{"exp":{},"iat":{NOW}}}"#, NOW + 300)), None);

    for odd in
        ["\"1790000300\"", "-1", "null", "[1790000300]", "99999999999999999999", "1e300", "\"2026-01-01T00:00:00Z\""]
    {
        for (exp, iat, nbf) in [(odd, &*at(0), &*at(0)), (&at(300), odd, &at(0)), (&at(300), &at(0), odd)] {
            assert_eq!(times(exp, iat, nbf), Some(Check::Format), "{odd}");
        }
    }
    assert_eq!(check(&format!(r#"{{"iat":{NOW}}}"#)), Some(Check::Format));
    assert_eq!(check(&format!(r#"{{"exp":{}}}"#, NOW + 300)), Some(Check::Format));
    assert_eq!(failed(read(&unsigned("{}", r#"{"exp":1e400,"iat":1}"#))), Some(Check::Format));
}

/// A token that is right in everything, but for the members of `over`.
fn claims(over: &Value) -> Map<String, Value> {
    let mut claims =
        json!({ "iss": ISSUER, "aud": "landfall", "sub": "ada", "exp": NOW + 300, "iat": NOW, "nonce": "n" });
    claims.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
    claims.as_object().unwrap().clone()
}

fn check_over(over: &Value) -> Option<Check> {
    let (metadata, nonce, trusted) = (Metadata::for_tests(ISSUER), Nonce::new("n".to_owned()), ["api".to_owned()]);
    let expected = Expected { client_id: "landfall", algorithms: &[], trusted_audiences: &trusted };
    failed(check_claims(&claims(over), &metadata, &expected, Some(&nonce), now()))
}

#[test]
fn what_decides_is_strict() {
    for (over, check) in [
        (json!({ "iss": format!("{ISSUER}/") }), Check::Issuer),
        (json!({ "iss": [ISSUER] }), Check::Issuer),
        (json!({ "aud": "other" }), Check::Audience),
        (json!({ "aud": ["landfall", "other"], "azp": "landfall" }), Check::Audience),
        (json!({ "aud": ["api"], "azp": "landfall" }), Check::Audience),
        (json!({ "aud": ["landfall", 1] }), Check::Audience),
        (json!({ "aud": { "landfall": true } }), Check::Audience),
        (json!({ "aud": ["landfall", "api"] }), Check::AuthorizedParty),
        (json!({ "aud": ["landfall", "api"], "azp": "api" }), Check::AuthorizedParty),
        (json!({ "azp": "other" }), Check::AuthorizedParty),
        (json!({ "azp": ["landfall"] }), Check::AuthorizedParty),
        (json!({ "nonce": "N" }), Check::Nonce),
        (json!({ "nonce": "" }), Check::Nonce),
        (json!({ "nonce": ["n"] }), Check::Nonce),
        (json!({ "nonce": null }), Check::Nonce),
    ] {
        assert_eq!(check_over(&over), Some(check), "{over}");
    }
    for over in [
        json!({}),
        json!({ "aud": ["landfall"] }),
        json!({ "aud": ["landfall", "landfall"] }),
        json!({ "aud": ["landfall", "api"], "azp": "landfall" }),
        json!({ "azp": "landfall" }),
    ] {
        assert_eq!(check_over(&over), None, "{over}");
    }
}

#[test]
fn what_decides_nothing_refuses_no_login() {
    for odd in [
        json!({ "amr": "pwd" }),
        json!({ "acr": 1 }),
        json!({ "auth_time": "1" }),
        json!({ "auth_time": -1.5 }),
        json!({ "phone_number": 49, "locale": {}, "updated_at": "2025-12-23", "address": "1 Main St" }),
        json!({ "email": ["a@b.example"], "email_verified": 1, "name": null, "gender": 7, "birthdate": {} }),
        json!({ "at_hash": 1, "c_hash": [], "sid": 5, "jti": {}, "groups": "one" }),
    ] {
        assert_eq!(check_over(&odd), None, "{odd}");
        assert!(VerifiedClaims::new(Stage::IdToken, ISSUER, claims(&odd)).is_ok(), "{odd}");
    }
}

/// A signing key and its public half for each family of algorithms.
fn keys() -> Vec<(Algorithm, EncodingKey, Value)> {
    let rsa = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let rsa = STANDARD.encode(AsDer::<Pkcs8V1Der>::as_der(&rsa).unwrap().as_ref());
    let rsa = format!("-----BEGIN PRIVATE KEY-----\n{rsa}\n-----END PRIVATE KEY-----\n");
    let rsa = EncodingKey::from_rsa_pem(rsa.as_bytes()).unwrap();
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap().to_pkcs8v1().unwrap();
    let ed = Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap();
    let keys = [
        (Algorithm::RS512, rsa.clone()),
        (Algorithm::PS256, rsa),
        (Algorithm::ES256, EncodingKey::from_ec_der(ec.as_ref())),
        (Algorithm::EdDSA, EncodingKey::from_ed_der(ed.as_ref())),
    ];
    let public = |(algorithm, key): (Algorithm, EncodingKey)| {
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&key, algorithm).unwrap()).unwrap();
        jwk.as_object_mut().unwrap().remove("alg");
        (algorithm, key, jwk)
    };
    keys.into_iter().map(public).collect()
}

/// These members over a public key.
fn over(jwk: &Value, members: &Value) -> Value {
    let mut jwk = jwk.clone();
    jwk.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    jwk
}

fn verify_with(keys: &[Value], token: &str) -> Option<Check> {
    let (algorithms, token) = (Allowed::all(), read(token).unwrap());
    failed(token.check_header(&algorithms).and_then(|algorithm| Keys::select(keys).verify(&token, algorithm)))
}

#[test]
fn every_family_of_algorithms_is_verified_by_every_key_that_fits() {
    let all = keys();
    for (algorithm, key, jwk) in &all {
        let sign = |kid: Option<&str>, subject: &str| {
            let header = Header { kid: kid.map(str::to_owned), ..Header::new(*algorithm) };
            jsonwebtoken::encode(&header, &claims(&json!({ "sub": subject })), key).unwrap()
        };
        let (token, unnamed) = (sign(Some("k"), "ada"), sign(None, "ada"));
        let named = over(jwk, &json!({ "kid": "k", "use": "sig" }));
        // Of another family, under the same id: providers rotate keys so.
        let other = all.iter().find(|(_, _, other)| other["kty"] != jwk["kty"] || other["crv"] != jwk["crv"]).unwrap();
        let other = over(&other.2, &json!({ "kid": "k" }));
        for keys in [
            vec![named.clone()],
            vec![named.clone(), named.clone()],
            vec![jwk.clone()],
            vec![other.clone(), named.clone()],
            vec![over(jwk, &json!({ "kid": "k", "x5c": 1, "key_ops": "verify", "ext": "yes" }))],
        ] {
            assert_eq!(verify_with(&keys, &token), None, "{algorithm:?} {keys:?}");
            assert_eq!(verify_with(&keys, &unnamed), None, "{algorithm:?} {keys:?}");
        }
        for (members, check) in [
            (json!({ "kid": "other" }), Check::Key),
            (json!({ "kid": "k", "use": "enc" }), Check::Key),
            (json!({ "kid": "k", "alg": "RS384" }), Check::Key),
            (json!({ "kid": "k", "alg": "unheard-of" }), Check::Key),
        ] {
            assert_eq!(verify_with(&[over(jwk, &members)], &token), Some(check), "{algorithm:?} {members}");
        }
        let (message, signature) = token.rsplit_once('.').unwrap();
        let another = sign(Some("k"), "eve");
        for forged in [
            format!("{message}.{}", URL_SAFE_NO_PAD.encode(&URL_SAFE_NO_PAD.decode(signature).unwrap()[1..])),
            format!("{message}."),
            format!("{}.{signature}", another.rsplit_once('.').unwrap().0),
        ] {
            assert_eq!(verify_with(slice::from_ref(&named), &forged), Some(Check::Signature), "{algorithm:?}");
        }
    }
}

#[test]
fn p_521_is_verified_and_ed25519_by_both_its_names() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref();
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..67]), URL_SAFE_NO_PAD.encode(&point[67..]));
    let jwk = json!({ "kty": "EC", "crv": "P-521", "x": x, "y": y, "alg": "ES512" });
    let signed = |header: &Value, sign: &dyn Fn(&[u8]) -> Vec<u8>| {
        let payload = Value::Object(claims(&json!({}))).to_string();
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(payload));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(sign(message.as_bytes())))
    };
    #[expect(clippy::disallowed_methods, reason = "the signature is random, and nothing is compared with it")]
    let random = aws_lc_rs::rand::SystemRandom::new();
    let es512 = signed(&json!({ "alg": "ES512" }), &|message| pair.sign(&random, message).unwrap().as_ref().to_vec());
    assert_eq!(verify_with(slice::from_ref(&jwk), &es512), None);
    // A point that is on no curve.
    let off_curve = over(&jwk, &json!({ "y": x }));
    assert_eq!(verify_with(&[off_curve], &es512), Some(Check::Signature));

    let pair = Ed25519KeyPair::generate().unwrap();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()) });
    for named in ["EdDSA", "Ed25519"] {
        let token = signed(&json!({ "alg": named }), &|message| pair.sign(message).as_ref().to_vec());
        for said in [json!({}), json!({ "alg": "EdDSA" }), json!({ "alg": "Ed25519" })] {
            assert_eq!(verify_with(&[over(&jwk, &said)], &token), None, "{named} {said}");
        }
    }
}
