//! Attack 72: what a panic quotes. Its author may not know what is in it.

use landfall_tests::deployed::{self, Deployed, Sent};
use landfall_tests::falling::CONSTANT;
use landfall_tests::{Setup, TestApp, data, key};
use serde_json::{Value, json};

const PASSWORD: &str = "canary-of-the-unlucky";
const EMAIL: &str = "unlucky@example.org";

#[tokio::test]
async fn a_deployed_function_that_panics_does_not_tell_its_text() {
    let app = deployed::app_with(Setup::fall).await;
    let (one, two) = (app.start("migrate-from-falling").await, app.start("migrate-from-falling").await);
    let mut function = Deployed::start(&app, env!("CARGO_BIN_EXE_falling"), &[]).await;

    for (session, email) in [(&one, EMAIL), (&two, CONSTANT)] {
        let answer = function.invoke(&Sent::password(session, email, PASSWORD)).await;
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!((&answer["statusCode"], &body["code"]), (&json!(500), &json!("internal")), "{answer:#}");
        assert!(!answer.to_string().contains("fell"), "{answer:#}");
    }
    // It serves on.
    let answer = function.invoke(&Sent::json("/nowhere", None, &json!({}))).await;
    assert_eq!(answer["statusCode"], 404);
    let printed = function.stop();

    for secret in [PASSWORD, EMAIL, &one.token, &two.token, "has not the password"] {
        assert!(!printed.contains(secret), "{secret} is in {printed}");
    }
    let lines: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let panics: Vec<_> = lines.iter().filter(|line| line["event"] == "panicked").collect();
    assert_eq!(
        panics.iter().map(|line| &line["reason"]).collect::<Vec<_>>(),
        [&Value::Null, &json!("the provider fell over")]
    );
    for (panic, request) in panics.iter().zip(lines.iter().filter(|line| line["status"] == 500)) {
        assert!(panic["location"].as_str().unwrap().starts_with("tests/src/falling.rs:"), "{panic:#}");
        assert_eq!((&panic["span"]["id"], &request["code"]), (&request["span"]["id"], &json!("internal")));
        assert_eq!(
            (&request["reason"], &request["function"]),
            (&json!("the request's handler panicked"), &json!("falling"))
        );
    }
    assert_eq!(panics.len(), 2);
}

#[tokio::test]
async fn a_malformed_event_is_not_repeated() {
    let app = deployed::app().await;
    let mut function = Deployed::start(&app, env!("CARGO_BIN_EXE_falling"), &[]).await;
    for event in [
        json!({ "password": PASSWORD }),
        json!({ "version": "2.0", "rawPath": { "password": PASSWORD }, "requestContext": PASSWORD }),
        json!(PASSWORD),
    ] {
        let told = function.invoke_raw(event).await;
        assert!(!told.to_string().contains(PASSWORD), "{told:#}");
    }
    let printed = function.stop();
    assert!(!printed.contains(PASSWORD), "{printed}");
}

/// Where the process survives it, the next request finds everything as it was.
#[tokio::test]
async fn a_panic_is_an_internal_error_of_one_request() {
    let app = TestApp::with(Setup::fall).await;
    let session = app.start("migrate-from-falling").await;

    let answer = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await;

    assert_eq!((answer.status.as_u16(), answer.code()), (500, "internal"));
    assert!(!answer.text.contains(PASSWORD) && !app.logs().contains(PASSWORD));
    assert_eq!((answer.header("cache-control"), answer.header("x-request-id").is_empty()), ("no-store", false));
    app.log_in(landfall::demo::EMAIL, landfall::demo::PASSWORD).await;
    assert_eq!(app.users().await, 1);
}
