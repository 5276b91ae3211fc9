//! Requests that come twice, too early, too late, for another step, or from another client.

use std::pin::pin;

use chrono::TimeDelta;
use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::journeys::{form, journey, password, provision};
use landfall_tests::witness::Witness;
use landfall_tests::{Answer, Login, TestApp, TestSession, changed, data, key, password_journey, submission};
use serde_json::{Value, json};

use crate::held::until_the_provider_is_asked;

const JOURNEY: &str = "migrate-from-keycloak";

/// Asks for the e-mail on one page and for the password on the next.
async fn two_pages() -> TestApp {
    let next_page = [("${ask.password}", "${secret.password}"), ("rejected: ask", "rejected: secret")];
    let two_pages = journey(
        "two-pages",
        &[
            form("ask", &["email"], "secret"),
            form("secret", &["password"], "check"),
            changed(&password("check", "keycloak", "ask", "identity", "provision"), &next_page),
            provision("provision", "identity", "done"),
        ],
    );
    TestApp::with(|setup| setup.journeys.push(two_pages)).await
}

fn code_of(answer: &Answer) -> &str {
    answer.body["completion"]["code"].as_str().unwrap_or_else(|| panic!("no code in {:#}", answer.body))
}

/// The passwords the provider has received.
fn passwords(app: &TestApp) -> Vec<Vec<u8>> {
    app.subject.requests().iter().map(|attempt| attempt.password().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_step_that_was_answered_is_not_answered_again() {
    let app = two_pages().await;
    let start = app.start("two-pages").await;
    let page = start.submit_to(&app, "ask", &submission(1, &key(1), &json!({ "email": EMAIL }))).await.expect(200);
    let session = start.after(&page);
    let mut witness = Witness::of(&app, &[&session.token]).await;

    let other = json!({ "email": "grace@example.org" });
    for (step, turn) in [("ask", 1), ("ask", 2), ("secret", 1)] {
        let answer = session.submit_to(&app, step, &submission(turn, &key(2), &other)).await;
        witness.refused(&answer, 409, "step_conflict").await;
        assert_eq!(answer.body["view"]["step"]["id"], "secret");
    }
    // The journey goes on as the user it was for.
    let secret = json!({ "password": PASSWORD });
    let done = session.submit_to(&app, "secret", &submission(2, &key(3), &secret)).await.expect(200);
    assert_eq!(app.id_token(code_of(&done)).await["email"], EMAIL);
}

#[tokio::test]
async fn a_step_ahead_is_not_skipped_to() {
    let app = two_pages().await;
    let session = app.start("two-pages").await;
    let mut witness = Witness::of(&app, &[&session.token]).await;
    let everything = data(EMAIL, PASSWORD);
    for (step, turn) in [
        ("secret", 1),
        ("secret", 2),
        ("check", 1),
        ("provision", 1),
        ("done", 1),
        ("nowhere", 1),
        ("ask", 0),
        ("ask", 2),
    ] {
        println!("{step} in turn {turn}");
        let answer = session.submit_to(&app, step, &submission(turn, &key(1), &everything)).await;
        witness.refused(&answer, 409, "step_conflict").await;
        assert_eq!(answer.body["view"]["step"]["id"], "ask");
    }
    let turns = [u64::from(u32::MAX), u64::from(u32::MAX) + 1, u64::MAX];
    for (turn, (status, code)) in
        turns.into_iter().zip([(409, "step_conflict"), (400, "invalid_request"), (400, "invalid_request")])
    {
        let answer = session.submit_to(&app, "ask", &submission(turn, &key(1), &everything)).await;
        witness.refused(&answer, status, code).await;
    }
}

#[tokio::test]
async fn data_of_another_step_is_not_smuggled_in() {
    let app = two_pages().await;
    let session = app.start("two-pages").await;
    let mut witness = Witness::of(&app, &[&session.token]).await;
    for (field, value) in
        [("password", PASSWORD), ("identity", "{}"), ("verified", "true"), ("who.email", EMAIL), ("", "")]
    {
        let mut given = json!({ "email": EMAIL });
        given[field] = json!(value);
        let answer = session.submit_to(&app, "ask", &submission(1, &key(1), &given)).await;
        witness.refused(&answer, 422, "invalid_input").await;
        assert_eq!(answer.body["fields"], json!([{ "name": field, "code": "unknown" }]));
    }
    // The turn was given back each time.
    session.submit_to(&app, "ask", &submission(1, &key(1), &json!({ "email": EMAIL }))).await.expect(200);
}

#[tokio::test]
async fn the_planter_of_a_session_gets_nothing_of_its_login() {
    let app = TestApp::new().await;
    let planted = app.start(JOURNEY).await;

    // The victim signs in in it, with whatever the attacker gave them.
    let done = planted.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    let (token, code) = (done.body["session_token"].as_str().unwrap(), code_of(&done));
    assert_ne!(token, planted.token);

    let mut witness = Witness::of(&app, &[token, code]).await;
    let answer = planted.view(&app).await;
    witness.refused(&answer, 404, "unknown_session").await;
    // The attacker knows everything the victim sent but the key and the password.
    for (turn, key) in [(1, key(2)), (2, key(2)), (2, key(1)), (0, key(1))] {
        let answer = planted.submit_to(&app, "ask", &submission(turn, &key, &data(EMAIL, "whatever"))).await;
        witness.refused(&answer, 404, "unknown_session").await;
    }
    // The victim has all of it.
    assert_eq!(code_of(&planted.after(&done).view(&app).await), code);
    app.redeem(code).await.expect(200);
}

#[tokio::test]
async fn a_key_of_zeroes_gives_the_planter_no_answer() {
    let zeroes = "0".repeat(32);
    // One that rotates the session's token, and one that does not.
    for (journey, step, given) in
        [(JOURNEY, "ask", data(EMAIL, PASSWORD)), ("two-pages", "ask", json!({ "email": EMAIL }))]
    {
        let app = two_pages().await;
        let planted = app.start(journey).await;
        let sent = submission(1, &zeroes, &given);
        let done = planted.submit_to(&app, step, &sent).await.expect(200);
        let rotated = done.body["session_token"].as_str();

        let mut witness = Witness::of(&app, &rotated.into_iter().collect::<Vec<_>>()).await;
        let guesses =
            [json!({ "email": EMAIL, "password": "guess" }), json!({ "email": "grace@example.org" }), json!({})];
        let mut others = guesses.map(|data| (step, submission(1, &zeroes, &data))).to_vec();
        others.push((step, json!({ "turn": 1, "key": zeroes, "option": "cancel", "data": given })));
        others.push(("secret", sent.clone()));
        for (step, other) in others {
            let answer = planted.submit_to(&app, step, &other).await;
            let (status, code) = if rotated.is_some() { (404, "unknown_session") } else { (409, "step_conflict") };
            witness.refused(&answer, status, code).await;
        }
        // The same submit is the same answer still, in whatever order its data comes.
        assert_eq!(planted.submit_to(&app, step, &sent).await.expect(200).body, done.body);
    }
}

#[tokio::test]
async fn the_planter_of_a_session_sees_nothing_typed_into_it() {
    let app = two_pages().await;
    let planted = app.start("two-pages").await;
    planted.submit_to(&app, "ask", &submission(1, &key(1), &json!({ "email": EMAIL }))).await.expect(200);

    let seen = planted.view(&app).await.expect(200);

    assert_eq!(seen.body["step"]["id"], "secret");
    assert!(!seen.body.to_string().contains(EMAIL), "{:#}", seen.body);
}

#[tokio::test]
async fn two_keys_at_one_turn_advance_it_once() {
    let app = TestApp::new().await;
    let session = app.start(JOURNEY).await;
    let (entered, one) = (data(EMAIL, PASSWORD), key(1));
    let mut first = pin!(session.submit(&app, &one, &entered));
    until_the_provider_is_asked(&app, first.as_mut()).await;
    let witness = Witness::of(&app, &[&session.token]).await;

    let second = session.submit(&app, &key(2), &data(EMAIL, "another guess")).await.expect(200);

    assert_eq!((&second.body["status"], &second.body["retry_after"]), (&json!("processing"), &json!(1)));
    witness.told_no_secret(&second);
    witness.changed_nothing().await;
    let first = first.await.expect(200);
    assert_eq!((&first.body["status"], &first.body["turn"]), (&json!("completed"), &json!(2)));
    // Once the turn is answered, the second submit is refused.
    let mut witness = Witness::of(&app, &[code_of(&first), first.body["session_token"].as_str().unwrap()]).await;
    let late = session.submit(&app, &key(2), &data(EMAIL, "another guess")).await;
    witness.refused(&late, 404, "unknown_session").await;
    assert_eq!(passwords(&app), [PASSWORD.as_bytes()]);
}

#[tokio::test]
async fn a_submit_whose_lock_lapsed_does_not_sign_in() {
    // A function that was frozen past its deadline; and one whose clock is behind, so that it believes to be in time.
    for behind in [0, 10] {
        let app = TestApp::new().await;
        let session = app.start(JOURNEY).await;
        let (entered, one) = (data(EMAIL, PASSWORD), key(1));
        let mut slow = pin!(session.submit(&app, &one, &entered));
        until_the_provider_is_asked(&app, slow.as_mut()).await;
        app.clock.advance(TimeDelta::seconds(10));
        let fast = session.submit(&app, &key(2), &data("grace@example.org", PASSWORD)).await.expect(200);
        let mut witness = Witness::of(&app, &[code_of(&fast), fast.body["session_token"].as_str().unwrap()]).await;

        app.clock.advance(TimeDelta::seconds(-behind));
        let slow = slow.await;

        witness.refused(&slow, 503, "unavailable").await;
        let again = session.submit(&app, &one, &entered).await;
        witness.refused(&again, 404, "unknown_session").await;
        assert_eq!(app.users().await, 1);
        assert_eq!(app.id_token(code_of(&fast)).await["email"], "grace@example.org");
    }
}

#[tokio::test]
async fn two_identical_submits_at_once_send_one_password() {
    let app = TestApp::new().await;
    let session = app.start(JOURNEY).await;
    let (entered, key) = (data(EMAIL, PASSWORD), key(1));
    let mut first = pin!(session.submit(&app, &key, &entered));
    until_the_provider_is_asked(&app, first.as_mut()).await;

    let second = session.submit(&app, &key, &entered).await.expect(200);
    assert_eq!(second.body["status"], "processing");
    let first = first.await.expect(200);
    // What `processing` tells its client to do.
    let second = session.submit(&app, &key, &entered).await.expect(200);

    assert_eq!(first.body, second.body);
    assert_eq!(passwords(&app), [PASSWORD.as_bytes()]);
    assert_eq!(app.users().await, 1);
    app.redeem(code_of(&second)).await.expect(200);
}

#[tokio::test]
async fn a_repeat_after_a_lost_answer_sends_no_password() {
    let app = TestApp::new().await;
    let session = app.start(JOURNEY).await;
    for (number, password, refusal) in [(1, "wrong", (409, "step_conflict")), (2, PASSWORD, (404, "unknown_session"))] {
        let app = &app;
        let session = TestSession { turn: number.into(), ..session.clone() };
        let entered = data(EMAIL, password);
        let answer = session.submit(app, &key(number), &entered).await.expect(200);
        let witness = Witness::of(app, &[]).await;
        for _ in 0..3 {
            assert_eq!(session.submit(app, &key(number), &entered).await.body, answer.body);
        }
        witness.changed_nothing().await;
        // The same key with another password is neither a repeat nor another try.
        let mut witness = Witness::of(app, &[]).await;
        let other = session.submit(app, &key(number), &data(EMAIL, "guess")).await;
        witness.refused(&other, refusal.0, refusal.1).await;
    }
    assert_eq!(passwords(&app), [b"wrong".as_slice(), PASSWORD.as_bytes()]);
}

#[tokio::test]
async fn a_submit_from_before_a_loop_is_refused() {
    let app = TestApp::new().await;
    let first = app.start(JOURNEY).await;
    let answer = first.submit(&app, &key(1), &data(EMAIL, "wrong")).await.expect(200);
    let second = first.after(&answer);
    assert_eq!((second.turn, &answer.body["step"]["id"]), (2, &json!("ask")));
    let answer = second.submit(&app, &key(2), &data(EMAIL, "wrong too")).await.expect(200);
    let third = second.after(&answer);

    let mut witness = Witness::of(&app, &[&first.token]).await;
    // The very same submit; the same with the password that is right; with the key of the turn just answered.
    for (key, password) in [(key(1), "wrong"), (key(1), PASSWORD), (key(3), PASSWORD), (key(2), PASSWORD)] {
        let answer = first.submit(&app, &key, &data(EMAIL, password)).await;
        witness.refused(&answer, 409, "step_conflict").await;
        assert_eq!(answer.body["view"]["turn"], 3);
    }
    third.submit(&app, &key(4), &data(EMAIL, PASSWORD)).await.expect(200);
}

/// A login in two turns: a wrong password first.
async fn log_in_in_two_turns(app: &TestApp) -> (TestSession, Login) {
    let first = app.start(JOURNEY).await;
    let answer = first.submit(app, &key(1), &data(EMAIL, "wrong")).await.expect(200);
    let second = first.after(&answer);
    let answer = second.submit(app, &key(2), &data(EMAIL, PASSWORD)).await.expect(200);
    (first, Login { session: second.after(&answer), code: code_of(&answer).to_owned() })
}

#[tokio::test]
async fn a_repeat_with_another_key_brings_back_no_code() {
    let app = TestApp::new().await;
    let (before, login) = log_in_in_two_turns(&app).await;
    let entered = data(EMAIL, PASSWORD);
    let mut witness = Witness::of(&app, &[&login.session.token, &login.code]).await;

    // With the token that was rotated away.
    for (turn, key) in [(1, key(1)), (1, key(2)), (2, key(3)), (2, key(1)), (3, key(2)), (3, key(3))] {
        let answer = before.submit_to(&app, "ask", &submission(turn, &key, &entered)).await;
        witness.refused(&answer, 404, "unknown_session").await;
    }
    let answer = before.view(&app).await;
    witness.refused(&answer, 404, "unknown_session").await;
    // With the token in force, even: only GET shows the code.
    for (turn, key) in [(1, key(1)), (2, key(2)), (3, key(3))] {
        let answer = login.session.submit_to(&app, "ask", &submission(turn, &key, &entered)).await;
        witness.refused(&answer, 409, "step_conflict").await;
    }
    assert_eq!(code_of(&login.session.view(&app).await), login.code);
}

#[tokio::test]
async fn a_redeemed_code_is_never_shown_again() {
    let app = TestApp::new().await;
    let (before, login) = log_in_in_two_turns(&app).await;
    app.redeem(&login.code).await.expect(200);

    let view = login.session.view(&app).await.expect(200);
    assert_eq!((&view.body["status"], &view.body["completion"]["code"]), (&json!("completed"), &Value::Null));
    let repeat = before.submit_to(&app, "ask", &submission(2, &key(2), &data(EMAIL, PASSWORD))).await.expect(200);
    assert_eq!((&repeat.body["status"], &repeat.body["completion"]["code"]), (&json!("completed"), &Value::Null));
}

#[tokio::test]
async fn an_expired_session_is_gone_though_its_item_is_there() {
    let app = TestApp::new().await;
    let (before, login) = log_in_in_two_turns(&app).await;
    let waiting = app.start(JOURNEY).await;
    app.clock.advance(TimeDelta::minutes(15));
    let mut witness = Witness::of(&app, &[&login.session.token, &login.code, &waiting.token]).await;
    assert_eq!(app.items_of("SESSION#").await.len(), 2);

    let entered = data(EMAIL, PASSWORD);
    let answer = waiting.view(&app).await;
    witness.refused(&answer, 404, "unknown_session").await;
    let answer = waiting.submit(&app, &key(1), &entered).await;
    witness.refused(&answer, 404, "unknown_session").await;
    let answer = login.session.view(&app).await;
    witness.refused(&answer, 404, "unknown_session").await;
    // The very submit that was answered last.
    let answer = before.submit_to(&app, "ask", &submission(2, &key(2), &entered)).await;
    witness.refused(&answer, 404, "unknown_session").await;
    let answer = app.redeem(&login.code).await;
    witness.refused(&answer, 400, "invalid_grant").await;
}

#[tokio::test]
async fn undeclared_or_mistyped_parameters_start_nothing() {
    // Its parameter has no default.
    let app = TestApp::with(|setup| setup.journeys.push(password_journey("strict", &[]))).await;
    let mut witness = Witness::of(&app, &[]).await;
    let fields = |fields: &[(&str, &str)]| {
        fields.iter().map(|(name, code)| json!({ "name": name, "code": code })).collect::<Vec<_>>()
    };
    for (params, wrong) in [
        (json!({}), fields(&[("plan", "required")])),
        (json!({ "plan": null }), fields(&[("plan", "wrong_type")])),
        (json!({ "plan": 1 }), fields(&[("plan", "wrong_type")])),
        (json!({ "plan": true }), fields(&[("plan", "wrong_type")])),
        (json!({ "plan": ["gold"] }), fields(&[("plan", "wrong_type")])),
        (json!({ "plan": { "type": "string" } }), fields(&[("plan", "wrong_type")])),
        (json!({ "plan": "x".repeat(41) }), fields(&[("plan", "wrong_type")])),
        (json!({ "plan": "gold", "role": "admin" }), fields(&[("role", "unknown")])),
        (json!({ "plan": "gold", "Plan": "gold" }), fields(&[("Plan", "unknown")])),
        (json!({ "plan": 1, "user": {} }), fields(&[("user", "unknown"), ("plan", "wrong_type")])),
    ] {
        println!("{params}");
        let mut start = TestApp::start_body();
        start["params"] = params;

        let answer = app.try_start("strict", &start).await;

        witness.refused(&answer, 422, "invalid_params").await;
        assert_eq!(answer.body["fields"], json!(wrong));
    }
    let answer = app.try_start("strict", &json!({ "request": TestApp::start_body()["request"] })).await;
    witness.refused(&answer, 422, "invalid_params").await;
    for params in [json!("plan"), json!(["gold"]), json!(null)] {
        let mut start = TestApp::start_body();
        start["params"] = params;
        let answer = app.try_start("strict", &start).await;
        witness.refused(&answer, 400, "invalid_request").await;
    }
}
