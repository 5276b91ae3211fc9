//! The two halves of a redirect in the hands of two people: the session's token, and what the browser brings back.

use chrono::TimeDelta;
use landfall::demo::EMAIL;
use landfall_tests::witness::{Witness, directory};
use landfall_tests::{Answer, Away, Login, TestApp, TestSession, key};
use serde_json::{Value, json};

use crate::away::token_calls;

/// Fails unless a session still waits for its redirect, and shows nothing of what has come back.
fn waits(answer: &Answer) {
    let view = answer.body.get("view").unwrap_or(&answer.body);
    assert_eq!((&view["status"], &view["step"]["error"]), (&json!("redirect"), &Value::Null), "{:#}", answer.body);
    for hidden in ["completion", "rejection", "session_token"] {
        assert_eq!(view.get(hidden).unwrap_or(&Value::Null), &Value::Null, "{hidden} in {:#}", answer.body);
    }
    // Neither who it is nor that a user has come back.
    for name in [EMAIL, "ada", "Ada", "Lovelace"] {
        assert!(!answer.text.contains(name), "{name} is in {:#}", answer.body);
    }
}

/// What an attacker without the browser's half would try as it.
fn guesses(away: &Away, token: &str) -> Vec<(String, u16, &'static str)> {
    let refused = |text: &str| (text.to_owned(), 400, "redirect_expired");
    let malformed = |text: &str| (text.to_owned(), 400, "invalid_request");
    let (state, nonce) = (away.parameter("state"), away.parameter("nonce"));
    let secret = state.split_once('.').unwrap().1;
    vec![
        refused(&key(0)),
        refused(&"A".repeat(43)),
        refused(token),
        refused(secret),
        refused(&nonce),
        refused(&away.parameter("code_challenge")),
        refused(&away.session.id),
        malformed(&state),
        malformed(""),
        malformed("null"),
        malformed("x"),
        malformed(&"A".repeat(21)),
        malformed(&"A".repeat(129)),
    ]
}

// The attacker starts a session and has the victim follow its redirect: on a link, on a page that looks like the shop's.
#[tokio::test]
async fn a_redirect_finished_by_another_user_is_refused() {
    let app = TestApp::new().await;
    // Two people with a browser each; two clients that know nothing of each other's token.
    let (attackers, victims) = (Away::new(&app).await, Away::new(&app).await);
    let (attacker, victim) = (&attackers.session, &victims.session);

    let resume = attackers.resume(&app).await;

    let secrets = [resume.as_str(), &attacker.token, &victim.token];
    let witness = Witness::of(&app, &secrets).await;
    // The attacker has the token and looks for what has come of it. Would fail if the callback alone went on with the
    // journey, or if a view told who has come back.
    let polled = attacker.view(&app).await.expect(200);
    waits(&polled);
    assert_eq!(polled.body["redirect"], Value::Null);
    witness.changed_nothing().await;
    witness.told_no_secret(&polled);
    // The attacker has the token and no `resume`. Would fail if the token were enough: if `resume` were not compared, or
    // were something the attacker has seen.
    let mut witness = Witness::of(&app, &[&resume]).await;
    for (guess, status, code) in guesses(&attackers, &attacker.token) {
        let answer = attacker.resume(&app, &guess).await;
        witness.refused(&answer, status, code).await;
        if code == "redirect_expired" {
            waits(&answer);
        }
    }
    for body in [json!({}), json!({ "resume": null }), json!({ "resume": true }), json!({ "resume": [resume] })] {
        let answer = app.post(&format!("/v1/sessions/{}/resume", attacker.id), Some(&attacker.token), &body).await;
        witness.refused(&answer, 400, "invalid_request").await;
    }
    // Nor can it be handed over once more by an attacker who knows the state.
    let back = json!({ "state": attackers.parameter("state"), "code": "x", "iss": "x" });
    for (option, data) in [("callback", &back), ("submit", &json!({})), ("resume", &json!({ "resume": "x" }))] {
        let body = json!({ "turn": attacker.turn, "key": key(1), "option": option, "data": data });
        let answer = attacker.submit_to(&app, "go", &body).await;
        witness.refused(&answer, 422, "invalid_input").await;
    }

    // The victim's browser has brought `session` and `resume` to the shop's address, where the shop's own session is
    // another. Would fail if `resume` alone were enough, or if it were good in any session.
    let mut witness = Witness::of(&app, &secrets).await;
    let path = format!("/v1/sessions/{}/resume", attacker.id);
    for (token, status, code) in [
        (Some(victim.token.as_str()), 404, "unknown_session"),
        (Some(resume.as_str()), 404, "unknown_session"),
        (Some("x"), 404, "unknown_session"),
        (None, 401, "invalid_token"),
    ] {
        let answer = app.post(&path, token, &json!({ "resume": resume })).await;
        witness.refused(&answer, status, code).await;
    }
    let answer = victim.resume(&app, &resume).await;
    witness.refused(&answer, 400, "redirect_expired").await;

    // The attacker starts over. What the victim brought is gone with it.
    let restarted = attacker.choose(&app, "go", "restart", &key(2)).await.expect(200);
    waits(&restarted);
    let attacker = attacker.after(&restarted);
    let mut witness = Witness::of(&app, &[&resume]).await;
    let answer = attacker.resume(&app, &resume).await;
    witness.refused(&answer, 400, "redirect_expired").await;
    waits(&answer);

    // No user was provisioned, and only one code was ever sent.
    assert_eq!((directory(&app).await.len(), token_calls(&app)), (0, 1));
    assert_eq!((app.events("user_provisioned").len(), app.events("session_completed").len()), (0, 0));

    // Both halves in one hand are a login: what was refused above was not merely broken.
    let resume = victims.resume(&app).await;
    let answer = victim.resume(&app, &resume).await.expect(200);
    assert_eq!(app.id_token(&Login::of(victim, &answer).code).await["email"], EMAIL);
}

