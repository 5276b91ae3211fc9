//! A provider that is away while it asks for a code: what was asked stands, and no guess is counted.

use landfall_tests::house::{House, Person};
use landfall_tests::proxy::{Fault, Lasting, Trap};
use landfall_tests::{Answer, Login, TestApp, TestSession, changed, data, key};
use serde_json::{Value, json};

use crate::time::Time;

const ADA: Person = Person { email: "ada@house.example", password: "opens", after: &["sms_otp"], seed: "" };

/// Ways in which the house never sees a call.
const UNSEEN: [Fault; 5] = [Fault::Refused, Fault::CutBefore, Fault::ServerError, Fault::Throttled, Fault::Silence];
/// Ways in which it does what it is asked, and the answer is lost.
const UNHEARD: [Fault; 2] = [Fault::CutAfter, Fault::SilenceAfter];

const JOURNEY: &str = "migrate-from-house";
/// The same, but the question is asked again while the provider is away.
const PATIENT: &str = "patient";

async fn house() -> (TestApp, House) {
    let document = include_str!("../../../infra/landfall/demo/password.yaml").replace("{connector}", "house");
    let patient = [
        ("id: migrate-from-house", "id: patient"),
        (
            "unavailable: later, cancelled: cancelled }\n  # What it only",
            "unavailable: factor, cancelled: cancelled }\n  # What it only",
        ),
    ];
    TestApp::with_house_and(&[ADA], |setup| setup.journeys.push(changed(&document, &patient))).await
}

/// The session that is asked for a code.
async fn challenged(app: &TestApp, journey: &str) -> TestSession {
    let start = app.start(journey).await;
    let answer = start.submit(app, &key(1), &data(ADA.email, ADA.password)).await.expect(200);
    assert_eq!(answer.body["step"]["id"], "factor", "{:#}", answer.body);
    start.after(&answer)
}

/// Takes an option, and the call to the house meets a fault.
async fn strike(app: &TestApp, time: &Time, fault: Fault, session: &TestSession, option: &str, code: &str) -> Answer {
    let mut body = json!({ "turn": session.turn, "key": key(90), "option": option });
    if option == "submit" {
        body["data"] = json!({ "code": code });
    }
    let trap = Trap { request: 0, call: 1, service: "provider", fault, lasting: Lasting::Request };
    time.strike(app, trap, session.submit_to(app, "factor", &body)).await.expect(200)
}

fn at(answer: &Answer) -> (&Value, &Value) {
    (&answer.body["step"]["id"], &answer.body["step"]["error"]["code"])
}

#[tokio::test]
async fn an_outage_at_a_code_ends_the_journey_as_written() {
    let time = Time::stop();
    for fault in UNSEEN.into_iter().chain(UNHEARD) {
        let (app, house) = house().await;
        let session = challenged(&app, JOURNEY).await;
        let answer = strike(&app, &time, fault, &session, "submit", &house.last_code()).await;
        let retry_after = if fault == Fault::Throttled { json!(7) } else { Value::Null };
        assert_eq!(answer.body["status"], "rejected", "{fault:?}");
        assert_eq!(answer.body["rejection"]["code"], "try_later", "{fault:?}");
        assert_eq!(answer.body["rejection"]["retry_after"], retry_after, "{fault:?}");
        assert_eq!(app.users().await, 0);
    }
}

#[tokio::test]
async fn a_code_the_provider_never_saw_stays_good() {
    let time = Time::stop();
    for fault in UNSEEN {
        let (app, house) = house().await;
        let mut session = challenged(&app, PATIENT).await;
        let code = house.last_code();
        for _ in 0..4 {
            let wrong = session.enter_code(&app, "factor", "000000").await.expect(200);
            session = session.after(&wrong);
        }
        // The fifth wrong one would have been the last.
        let away = strike(&app, &time, fault, &session, "submit", "000000").await;
        assert_eq!(at(&away), (&json!("factor"), &json!("provider_unavailable")), "{fault:?}");
        assert!(!away.text.contains("house.example") && !away.text.contains("500"), "{}", away.text);
        house.take_calls();

        let session = session.after(&away);
        let login = Login::of(&session, &session.enter_code(&app, "factor", &code).await.expect(200));
        assert_eq!(app.id_token(&login.code).await["email"], ADA.email);
        assert_eq!(house.take_calls(), ["/code"], "{fault:?}");
    }
}

