use chrono::TimeDelta;
use egress::Reach;
use serde_json::json;
use simulators::apple::{KEY, SIMULATOR, TEAM};
use simulators::{Misbehaviour, Registration, Return};

use super::*;
use crate::Status;
use crate::bench::{Bench, CALLBACK, P256_KEY, RSA_KEY, SECRET};
use crate::oidc::complaint_about;

/// Of another team, or revoked.
const OTHER_KEY: &str = include_str!("../bench/keys/p256-other.pem");

async fn bench(over: Value) -> Bench {
    Bench::at(&SIMULATOR, Method::Oidc, Reach::Local, over).await
}

/// With a key by which the client signs its secret.
async fn signing() -> Bench {
    let bench = bench(json!({ "settings": { "key_id": KEY } })).await;
    bench.change_key(&P256_KEY);
    bench.secrets.set(Ok(P256_KEY.secret));
    bench
}

/// The client secrets that Apple was sent.
fn sent(bench: &Bench) -> Vec<String> {
    bench.subject.received().iter().filter_map(|request| request.client_secret().map(str::to_owned)).collect()
}

#[tokio::test]
async fn the_signed_client_secret_is_renewed_long_before_it_ends() {
    let bench = signing().await;
    for (minutes, renewals) in [(0, 1), (29, 1), (1, 2), (29, 2), (1, 3), (60 * 24 * 400, 4)] {
        bench.pass(TimeDelta::minutes(minutes));
        bench.login().await.unwrap();
        let mut different = sent(&bench);
        different.dedup();
        assert_eq!(different.len(), renewals, "after {minutes} more minutes");
    }
    // A clock that went back makes it old.
    bench.pass(TimeDelta::minutes(-40));
    bench.login().await.unwrap();
    assert!(sent(&bench).iter().all(|secret| secret.split('.').count() == 3 && !secret.contains("PRIVATE")));
}

#[tokio::test]
async fn a_new_key_signs_at_once() {
    let bench = signing().await;
    bench.login().await.unwrap();
    bench.secrets.set(Ok(RSA_KEY.secret));
    let error = bench.login().await.unwrap_err();
    assert!(error.to_string().contains("curve P-256"), "{error}");
    // Apple has revoked a key, of which we learn by its refusal: the secret is read again.
    bench.secrets.set(Ok(OTHER_KEY));
    bench.secrets.rotate(Ok(P256_KEY.secret));
    bench.login().await.unwrap();
    assert_eq!((sent(&bench).len(), bench.secrets.rereads()), (3, 2));
}

#[tokio::test]
async fn a_mistake_in_what_the_secret_is_signed_with_is_found() {
    for (settings, secret, hint) in [
        (json!({ "key_id": KEY, "team_id": "OTHER12345" }), P256_KEY.secret, "compare its Key ID and Team ID"),
        (json!({ "key_id": "OTHER12345" }), P256_KEY.secret, "compare its Key ID and Team ID"),
        (json!({ "key_id": KEY }), OTHER_KEY, "compare its Key ID and Team ID"),
        (json!({ "key_id": KEY }), RSA_KEY.secret, "curve P-256"),
        (json!({ "key_id": KEY }), SECRET, "leave settings.key_id out"),
        (json!({}), P256_KEY.secret, "or the key's id"),
    ] {
        let bench = bench(json!({ "settings": settings })).await;
        bench.change_key(&P256_KEY);
        bench.secrets.set(Ok(secret));
        let report = bench.probe(None).await;
        let finding = report.check("client_credentials");
        assert!(finding.status == Status::Failed && finding.hint.unwrap().contains(hint), "{settings}: {finding:?}");
        assert!(!format!("{report:?}").contains("PRIVATE KEY-----\n"));
    }
    let bench = signing().await;
    let report = bench.probe(None).await;
    assert_eq!(report.check("client_credentials").status, Status::Passed);
    // Apple shows its sign-in page to all.
    assert_eq!(report.check("redirect_uri").status, Status::Unverifiable);
}

fn user(returned: &Return, user: &Value) -> Return {
    let user = user.as_str().map_or_else(|| user.to_string(), str::to_owned);
    returned.with(&[("user", &user)])
}

#[tokio::test]
async fn the_name_comes_with_the_first_callback_only() {
    let bench = bench(json!({})).await;
    let name = |identity: &domain::ExternalIdentity| {
        ["name", "given_name", "family_name"].map(|claim| identity.claims.text(claim).map(str::to_owned))
    };
    let first = bench.login().await.unwrap();
    assert_eq!(name(&first), ["Ada Lovelace", "Ada", "Lovelace"].map(|part| Some(part.to_owned())));
    assert_eq!(name(&bench.login().await.unwrap()), [None, None, None]);
    for (said, names) in [
        (json!({ "name": { "firstName": "Ada", "lastName": "" } }), [Some("Ada"), Some("Ada"), None]),
        (json!({ "name": { "lastName": "L" }, "email": "ADA@example.org" }), [Some("L"), None, Some("L")]),
        (json!({ "name": { "firstName": "Eve" }, "email": "eve@example.org" }), [None; 3]),
        (json!({ "name": { "firstName": { "x": 1 }, "lastName": 7 } }), [None; 3]),
        (json!({ "name": "Ada" }), [None; 3]),
        (json!({ "name": { "firstName": "x".repeat(5000) } }), [None; 3]),
        (json!("no JSON"), [None; 3]),
        (json!("{\"name\":{},\"name\":{\"firstName\":\"Eve\"}}"), [None; 3]),
        (json!("[".repeat(10_000)), [None; 3]),
    ] {
        let pending = bench.begin().await.unwrap();
        let returned = user(&bench.visit(&pending).await.unwrap(), &said);
        let identity = bench.answer(&pending, &returned).await.unwrap();
        assert_eq!(name(&identity), names.map(|part| part.map(str::to_owned)), "{said}");
        assert_eq!(identity.key(), first.key());
        assert_eq!(identity.claims.verified_email(), Some("ada@example.org"));
    }
}

