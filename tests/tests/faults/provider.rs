//! A provider that is away, over HTTP and through all of it.

use chrono::TimeDelta;
use domain::Clock;
use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::proxy::{Call, Fault, Lasting, Trap};
use landfall_tests::{Answer, TestApp, data, key};
use serde_json::json;

use crate::client::{Client, End, PERSON};
use crate::time::Time;

/// The call of a warm submit that goes to the provider.
fn trap(fault: Fault) -> Trap {
    Trap { request: 0, call: 1, service: "provider", fault, lasting: Lasting::Request }
}

/// A submit that meets the provider as it is.
async fn submit(app: &TestApp) -> Answer {
    let session = app.start("migrate-from-keycloak").await;
    app.calls.take();
    session.submit(app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200)
}

async fn strike(app: &TestApp, time: &Time, fault: Fault) -> Answer {
    let session = app.start("migrate-from-keycloak").await;
    let (key, data) = (key(1), data(EMAIL, PASSWORD));
    time.strike(app, trap(fault), session.submit(app, &key, &data)).await.expect(200)
}

fn asked(app: &TestApp) -> usize {
    app.calls.take().iter().filter(|call| call.service == "provider").count()
}

#[tokio::test]
async fn a_provider_that_never_answers_is_left_alone() {
    let time = Time::stop();
    for fault in [Fault::Refused, Fault::Silence] {
        let app = TestApp::new().await;
        submit(&app).await;
        for _ in 0..5 {
            assert_eq!(strike(&app, &time, fault).await.body["rejection"]["code"], "try_later");
        }
        assert_eq!(app.events("circuit_opened").len(), 1, "{fault:?}");

        // It is back, and is not asked yet.
        for _ in 0..2 {
            assert_eq!(submit(&app).await.body["rejection"], json!({ "code": "try_later" }));
            assert_eq!(asked(&app), 0, "{fault:?}");
        }

        // One login tries, in vain: all wait as long again.
        app.clock.advance(TimeDelta::seconds(10));
        assert_eq!(strike(&app, &time, fault).await.body["rejection"]["code"], "try_later");
        submit(&app).await;
        assert_eq!(asked(&app), 0, "{fault:?}");

        // One login is answered: all are let through.
        app.clock.advance(TimeDelta::seconds(10));
        for _ in 0..2 {
            assert_eq!(submit(&app).await.body["status"], "completed", "{fault:?}");
            assert_eq!(asked(&app), 1, "{fault:?}");
        }
        assert_eq!((app.events("circuit_closed").len(), app.users().await), (1, 1));
    }
}

/// What a login on an instance that has just started reads of the provider's.
async fn reads(app: &mut TestApp, time: &Time, journey: &str) -> Vec<Call> {
    let (client, end) = cold_login(app, time, journey, None).await;
    assert!(matches!(end, End::Tokens(_)), "{end:?}");
    let reads: Vec<_> = asked_by(&client).into_iter().filter(Call::is_read).collect();
    assert!(reads.len() >= 2, "{reads:#?}");
    reads
}

async fn cold_login<'a>(app: &'a mut TestApp, time: &'a Time, journey: &str, trap: Option<Trap>) -> (Client<'a>, End) {
    app.start_cold().await;
    // To a full bucket of attempts comes each with as many calls.
    app.clock.advance(TimeDelta::minutes(1));
    app.calls.set(trap);
    let client = Client::new(app, time);
    let end = client.log_in(journey, PERSON).await;
    assert_eq!(app.calls.has_struck(), trap.is_some(), "{trap:?}");
    app.calls.set(None);
    (client, end)
}

/// The provider's calls, but for a browser's.
fn asked_by(client: &Client<'_>) -> Vec<Call> {
    let calls = client.calls.borrow().concat();
    calls.into_iter().filter(|call| call.service == "provider" && call.function.is_some()).collect()
}

#[tokio::test]
async fn what_is_only_read_is_asked_for_once_more() {
    let mut app = TestApp::new().await;
    let time = Time::stop();
    for journey in ["migrate-from-keycloak", "sign-in-with-keycloak"] {
        for read in reads(&mut app, &time, journey).await {
            for fault in [Fault::CutBefore, Fault::ServerError] {
                for lasting in [Lasting::Once, Lasting::Request] {
                    let (request, call) = read.number;
                    let trap = Trap { request, call, service: "provider", fault, lasting };
                    let (client, end) = cold_login(&mut app, &time, journey, Some(trap)).await;

                    let asked = asked_by(&client);
                    let times = asked.iter().filter(|call| call.operation == read.operation).count();
                    assert_eq!(times, 2, "{trap:?}: {asked:#?}");
                    let heard = client.heard.borrow();
                    let unnoticed = heard.iter().all(|heard| !heard.contains(": 503 "));
                    match lasting {
                        Lasting::Once => {
                            assert!(matches!(end, End::Tokens(_)) && unnoticed, "{trap:?}: {heard:#?}")
                        }
                        _ => assert_eq!(end, End::Rejected("try_later".into()), "{trap:?}: {heard:#?}"),
                    }
                    // Nothing that does something has been sent twice.
                    let posts = asked.iter().filter(|call| !call.is_read()).count();
                    assert!(posts <= 1, "{trap:?}: {asked:#?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_connector_says_how_long_its_provider_may_take() {
    let time = Time::stop();
    for (timeout, seconds) in [("", 5), ("timeout: 2", 2), ("timeout: 29", 7)] {
        let app = TestApp::with(|setup| {
            setup.connectors = setup.connectors.replace("name: Keycloak", &format!("name: Keycloak\n    {timeout}"));
        })
        .await;
        submit(&app).await;
        let before = app.clock.now();
        assert_eq!(strike(&app, &time, Fault::Silence).await.body["rejection"]["code"], "try_later");
        // Whatever it says, something is left of the request's ten seconds to keep what has come of it.
        assert_eq!((app.clock.now() - before).num_seconds(), seconds, "{timeout}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_an_answer() {
    let app = TestApp::new().await;
    let time = Time::stop();
    submit(&app).await;
    for _ in 0..4 {
        strike(&app, &time, Fault::Silence).await;
    }
    let session = app.start("migrate-from-keycloak").await;
    session.submit(&app, &key(1), &data(EMAIL, "wrong")).await.expect(200);
    for _ in 0..4 {
        strike(&app, &time, Fault::Silence).await;
    }
    assert_eq!(submit(&app).await.body["status"], "completed");
    assert!(app.events("circuit_opened").is_empty());
}

#[tokio::test]
async fn a_burst_of_first_logins_fetches_discovery_and_keys_once() {
    let mut app = TestApp::new().await;
    let mut sessions = Vec::new();
    for _ in 0..8 {
        sessions.push(app.start("migrate-from-keycloak").await);
    }
    app.start_cold().await;
    app.calls.take();

    let (key, data) = (key(1), data(EMAIL, PASSWORD));
    let [one, two, three, four] = std::array::from_fn(|at| sessions[at].submit(&app, &key, &data));
    let answers = tokio::join!(one, two, three, four);

    for answer in [answers.0, answers.1, answers.2, answers.3] {
        assert_eq!(answer.expect(200).body["status"], "completed");
    }
    let calls = app.calls.take();
    let fetched = |path: &str| calls.iter().filter(|call| call.operation.ends_with(path)).count();
    assert_eq!((fetched("/openid-configuration"), fetched("/certs"), fetched("/token")), (1, 1, 4));
    assert_eq!(app.users().await, 1);
}
