//! One-time codes: what a provider asks for after the password, what it sends instead of one, and what an app shows.

use chrono::TimeDelta;
use domain::Clock;
use insta::assert_json_snapshot;
use landfall_tests::house::{House, Person};
use landfall_tests::{Answer, Login, TestApp, TestSession, data, key};
use serde_json::{Value, json};
use simulators::keycloak::totp;

const ADA: Person = Person { email: "ada@house.example", password: "opens", after: &["sms_otp"], seed: "" };
const BOB: Person = Person { email: "bob@house.example", password: "opens", after: &["sms_otp", "totp"], seed: "app" };

async fn house() -> (TestApp, House) {
    TestApp::with_house(&[ADA, BOB]).await
}

/// After the password: the session that is asked for a code.
async fn challenged(app: &TestApp, person: Person) -> TestSession {
    let start = app.start("migrate-from-house").await;
    let answer = start.submit(app, &key(1), &data(person.email, person.password)).await.expect(200);
    assert_eq!(answer.body["step"]["type"], "answer_challenge", "{:#}", answer.body);
    start.after(&answer)
}

/// The session that waits for a code that was sent by mail.
async fn sent(app: &TestApp, to: &str) -> (TestSession, Answer) {
    let start = app.start("email-code-from-house").await;
    let answer = start.submit(app, &key(1), &json!({ "email": to })).await.expect(200);
    (start.after(&answer), answer)
}

fn error(answer: &Answer) -> &Value {
    &answer.body["step"]["error"]["code"]
}

