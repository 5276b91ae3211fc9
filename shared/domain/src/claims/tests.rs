use serde_json::json;

use super::*;
use crate::{Entropy, SeededEntropy};

fn said(value: &Value) -> ReadClaims {
    ReadClaims::of(value.as_object().unwrap())
}

fn claims(value: Value) -> Claims {
    said(&value).claims
}

#[test]
fn only_the_boolean_true_verifies_an_email() {
    assert_eq!(claims(json!({"email": "a@b", "email_verified": true})).verified_email(), Some("a@b"));
    for not_true in [json!("true"), json!(1), json!(null), json!(false), json!(["true"])] {
        assert_eq!(claims(json!({"email": "a@b", "email_verified": not_true})).verified_email(), None);
    }
    assert_eq!(claims(json!({"email": "a@b"})).verified_email(), None);
}

#[test]
fn every_claim_of_the_standard_is_carried_in_its_own_type() {
    let right = json!({
        "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "middle_name": "K", "nickname": "A",
        "preferred_username": "ada", "profile": "https://x.example/ada", "picture": "http://x.example/ada.png",
        "website": "https://x.example", "email": "a@b", "email_verified": false, "gender": "female",
        "birthdate": "1815-12-10", "zoneinfo": "Europe/London", "locale": "en-GB", "phone_number": "+44 20 1",
        "phone_number_verified": true, "address": { "formatted": "1 Main St", "country": "GB" }, "updated_at": 1_700_000_000.5,
    });
    let read = said(&right);
    assert_eq!((serde_json::to_value(&read.claims).unwrap(), read.left_out), (right, LeftOut::default()));
    for (name, wrong) in [
        ("email", json!("a@x.org, b@y.org")),
        ("phone_number", json!(49)),
        ("name", json!(["A"])),
        ("given_name", json!("a".repeat(1025))),
        ("picture", json!("javascript:alert(1)")),
        ("profile", json!("https://x.example/ a")),
        ("website", json!("\0")),
        ("updated_at", json!("2025-12-23")),
        ("updated_at", json!(-1)),
        ("updated_at", json!(1e300)),
        ("address", json!("1 Main St")),
        ("address", json!({})),
        ("address", json!({ "country": 49 })),
        ("address", json!({ "planet": "Earth" })),
        ("birthdate", json!({})),
    ] {
        let read = said(&json!({ name: wrong, "locale": "de" }));
        let left_out = LeftOut { known: vec![name], others: 0 };
        assert_eq!((read.claims, read.left_out), (claims(json!({ "locale": "de" })), left_out), "{name} {wrong}");
    }
    // Nothing is said by nothing, and an address is what the standard has of it.
    let address = json!({ "region": null, "locality": "London", "planet": "Earth" });
    let read = said(&json!({ "family_name": null, "address": address, "email_verified": true }));
    assert_eq!(serde_json::to_value(&read.claims).unwrap(), json!({ "address": { "locality": "London" } }));
    assert!(read.left_out.is_empty());
}

#[test]
fn scopes_release_claims() {
    let all = claims(json!({
        "email": "a@b", "name": "A", "phone_number": "1", "address": { "country": "GB" }, "updated_at": 1, "roles": ["admin"]
    }));
    for (scopes, released) in [
        ("openid email", json!({ "email": "a@b" })),
        ("openid", json!({})),
        ("profile phone", json!({ "name": "A", "phone_number": "1", "updated_at": 1 })),
        ("address", json!({ "address": { "country": "GB" } })),
    ] {
        assert_eq!(serde_json::to_value(all.released_by(scopes.split(' '))).unwrap(), released, "{scopes}");
    }
    assert!(all.text("roles").is_none());
    assert!(["profile", "email", "phone", "address"].into_iter().all(Claims::is_scope) && !Claims::is_scope("openid"));
}

#[test]
fn a_mapping_finds_user_claims_and_no_protocol_claims() {
    let read = said(&json!({
        "iss": "https://id.example", "aud": "landfall", "nonce": "n", "exp": 1, "iat": 1, "at_hash": "h", "sid": "s",
        "_claim_sources": { "src1": { "endpoint": "https://id.example", "access_token": "canary" } },
        "sub": "1", "oid": "2", "groups": ["a", "b"], "department": null, "realm_access": { "roles": ["x"] },
        "email": 1, "acr": "1",
    }));
    let expected = json!({
        "sub": "1", "oid": "2", "groups": ["a", "b"], "realm_access": { "roles": ["x"] }, "email": 1, "acr": "1",
    });
    assert_eq!(Value::Object(read.raw.0), expected);
    assert_eq!(read.left_out, LeftOut { known: vec!["email"], others: 0 });
}

