//! Attack 91: guesses are counted by account and by address, over all sessions and methods.

use chrono::TimeDelta;
use futures_util::future::join_all;
use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::{Answer, TestApp, data, key};
use simulators::Endpoint;
use store::GuessLimits;

const JOURNEY: &str = "migrate-from-keycloak";

async fn app() -> TestApp {
    TestApp::with(|setup| setup.guesses = GuessLimits::default()).await
}

async fn guess(app: &TestApp, email: &str, password: &str) -> Answer {
    app.start(JOURNEY).await.submit(app, &key(1), &data(email, password)).await
}

fn waits(answer: &Answer) -> i64 {
    assert_eq!((answer.status.as_u16(), answer.code()), (429, "too_many_attempts"), "{:#}", answer.body);
    answer.header("retry-after").parse().unwrap()
}

#[tokio::test]
async fn four_hundred_passwords_in_six_seconds_are_ten_at_most() {
    let app = app().await;
    for second in 0..6 {
        let name = if second % 2 == 0 { EMAIL.to_owned() } else { format!(" {}", EMAIL.to_uppercase()) };
        let passwords: Vec<_> = (0..68).map(|number| format!("wrong {second} {number}")).collect();
        join_all(passwords.iter().map(|password| guess(&app, &name, password))).await;
        app.clock.advance(TimeDelta::seconds(1));
    }
    let asked = app.subject.calls(Endpoint::Token);
    assert!((5..=10).contains(&asked), "{asked}");
    // Nor is the right one looked at.
    waits(&guess(&app, EMAIL, PASSWORD).await);
    assert_eq!(app.subject.calls(Endpoint::Token), asked);
}

#[tokio::test]
async fn known_and_unknown_accounts_pause_alike() {
    for email in [EMAIL, "unknown@example.org"] {
        let app = app().await;
        for _ in 0..5 {
            assert_eq!(
                guess(&app, email, "wrong").await.expect(200).body["step"]["error"]["code"],
                "invalid_credentials"
            );
        }
        for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
            let refused = guess(&app, email, PASSWORD).await;
            assert_eq!(waits(&refused), seconds, "{email}");
            app.clock.advance(TimeDelta::seconds(seconds));
            while guess(&app, email, "wrong").await.status != 200 {
                app.clock.advance(TimeDelta::seconds(30));
            }
        }
    }
}

#[tokio::test]
async fn a_turn_that_has_to_wait_is_unchanged() {
    let app = app().await;
    for _ in 0..5 {
        guess(&app, EMAIL, "wrong").await.expect(200);
    }
    let session = app.start(JOURNEY).await;
    let before = app.items_of(&format!("SESSION#{}", session.id)).await;
    waits(&session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await);
    assert_eq!(app.items_of(&format!("SESSION#{}", session.id)).await, before);

    // The same submit, once there is one; and the right password ends the row of failures.
    app.clock.advance(TimeDelta::seconds(1));
    session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    app.clock.advance(TimeDelta::minutes(10));
    for _ in 0..5 {
        guess(&app, EMAIL, "wrong").await.expect(200);
    }
    assert_eq!(waits(&guess(&app, EMAIL, PASSWORD).await), 1);
}