#[tokio::test]
async fn a_session_and_resume_planted_in_a_browser_are_refused() {
    let app = TestApp::new().await;
    let (attackers, victims) = (Away::new(&app).await, Away::new(&app).await);
    let back = attackers.back_as("grace").await;
    // The attacker stops here, and sends the victim to the shop with both of these in the address.
    let (session, planted) = app.arrive(&back).await.carried();
    let victim = &victims.session;
    let secrets = [planted.as_str(), &attackers.session.token, &victim.token];

    // A shop takes the session from its own browser, not from the address. Would fail if `resume` opened the session it
    // belongs to (the victim were then signed in as the attacker), or any session that waits for a redirect.
    let mut witness = Witness::of(&app, &secrets).await;
    let answer =
        app.post(&format!("/v1/sessions/{session}/resume"), Some(&victim.token), &json!({ "resume": planted })).await;
    witness.refused(&answer, 404, "unknown_session").await;
    let answer = victim.resume(&app, &planted).await;
    witness.refused(&answer, 400, "redirect_expired").await;
    // The same when the victim's own browser has been away and is back.
    let resume = victims.resume(&app).await;
    let mut witness = Witness::of(&app, &[&planted, &resume, &victim.token]).await;
    let answer = victim.resume(&app, &planted).await;
    witness.refused(&answer, 400, "redirect_expired").await;
    assert_eq!(directory(&app).await.len(), 0);

    // And the victim goes on as themselves.
    let answer = victim.resume(&app, &resume).await.expect(200);
    assert_eq!(app.id_token(&Login::of(victim, &answer).code).await["email"], EMAIL);
    let mut witness = Witness::of(&app, &[&planted]).await;
    let answer = victim.resume(&app, &planted).await;
    witness.refused(&answer, 404, "unknown_session").await;
    assert_eq!(app.users().await, 1);
}