#[test]
fn what_is_too_large_is_left_out_whole() {
    let groups = |count: usize| json!(vec!["a group of ten"; count]);
    let kilobyte = json!("x".repeat(MAX_CLAIM - 2));
    for (all, known, others) in [
        (json!({ "groups": groups(240), "own": kilobyte }), vec![], 0),
        (json!({ "groups": groups(242) }), vec!["groups"], 0),
        (json!({ "groups": { "a": kilobyte } }), vec!["groups"], 0),
        (json!({ "groups": [1, "x".repeat(MAX_CLAIM)] }), vec!["groups"], 0),
        (json!({ "own": "x".repeat(MAX_CLAIM - 1), "b": groups(100) }), vec![], 2),
        // The standard's have room before a provider's own.
        (
            json!({ "a": kilobyte, "b": kilobyte, "c": kilobyte, "d": kilobyte, "e": kilobyte, "f": kilobyte, "g": kilobyte,
            "name": kilobyte }),
            vec![],
            1,
        ),
        (
            json!({ "groups": groups(240), "name": kilobyte, "locale": kilobyte, "gender": kilobyte, "nickname": kilobyte }),
            vec!["groups"],
            0,
        ),
    ] {
        assert_eq!(said(&all).left_out, LeftOut { known, others }, "{all}");
    }
}

/// Values of every kind and size, with names of every kind.
fn anything(entropy: &dyn Entropy, depth: u8) -> Value {
    let [kind, many, few, byte] = entropy.bytes::<4>();
    let text = |length: usize| {
        let letters = ['a', '"', '\\', '\0', '\u{7f}', '\u{e9}', '\u{202e}', '\u{1f600}', ' ', '/'];
        (0..length).map(|at| letters[(usize::from(byte) + at * usize::from(few)) % letters.len()]).collect::<String>()
    };
    match kind % 10 {
        0 => Value::Null,
        1 => json!(many % 2 == 0),
        2 => json!(i64::from_be_bytes(entropy.bytes())),
        3 => json!(f64::from_bits(u64::from_be_bytes(entropy.bytes()))),
        4 | 5 => json!(text(usize::from(many) * usize::from(few % 8))),
        6 => json!(format!("https://x.example/{}", text(few.into()))),
        7 | 8 if depth < 2 => (0..few % 12).map(|_| anything(entropy, depth + 1)).collect(),
        _ if depth < 2 => {
            let names = ADDRESS.iter().copied().chain(["own"]).cycle().skip(many.into());
            let members = names.take(usize::from(few % 12)).map(|name| (name.to_owned(), anything(entropy, depth + 1)));
            Value::Object(members.collect())
        }
        _ => json!(few),
    }
}

#[test]
fn whatever_a_provider_says_the_bounds_hold() {
    let entropy = SeededEntropy::new(14);
    let entropy: &dyn Entropy = &entropy;
    let bytes = |value: &Value| value.to_string().len();
    for round in 0..200 {
        let standard = CARRIED.iter().map(|(name, ..)| (*name).to_owned());
        let own = (0..40).map(|number| format!("{}{number}", ["own", "\u{e9}", "\"", ""][number % 4]));
        let names = standard.chain(own).chain(PROTOCOL.iter().chain(&[GROUPS, "sub"]).map(|name| (*name).to_owned()));
        let names: Vec<_> = names.filter(|_| entropy.bytes::<1>()[0] % 2 == 0).collect();
        let all: Map<String, Value> = names.into_iter().map(|name| (name, anything(entropy, 0))).collect();

        let ReadClaims { claims, raw, left_out } = ReadClaims::of(&all);
        let sizes: Vec<_> = raw.0.iter().map(|(name, value)| (name.as_str(), bytes(value))).collect();
        assert!(sizes.iter().map(|(name, size)| name.len() + size).sum::<usize>() <= MAX_ALL, "{round}");
        let most = |name: &str| if name == GROUPS { MAX_GROUPS } else { MAX_CLAIM };
        assert!(sizes.iter().all(|(name, size)| *size <= most(name)), "{round}");
        assert!(PROTOCOL.iter().all(|name| raw.get(name).is_none()), "{round}");
        for (name, value) in claims.iter() {
            let (_, _, kind) = CARRIED.iter().find(|(carried, ..)| *carried == name).unwrap();
            assert_eq!((kind.read(value).as_ref(), raw.get(name).is_some()), (Some(value), true), "{round} {name}");
        }
        // Nothing is lost without being counted: what is said is kept, left out, the protocol's own or nothing.
        let said = all.iter().filter(|(name, value)| !value.is_null() && !PROTOCOL.contains(&name.as_str()));
        let odd = left_out.known.iter().filter(|name| raw.get(name).is_some()).count();
        assert_eq!(said.count(), raw.0.len() + left_out.len() - odd, "{round}");
    }
}

#[test]
fn claims_are_logged_by_name_only_and_unknown_claims_not_at_all() {
    let read = said(&json!({ "email": "a@b", "canary": "a@b" }));
    assert_eq!(format!("{:?} {:?}", read.claims, read.raw), r#"{"email"} RawClaims(2)"#);
}