#[tokio::test]
async fn nothing_but_a_name_is_taken_of_what_is_not_signed() {
    let bench = bench(json!({})).await;
    bench.subject.misbehave(Some(Misbehaviour::claims(&json!({ "email": null, "email_verified": null }))));
    let pending = bench.begin().await.unwrap();
    let said =
        json!({ "name": { "firstName": "Ada" }, "email": "eve@example.org", "sub": "eve", "email_verified": true });
    let returned = user(&bench.visit(&pending).await.unwrap(), &said);
    let identity = bench.answer(&pending, &returned).await.unwrap();
    assert_eq!((identity.claims.text("email"), identity.claims.text("name")), (None, Some("Ada")));
    assert_eq!(Some(identity.subject_key), bench.subject.subject("ada"));
}

#[tokio::test]
async fn text_that_stands_for_a_boolean_is_read_attack_3() {
    let bench = bench(json!({})).await;
    for (verified, private, expected) in [
        (json!("true"), json!("true"), (true, true)),
        (json!(true), json!(true), (true, true)),
        (json!("false"), json!("false"), (false, false)),
        (json!("TRUE"), json!(null), (false, false)),
        (json!(1), json!(false), (false, false)),
        (json!(null), json!(null), (false, false)),
    ] {
        let claims = json!({ "email_verified": verified, "is_private_email": private });
        bench.subject.misbehave(Some(Misbehaviour::claims(&claims)));
        let identity = bench.login().await.unwrap();
        let is_private = identity.raw.get("is_private_email") == Some(&json!(true));
        assert_eq!((identity.claims.verified_email().is_some(), is_private), expected, "{claims}");
    }
    // Marked by the address alone as well.
    let relayed = json!({ "email": "x1@privaterelay.appleid.com", "is_private_email": null });
    bench.subject.misbehave(Some(Misbehaviour::claims(&relayed)));
    assert_eq!(bench.login().await.unwrap().raw.get("is_private_email"), Some(&json!(true)));
}

#[tokio::test]
async fn users_belong_to_the_team_by_either_name_of_apple() {
    let bench = bench(json!({})).await;
    let key = bench.login().await.unwrap().key();
    assert_eq!(bench.adapter().issuer_key(), Some(format!("apple:{TEAM}").as_str()));
    for (issuer, is_apple) in [
        ("https://account.apple.com", true),
        ("https://appleid.apple.com", true),
        ("https://appleid.apple.com/", false),
        ("https://apple.com", false),
    ] {
        bench.subject.misbehave(Some(Misbehaviour::claims(&json!({ "iss": issuer }))));
        let identity = bench.login().await;
        assert_eq!(identity.is_ok(), is_apple, "{issuer}");
        assert!(identity.is_ok_and(|identity| identity.key() == key) || !is_apple, "{issuer}");
    }
    // In June 2025 the discovery document had the other name.
    bench.subject.misbehave(None);
    let bench = self::bench(json!({})).await;
    bench.change_document(json!({ "issuer": "https://account.apple.com" }));
    assert_eq!(bench.login().await.unwrap().key(), key);
}

#[tokio::test]
async fn who_cancels_has_declined() {
    let bench = bench(json!({})).await;
    let pending = bench.begin().await.unwrap();
    let returned = bench.visit(&pending).await.unwrap();
    let cancelled = returned.with(&[("code", ""), ("error", "user_cancelled_authorize")]);
    let declined = Some(ProviderError::Rejected(Rejection::Declined));
    assert_eq!(bench.answer(&pending, &cancelled).await.err(), declined);
    assert_eq!(bench.calls()[2], 0);
}

#[tokio::test]
async fn the_query_is_no_way_back() {
    let bench = bench(json!({ "settings": { "response_mode": "query" } })).await;
    bench.register(Registration::confidential("landfall", SECRET, CALLBACK));
    let url = bench.hop(&bench.begin().await.unwrap()).await.unwrap();
    let page = simulators::Browser::default().open(url.as_str()).await;
    assert!(
        matches!(page, simulators::Shown::Page { status: 400, html, .. } if html.contains("response_mode must be form_post"))
    );
}

#[test]
fn a_wrong_setting_names_itself_and_what_is_right() {
    let wrong = |name: &str, id: &str| {
        format!("settings.{name}: {id:?} is no id of Apple's: ten capital letters and digits, such as ABCDE12345")
    };
    for (settings, expected) in [
        (json!({ "team_id": TEAM }), "none".to_owned()),
        (json!({ "team_id": TEAM, "key_id": KEY }), "none".to_owned()),
        (json!({}), "settings: missing field `team_id`".to_owned()),
        (json!({ "team_id": "abcde12345" }), wrong("team_id", "abcde12345")),
        (json!({ "team_id": TEAM, "key_id": "" }), wrong("key_id", "")),
        (json!({ "team_id": TEAM, "key_id": "AuthKey_KEY1234567.p8" }), wrong("key_id", "AuthKey_KEY1234567.p8")),
    ] {
        assert_eq!(complaint_about("apple", settings), expected);
    }
}
