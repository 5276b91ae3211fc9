//! What a provider asks besides codes: a choice of factors, a confirmation on another device, a new password.

use chrono::TimeDelta;
use domain::Clock;
use insta::assert_json_snapshot;
use landfall_tests::house::{House, Person};
use landfall_tests::{Answer, Login, TestApp, TestSession, data, key};
use serde_json::{Value, json};
use simulators::keycloak::totp;

const PASSWORD: &str = "opens";

/// The session of a user of whom the house asks this after the password.
async fn asked(after: &'static [&'static str]) -> (TestApp, House, TestSession, Answer) {
    let ada = Person { email: "ada@house.example", password: PASSWORD, after, seed: "app" };
    let (app, house) = TestApp::with_house(&[ada]).await;
    let start = app.start("migrate-from-house").await;
    let answer = start.submit(&app, &key(1), &data(ada.email, ada.password)).await.expect(200);
    assert_eq!(answer.body["step"]["type"], "answer_challenge", "{:#}", answer.body);
    house.take_calls();
    let session = start.after(&answer);
    (app, house, session, answer)
}

async fn give(app: &TestApp, session: &TestSession, data: Value) -> Answer {
    session.fill_in(app, "factor", &format!("{:032x}", session.turn), &data).await
}

async fn poll(app: &TestApp, session: &TestSession) -> Answer {
    session.choose(app, "factor", "poll", &format!("{:032x}", session.turn)).await.expect(200)
}

fn error(answer: &Answer) -> &Value {
    &answer.body["step"]["error"]["code"]
}

fn challenge(answer: &Answer) -> &Value {
    &answer.body["step"]["data"]["challenge"]
}

