//! Attacks 55, 56, 76 and 82 where a code is asked for.

use domain::Clock;
use landfall_tests::{TestApp, TestSession, changed, data, key};
use serde_json::json;
use simulators::keycloak::totp;

use super::{ADA, BOB, BY_MAIL, BY_PASSWORD, REFUSED, WRONG, asked, at, challenged, entered, house};
use landfall_tests::witness::{Witness, directory, ended};

#[tokio::test]
async fn the_planter_is_out_of_a_session_after_each_factor() {
    let (app, house) = house().await;
    let planted = app.start(BY_PASSWORD).await;
    let answer = planted.submit(&app, &key(1), &data(BOB.email, BOB.password)).await.expect(200);
    let mut session = planted.after(&answer);
    let mut tokens = vec![planted.token.clone()];
    let mut code = house.last_code();
    for last in [false, true] {
        assert!(!tokens.contains(&session.token));
        house.take_calls();
        let mut witness = Witness::of(&app, &[&session.token, &code]).await;
        for token in &tokens {
            let thief = TestSession { token: token.clone(), ..session.clone() };
            let answer = thief.view(&app).await;
            witness.refused(&answer, 404, "unknown_session").await;
            let path = format!("/v1/sessions/{}/steps/factor", thief.id);
            for (turn, number) in [(thief.turn, 5), (thief.turn, 6), (thief.turn - 1, 7)] {
                let answer = app.post(&path, Some(token), &entered(turn, &key(number), &code)).await;
                witness.refused(&answer, 404, "unknown_session").await;
            }
            for option in ["resend", "cancel"] {
                let answer = thief.choose(&app, "factor", option, &key(8)).await;
                witness.refused(&answer, 404, "unknown_session").await;
            }
        }
        asked(&house, &[]);
        let answer = session.enter_code(&app, "factor", &code).await.expect(200);
        assert_eq!(answer.body["status"] == "completed", last);
        tokens.push(session.token.clone());
        session = session.after(&answer);
        code = totp(BOB.seed, app.clock.now());
    }
    let mut witness = Witness::of(&app, &[&session.token]).await;
    for token in &tokens {
        let answer = app.get(&format!("/v1/sessions/{}", session.id), Some(token)).await;
        witness.refused(&answer, 404, "unknown_session").await;
    }
}

#[tokio::test]
async fn the_planter_is_out_once_a_code_is_sent() {
    let (app, house) = house().await;
    let planted = app.start(BY_MAIL).await;
    let answer = planted.submit(&app, &key(1), &json!({ "email": ADA.email })).await.expect(200);
    let session = planted.after(&answer);
    house.take_calls();
    let mut witness = Witness::of(&app, &[&session.token]).await;
    let answer = planted.view(&app).await;
    witness.refused(&answer, 404, "unknown_session").await;
    let answer = planted.submit_to(&app, "code", &entered(session.turn, &key(5), &house.last_code())).await;
    witness.refused(&answer, 404, "unknown_session").await;
    asked(&house, &[]);
    session.enter_code(&app, "code", &house.last_code()).await.expect(200);
}

#[tokio::test]
async fn a_question_is_neither_skipped_nor_answered_early() {
    let (app, house) = house().await;
    let start = app.start(BY_PASSWORD).await;
    let mut witness = Witness::of(&app, &[&start.token]).await;
    let answer = start.submit_to(&app, "factor", &entered(start.turn, &key(1), WRONG)).await;
    witness.refused(&answer, 409, "step_conflict").await;

    let session = challenged(&app, ADA).await;
    let code = house.last_code();
    house.take_calls();
    let mut witness = Witness::of(&app, &[&session.token, &code]).await;
    for step in ["ask", "check", "browser", "provision", "done", "later", "cancelled", "no_access", "nowhere"] {
        for data in [json!({ "code": code }), data(ADA.email, ADA.password)] {
            let answer = session.fill_in(&app, step, &key(5), &data).await;
            witness.refused(&answer, 409, "step_conflict").await;
            assert_eq!(answer.body["view"]["step"]["id"], "factor");
        }
    }
    for turn in [0, session.turn - 1, session.turn + 1, u64::from(u32::MAX)] {
        let answer = session.submit_to(&app, "factor", &entered(turn, &key(6), &code)).await;
        witness.refused(&answer, 409, "step_conflict").await;
    }
    // Nor does it wait for a browser to come back.
    let answer = session.resume(&app, &key(7)).await;
    witness.refused(&answer, 400, "redirect_expired").await;
    asked(&house, &[]);
    session.enter_code(&app, "factor", &code).await.expect(200);
}