#[tokio::test]
async fn a_planted_token_is_worthless_after_the_sign_in() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    // The victim's application was made to use the attacker's session, token and all.
    let planter = away.session.clone();
    let resume = away.resume(&app).await;
    let answer = planter.resume(&app, &resume).await.expect(200);
    let login = Login::of(&planter, &answer);
    assert_ne!(planter.token, login.session.token);

    let mut witness = Witness::of(&app, &[&resume, &login.code, &login.session.token]).await;
    let answer = planter.view(&app).await;
    witness.refused(&answer, 404, "unknown_session").await;
    for (guess, status, code) in guesses(&away, &planter.token) {
        let code = if code == "redirect_expired" { (404, "unknown_session") } else { (status, code) };
        let answer = planter.resume(&app, &guess).await;
        witness.refused(&answer, code.0, code.1).await;
    }
    for option in ["restart", "cancel", "submit", "callback"] {
        let answer = planter.choose(&app, "go", option, &key(1)).await;
        witness.refused(&answer, 404, "unknown_session").await;
    }
    app.redeem(&login.code).await.expect(200);
}

// Repeats.

#[tokio::test]
async fn a_resume_that_is_wrong_late_or_old_changes_nothing() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    let earlier = away.resume(&app).await;
    let restarted = away.session.choose(&app, "go", "restart", &key(1)).await.expect(200);
    let again = Away::after(&away.session, &restarted);
    let session = &again.session;

    // The earlier one: while the browser is away again, and when it is back.
    let mut witness = Witness::of(&app, &[&earlier, &session.token]).await;
    let answer = session.resume(&app, &earlier).await;
    witness.refused(&answer, 400, "redirect_expired").await;
    waits(&answer);
    let resume = again.resume(&app).await;
    let mut witness = Witness::of(&app, &[&earlier, &resume, &session.token]).await;
    for wrong in [&earlier, &key(7), &resume[..42].to_owned(), &resume.to_uppercase(), &format!("{resume}A")] {
        let answer = session.resume(&app, wrong).await;
        witness.refused(&answer, 400, "redirect_expired").await;
        waits(&answer);
    }
    // Too late: the very second it ends.
    app.clock.advance(TimeDelta::seconds(60));
    let answer = session.resume(&app, &resume).await;
    witness.refused(&answer, 400, "redirect_expired").await;
    waits(&answer);
    app.clock.advance(TimeDelta::minutes(14));
    let answer = session.resume(&app, &resume).await;
    witness.refused(&answer, 404, "unknown_session").await;
    assert_eq!(directory(&app).await.len(), 0);
}

#[tokio::test]
async fn a_resume_of_a_session_that_was_cancelled_changes_nothing() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    let resume = away.resume(&app).await;
    let cancelled = away.session.choose(&app, "go", "cancel", &key(1)).await.expect(200);
    assert_eq!(cancelled.body["rejection"]["code"], "cancelled");

    let mut witness = Witness::of(&app, &[&resume]).await;
    let answer = away.session.resume(&app, &resume).await;
    witness.refused(&answer, 400, "redirect_expired").await;
    assert_eq!((&answer.body["view"]["status"], directory(&app).await.len()), (&json!("rejected"), 0));
}

