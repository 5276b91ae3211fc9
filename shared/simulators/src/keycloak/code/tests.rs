//! What becomes of a code, as it was seen on Keycloak 26.7.3.

use chrono::TimeDelta;

use super::super::Client;
use super::super::bench::{Bench, CALLBACK, EXCHANGE, Person, TOKEN, part, web};
use crate::core::signer;
use crate::{ClientAuth, Subject};

const BAD_CODE: &str = "400 invalid_grant: Code not valid";
const VERIFIER: &str = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";

/// A code for an authorization request with these parameters more.
async fn code(person: &Person, more: &str) -> String {
    let answer = person.authorize(more).await;
    let answer = if answer.status == 302 { answer } else { person.log_in(more).await };
    answer.callback()["code"].clone()
}

async fn refusal(bench: &Bench, more: &str) -> String {
    bench.refusal(&format!("{EXCHANGE}{more}")).await
}

#[tokio::test]
async fn a_code_is_worth_the_tokens_of_a_direct_grant_and_the_nonce() {
    let bench = Bench::new(web());
    let person = bench.person();
    let callback = person.log_in("").await.callback();
    bench.clock.advance(TimeDelta::seconds(59));
    let answer = bench.post(TOKEN, &format!("{EXCHANGE}&code={}", callback["code"])).await;
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
    let body = answer.json();
    let (claims, direct) = (part(&body["id_token"], 1), part(&bench.login().await["id_token"], 1));

    let names = |claims: &serde_json::Value| -> Vec<String> { claims.as_object().unwrap().keys().cloned().collect() };
    let more: Vec<String> = names(&claims).into_iter().filter(|name| direct.get(name).is_none()).collect();
    assert_eq!(more, ["auth_time", "nonce"]);
    assert_eq!(names(&claims).len(), names(&direct).len() + 2);
    assert_eq!((claims["nonce"].as_str(), claims["auth_time"].as_i64()), (Some("nn"), Some(1_790_000_000)));
    assert_eq!(claims["sub"], direct["sub"]);
    assert_eq!(claims["sid"], callback["session_state"].as_str());
    assert_eq!(body["scope"], "openid profile email");
    assert!(bench.accepts(&body).await);

    let again = bench.exchange(&code(&person, "nonce=other").await).await;
    let claims = part(&again["id_token"], 1);
    assert_eq!((claims["nonce"].as_str(), claims["auth_time"].as_i64()), (Some("other"), Some(1_790_000_000)));
    assert_eq!(claims["acr"], "0", "nothing was asked this time");
}

#[tokio::test]
async fn a_second_use_ends_what_the_client_has_of_the_session_and_leaves_the_browser_signed_in() {
    let bench = Bench::new(web().client(Client::public("other").redirect_uri(CALLBACK)));
    let person = bench.person();
    let first = code(&person, "").await;
    let body = bench.exchange(&first).await;
    let other = code(&person, "client_id=other").await;
    let other = bench.post(TOKEN, &format!("{}&code={other}", EXCHANGE.replace("=landfall", "=other"))).await.json();

    assert_eq!(refusal(&bench, &format!("&code={first}")).await, BAD_CODE);
    assert!(!bench.accepts(&body).await && bench.accepts(&other).await);
    let next = person.authorize("prompt=none").await.callback();
    assert!(bench.accepts(&bench.exchange(&next["code"]).await).await);
}

#[tokio::test]
async fn a_made_up_code_ends_a_session_too_if_it_names_one() {
    let bench = Bench::new(web());
    let person = bench.person();
    let body = bench.exchange(&code(&person, "").await).await;
    for made_up in ["made-up", "a.b.c", ""] {
        assert_eq!(refusal(&bench, &format!("&code={made_up}")).await, BAD_CODE);
    }
    assert!(bench.accepts(&body).await);
    let real = code(&person, "").await;
    let (_, rest) = real.split_once('.').unwrap();
    assert_eq!(refusal(&bench, &format!("&code=00000000-0000-0000-0000-000000000000.{rest}")).await, BAD_CODE);
    assert!(!bench.accepts(&body).await);
    assert_eq!(refusal(&bench, "").await, "400 invalid_request: Missing parameter: code");
}

#[tokio::test]
async fn a_code_is_good_for_a_minute() {
    let bench = Bench::new(web());
    let person = bench.person();
    let body = bench.exchange(&code(&person, "").await).await;
    let late = code(&person, "").await;
    bench.clock.advance(TimeDelta::seconds(60));
    assert_eq!(refusal(&bench, &format!("&code={late}")).await, BAD_CODE);
    assert!(!bench.accepts(&body).await, "a late code is as bad as a stolen one");
}

