//! Applications that want what they may not have.

use chrono::TimeDelta;
use domain::{Client, DirectApi, JourneyId};
use landfall_tests::TestApp;
use serde_json::json;

use crate::witness::Witness;

const JOURNEY: &str = "migrate-from-keycloak";

#[tokio::test]
async fn a_client_that_may_not_start_this_journey_starts_none() {
    type Change = fn(Client) -> Client;
    let changes: [(&str, Change); 4] = [
        ("a third party's", |client| Client { first_party: false, ..client }),
        ("one that signs in by redirect", |client| Client { direct_api: DirectApi::Off, ..client }),
        ("one without journeys", |client| Client { journeys: Vec::new(), ..client }),
        ("one with another journey", |client| {
            let other: JourneyId = "migrate-from-keycloak-2".parse().unwrap();
            Client { journeys: vec![other], ..client }
        }),
    ];
    for (whose, change) in changes {
        println!("{whose}");
        let app = TestApp::with(|setup| setup.client = change).await;
        let mut witness = Witness::of(&app, &[]).await;

        let answer = app.try_start(JOURNEY, &TestApp::start_body()).await;

        witness.refused(&answer, 403, "client_not_allowed").await;
    }
}

#[tokio::test]
async fn a_client_nobody_has_registered_starts_nothing() {
    let app = TestApp::new().await;
    let mut witness = Witness::of(&app, &[]).await;
    for (client_id, code) in [
        ("shop", "unknown_client"),
        // Neither another spelling nor a key of another kind of item.
        ("Demo", "unknown_client"),
        ("keycloak", "unknown_client"),
        ("demo ", "invalid_request"),
        ("CLIENT#demo", "invalid_request"),
        ("", "invalid_request"),
    ] {
        let mut body = TestApp::start_body();
        body["request"]["client_id"] = json!(client_id);

        let answer = app.try_start(JOURNEY, &body).await;

        witness.refused(&answer, 400, code).await;
    }
}

#[tokio::test]
async fn a_client_taken_off_a_journeys_list_is_stopped_within_a_minute() {
    let app = TestApp::new().await;
    app.start(JOURNEY).await;
    let client = app.store.get_client(&app.context(), &"demo".parse().unwrap()).await.unwrap().unwrap();
    app.save(Client { journeys: Vec::new(), ..client }).await;

    app.clock.advance(TimeDelta::seconds(60));
    let mut witness = Witness::of(&app, &[]).await;
    let answer = app.try_start(JOURNEY, &TestApp::start_body()).await;

    witness.refused(&answer, 403, "client_not_allowed").await;
}

#[tokio::test]
async fn a_journey_nobody_has_published_is_not_started() {
    let app = TestApp::new().await;
    let mut witness = Witness::of(&app, &[]).await;
    for journey in ["migrate-from-nowhere", "MIGRATE-FROM-KEYCLOAK", "keycloak"] {
        let answer = app.try_start(journey, &TestApp::start_body()).await;
        witness.refused(&answer, 404, "unknown_journey").await;
    }
}
