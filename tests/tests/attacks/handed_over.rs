//! Callbacks that an application has received at an address of its own, or says it has.

use landfall_tests::witness::{Witness, directory, ended};
use landfall_tests::{Away, Return, Setup, TestApp};
use serde_json::json;

use crate::away::{tampered, token_calls, told_nothing};

#[tokio::test]
async fn a_callback_handed_over_with_another_state_spends_nothing() {
    let app = TestApp::with(Setup::take_own_callback).await;
    let (away, other) = (Away::new(&app).await, Away::new(&app).await);
    let (back, others) = (away.back().await, other.back().await);
    let state = back.parameter("state").unwrap();
    let mut witness = Witness::of(&app, &[&away.session.token, &back.parameter("code").unwrap()]).await;

    let mut wrong: Vec<_> = tampered(&state).iter().map(|state| back.with(&[("state", state)])).collect();
    wrong.push(others);
    for back in wrong {
        // What cannot be a field's value at all is refused sooner.
        if back.parameter("state").is_some_and(|state| state.contains('\0') || state.len() > 4096) {
            continue;
        }
        let answer = away.session.hand_over(&app, &back).await;
        witness.refused(&answer, 422, "invalid_input").await;
        assert_eq!(answer.body["fields"], json!([{ "name": "state", "code": "unknown" }]));
    }

    let done = away.session.hand_over(&app, &back).await.expect(200);
    assert_eq!(done.body["status"], "completed");
}

#[tokio::test]
async fn a_callback_handed_over_uninvited_sends_no_code() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    let back = away.back().await;

    let answer = away.session.hand_over(&app, &back).await;

    ended(&app, &answer, "try_later");
    told_nothing(&app, &back, &[&answer]);
    assert_eq!((token_calls(&app), directory(&app).await.len()), (0, 0));
}

#[tokio::test]
async fn a_callback_handed_over_with_anothers_code_is_refused() {
    for (name, value, calls) in
        [("iss", "https://attacker.example/realms/demo", 0), ("iss", "", 0), ("code", "theirs", 1)]
    {
        let app = TestApp::with(Setup::take_own_callback).await;
        let (away, other) = (Away::new(&app).await, Away::new(&app).await);
        let theirs = other.back().await.parameter("code").unwrap();
        let back = away.back().await.with(&[(name, if value == "theirs" { &theirs } else { value })]);

        let answer = away.session.hand_over(&app, &back).await;

        ended(&app, &answer, "identity_refused");
        told_nothing(&app, &back, &[&answer]);
        assert_eq!((token_calls(&app), directory(&app).await.len()), (calls, 0));
        // A session that is over sends no code, whichever way it comes.
        let late = Return::to(format!("/v1/callback/keycloak?{}", back.path.split_once('?').unwrap().1));
        assert_eq!(app.arrive(&late).await.expect(400).code(), "redirect_expired");
        assert_eq!(token_calls(&app), calls);
    }
}