#[tokio::test]
async fn a_submit_from_before_a_wrong_code_is_no_guess() {
    let (app, house) = house().await;
    let first = challenged(&app, ADA).await;
    let answer = first.enter_code(&app, "factor", WRONG).await;
    let second = first.after(&answer);
    let answer = second.enter_code(&app, "factor", WRONG).await;
    let third = second.after(&answer);
    let code = house.last_code();
    house.take_calls();
    let mut witness = Witness::of(&app, &[&third.token, &code]).await;
    // The very same submit; the right code in its place; with the key of the turn just answered; that turn with another.
    for (turn, key, code) in [
        (first.turn, format!("{:032x}", first.turn), WRONG),
        (first.turn, format!("{:032x}", first.turn), &code),
        (first.turn, format!("{:032x}", second.turn), &code),
        (second.turn, key(30), &code),
    ] {
        let answer = third.submit_to(&app, "factor", &entered(turn, &key, code)).await;
        witness.refused(&answer, 409, "step_conflict").await;
        assert_eq!(answer.body["view"]["turn"], third.turn);
    }
    asked(&house, &[]);
    third.enter_code(&app, "factor", &code).await.expect(200);
}

#[tokio::test]
async fn the_answer_to_a_cancelled_question_is_refused() {
    let (app, house) = house().await;
    let session = challenged(&app, ADA).await;
    let code = house.last_code();
    let answer = session.choose(&app, "factor", "cancel", &key(3)).await;
    ended(&app, &answer, "cancelled");
    house.take_calls();
    let mut witness = Witness::of(&app, &[&session.token, &code]).await;
    let after = session.after(&answer);
    for (session, turn) in [(&session, session.turn), (&after, session.turn), (&after, after.turn)] {
        let answer = session.submit_to(&app, "factor", &entered(turn, &key(4), &code)).await;
        witness.refused(&answer, 409, "step_conflict").await;
    }
    asked(&house, &[]);
}

#[tokio::test]
async fn a_later_question_does_not_take_an_earlier_answer() {
    // A user who gives a question up may begin anew.
    let gives_up = "unavailable: later, cancelled: cancelled }\n  # What it only";
    let begins_anew = "unavailable: later, cancelled: ask }\n  # What it only";
    let document = include_str!("../../../../infra/landfall/demo/password.yaml");
    let document = document.replace("{connector}", "house").replace("id: migrate-from-house", "id: again");
    let (app, house) = TestApp::with_house_and(&[ADA, BOB], |setup| {
        setup.journeys.push(changed(&document, &[(gives_up, begins_anew)]));
    })
    .await;
    let start = app.start("again").await;
    let answer = start.submit(&app, &key(1), &data(ADA.email, ADA.password)).await.expect(200);
    let session = start.after(&answer);
    let adas = house.last_code();
    let answer = session.choose(&app, "factor", "cancel", &key(2)).await;
    assert_eq!(at(&answer), ("ask", "cancelled"));
    let session = session.after(&answer);

    let mut witness = Witness::of(&app, &[&session.token, &adas]).await;
    let answer = session.submit_to(&app, "factor", &entered(session.turn, &key(3), &adas)).await;
    witness.refused(&answer, 409, "step_conflict").await;
    let answer = session.submit(&app, &key(4), &data(BOB.email, BOB.password)).await.expect(200);
    let session = session.after(&answer);
    let answer = session.enter_code(&app, "factor", &adas).await;
    assert_eq!(at(&answer), ("factor", REFUSED));
    assert!(directory(&app).await.is_empty());
}