#[tokio::test]
async fn a_failed_exchange_burns_the_code_and_says_why() {
    let bench = Bench::new(web().client(Client::public("other").redirect_uri(CALLBACK)));
    let person = bench.person();
    let wrong_uri = EXCHANGE.replace("callback", "elsewhere");
    let no_uri = EXCHANGE.split("&redirect_uri").next().unwrap();
    let other_client = EXCHANGE.replace("=landfall", "=other");
    for (form, expected) in [
        (wrong_uri.as_str(), "400 invalid_grant: Incorrect redirect_uri"),
        (no_uri, "400 invalid_grant: Incorrect redirect_uri"),
        (&other_client, "400 invalid_grant: Auth error: Found different client_id in clientSession"),
    ] {
        let code = code(&person, "").await;
        assert_eq!(bench.refusal(&format!("{form}&code={code}")).await, expected);
        assert_eq!(refusal(&bench, &format!("&code={code}")).await, BAD_CODE);
    }

    let code = code(&person, "").await;
    let wrong_secret = EXCHANGE.replace("=secret", "=wrong");
    assert!(bench.refusal(&format!("{wrong_secret}&code={code}")).await.starts_with("401 unauthorized_client"));
    bench.exchange(&code).await; // who is not the client burns nothing
}

#[tokio::test]
async fn pkce_is_checked_when_it_was_begun_and_only_then() {
    let bench = Bench::new(web());
    let person = bench.person();
    let s256 = format!("code_challenge={}&code_challenge_method=S256", signer::s256(VERIFIER));
    let plain = format!("code_challenge={VERIFIER}");
    let mismatch = "400 invalid_grant: PKCE verification failed: Code mismatch";
    let invalid = "400 invalid_grant: PKCE verification failed: Invalid code verifier";
    for (begun, verifier, expected) in [
        ("", VERIFIER, "400 invalid_grant: PKCE code verifier specified but challenge not present in authorization"),
        (&s256, &VERIFIER.replace('v', "w"), mismatch),
        (&plain, &VERIFIER.replace('v', "w"), mismatch),
        (&s256, "short", invalid),
        (&s256, "", invalid),
        (&s256, &format!("{VERIFIER}!"), invalid),
        (&s256, &"v".repeat(129), invalid),
    ] {
        let code = code(&person, begun).await;
        let more = format!("&code={code}&code_verifier={verifier}");
        assert_eq!(refusal(&bench, &more).await, expected, "{begun} {verifier}");
    }
    let unverified = code(&person, &s256).await;
    assert_eq!(
        refusal(&bench, &format!("&code={unverified}")).await,
        "400 invalid_grant: PKCE code verifier not specified"
    );
    for begun in [s256, plain] {
        let code = code(&person, &begun).await;
        bench.exchange(&format!("{code}&code_verifier={VERIFIER}")).await;
    }
}

#[tokio::test]
async fn what_has_changed_since_the_code_was_given_counts() {
    let bench = Bench::new(web());
    let code = bench.code().await;
    bench.keycloak.change_user("demo", "ada", |ada| ada.enabled(false)).unwrap();
    assert_eq!(refusal(&bench, &format!("&code={code}")).await, "400 invalid_grant: User disabled");
    bench.keycloak.change_user("demo", "ada", |ada| ada.enabled(true)).unwrap();

    let code = bench.code().await;
    bench.keycloak.change_client("demo", "landfall", |client| client.standard_flow(false)).unwrap();
    let refused = refusal(&bench, &format!("&code={code}")).await;
    assert_eq!(refused, "400 invalid_grant: Client not allowed to exchange code");
    bench.keycloak.change_client("demo", "landfall", |client| client.standard_flow(true)).unwrap();
    assert_eq!(refusal(&bench, &format!("&code={code}")).await, BAD_CODE);

    let code = bench.code().await;
    bench.keycloak.change_user("demo", "ada", |ada| ada.required_action("UPDATE_PASSWORD")).unwrap();
    bench.exchange(&code).await;
}

#[tokio::test]
async fn the_scope_of_a_code_is_the_one_of_its_request() {
    let bench = Bench::new(web());
    let person = bench.person();
    let without = code(&person, "scope=profile").await;
    let body = bench.exchange(&format!("{without}&scope=openid+phone")).await;
    assert!(body.get("id_token").is_none());
    assert_eq!(body["scope"], "profile email");
}

#[tokio::test]
async fn giving_the_password_again_renews_auth_time() {
    let bench = Bench::new(web());
    let person = bench.person();
    person.log_in("").await;
    bench.clock.advance(TimeDelta::seconds(5));
    let page = person.authorize("prompt=login").await;
    let code = person.submit(&page, "password=correct+horse").await.callback()["code"].clone();
    assert_eq!(part(&bench.exchange(&code).await["id_token"], 1)["auth_time"], 1_790_000_005);
}

#[tokio::test]
async fn every_exchange_is_kept_and_its_secrets_are_not_printed() {
    let bench = Bench::new(web());
    let code = bench.code().await;
    refusal(&bench, &format!("&code={code}&code_verifier={VERIFIER}")).await;
    bench.login().await;

    let seen = bench.keycloak.exchanges();
    assert_eq!((seen.len(), bench.keycloak.requests().len()), (1, 1));
    let exchange = &seen[0];
    assert_eq!(exchange.client_id(), Some("landfall"));
    assert_eq!((exchange.client_auth(), exchange.redirect_uri()), (ClientAuth::Post, Some(CALLBACK)));
    assert_eq!((exchange.code(), exchange.code_verifier()), (Some(code.as_str()), Some(VERIFIER)));
    assert!(!format!("{seen:?}").contains(&code) && !format!("{seen:?}").contains(VERIFIER));
}
