//! What becomes of a code, as it was seen on Keycloak 26.7.3.

use serde_json::Value;

use super::super::Client;
use super::super::bench::{ADA, Bench, CALLBACK, EXCHANGE, LOGIN, NOW, Person, TOKEN, demo, part};
use crate::core::signer;
use crate::{ClientAuth, Subject};

const BAD_CODE: &str = "400 invalid_grant: Code not valid";
const VERIFIER: &str = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";

/// A code for an authorization request with these parameters more.
async fn code(person: &Person, more: &str) -> String {
    let answer = person.authorize(more).await;
    let answer = if answer.status == 302 { answer } else { person.submit(&answer, ADA).await };
    answer.callback()["code"].clone()
}

#[tokio::test]
async fn a_code_gives_the_tokens_of_a_direct_grant_with_nonce() {
    let bench = Bench::new(demo());
    let person = bench.person();
    let callback = person.log_in("").await.callback();
    bench.wait(59);
    let body = bench.exchange(&callback["code"]).await;
    let (claims, direct) = (part(&body["id_token"], 1), part(&bench.tokens(LOGIN).await["id_token"], 1));
    let names = |claims: &Value| -> Vec<String> { claims.as_object().unwrap().keys().cloned().collect() };
    let more: Vec<String> = names(&claims).into_iter().filter(|name| direct.get(name).is_none()).collect();
    assert_eq!(more, ["auth_time", "nonce"]);
    assert_eq!(names(&claims).len(), names(&direct).len() + 2);
    assert_eq!((claims["nonce"].as_str(), claims["auth_time"].as_i64()), (Some("nn"), Some(NOW)));
    assert_eq!((&claims["sub"], claims["sid"].as_str()), (&direct["sub"], Some(callback["session_state"].as_str())));
    assert_eq!(body["scope"], "openid profile email");

    let again = bench.exchange(&code(&person, "nonce=other").await).await;
    let claims = part(&again["id_token"], 1);
    assert_eq!((claims["nonce"].as_str(), claims["auth_time"].as_i64()), (Some("other"), Some(NOW)));
    assert_eq!(claims["acr"], "0", "nothing was asked this time");

    // The scope is that of the authorization request.
    let without = code(&person, "scope=profile").await;
    let body = bench.exchange(&format!("{without}&scope=openid+phone")).await;
    assert_eq!((body.get("id_token"), &body["scope"]), (None, &Value::from("profile email")));
}

#[tokio::test]
async fn a_code_works_once_within_its_time_for_its_request() {
    let bench = Bench::new(demo().client(Client::public("other").redirect_uri(CALLBACK)));
    let person = bench.person();
    let s256 = format!("code_challenge={}&code_challenge_method=S256", signer::s256(VERIFIER));
    let plain = format!("code_challenge={VERIFIER}");
    let with = |verifier: &str| format!("{EXCHANGE}&code_verifier={verifier}");
    let no_uri = EXCHANGE.split("&redirect_uri").next().unwrap().to_owned();
    const MISMATCH: &str = "400 invalid_grant: PKCE verification failed: Code mismatch";
    const INVALID: &str = "400 invalid_grant: PKCE verification failed: Invalid code verifier";
    const WRONG_URI: &str = "400 invalid_grant: Incorrect redirect_uri";
    for (begun, form, expected) in [
        ("", EXCHANGE.replace("callback", "elsewhere"), WRONG_URI),
        ("", no_uri, WRONG_URI),
        (
            "",
            EXCHANGE.replace("=landfall", "=other"),
            "400 invalid_grant: Auth error: Found different client_id in clientSession",
        ),
        (
            "",
            with(VERIFIER),
            "400 invalid_grant: PKCE code verifier specified but challenge not present in authorization",
        ),
        (&s256, EXCHANGE.to_owned(), "400 invalid_grant: PKCE code verifier not specified"),
        (&s256, with(&VERIFIER.replace('v', "w")), MISMATCH),
        (&plain, with(&VERIFIER.replace('v', "w")), MISMATCH),
        (&s256, with("short"), INVALID),
        (&s256, with(&format!("{VERIFIER}!")), INVALID),
        (&s256, with(&"v".repeat(129)), INVALID),
    ] {
        let code = code(&person, begun).await;
        assert_eq!(bench.refusal(&format!("{form}&code={code}")).await, expected);
        // It is used up all the same.
        assert_eq!(bench.refusal(&format!("{EXCHANGE}&code={code}")).await, BAD_CODE);
    }
    for begun in [&s256, &plain] {
        let code = code(&person, begun).await;
        bench.exchange(&format!("{code}&code_verifier={VERIFIER}")).await;
    }

    let late = code(&person, "").await;
    bench.wait(60);
    for bad in [late.as_str(), "made-up", "a.b.c", ""] {
        assert_eq!(bench.refusal(&format!("{EXCHANGE}&code={bad}")).await, BAD_CODE, "{bad}");
    }
    assert_eq!(bench.refusal(EXCHANGE).await, "400 invalid_request: Missing parameter: code");
    let code = code(&person, "").await;
    let wrong_secret = EXCHANGE.replace("=secret", "=wrong");
    assert!(bench.refusal(&format!("{wrong_secret}&code={code}")).await.starts_with("401 unauthorized_client"));
    bench.exchange(&code).await; // a wrong client uses nothing up
}

#[tokio::test]
async fn a_change_since_the_code_was_given_counts() {
    let bench = Bench::new(demo());
    let code = bench.code().await;
    bench.keycloak.change_user("demo", "ada", |ada| ada.enabled(false)).unwrap();
    assert_eq!(bench.refusal(&format!("{EXCHANGE}&code={code}")).await, "400 invalid_grant: User disabled");
    bench.keycloak.change_user("demo", "ada", |ada| ada.enabled(true)).unwrap();

    let code = bench.code().await;
    bench.keycloak.change_client("demo", "landfall", |client| client.standard_flow(false)).unwrap();
    let refused = bench.refusal(&format!("{EXCHANGE}&code={code}")).await;
    assert_eq!(refused, "400 invalid_grant: Client not allowed to exchange code");
}

#[tokio::test]
async fn every_exchange_is_kept_and_its_secrets_are_not_printed() {
    let bench = Bench::new(demo());
    let code = bench.code().await;
    bench.post(TOKEN, &format!("{EXCHANGE}&code={code}&code_verifier={VERIFIER}")).await;
    bench.tokens(LOGIN).await;

    let seen = bench.keycloak.exchanges();
    assert_eq!((seen.len(), bench.keycloak.requests().len()), (1, 1));
    let exchange = &seen[0];
    assert_eq!(exchange.client_id(), Some("landfall"));
    assert_eq!((exchange.client_auth(), exchange.redirect_uri()), (ClientAuth::Post, Some(CALLBACK)));
    assert_eq!((exchange.code(), exchange.code_verifier()), (Some(code.as_str()), Some(VERIFIER)));
    assert!(!format!("{seen:?}").contains(&code) && !format!("{seen:?}").contains(VERIFIER));
}
