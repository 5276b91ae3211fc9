//! Attack 60: who has an account, and who has a second factor.

use axum::http::{HeaderName, HeaderValue};
use landfall::demo::EMAIL;
use landfall_tests::{Answer, Login, SEED, Setup, TestApp, key};
use serde_json::{Value, json};
use simulators::keycloak::{Realm, User};

use super::{ADA, BY_APP, BY_MAIL, REFUSED, WRONG, at, guess, house, sent};
use landfall_tests::witness::calls;

/// All of an answer that is not drawn by lot: its status, its headers, its body.
type Seen = (u16, Vec<(String, String)>, Value);

fn seen(answer: &Answer) -> Seen {
    let header = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = if name == "x-request-id" { "drawn by lot" } else { value.to_str().unwrap() };
        (name.to_string(), value.to_owned())
    };
    let mut body = answer.body.clone();
    for lot in ["session", "session_token"] {
        if let Some(text) = body.get_mut(lot) {
            *text = json!(text.as_str().unwrap().len());
        }
    }
    (answer.status.as_u16(), answer.headers.iter().map(header).collect(), body)
}

/// Has a code sent to an address, has another one sent, and guesses until there are no more guesses. All that is seen.
async fn send_and_guess(app: &TestApp, email: &str) -> Vec<Seen> {
    let start = app.start(BY_MAIL).await;
    let mut answers = vec![start.submit(app, &key(1), &json!({ "email": email })).await];
    let mut session = start.after(&answers[0]);
    for number in 0..6 {
        let answer = match number {
            1 => session.choose(app, "code", "resend", &key(30)).await,
            _ => session.enter_code(app, "code", WRONG).await,
        };
        session = session.after(&answer);
        answers.push(session.view(app).await);
        answers.push(answer);
    }
    assert_eq!(answers.last().unwrap().body["step"]["id"], "ask");
    answers.iter().map(seen).collect()
}

#[tokio::test]
async fn a_code_for_an_unknown_address_looks_the_same() {
    let (app, house) = house().await;
    // What an instance remembers afterwards is not looked at.
    send_and_guess(&app, "bob@house.example").await;
    house.take_calls();
    let known = send_and_guess(&app, ADA.email).await;
    let asked = house.take_calls();

    let unknown = send_and_guess(&app, "amy@house.example").await;
    assert_eq!((&unknown, &house.take_calls()), (&known, &asked));

    // Five of Ada's were counted above: three more lock her.
    guess(&app, sent(&app, ADA.email).await, "code", 3).await;
    let session = sent(&app, ADA.email).await;
    assert_eq!(at(&session.enter_code(&app, "code", &house.last_code()).await), ("code", REFUSED));
    house.take_calls();
    let locked = send_and_guess(&app, ADA.email).await;
    assert_eq!((&locked, &house.take_calls()), (&known, &asked));
    assert_eq!(app.users().await, 0);
}

#[tokio::test]
async fn a_wrong_code_looks_the_same_for_every_address() {
    let app = TestApp::with(|setup: &mut Setup| {
        setup.take_app_codes();
        let user = |name: &str| {
            let email = format!("{name}@example.org");
            User::new(name).email(&email, true).name("A", "B").totp(SEED)
        };
        let (disabled, locked) = (user("olga").enabled(false), user("otto").locked(true));
        let changing = user("uta").required_action("UPDATE_PASSWORD");
        let realm = |realm: Realm| realm.user(disabled).user(locked).user(changing);
        setup.keycloak().change_realm("demo", realm).unwrap();
    })
    .await;
    let attempt = async |email: &str, code: &str| {
        let before = calls(&app);
        let answer = app.start(BY_APP).await.submit_app_code(&app, email, code).await;
        let after = calls(&app);
        assert_eq!(at(&answer), ("ask", REFUSED), "{email}");
        (seen(&answer), after.iter().zip(before).map(|(after, before)| after - before).collect::<Vec<_>>())
    };
    attempt(EMAIL, WRONG).await;
    let known = attempt(EMAIL, WRONG).await;
    assert_eq!(known.1, [0, 0, 1, 0]);
    let right = app.app_code();
    for (email, code) in [
        ("unknown@example.org", WRONG),
        ("grace@example.org", WRONG), // has no app
        ("olga@example.org", WRONG),  // is disabled
        ("olga@example.org", &right),
        ("otto@example.org", WRONG), // is locked
        ("otto@example.org", &right),
        ("uta@example.org", WRONG), // has something to do first
        ("unknown@example.org", &right),
        ("grace@example.org", &right),
    ] {
        // More often than it would take outages for the provider to be left alone.
        for _ in 0..6 {
            assert_eq!(attempt(email, code).await, known, "{email} {code}");
        }
    }
    assert!(app.events("circuit_opened").is_empty());
    let session = app.start(BY_APP).await;
    Login::of(&session, &session.submit_app_code(&app, EMAIL, &right).await);
}