fn options(answer: &Answer) -> Vec<&str> {
    let options = answer.body["step"]["options"].as_array().unwrap();
    options.iter().map(|option| option["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_code_after_the_password_completes_the_login() {
    let (app, house) = house().await;
    let session = challenged(&app, ADA).await;
    assert_eq!(app.users().await, 0);

    let answer = session.enter_code(&app, "factor", &house.last_code()).await.expect(200);

    let token = app.id_token(&Login::of(&session, &answer).code).await;
    assert_eq!((&token["email"], &token["amr"]), (&json!(ADA.email), &json!(["pwd", "sms"])));
    assert_eq!(app.users().await, 1);
    assert_eq!(house.take_calls(), ["/password", "/code"]);
}

#[tokio::test]
async fn a_code_instead_of_a_password_is_a_login() {
    let (app, house) = house().await;
    let (session, view) = sent(&app, ADA.email).await;
    assert_json_snapshot!(view.body["step"], @r#"
    {
      "data": {
        "challenge": {
          "digits": 6,
          "factor": "email_otp",
          "to": "a***",
          "type": "code"
        },
        "fields": [
          {
            "autocomplete": "one-time-code",
            "label": {
              "id": "field.code",
              "text": "One-time code"
            },
            "name": "code",
            "required": true,
            "type": "code"
          }
        ]
      },
      "id": "code",
      "options": [
        {
          "id": "submit",
          "kind": "client_input"
        },
        {
          "id": "resend",
          "kind": "resend"
        },
        {
          "id": "cancel",
          "kind": "cancel"
        }
      ],
      "type": "answer_challenge"
    }
    "#);
    // As people copy it.
    let code = house.last_code();
    let answer = session.enter_code(&app, "code", &format!(" {} {} ", &code[..3], &code[3..])).await.expect(200);
    let token = app.id_token(&Login::of(&session, &answer).code).await;
    assert_eq!((&token["email"], &token["amr"]), (&json!(ADA.email), &json!(["otp"])));
}

#[tokio::test]
async fn by_any_method_a_user_is_one_user() {
    let (app, house) = house().await;
    for _ in 0..2 {
        let session = challenged(&app, ADA).await;
        let answer = session.enter_code(&app, "factor", &house.last_code()).await.expect(200);
        Login::of(&session, &answer);
        let (session, _) = sent(&app, ADA.email).await;
        let answer = session.enter_code(&app, "code", &house.last_code()).await.expect(200);
        Login::of(&session, &answer);
    }
    assert_eq!((app.users().await, app.items_of("LINK#").await.len()), (1, 1));
}

#[tokio::test]
async fn one_factor_after_the_other_is_asked_for() {
    let (app, house) = house().await;
    let session = challenged(&app, BOB).await;
    let answer = session.enter_code(&app, "factor", &house.last_code()).await.expect(200);
    assert_eq!(
        answer.body["step"]["data"]["challenge"],
        json!({ "type": "code", "factor": "totp", "digits": 6, "to": null })
    );
    assert_eq!((options(&answer), app.users().await), (vec!["submit", "cancel"], 0));
    let next = session.after(&answer);
    assert_ne!(next.token, session.token);

    let answer = next.enter_code(&app, "factor", &totp("app", app.clock.now())).await.expect(200);
    let token = app.id_token(&Login::of(&next, &answer).code).await;
    assert_eq!(token["amr"], json!(["otp", "pwd", "sms"]));
}

#[tokio::test]
async fn after_five_wrong_codes_the_journey_goes_on() {
    let (app, house) = house().await;
    let mut session = challenged(&app, ADA).await;
    for _ in 0..4 {
        let answer = session.enter_code(&app, "factor", "000000").await.expect(200);
        assert_eq!((&answer.body["step"]["id"], error(&answer)), (&json!("factor"), &json!("invalid_credentials")));
        session = session.after(&answer);
    }
    let answer = session.enter_code(&app, "factor", "000000").await.expect(200);
    assert_eq!((&answer.body["step"]["id"], error(&answer)), (&json!("ask"), &json!("invalid_credentials")));
    assert_eq!(house.take_calls().len(), 6);

    // From the beginning, the way is open.
    let session = challenged(&app, ADA).await;
    let answer = session.enter_code(&app, "factor", &house.last_code()).await.expect(200);
    Login::of(&session, &answer);
}

#[tokio::test]
async fn a_new_code_replaces_the_last_three_times() {
    let (app, house) = house().await;
    let (mut session, view) = sent(&app, ADA.email).await;
    let first = house.last_code();
    assert_eq!(options(&view), ["submit", "resend", "cancel"]);
    for round in 1..=3 {
        let answer = session.choose(&app, "code", "resend", &key(round + 10)).await.expect(200);
        assert_eq!(answer.body["step"]["id"], "code");
        assert_eq!(options(&answer).contains(&"resend"), round < 3);
        session = session.after(&answer);
    }
    assert_eq!(house.sent().len(), 4);
    session.choose(&app, "code", "resend", &key(20)).await.expect(422);

    let answer = session.enter_code(&app, "code", &first).await.expect(200);
    assert_eq!(error(&answer), "invalid_credentials");
    let session = session.after(&answer);
    let answer = session.enter_code(&app, "code", &house.last_code()).await.expect(200);
    Login::of(&session, &answer);
}

#[tokio::test]
async fn a_code_too_late_leads_back_to_the_start() {
    let (app, house) = house().await;
    let session = challenged(&app, ADA).await;
    app.clock.advance(TimeDelta::minutes(3));
    let answer = session.enter_code(&app, "factor", &house.last_code()).await.expect(200);
    assert_eq!((&answer.body["step"]["id"], error(&answer)), (&json!("ask"), &json!("invalid_credentials")));
}

#[tokio::test]
async fn input_that_is_no_code_is_not_sent() {
    let (app, house) = house().await;
    let session = challenged(&app, ADA).await;
    house.take_calls();
    for (data, field, problem) in [
        (json!({}), "code", "required"),
        (json!({ "code": "  " }), "code", "required"),
        (json!({ "code": "1".repeat(65) }), "code", "too_long"),
        (json!({ "code": "123456", "password": "x" }), "password", "unknown"),
    ] {
        let answer = session.fill_in(&app, "factor", &key(9), &data).await.expect(422);
        assert_eq!(answer.body["fields"], json!([{ "name": field, "code": problem }]));
    }
    session.choose(&app, "factor", "restart", &key(9)).await.expect(422);
    assert_eq!(house.take_calls(), Vec::<String>::new());
    let answer = session.enter_code(&app, "factor", &house.last_code()).await.expect(200);
    Login::of(&session, &answer);
}

#[tokio::test]
async fn a_reload_shows_the_same_question_and_cancelling_ends_it() {
    let (app, _house) = house().await;
    let session = challenged(&app, ADA).await;
    let view = session.view(&app).await.expect(200);
    assert_eq!(view.body["step"]["data"]["challenge"]["to"], "a***");
    let answer = session.choose(&app, "factor", "cancel", &key(3)).await.expect(200);
    assert_eq!((&answer.body["status"], app.users().await), (&json!("rejected"), 0));
    assert!(app.items_of("SESSION#").await.iter().all(|item| !item.to_string().contains("pending")));
}

#[tokio::test]
async fn a_connector_switched_off_meanwhile_signs_no_user_in() {
    let (app, house) = house().await;
    let session = challenged(&app, ADA).await;
    app.switch_off("house").await;
    app.clock.advance(TimeDelta::seconds(61));
    house.take_calls();
    let answer = session.enter_code(&app, "factor", &house.last_code()).await.expect(200);
    assert_eq!((&answer.body["rejection"]["code"], app.users().await), (&json!("try_later"), 0));
    assert_eq!(house.take_calls(), Vec::<String>::new());
}

#[tokio::test]
async fn a_returning_users_code_costs_three_write_units() {
    let (app, house) = house().await;
    for round in 0..2 {
        let session = challenged(&app, ADA).await;
        app.calls.take();
        let answer = session.enter_code(&app, "factor", &house.last_code()).await.expect(200);
        Login::of(&session, &answer);
        let calls = app.calls.take();
        if round > 0 {
            let names: Vec<_> = calls.iter().map(|call| call.operation.as_str()).collect();
            assert_eq!(names, ["UpdateItem", "UpdateItem", "UpdateItem", "POST /code", "GetItem", "PutItem"]);
            assert_eq!(calls.iter().map(|call| call.write_units).sum::<f64>(), 3.0);
        }
    }
}
