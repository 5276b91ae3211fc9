//! Passwords of every kind (attack 61): sent byte for byte, or not at all.

use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::sent::post_json;
use landfall_tests::witness::{Witness, directory};
use landfall_tests::{TestApp, data, key};
use serde_json::json;

const JOURNEY: &str = "migrate-from-keycloak";

#[tokio::test]
async fn a_password_reaches_the_provider_byte_for_byte() {
    let app = TestApp::new().await;
    let long = |end: &str| format!("{}{end}", "x".repeat(72));
    let passwords = [
        long("a").as_str(),
        &"\u{1f980}".repeat(1024),
        "nul\0inside",
        "\0",
        " leading and trailing ",
        "\t\r\n",
        "   ",
        "u\u{308}mlaut",
        "\u{fc}mlaut",
        "\u{feff}mark\u{202e}",
        "a+b&c=d%20e;f#g",
        "%00%ff",
        "\"quoted\\\"",
        "${params.plan} {{ 7 * 7 }}",
    ]
    .map(str::to_owned);
    for password in &passwords {
        println!("{password:?}");
        app.keycloak().change_user("demo", "ada", |ada| ada.password(password)).unwrap();

        app.log_in(EMAIL, password).await;

        let sent = app.subject.requests().pop().unwrap();
        assert_eq!(sent.password(), Some(password.as_bytes()));
        assert_eq!(sent.username(), Some(EMAIL.as_bytes()));
    }
}

#[tokio::test]
async fn a_password_that_is_almost_the_right_one_is_wrong() {
    let app = TestApp::new().await;
    let long = |end: &str| format!("{}{end}", "x".repeat(72));
    for (right, almost) in [
        (long("a"), long("b")),
        (long("a"), long("")),
        ("nul\0inside".into(), "nul".into()),
        ("blanks".into(), " blanks ".into()),
        ("u\u{308}mlaut".into(), "\u{fc}mlaut".into()),
        ("Case".into(), "case".into()),
    ] {
        app.keycloak().change_user("demo", "ada", |ada| ada.password(&right)).unwrap();
        let session = app.start(JOURNEY).await;

        let answer = session.submit(&app, &key(1), &data(EMAIL, &almost)).await.expect(200);

        assert_eq!(answer.body["step"]["error"]["code"], "invalid_credentials", "{almost:?}");
        assert_eq!(directory(&app).await.len(), 0);
    }
}

#[tokio::test]
async fn a_password_that_cannot_be_sent_unchanged_is_refused() {
    let app = TestApp::new().await;
    let session = app.start(JOURNEY).await;
    let mut witness = Witness::of(&app, &[&session.token]).await;
    let path = format!("/v1/sessions/{}/steps/ask", session.id);
    let post = |password: &[u8]| {
        let before =
            format!(r#"{{"turn":1,"key":"{}","option":"submit","data":{{"email":"{EMAIL}","password":""#, key(1));
        [before.as_bytes(), password, br#""}}"#].concat()
    };
    // Half a surrogate pair, and bytes that are no UTF-8.
    for password in [br"\ud800".as_slice(), b"\xff\xfe", b"a\0"] {
        let answer = app.send(post_json(&path, Some(&session.token), post(password))).await;
        witness.refused(&answer, 400, "invalid_request").await;
    }
    for (password, problem) in [("x".repeat(4097), "too_long"), (String::new(), "required")] {
        let answer = session.submit(&app, &key(1), &data(EMAIL, &password)).await;
        witness.refused(&answer, 422, "invalid_input").await;
        assert_eq!(answer.body["fields"], json!([{ "name": "password", "code": problem }]));
    }
    for password in [json!(1), json!(null), json!([PASSWORD]), json!({ "$eq": PASSWORD }), json!(true)] {
        let answer = session.submit(&app, &key(1), &json!({ "email": EMAIL, "password": password })).await;
        witness.refused(&answer, 400, "invalid_request").await;
    }
}
