//! What no simulated provider says: headers and claims at the edges of what is taken. The rest is in `conformance`, which
//! goes through `simulators::bad_id_tokens`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::jws::{ALGORITHMS, Algorithm as Allowed};
use super::*;

const NOW: i64 = 1_790_000_000;

/// A token with this header and these claims as text, under a signature that no key has made.
fn unsigned(header: &str, claims: &str) -> String {
    format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
}

fn read(token: &str) -> Result<Unverified<'_>, ProviderError> {
    Unverified::read(Stage::IdToken, token)
}

fn header_check(header: Value) -> Option<Check> {
    let token = unsigned(&header.to_string(), "{}");
    let token = read(&token).unwrap();
    failed(token.check_header(&Allowed::all()).and_then(|_| token.kid().map(|_| ())))
}

fn failed<T>(result: Result<T, ProviderError>) -> Option<Check> {
    match result {
        Ok(_) => None,
        Err(ProviderError::Refused { stage: Stage::IdToken, check }) => Some(check),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_header_is_taken_as_it_is_spelled() {
    for (name, _) in ALGORITHMS {
        assert_eq!(header_check(json!({ "alg": name })), None, "{name}");
    }
    for bad in ["none", "HS256", "HS384", "HS512", "RSA-OAEP", "dir"] {
        assert_eq!(header_check(json!({ "alg": bad })), Some(Check::Algorithm), "{bad}");
    }
    for bad in [json!({}), json!({ "alg": null }), json!({ "alg": 0 }), json!({ "alg": ["RS256"] })] {
        assert_eq!(header_check(bad.clone()), Some(Check::Algorithm), "{bad}");
    }
    for (name, value) in [
        ("crit", json!([])),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("kid", json!(1)),
        ("kid", json!(null)),
        ("kid", json!({})),
    ] {
        assert_eq!(header_check(json!({ "alg": "RS256", name: value })), Some(Check::Header), "{name}");
    }
    assert_eq!(header_check(json!({ "alg": "RS256", "kid": "' OR 1=1 --" })), None);
    assert_eq!(failed(read(&unsigned(r#"{"alg":"RS256","alg":"none"}"#, "{}"))), Some(Check::Json));
}

#[test]
fn a_text_that_is_no_signed_token_is_refused() {
    for bad in
        ["", ".", "..", "a.b", "e30.e30", "e30.e30.e30.e30", "e30.e30.e30.e30.e30", "e30=.e30=.c2ln", "W10.e30.c2ln"]
    {
        assert_eq!(failed(read(bad)), Some(Check::Format), "{bad}");
    }
}

#[test]
fn times_are_seconds_within_a_minute_of_ours() {
    let now = DateTime::from_timestamp(NOW, 0).unwrap();
    let check = |claims: &str| failed(read(&unsigned("{}", claims)).and_then(|token| check_times(&token.claims, now)));
    let times = |exp: &str, iat: &str, nbf: &str| check(&format!(r#"{{"exp":{exp},"iat":{iat},"nbf":{nbf}}}"#));
    let at = |seconds: i64| (NOW + seconds).to_string();

    assert_eq!(times(&at(300), &at(0), &at(0)), None);
    assert_eq!(times(&at(-59), &at(-300), &at(-300)), None);
    assert_eq!(times(&at(-60), &at(-300), &at(-300)), Some(Check::Expired));
    assert_eq!(times(&at(300), &at(60), &at(60)), None);
    assert_eq!(times(&at(300), &at(61), &at(0)), Some(Check::NotYetValid));
    assert_eq!(times(&at(300), &at(0), &at(61)), Some(Check::NotYetValid));
    assert_eq!(check(&format!(r#"{{"exp":{},"iat":{NOW}}}"#, NOW + 300)), None);
    // A fraction counts against the bearer.
    assert_eq!(times("1790000300.0", "1790000000.0", "1.79e9"), None);
    assert_eq!(times(&(at(-60) + ".9"), &at(-300), &at(-300)), Some(Check::Expired));
    assert_eq!(times(&at(300), &(at(60) + ".1"), &at(0)), Some(Check::NotYetValid));

    for odd in ["\"1790000300\"", "-1", "null", "[1790000300]", "99999999999999999999", "1e300"] {
        for (exp, iat, nbf) in [(odd, &*at(0), &*at(0)), (&at(300), odd, &at(0)), (&at(300), &at(0), odd)] {
            assert_eq!(times(exp, iat, nbf), Some(Check::Format), "{odd}");
        }
    }
}
