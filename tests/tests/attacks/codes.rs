//! One-time codes that are guessed, used twice, or another user's; and the questions that ask for them.

mod canaries;
mod enumeration;
mod guesses;
mod persons;
mod questions;
mod reuse;

use landfall_tests::house::{House, Person};
use landfall_tests::{Answer, TestApp, TestSession, data, key, submission};
use serde_json::{Value, json};

/// Asked for a code from a text message after the password.
const ADA: Person = Person { email: "ada@house.example", password: "opens for ada", after: &["sms_otp"], seed: "" };

/// Asked for a code from a mail, and then for one of an app.
const BOB: Person = Person {
    email: "bob@house.example",
    password: "opens for bob",
    after: &["email_otp", "totp"],
    seed: "what the app of Bob was set up with",
};

/// Asked for nothing but the password.
const CARL: Person = Person { email: "carl@house.example", password: "opens for carl", after: &[], seed: "" };

/// No account's: the house counts its codes up from far above.
const WRONG: &str = "000000";

const BY_PASSWORD: &str = "migrate-from-house";
const BY_MAIL: &str = "email-code-from-house";
const BY_APP: &str = "app-code-from-keycloak";

/// What Ada's provider says of a code that is not hers, and of anything else that is wrong.
const REFUSED: &str = "invalid_credentials";

async fn house() -> (TestApp, House) {
    TestApp::with_house(&[ADA, BOB, CARL]).await
}

/// After the password: the session that is asked for a code.
async fn challenged(app: &TestApp, person: Person) -> TestSession {
    let start = app.start(BY_PASSWORD).await;
    let answer = start.submit(app, &key(1), &data(person.email, person.password)).await.expect(200);
    assert_eq!(answer.body["step"]["type"], "answer_challenge", "{:#}", answer.body);
    start.after(&answer)
}

/// The session that is asked for a code that was sent by mail.
async fn sent(app: &TestApp, to: &str) -> TestSession {
    let start = app.start(BY_MAIL).await;
    let answer = start.submit(app, &key(1), &json!({ "email": to })).await.expect(200);
    assert_eq!(answer.body["step"]["type"], "answer_challenge", "{:#}", answer.body);
    start.after(&answer)
}

/// A submit of a code.
fn entered(turn: u64, key: &str, code: &str) -> Value {
    submission(turn, key, &json!({ "code": code }))
}

/// Where a session stands, and what it is told.
fn at(answer: &Answer) -> (&str, &str) {
    assert_eq!(answer.status.as_u16(), 200, "{:#}", answer.body);
    let step = &answer.body["step"];
    (step["id"].as_str().unwrap_or_default(), step["error"]["code"].as_str().unwrap_or_default())
}

/// Guesses wrong that often, one turn after the other. The session after it.
async fn guess(app: &TestApp, session: TestSession, step: &str, times: usize) -> TestSession {
    let mut session = session;
    for _ in 0..times {
        let answer = session.enter_code(app, step, WRONG).await;
        assert_eq!(at(&answer), (step, REFUSED));
        session = session.after(&answer);
    }
    session
}

/// Fails unless the house has been asked exactly this since the last time.
fn asked(house: &House, calls: &[&str]) {
    assert_eq!(house.take_calls(), calls);
}
