//! Attack 58: more guesses than a code of six digits can stand.

use chrono::TimeDelta;
use landfall_tests::{Login, Setup, TestApp, data, key};

use super::{ADA, BOB, BY_APP, REFUSED, WRONG, asked, at, challenged, entered, guess, house, sent};
use landfall_tests::witness::{Witness, directory};

#[tokio::test]
async fn a_sixth_guess_is_not_made_on_any_instance() {
    let (mut app, house) = house().await;
    app.every_request_is_the_first();
    let first = challenged(&app, ADA).await;
    let code = house.last_code();
    house.take_calls();
    let last = guess(&app, first.clone(), "factor", 4).await;
    let answer = last.enter_code(&app, "factor", WRONG).await;
    assert_eq!(at(&answer), ("ask", REFUSED));
    asked(&house, &["/code"; 5]);

    let session = last.after(&answer);
    let mut witness = Witness::of(&app, &[&session.token, &code]).await;
    for (turn, number) in [(session.turn, 90), (last.turn, 91), (last.turn - 1, 92), (first.turn, 93)] {
        let answer = session.submit_to(&app, "factor", &entered(turn, &key(number), &code)).await;
        witness.refused(&answer, 409, "step_conflict").await;
    }
    asked(&house, &[]);
    // The question is gone, not merely out of sight.
    assert!(app.items_of("SESSION#").await.iter().all(|item| item["run"]["M"]["pending"].is_null()));
}

#[tokio::test]
async fn guesses_at_the_same_time_are_one_guess() {
    let (app, house) = house().await;
    let session = challenged(&app, ADA).await;
    let (code, before) = (house.last_code(), directory(&app).await);
    house.take_calls();
    let bodies = [WRONG, "000001", "000002", "000003", "000004", &code];
    let bodies: Vec<_> = (60..).zip(bodies).map(|(number, code)| entered(session.turn, &key(number), code)).collect();
    let [a, b, c, d, e, f] = std::array::from_fn(|at| session.submit_to(&app, "factor", &bodies[at]));

    let answers = tokio::join!(a, b, c, d, e, f);

    let answers = [answers.0, answers.1, answers.2, answers.3, answers.4, answers.5];
    let counted: Vec<_> = answers.iter().filter(|answer| answer.body["status"] == "input_required").collect();
    assert_eq!((counted.len(), at(counted[0])), (1, ("factor", REFUSED)));
    for other in answers.iter().filter(|answer| answer.body["status"] != "input_required") {
        let told = (other.status.as_u16(), other.body["status"].as_str(), other.code());
        assert!([(200, Some("processing"), ""), (409, None, "step_conflict")].contains(&told), "{told:?}");
    }
    asked(&house, &["/code"]);
    assert_eq!(directory(&app).await, before);

    // It was one of five.
    let session = guess(&app, session.after(counted[0]), "factor", 3).await;
    let answer = session.enter_code(&app, "factor", WRONG).await;
    assert_eq!(at(&answer), ("ask", REFUSED));
    asked(&house, &["/code"; 4]);
}

#[tokio::test]
async fn another_code_brings_no_more_guesses() {
    let (app, house) = house().await;
    let mut session = sent(&app, ADA.email).await;
    for (round, guesses) in [(1, 2), (2, 1), (3, 1)] {
        session = guess(&app, session, "code", guesses).await;
        let answer = session.choose(&app, "code", "resend", &key(40 + round)).await;
        assert_eq!(at(&answer), ("code", ""));
        session = session.after(&answer);
    }
    house.take_calls();

    let answer = session.enter_code(&app, "code", WRONG).await;

    assert_eq!(at(&answer), ("ask", REFUSED));
    let session = session.after(&answer);
    let mut witness = Witness::of(&app, &[]).await;
    let late = session.submit_to(&app, "code", &entered(session.turn, &key(50), &house.last_code())).await;
    witness.refused(&late, 409, "step_conflict").await;
    asked(&house, &["/code"]);
}

#[tokio::test]
async fn the_next_factor_brings_no_more_guesses() {
    let (app, house) = house().await;
    let session = guess(&app, challenged(&app, BOB).await, "factor", 2).await;
    let answer = session.enter_code(&app, "factor", &house.last_code()).await;
    assert_eq!(answer.body["step"]["data"]["challenge"]["factor"], "totp");
    let session = guess(&app, session.after(&answer), "factor", 2).await;

    let answer = session.enter_code(&app, "factor", WRONG).await;

    assert_eq!((at(&answer), app.users().await), (("ask", REFUSED), 0));
}

#[tokio::test]
async fn new_sessions_bring_guesses_until_the_house_locks() {
    let (app, house) = house().await;
    for guesses in [4, 3] {
        let session = guess(&app, challenged(&app, ADA).await, "factor", guesses).await;
        if guesses == 4 {
            assert_eq!(at(&session.enter_code(&app, "factor", WRONG).await), ("ask", REFUSED));
            continue;
        }
        // Eight of them, in two sessions.
        let answer = session.enter_code(&app, "factor", &house.last_code()).await;
        assert_eq!(at(&answer), ("factor", REFUSED));
    }
    for session in [challenged(&app, ADA).await, sent(&app, ADA.email).await] {
        let step = if session.view(&app).await.body["step"]["id"] == "factor" { "factor" } else { "code" };
        let answer = session.enter_code(&app, step, &house.last_code()).await;
        assert_eq!(at(&answer), (step, REFUSED));
    }
    assert!(directory(&app).await.is_empty());

    // No other account is locked.
    let session = sent(&app, BOB.email).await;
    let answer = session.enter_code(&app, "code", &house.last_code()).await;
    Login::of(&session, &answer);
}

#[tokio::test]
async fn new_sessions_bring_guesses_until_keycloak_locks() {
    let app = TestApp::with(|setup: &mut Setup| {
        setup.take_app_codes();
        setup.keycloak().change_realm("demo", |realm| realm.brute_force_detection(8)).unwrap();
    })
    .await;
    let ada = landfall::demo::EMAIL;
    for guesses in [5, 3] {
        let mut session = app.start(BY_APP).await;
        for _ in 0..guesses {
            let answer = session.submit_app_code(&app, ada, WRONG).await;
            assert_eq!(at(&answer), ("ask", REFUSED));
            session = session.after(&answer);
        }
    }
    let locked = app.start(BY_APP).await;
    let answer = locked.submit_app_code(&app, ada, &app.app_code()).await;
    assert_eq!((at(&answer), app.subject.requests().len()), (("ask", REFUSED), 9));
    // By another method as well.
    let session = app.start("migrate-from-keycloak").await;
    let answer = session.submit(&app, &key(1), &data(ada, landfall::demo::PASSWORD)).await;
    assert_eq!(at(&answer), ("ask", REFUSED));
    assert!(directory(&app).await.is_empty());

    app.clock.advance(TimeDelta::minutes(1));
    let session = app.start(BY_APP).await;
    Login::of(&session, &session.submit_app_code(&app, ada, &app.app_code()).await);
}
