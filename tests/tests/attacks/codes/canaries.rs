//! Attack 72: what is typed, and what is remembered of a question, turns up nowhere.

use chrono::TimeDelta;
use domain::Clock;
use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::{Answer, Login, SEED, TestApp, key};
use simulators::keycloak::totp;

use crate::canaries::Canaries;

use super::persons::{password_then_code, submit_password};
use super::{ADA, BOB, BY_APP, WRONG, at, challenged, entered, guess, house, sent};

/// Fails if anything of `secrets` is in the log, in an item or in an answer, in whatever spelling; or anything else of what
/// has passed through.
async fn found_nowhere(app: &TestApp, answers: &[&Answer], secrets: &[&str]) {
    for answer in answers {
        for secret in secrets {
            assert!(!answer.text.contains(secret), "{secret} is in {}", answer.text);
        }
    }
    let mut canaries = Canaries::of(app);
    canaries.add(secrets);
    canaries.turn_up_nowhere(app).await;
}

#[tokio::test]
async fn no_password_code_or_ticket_turns_up_anywhere() {
    const GUESS: &str = "909090";
    let (app, house) = house().await;
    let session = challenged(&app, BOB).await;
    // The ticket is in the item, sealed.
    let item = &app.items_of("SESSION#").await[0];
    assert!(item["run"]["M"]["pending"]["M"]["check"].is_object(), "{item:#}");
    let mail = house.last_code();
    let secrets = ["ticket", BOB.password, BOB.seed, GUESS, &mail];
    found_nowhere(&app, &[], &secrets).await;
    let wrong = session.enter_code(&app, "factor", GUESS).await;
    let session = session.after(&wrong);
    let view = session.view(&app).await;
    let stale = session.submit_to(&app, "factor", &entered(0, &key(8), &mail)).await.expect(409);
    let refused = session.enter_code(&app, "factor", &mail.repeat(20)).await.expect(422);
    let conflict = session.enter_code(&app, "provision", &mail).await.expect(409);
    found_nowhere(&app, &[&wrong, &view, &stale, &refused, &conflict], &secrets).await;

    let next = session.enter_code(&app, "factor", &mail).await;
    let session = session.after(&next);
    let code = totp(BOB.seed, app.clock.now());
    let done = session.enter_code(&app, "factor", &code).await;
    Login::of(&session, &done);
    let (answers, more) = ([&next, &done], [&secrets[..], &[&code]].concat());
    found_nowhere(&app, &answers, &more).await;

    // One that runs out of guesses, and one that is given up.
    let session = sent(&app, ADA.email).await;
    let late = house.last_code();
    let answer = session.choose(&app, "code", "resend", &key(4)).await;
    let session = guess(&app, session.after(&answer), "code", 4).await;
    let over = session.enter_code(&app, "code", WRONG).await;
    let given_up = sent(&app, ADA.email).await.choose(&app, "code", "cancel", &key(5)).await;
    let sent: Vec<_> = house.sent().into_iter().map(|(_, code)| code).collect();
    let sent: Vec<_> = sent.iter().map(String::as_str).chain(["ticket", &late]).collect();
    found_nowhere(&app, &[&answer, &over, &given_up], &sent).await;
    assert!(app.items_of("SESSION#").await.iter().all(|item| !item.to_string().contains("pending")));
}

#[tokio::test]
async fn no_code_of_an_app_turns_up_anywhere() {
    const GUESS: &str = "909090";
    let app = TestApp::with(|setup| {
        setup.take_app_codes();
        setup.journeys.push(password_then_code("other", "who"));
    })
    .await;
    let start = app.start(BY_APP).await;
    let wrong = start.submit_app_code(&app, EMAIL, GUESS).await;
    assert_eq!(at(&wrong).0, "ask");
    let session = start.after(&wrong);
    let code = app.app_code();
    let done = session.submit_app_code(&app, EMAIL, &code).await;
    Login::of(&session, &done);
    let used = app.start(BY_APP).await.submit_app_code(&app, EMAIL, &code).await;
    app.clock.advance(TimeDelta::seconds(30));
    let beside = app.app_code();
    let session = submit_password(&app, EMAIL, &beside).await;
    let view = session.view(&app).await;

    found_nowhere(&app, &[&wrong, &done, &used, &view], &[GUESS, &code, &beside, PASSWORD, SEED]).await;
}
