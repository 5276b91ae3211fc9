//! Attack 59: codes that were used, and codes of others.

use chrono::TimeDelta;
use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::{Login, TestApp, key};
use serde_json::json;

use super::persons::{password_then_code, submit_password};
use super::{ADA, BOB, BY_APP, REFUSED, WRONG, asked, at, challenged, entered, guess, house, sent};
use landfall_tests::witness::{Witness, directory};

#[tokio::test]
async fn a_repeated_submit_sends_its_code_once() {
    let (app, house) = house().await;
    let session = challenged(&app, ADA).await;
    house.take_calls();
    // A wrong one first: its repeats are no guesses, and neither is another code with its key.
    let wrong = session.enter_code(&app, "factor", WRONG).await.expect(200);
    assert_eq!(session.enter_code(&app, "factor", WRONG).await.expect(200).body, wrong.body);
    let other = session.enter_code(&app, "factor", &house.last_code()).await.expect(409);
    assert_eq!(other.code(), "step_conflict");
    asked(&house, &["/code"]);
    let session = guess(&app, session.after(&wrong), "factor", 3).await;
    house.take_calls();

    let code = house.last_code();
    let done = session.enter_code(&app, "factor", &code).await.expect(200);
    let login = Login::of(&session, &done);
    for _ in 0..3 {
        assert_eq!(session.enter_code(&app, "factor", &code).await.expect(200).body, done.body);
    }
    asked(&house, &["/code"]);
    // An attacker who has seen the code has neither the key nor the token, which has changed.
    let mut witness = Witness::of(&app, &[&login.session.token, &login.code, &code]).await;
    for turn in [session.turn - 1, session.turn, session.turn + 1] {
        let answer = session.submit_to(&app, "factor", &entered(turn, &key(70), &code)).await;
        witness.refused(&answer, 404, "unknown_session").await;
    }
    let answer = login.session.submit_to(&app, "factor", &entered(session.turn, &key(71), &code)).await;
    witness.refused(&answer, 409, "step_conflict").await;
    asked(&house, &[]);
}

#[tokio::test]
async fn a_code_that_was_used_opens_nothing_else() {
    let (app, house) = house().await;
    let session = challenged(&app, ADA).await;
    let code = house.last_code();
    Login::of(&session, &session.enter_code(&app, "factor", &code).await);
    let before = directory(&app).await;

    let other = challenged(&app, ADA).await;
    assert_eq!(at(&other.enter_code(&app, "factor", &code).await), ("factor", REFUSED));
    // The next factor of the one whose first it was.
    let session = challenged(&app, BOB).await;
    let code = house.last_code();
    let answer = session.enter_code(&app, "factor", &code).await;
    let session = session.after(&answer);
    assert_eq!(at(&session.enter_code(&app, "factor", &code).await), ("factor", REFUSED));
    assert_eq!(directory(&app).await, before);
}

#[tokio::test]
async fn a_code_of_another_session_or_user_is_wrong() {
    let (app, house) = house().await;
    let mine = challenged(&app, ADA).await;
    let my_code = house.last_code();
    let bobs = sent(&app, BOB.email).await;
    let bobs_code = house.last_code();
    let victims = challenged(&app, ADA).await;
    let victims_code = house.last_code();

    let mut session = victims;
    for code in [&my_code, &bobs_code] {
        let answer = session.enter_code(&app, "factor", code).await;
        assert_eq!(at(&answer), ("factor", REFUSED));
        session = session.after(&answer);
    }
    assert!(directory(&app).await.is_empty());

    for (session, step, code, email) in [
        (&mine, "factor", my_code, ADA.email),
        (&bobs, "code", bobs_code, BOB.email),
        (&session, "factor", victims_code, ADA.email),
    ] {
        let login = Login::of(session, &session.enter_code(&app, step, &code).await);
        assert_eq!(app.id_token(&login.code).await["email"], email);
    }
    assert_eq!(app.users().await, 2);
}

#[tokio::test]
async fn a_code_sent_before_the_address_changed_is_wrong() {
    let (app, house) = house().await;
    let session = guess(&app, sent(&app, ADA.email).await, "code", 4).await;
    let adas = house.last_code();
    let answer = session.enter_code(&app, "code", WRONG).await;
    let session = session.after(&answer);
    let answer = session.submit(&app, &key(80), &json!({ "email": BOB.email })).await;
    let session = session.after(&answer);

    let answer = session.enter_code(&app, "code", &adas).await;

    assert_eq!((at(&answer), app.users().await), (("code", REFUSED), 0));
    let session = session.after(&answer);
    let login = Login::of(&session, &session.enter_code(&app, "code", &house.last_code()).await);
    assert_eq!(app.id_token(&login.code).await["email"], BOB.email);
}

#[tokio::test]
async fn an_app_code_is_good_once_by_any_method() {
    let mut app = TestApp::with(|setup| {
        setup.take_app_codes();
        setup.journeys.push(password_then_code("other", "who"));
    })
    .await;
    app.every_request_is_the_first();
    let code = app.app_code();
    // Used after the password, and again in the same session.
    let session = submit_password(&app, EMAIL, &code).await;
    let answer = session.fill_in(&app, "more", &key(9), &json!({ "email": EMAIL, "code": code })).await;
    assert_eq!(at(&answer), ("more", REFUSED));
    // In another; and for as long as it would be right.
    for seconds in [0, 29, 1] {
        app.clock.advance(TimeDelta::seconds(seconds));
        let session = app.start(BY_APP).await;
        assert_eq!(at(&session.submit_app_code(&app, EMAIL, &code).await), ("ask", REFUSED), "{seconds}");
    }
    let session = app.start("password-then-code").await;
    let data = json!({ "email": EMAIL, "password": PASSWORD, "otp": code });
    assert_eq!(at(&session.submit(&app, &key(1), &data).await), ("ask", REFUSED));
    assert!(directory(&app).await.is_empty());

    // The next one is good, once.
    let code = app.app_code();
    let session = app.start(BY_APP).await;
    Login::of(&session, &session.submit_app_code(&app, EMAIL, &code).await);
    let session = app.start(BY_APP).await;
    assert_eq!(at(&session.submit_app_code(&app, EMAIL, &code).await), ("ask", REFUSED));
}