#[tokio::test]
async fn a_user_chooses_a_factor_and_answers_it() {
    let (app, house, session, view) = asked(&["choice"]).await;
    assert_json_snapshot!(view.body["step"], @r#"
    {
      "data": {
        "challenge": {
          "type": "choose"
        },
        "fields": [
          {
            "autocomplete": "off",
            "choices": [
              {
                "factor": "sms_otp",
                "label": {
                  "id": "factor.sms_otp",
                  "text": "Code by SMS"
                },
                "to": "a***",
                "value": "1"
              },
              {
                "factor": "totp",
                "label": {
                  "id": "factor.totp",
                  "text": "Authenticator app"
                },
                "to": null,
                "value": "2"
              }
            ],
            "label": {
              "id": "field.choice",
              "text": "How do you want to confirm that it is you?"
            },
            "name": "choice",
            "required": true,
            "type": "choice"
          }
        ]
      },
      "id": "factor",
      "options": [
        {
          "id": "submit",
          "kind": "client_input"
        },
        {
          "id": "cancel",
          "kind": "cancel"
        }
      ],
      "type": "answer_challenge"
    }
    "#);

    for (chosen, problem) in [
        (json!({}), "required"),
        (json!({ "choice": "3" }), "unknown"),
        (json!({ "choice": "0" }), "unknown"),
        (json!({ "choice": "totp" }), "unknown"),
    ] {
        let answer = give(&app, &session, chosen).await.expect(422);
        assert_eq!(answer.body["fields"], json!([{ "name": "choice", "code": problem }]));
    }
    assert_eq!(house.take_calls(), Vec::<String>::new());

    let answer = give(&app, &session, json!({ "choice": "2" })).await.expect(200);
    assert_eq!(challenge(&answer)["factor"], "totp");
    let next = session.after(&answer);
    assert_ne!(next.token, session.token);
    let answer = next.enter_code(&app, "factor", &totp("app", app.clock.now())).await.expect(200);
    let token = app.id_token(&Login::of(&next, &answer).code).await;
    // A choice alone proves nothing.
    assert_eq!(token["amr"], json!(["otp", "pwd"]));
    assert_eq!(house.take_calls(), ["/choose", "/code"]);
}

#[tokio::test]
async fn a_confirmation_on_the_phone_is_polled_for() {
    let (app, house, mut session, view) = asked(&["push"]).await;
    assert_json_snapshot!(view.body["step"], @r#"
    {
      "data": {
        "challenge": {
          "every": 5,
          "number": "42",
          "to": "Ada's phone",
          "type": "wait"
        },
        "fields": []
      },
      "id": "factor",
      "options": [
        {
          "id": "poll",
          "kind": "poll"
        },
        {
          "id": "cancel",
          "kind": "cancel"
        }
      ],
      "type": "answer_challenge"
    }
    "#);
    // Too early: the provider is not asked.
    for _ in 0..3 {
        let answer = poll(&app, &session).await;
        assert_eq!((challenge(&answer)["type"].as_str(), error(&answer)), (Some("wait"), &Value::Null));
        session = session.after(&answer);
    }
    assert_eq!(house.take_calls(), Vec::<String>::new());

    app.clock.advance(TimeDelta::seconds(5));
    let answer = poll(&app, &session).await;
    assert_eq!((challenge(&answer)["type"].as_str(), error(&answer)), (Some("wait"), &Value::Null));
    assert_eq!(app.users().await, 0);
    session = session.after(&answer);

    house.confirm(true);
    app.clock.advance(TimeDelta::seconds(5));
    let answer = poll(&app, &session).await;
    let token = app.id_token(&Login::of(&session, &answer).code).await;
    assert_eq!(token["amr"], json!(["pwd", "swk"]));
    assert_eq!(house.take_calls(), ["/poll", "/poll"]);
}

#[tokio::test]
async fn a_user_who_declines_on_the_phone_is_not_signed_in() {
    let (app, house, session, _) = asked(&["push"]).await;
    house.confirm(false);
    app.clock.advance(TimeDelta::seconds(5));
    let answer = poll(&app, &session).await;
    assert_eq!((&answer.body["step"]["id"], error(&answer)), (&json!("ask"), &json!("declined")));
    assert_eq!(app.users().await, 0);
}

#[tokio::test]
async fn a_new_password_that_the_provider_refuses_is_asked_for_again() {
    let (app, house, mut session, view) = asked(&["new_password"]).await;
    assert_json_snapshot!(view.body["step"]["data"], @r#"
    {
      "challenge": {
        "type": "new_password"
      },
      "fields": [
        {
          "autocomplete": "current-password",
          "label": {
            "id": "field.current_password",
            "text": "Current password"
          },
          "name": "current_password",
          "required": true,
          "type": "password"
        },
        {
          "autocomplete": "new-password",
          "label": {
            "id": "field.new_password",
            "text": "New password"
          },
          "name": "new_password",
          "required": true,
          "type": "password"
        }
      ]
    }
    "#);
    let answer = give(&app, &session, json!({ "new_password": "long enough now" })).await.expect(422);
    assert_eq!(answer.body["fields"], json!([{ "name": "current_password", "code": "required" }]));

    let short = json!({ "current_password": PASSWORD, "new_password": "short" });
    let answer = give(&app, &session, short).await.expect(200);
    assert_eq!(
        (challenge(&answer)["type"].as_str(), error(&answer)),
        (Some("new_password"), &json!("password_refused"))
    );
    session = session.after(&answer);

    let long = json!({ "current_password": PASSWORD, "new_password": "long enough now" });
    let answer = give(&app, &session, long).await.expect(200);
    let token = app.id_token(&Login::of(&session, &answer).code).await;
    assert_eq!(token["amr"], json!(["pwd"]));
    assert_eq!(house.take_calls(), ["/new-password", "/new-password"]);
    let kept = app.items_of("").await.iter().map(Value::to_string).collect::<String>();
    assert!(!kept.contains("long enough") && !kept.contains(PASSWORD));
}

#[tokio::test]
async fn five_refused_passwords_end_the_question() {
    let (app, _house, mut session, _) = asked(&["new_password"]).await;
    for round in 1..=5 {
        let short = json!({ "current_password": PASSWORD, "new_password": "short" });
        let answer = give(&app, &session, short).await.expect(200);
        let expected = if round < 5 { ("factor", "password_refused") } else { ("ask", "interaction_required") };
        assert_eq!((&answer.body["step"]["id"], error(&answer)), (&json!(expected.0), &json!(expected.1)));
        session = session.after(&answer);
    }
}

/// Attack 91: what is guessed beside a new password counts as an attempt at the account.
#[tokio::test]
async fn a_wrong_current_password_is_counted_as_a_guess() {
    let (app, house, session, _) = asked(&["new_password"]).await;
    let wrong = json!({ "current_password": "wrong", "new_password": "long enough now" });
    app.calls.take();
    let answer = give(&app, &session, wrong).await.expect(200);
    assert_eq!((&answer.body["step"]["id"], error(&answer)), (&json!("ask"), &json!("invalid_credentials")));
    // The last write before the commit records that the attempt was wrong.
    let calls: Vec<_> = app.calls.take().iter().map(|call| call.operation.clone()).collect();
    assert_eq!(calls, ["UpdateItem", "UpdateItem", "UpdateItem", "POST /new-password", "UpdateItem", "PutItem"]);
    assert_eq!(house.take_calls(), ["/new-password"]);
}
