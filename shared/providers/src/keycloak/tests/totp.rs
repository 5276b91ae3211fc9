//! A one-time code without a password.

use chrono::TimeDelta;
use domain::{Clock, Method};
use serde_json::json;
use simulators::keycloak::{Client, DirectGrantFlow, Realm, Requirement, SIMULATOR, User, totp};

use super::*;
use crate::bench::{SECRET, SEED};

/// Ada has an app, Grace has none.
async fn with(configure: impl FnOnce(Realm) -> Realm) -> Bench {
    let people = |realm: Realm| {
        let person = |name: &str| User::new(name).email(&format!("{name}@example.org"), true).name("A", "B");
        configure(realm.user(person("ada").totp(SEED)).user(person("grace")))
    };
    let bench = Bench::at(&SIMULATOR, Method::Totp, Reach::Local, json!({})).await;
    bench.keycloak().change_realm("demo", people).unwrap();
    bench
}

fn client(flow: DirectGrantFlow) -> Client {
    Client::confidential("landfall-otp", SECRET).checks_codes().direct_grant_flow(flow)
}

fn code_at(bench: &Bench, seconds: i64) -> String {
    totp(SEED, bench.clock.now() + TimeDelta::seconds(seconds))
}

#[tokio::test]
async fn a_code_from_29_seconds_ago_is_good_and_an_older_one_is_not() {
    for (seconds, good) in [(0, true), (-29, true), (29, true), (-90, false), (90, false)] {
        let bench = with(|realm| realm).await;
        let found = bench.attempt_totp("ada", &code_at(&bench, seconds)).await;
        match good {
            true => assert_eq!(found.unwrap().method, Method::Totp, "{seconds}"),
            false => assert_eq!(found.err(), rejected(Rejection::OtpInvalid), "{seconds}"),
        }
    }
}

#[tokio::test]
async fn a_code_is_good_once() {
    let bench = with(|realm| realm).await;
    let code = code_at(&bench, 0);
    bench.attempt_totp("ada", &code).await.unwrap();
    assert_eq!(bench.attempt_totp("ada", &code).await.err(), rejected(Rejection::OtpInvalid));
    bench.pass(TimeDelta::seconds(30));
    assert_eq!(bench.attempt_totp("ada", &code).await.err(), rejected(Rejection::OtpInvalid));
    bench.attempt_totp("ada", &code_at(&bench, 0)).await.unwrap();
}

#[tokio::test]
async fn after_three_wrong_codes_the_right_one_is_refused_like_a_wrong_one() {
    let bench = with(|realm| realm.brute_force_detection(3)).await;
    for _ in 0..3 {
        assert_eq!(bench.attempt_totp("ada", "000000").await.err(), rejected(Rejection::OtpInvalid));
    }
    assert_eq!(bench.attempt_totp("ada", &code_at(&bench, 0)).await.err(), rejected(Rejection::OtpInvalid));
}

#[tokio::test]
async fn whoever_has_no_code_is_answered_like_nobody_and_locks_nobody_out() {
    let bench = with(|realm| realm.user(User::new("off").name("A", "B").totp(SEED).enabled(false))).await;
    for username in ["grace", "nobody", "", "off"] {
        // More often than it would take outages to leave the host alone.
        for _ in 0..6 {
            let error = bench.attempt_totp(username, "000000").await.err();
            assert_eq!(error, rejected(Rejection::OtpInvalid), "{username}");
        }
    }
    bench.attempt_totp("ada", &code_at(&bench, 0)).await.unwrap();
}

#[tokio::test]
async fn a_name_alone_is_nobody_whatever_the_realm_says() {
    for requirement in [Requirement::Conditional, Requirement::Disabled] {
        let flow = DirectGrantFlow::username_otp(requirement).otp_reference("otp");
        let bench = with(|realm| realm.client(client(flow))).await;
        assert_eq!(bench.attempt_totp("grace", "000000").await.err(), rejected(Rejection::OtpInvalid));
        assert_eq!(bench.subject.requests().len(), 1, "{requirement:?}");
    }
    // Checked, but not said.
    let bench = with(|realm| realm.client(client(DirectGrantFlow::username_otp(Requirement::Required)))).await;
    let code = code_at(&bench, 0);
    assert_eq!(bench.attempt_totp("ada", &code).await.err(), rejected(Rejection::OtpInvalid));
}

#[tokio::test]
async fn without_the_mapper_the_administrator_is_told() {
    let flow = DirectGrantFlow::username_otp(Requirement::Required).otp_reference("otp");
    let bench = with(|realm| realm.client(client(flow).amr_mapper(false))).await;
    let error = bench.attempt_totp("ada", &code_at(&bench, 0)).await.unwrap_err();
    assert!(error.to_string().contains("Authentication Method Reference (AMR)"), "{error}");
    assert_eq!(error.outcome(), Some("unavailable.misconfigured"));
}

#[tokio::test]
async fn a_client_that_is_bound_to_no_such_flow_signs_nobody_in() {
    let bench = with(|realm| realm.client(client(DirectGrantFlow::password()))).await;
    let error = bench.attempt_totp("ada", &code_at(&bench, 0)).await.err();
    assert_eq!(error, rejected(Rejection::OtpInvalid));
}