#[tokio::test]
async fn a_repeat_with_another_half_brings_back_no_code() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    let before = &away.session;
    let resume = away.resume(&app).await;
    let first = before.resume(&app, &resume).await.expect(200);
    let login = Login::of(before, &first);
    let after = &login.session;

    let mut witness = Witness::of(&app, &[&after.token, &login.code]).await;
    // The token that was rotated away, with another `resume`; with none of its own.
    for other in [key(1), "A".repeat(43), after.token.clone()] {
        let answer = before.resume(&app, &other).await;
        witness.refused(&answer, 404, "unknown_session").await;
    }
    let answer = before.view(&app).await;
    witness.refused(&answer, 404, "unknown_session").await;
    // The token in force, with the right one: only GET shows the code.
    for other in [resume.clone(), key(1)] {
        let answer = after.resume(&app, &other).await;
        witness.refused(&answer, 400, "redirect_expired").await;
    }
    // As the key of a submit.
    for (session, status, code) in [(before, 404, "unknown_session"), (after, 409, "step_conflict")] {
        for turn in [1, 2, 3] {
            let session = TestSession { turn, ..session.clone() };
            let answer = session.choose(&app, "go", "restart", &key(3)).await;
            witness.refused(&answer, status, code).await;
        }
    }
    witness.changed_nothing().await;

    // The very same pair gets the very same answer, until the code is redeemed.
    assert_eq!(before.resume(&app, &resume).await.expect(200).body, first.body);
    app.redeem(&login.code).await.expect(200);
    let late = before.resume(&app, &resume).await.expect(200);
    assert_eq!((&late.body["status"], &late.body["completion"]["code"]), (&json!("completed"), &Value::Null));
    let late = after.view(&app).await.expect(200);
    assert_eq!((&late.body["status"], &late.body["completion"]["code"]), (&json!("completed"), &Value::Null));
    app.clock.advance(TimeDelta::minutes(20));
    let mut witness = Witness::of(&app, &[&after.token, &login.code]).await;
    let answer = before.resume(&app, &resume).await;
    witness.refused(&answer, 404, "unknown_session").await;
    assert_eq!((app.users().await, token_calls(&app)), (1, 1));
}

#[tokio::test]
async fn resumes_at_the_same_time_make_one_user() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    let resume = away.resume(&app).await;
    let session = &away.session;
    let wrong = key(9);

    let (one, two, three, other) = tokio::join!(
        session.resume(&app, &resume),
        session.resume(&app, &resume),
        session.resume(&app, &resume),
        session.resume(&app, &wrong),
    );

    let first = session.resume(&app, &resume).await.expect(200);
    assert_eq!(first.body["status"], "completed");
    let mut completed = 0;
    for answer in [one, two, three] {
        let answer = answer.expect(200);
        match answer.body["status"].as_str() {
            Some("completed") => {
                assert_eq!(answer.body, first.body);
                completed += 1;
            }
            Some("processing") => assert_eq!(answer.body["session_token"], Value::Null),
            other => panic!("{other:?} in {:#}", answer.body),
        }
    }
    assert!(completed > 0);
    // Too early to be known as wrong, or too late to have anything to do with the session.
    assert!(["redirect_expired", "unknown_session"].contains(&other.code()), "{:#}", other.body);
    assert!(!other.text.contains(first.body["session_token"].as_str().unwrap()));
    assert_eq!((app.users().await, app.items_of("LINK#").await.len(), token_calls(&app)), (1, 1, 1));
    assert_eq!((app.events("user_provisioned").len(), app.events("session_completed").len()), (1, 1));
}

#[tokio::test]
async fn of_a_restart_and_a_resume_at_once_one_wins() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    let resume = away.resume(&app).await;
    let (session, restart) = (&away.session, key(1));

    let (resumed, restarted) =
        tokio::join!(session.resume(&app, &resume), session.choose(&app, "go", "restart", &restart));

    let users = app.users().await;
    match resumed.body["status"].as_str() {
        Some("completed") => assert_eq!((users, restarted.body["redirect"].is_null()), (1, true)),
        _ => assert_eq!((users, restarted.body["redirect"].is_null()), (0, false), "{:#}", restarted.body),
    }
}

#[tokio::test]
async fn a_callback_during_a_restart_is_lost() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    let (back, restart) = (away.back().await, key(1));

    let (arrived, restarted) = tokio::join!(app.arrive(&back), away.session.choose(&app, "go", "restart", &restart));

    let session = away.session.after(&restarted.expect(200));
    if arrived.status.as_u16() == 303 {
        let mut witness = Witness::of(&app, &[]).await;
        let answer = session.resume(&app, &arrived.carried().1).await;
        witness.refused(&answer, 400, "redirect_expired").await;
    } else {
        assert_eq!(arrived.expect(400).code(), "redirect_expired");
    }
    assert_eq!(directory(&app).await.len(), 0);
}