#[tokio::test]
async fn a_code_taken_with_a_lost_answer_is_spent() {
    let time = Time::stop();
    for fault in UNHEARD {
        let (app, house) = house().await;
        let session = challenged(&app, PATIENT).await;
        let code = house.last_code();
        let away = strike(&app, &time, fault, &session, "submit", &code).await;
        assert_eq!(at(&away), (&json!("factor"), &json!("provider_unavailable")), "{fault:?}");
        let session = session.after(&away);
        // It was sent once; whether it is sent again is the user's to say.
        assert_eq!(house.take_calls(), ["/password", "/code"]);
        let spent = session.enter_code(&app, "factor", &code).await.expect(200);
        assert_eq!(at(&spent), (&json!("ask"), &json!("invalid_credentials")), "{fault:?}");
        assert_eq!(app.users().await, 0);

        let session = session.after(&spent);
        let answer = session.submit(&app, &key(50), &data(ADA.email, ADA.password)).await.expect(200);
        let session = session.after(&answer);
        Login::of(&session, &session.enter_code(&app, "factor", &house.last_code()).await.expect(200));
    }
}

#[tokio::test]
async fn a_code_that_cannot_be_sent_leaves_the_last_good() {
    let time = Time::stop();
    for fault in UNSEEN {
        for journey in [JOURNEY, PATIENT] {
            let (app, house) = house().await;
            let mut session = challenged(&app, journey).await;
            let code = house.last_code();
            // Each counts, whatever came of it: it is not known which messages went out.
            for _ in 0..2 {
                let answer = strike(&app, &time, fault, &session, "resend", "").await;
                assert_eq!(at(&answer), (&json!("factor"), &json!("provider_unavailable")), "{fault:?}");
                assert_eq!(answer.body["step"]["options"][1]["id"], "resend");
                let wait = if fault == Fault::Throttled { json!(7) } else { Value::Null };
                assert_eq!(answer.body["retry_after"], wait, "{fault:?}");
                session = session.after(&answer);
            }
            assert_eq!(house.sent().len(), 1);
            if journey == JOURNEY {
                let login = session.enter_code(&app, "factor", &code).await.expect(200);
                Login::of(&session, &login);
                continue;
            }
            let answer = session.choose(&app, "factor", "resend", &key(60)).await.expect(200);
            assert_eq!((at(&answer), house.sent().len()), ((&json!("factor"), &Value::Null), 2));
            assert_eq!(answer.body["step"]["options"][1]["id"], "cancel");
            let session = session.after(&answer);
            Login::of(&session, &session.enter_code(&app, "factor", &house.last_code()).await.expect(200));
        }
    }
}

#[tokio::test]
async fn a_code_that_cannot_be_sent_looks_alike_for_all() {
    let time = Time::stop();
    for fault in [Fault::Refused, Fault::ServerError, Fault::Throttled] {
        let (app, _house) = house().await;
        // What an instance reads once, it has read.
        let warm = app.start("email-code-from-house").await;
        warm.submit(&app, &key(1), &json!({ "email": ADA.email })).await.expect(200);
        let mut seen = Vec::new();
        for email in [ADA.email, "amy@house.example"] {
            let session = app.start("email-code-from-house").await;
            let body = json!({ "email": email });
            let trap = Trap { request: 0, call: 1, service: "provider", fault, lasting: Lasting::Request };
            let answer = time.strike(&app, trap, session.submit(&app, &key(1), &body)).await.expect(200);
            seen.push((answer.body["status"].clone(), answer.body["rejection"].clone()));
        }
        assert_eq!((&seen[0], &seen[0].1["code"]), (&seen[1], &json!("try_later")), "{fault:?}");
    }
}
