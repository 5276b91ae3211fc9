//! Applications that want what they may not have.

use chrono::TimeDelta;
use domain::{Client, DirectApi, JourneyId};
use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::sent::basic;
use landfall_tests::{Away, TestApp, data, key};
use serde_json::json;

use landfall_tests::witness::Witness;

const JOURNEY: &str = "migrate-from-keycloak";
const SECRET: &str = "the secret of the shop";

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
        let app = TestApp::new().await;
        app.change_client(change).await;
        let mut witness = Witness::of(&app, &[]).await;
        let answer = app.try_start(JOURNEY, &TestApp::start_body()).await;
        witness.refused(&answer, 403, "client_not_allowed").await;

        // Nor with the right credentials.
        let app = TestApp::with(|setup| setup.take_client_secret(SECRET)).await;
        app.change_client(change).await;
        let mut witness = Witness::of(&app, &[SECRET]).await;
        let answer = app.start_with(JOURNEY, &[basic("demo", SECRET)], &TestApp::start_body()).await;
        witness.refused(&answer, 403, "client_not_allowed").await;
    }
}

#[tokio::test]
async fn a_client_that_is_not_registered_starts_nothing() {
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
async fn a_client_taken_off_is_stopped_within_a_minute() {
    let app = TestApp::new().await;
    app.start(JOURNEY).await;
    app.change_client(|client| Client { journeys: Vec::new(), ..client }).await;

    app.clock.advance(TimeDelta::seconds(60));
    let mut witness = Witness::of(&app, &[]).await;
    let answer = app.try_start(JOURNEY, &TestApp::start_body()).await;

    witness.refused(&answer, 403, "client_not_allowed").await;
}

#[tokio::test]
async fn a_journey_that_is_not_published_is_not_started() {
    let app = TestApp::new().await;
    let mut witness = Witness::of(&app, &[]).await;
    for journey in ["migrate-from-nowhere", "MIGRATE-FROM-KEYCLOAK", "keycloak"] {
        let answer = app.try_start(journey, &TestApp::start_body()).await;
        witness.refused(&answer, 404, "unknown_journey").await;
    }
}

/// Attack 90, whichever way a session goes on.
#[tokio::test]
async fn a_client_or_redirect_uri_removed_meanwhile_redeems_nothing() {
    for removed in [false, true] {
        let app = TestApp::new().await;
        let login = app.log_in(EMAIL, PASSWORD).await;
        let asked = app.start(JOURNEY).await;
        let (returned, out) = (Away::new(&app).await, Away::new(&app).await);
        let (first, back) = (returned.back().await, out.back().await);
        app.clock.advance(TimeDelta::seconds(30));
        let (_, resume) = app.arrive(&first).await.carried();
        match removed {
            true => app.delete_client("demo").await,
            false => {
                app.change_client(|client| Client { redirect_uris: vec!["https://other.example/".into()], ..client })
                    .await;
            }
        }
        // What was read before is good for a minute.
        app.clock.advance(TimeDelta::seconds(31));
        let code = if removed { "unknown_client" } else { "invalid_redirect_uri" };

        let page = app.arrive(&back).await;
        assert_eq!((page.status.as_u16(), page.code(), page.headers.get("location")), (400, code, None));
        let asked = asked.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await;
        for answer in [returned.session.resume(&app, &resume).await, asked] {
            assert_eq!((answer.status.as_u16(), answer.code()), (400, code), "{:#}", answer.body);
        }
        let answer = app.redeem(&login.code).await;
        assert_eq!(answer.code(), if removed { "invalid_client" } else { "invalid_grant" });
        assert_eq!(app.users().await, 1);
    }
}
