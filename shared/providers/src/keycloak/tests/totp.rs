//! A one-time code without a password.

use chrono::TimeDelta;
use domain::{Clock, Method};
use egress::Reach;
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
async fn a_user_without_a_code_is_answered_like_an_unknown_one() {
    let bench = with(|realm| realm.user(User::new("off").name("A", "B").totp(SEED).enabled(false))).await;
    for username in ["grace", "unknown", "", "off"] {
        // More often than it would take outages to leave the host alone.
        for _ in 0..6 {
            let error = bench.attempt_totp(username, "000000").await.err();
            assert_eq!(error, rejected(Rejection::OtpInvalid), "{username}");
        }
    }
    bench.attempt_totp("ada", &code_at(&bench, 0)).await.unwrap();
}

#[tokio::test]
async fn a_name_alone_signs_in_no_user() {
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
async fn a_client_without_such_a_flow_is_answered_with_a_wrong_code() {
    let bench = with(|realm| realm.client(client(DirectGrantFlow::password()))).await;
    let error = bench.attempt_totp("ada", &code_at(&bench, 0)).await.err();
    assert_eq!(error, rejected(Rejection::OtpInvalid));
}
