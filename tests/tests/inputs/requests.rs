//! Requests of the wrong form. What an attacker would send is in `attacks`.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Request};
use insta::assert_snapshot;
use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::sent::{post_form, post_json, token_form};
use landfall_tests::{TestApp, TestSession, data, key, submission};
use serde_json::{Value, json};

use crate::refusal::{changed, refuse};

const START: &str = "/v1/journeys/migrate-from-keycloak/start";

/// A session that waits for its first answer, and where that goes.
async fn waiting() -> (TestApp, TestSession, String) {
    let app = TestApp::new().await;
    let session = app.start("migrate-from-keycloak").await;
    let path = format!("/v1/sessions/{}/steps/ask", session.id);
    (app, session, path)
}

/// What a user answers the first turn with.
fn answer() -> Value {
    submission(1, &key(1), &data(EMAIL, PASSWORD))
}

/// Each change of a good body, and how it is refused.
type Table = Vec<(&'static str, Option<Value>, &'static str)>;

const NOT_THE_FORM: &str = "400 invalid_request";

#[tokio::test]
async fn a_start_of_the_wrong_form_is_refused() {
    let app = TestApp::new().await;
    let mut table: Table = vec![
        ("/request", None, NOT_THE_FORM),
        ("/parms", Some(json!({})), NOT_THE_FORM),
        ("/request/client_id", None, NOT_THE_FORM),
        ("/request/client_id", Some(Value::Null), NOT_THE_FORM),
        ("/request/client_id", Some(json!("no client id")), NOT_THE_FORM),
        ("/request/response_type", Some(json!("token")), NOT_THE_FORM),
    ];
    for wrong in [json!(1), json!("demo"), json!([]), json!(true), Value::Null] {
        table.push(("/request", Some(wrong), NOT_THE_FORM));
    }
    for text in [
        "/request/client_id",
        "/request/redirect_uri",
        "/request/response_type",
        "/request/scope",
        "/request/nonce",
        "/request/code_challenge",
        "/request/code_challenge_method",
        "/request/login_hint",
        "/request/idp_hint",
        "/request/ui_locales",
        "/request/prompt",
        "/request/acr_values",
    ] {
        for wrong in [json!(1), json!(["demo"]), json!({}), json!(true)] {
            table.push((text, Some(wrong), NOT_THE_FORM));
        }
    }
    for optional in
        ["/request/scope", "/request/nonce", "/request/login_hint", "/request/idp_hint", "/request/ui_locales"]
    {
        table.push((optional, Some(json!("x".repeat(1025))), NOT_THE_FORM));
    }

    for (pointer, value, expected) in table {
        let case = format!("{pointer} = {value:?}");
        let body = changed(TestApp::start_body(), pointer, value);
        assert_eq!(refuse(&app, post_json(START, None, body.to_string())).await, expected, "{case}");
    }
}

/// RFC 6749 section 3.1: what an authorization request has beyond what is known is ignored; `null` is nothing.
#[tokio::test]
async fn an_authorization_request_may_say_more_than_is_known() {
    let app = TestApp::new().await;
    let body = changed(TestApp::start_body(), "/request/claims_locales", Some(json!(["de"])));
    let body = changed(body, "/request/login_hint", Some(Value::Null));
    app.try_start("migrate-from-keycloak", &body).await.expect(201);
}

#[tokio::test]
async fn a_submit_of_the_wrong_form_is_refused() {
    let (app, session, path) = waiting().await;
    let mut table: Table = vec![
        ("/turn", None, NOT_THE_FORM),
        ("/turn", Some(json!("1")), NOT_THE_FORM),
        ("/turn", Some(json!(-1)), NOT_THE_FORM),
        ("/turn", Some(json!(1.5)), NOT_THE_FORM),
        ("/turn", Some(json!(4_294_967_297_u64)), NOT_THE_FORM),
        ("/key", None, NOT_THE_FORM),
        ("/key", Some(json!("x".repeat(21))), NOT_THE_FORM),
        ("/key", Some(json!("x".repeat(129))), NOT_THE_FORM),
        ("/key", Some(json!("a key with blanks in its middle")), NOT_THE_FORM),
        ("/option", None, NOT_THE_FORM),
        ("/data", Some(json!("ada")), NOT_THE_FORM),
        ("/data", Some(json!([EMAIL, PASSWORD])), NOT_THE_FORM),
        ("/admin", Some(json!(true)), NOT_THE_FORM),
        ("/session_token", Some(json!("mine")), NOT_THE_FORM),
        ("/data/email", Some(json!({ "$ne": null })), NOT_THE_FORM),
        ("/data/password", Some(json!(["a", "b"])), NOT_THE_FORM),
    ];
    for pointer in ["/turn", "/key", "/option", "/data", "/data/email", "/data/password"] {
        for wrong in [json!(true), json!([]), Value::Null] {
            table.push((pointer, Some(wrong), NOT_THE_FORM));
        }
    }
    for pointer in ["/key", "/option", "/data", "/data/email", "/data/password"] {
        table.push((pointer, Some(json!(1)), NOT_THE_FORM));
    }

    for (pointer, value, expected) in table {
        let case = format!("{pointer} = {value:?}");
        let body = changed(answer(), pointer, value);
        let request = post_json(&path, Some(&session.token), body.to_string());
        assert_eq!(refuse(&app, request).await, expected, "{case}");
    }
}

#[tokio::test]
async fn bad_input_is_told_field_by_field() {
    let (app, session, path) = waiting().await;
    let submit = async |pointer: &str, value: Option<Value>| {
        let body = changed(answer(), pointer, value);
        refuse(&app, post_json(&path, Some(&session.token), body.to_string())).await
    };
    assert_snapshot!(submit("/option", Some(json!("sign-in"))).await, @"422 invalid_input option: unknown");
    assert_snapshot!(submit("/option", Some(json!(""))).await, @"422 invalid_input option: unknown");
    assert_snapshot!(submit("/data", None).await, @"422 invalid_input email: required, password: required");
    assert_snapshot!(submit("/data", Some(json!({}))).await, @"422 invalid_input email: required, password: required");
    assert_snapshot!(submit("/data/email", None).await, @"422 invalid_input email: required");
    assert_snapshot!(submit("/data/email", Some(json!("  "))).await, @"422 invalid_input email: required");
    assert_snapshot!(submit("/data/email", Some(json!("ada"))).await, @"422 invalid_input email: not_an_email");
    assert_snapshot!(submit("/data/email", Some(json!("ada@example.org\nbcc: x"))).await, @"422 invalid_input email: not_an_email");
    assert_snapshot!(submit("/data/email", Some(json!(format!("{}@example.org", "a".repeat(243))))).await, @"422 invalid_input email: too_long");
    assert_snapshot!(submit("/data/password", None).await, @"422 invalid_input password: required");
    assert_snapshot!(submit("/data/password", Some(json!(""))).await, @"422 invalid_input password: required");
    assert_snapshot!(submit("/data/password", Some(json!("x".repeat(4097)))).await, @"422 invalid_input password: too_long");
    assert_snapshot!(submit("/data/otp", Some(json!("123456"))).await, @"422 invalid_input otp: unknown");
    let everything = json!({ "email": "ada", "admin": "true" });
    assert_snapshot!(submit("/data", Some(everything)).await, @"422 invalid_input admin: unknown, email: not_an_email, password: required");
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let (app, session, path) = waiting().await;
    let nested = format!("{{\"data\":{}1{}}}", "[".repeat(1000), "]".repeat(1000));
    let (good, start) = (answer(), TestApp::start_body());
    // Members by position would change their meaning with the next member that is added.
    let by_position = json!([good["turn"], good["key"], good["option"], good["data"]]).to_string();
    let start_by_position = json!([start["request"], start["params"]]).to_string();
    let good = good.to_string();
    let twice = format!("{{\"turn\":1,{}", &good[1..]);
    let bodies: &[&[u8]] = &[
        b"",
        b" ",
        b"{",
        b"null",
        b"1",
        b"\"start\"",
        b"[]",
        b"[{}]",
        b"turn=1&option=submit",
        b"{'turn':1}",
        b"{\"turn\":1,}",
        b"\xff\xfe{}",
        b"{\"option\":\"\xff\"}",
        b"{\"option\":\"\\ud800\"}",
        &[good.as_bytes(), b"{}"].concat(),
        twice.as_bytes(),
        nested.as_bytes(),
        by_position.as_bytes(),
        start_by_position.as_bytes(),
    ];
    for body in bodies {
        let body = body.to_vec();
        let case = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(refuse(&app, post_json(START, None, body.clone())).await, NOT_THE_FORM, "start {case}");
        let submit = post_json(&path, Some(&session.token), body);
        assert_eq!(refuse(&app, submit).await, NOT_THE_FORM, "submit {case}");
    }
}

#[tokio::test]
async fn an_ill_formed_id_names_nothing() {
    let (app, session, _) = waiting().await;
    let token = Some(session.token.as_str());
    let (id, lower) = (&session.id, session.id.to_lowercase());
    for path in [
        format!("/v1/journeys/{}/start", "a".repeat(65)),
        "/v1/journeys/-a/start".into(),
        "/v1/journeys/a%20b/start".into(),
        "/v1/journeys/a%2Fb/start".into(),
        "/v1/journeys/%FF/start".into(),
        "/v1/journeys/..%2Fconnectors/start".into(),
        "/v1/sessions/ses_/steps/ask".into(),
        "/v1/sessions/usr_01ARZ3NDEKTSV4RRFFQ69G5FAV/steps/ask".into(),
        format!("/v1/sessions/{lower}/steps/ask"),
        format!("/v1/sessions/{id}%00/steps/ask"),
        format!("/v1/sessions/{id}/steps/Ask"),
        format!("/v1/sessions/{id}/steps/a-b"),
        format!("/v1/sessions/{id}/steps/{}", "a".repeat(65)),
        format!("/v1/sessions/{id}/steps/ask%23"),
    ] {
        assert_eq!(refuse(&app, post_json(&path, token, answer().to_string())).await, "404 unknown_route", "{path}");
    }
}

#[tokio::test]
async fn unknown_routes_and_methods_are_told_apart() {
    let (app, session, submit) = waiting().await;
    let look = format!("/v1/sessions/{}", session.id);
    let send = async |method: Method, path: &str| {
        let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json");
        refuse(&app, request.body(Body::from("{}")).unwrap()).await
    };
    for path in [
        "/",
        "/v1",
        "/v1/journeys",
        "/v1/journeys/migrate-from-keycloak",
        "/v1/journeys/migrate-from-keycloak/start/",
        "/v1//journeys/migrate-from-keycloak/start",
        "/V1/journeys/migrate-from-keycloak/start",
        "/v2/journeys/migrate-from-keycloak/start",
        "/v1/sessions",
        "/oauth2",
        "/.env",
    ] {
        assert_eq!(send(Method::POST, path).await, "404 unknown_route", "{path}");
    }
    for (method, path, allowed) in [
        (Method::GET, START, "POST,OPTIONS"),
        (Method::DELETE, START, "POST,OPTIONS"),
        (Method::GET, &submit, "POST,OPTIONS"),
        (Method::PUT, &submit, "POST,OPTIONS"),
        (Method::POST, &look, "GET,HEAD,OPTIONS"),
        (Method::DELETE, &look, "GET,HEAD,OPTIONS"),
        (Method::GET, "/oauth2/token", "POST,OPTIONS"),
        (Method::POST, "/oauth2/jwks", "GET,HEAD"),
        (Method::TRACE, "/oauth2/jwks", "GET,HEAD"),
    ] {
        assert_eq!(send(method.clone(), path).await, "405 method_not_allowed", "{method} {path}");
        // RFC 9110 section 15.5.6.
        let request = Request::builder().method(method.clone()).uri(path).body(Body::empty()).unwrap();
        assert_eq!(app.send(request).await.header("allow"), allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn a_token_request_without_a_parameter_spends_no_code() {
    let app = TestApp::new().await;
    let code = app.log_in(EMAIL, PASSWORD).await.code;
    let good = token_form(&code, &[]);
    let refuse = async |form: &[(&str, &str)]| refuse(&app, post_form("/oauth2/token", encoded(form))).await;

    for (name, _) in &good {
        let without = token_form(&code, &[(name, "")]);
        assert_eq!(refuse(&without).await, NOT_THE_FORM, "without {name}");
        // RFC 6749 section 3.2: a parameter without a value counts as omitted.
        assert_eq!(refuse(&[&without[..], &[(name, "")]].concat()).await, NOT_THE_FORM, "an empty {name}");
    }
    app.send(post_form("/oauth2/token", encoded(&good))).await.expect(200);
}

fn encoded(form: &[(&str, &str)]) -> String {
    serde_urlencoded::to_string(form).unwrap()
}

/// RFC 6749 section 5.2 has one error for whatever is no token request.
#[tokio::test]
async fn a_token_request_is_a_form() {
    let app = TestApp::new().await;
    let code = app.log_in(EMAIL, PASSWORD).await.code;
    let form = token_form(&code, &[]);
    let json: Value = form.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();

    assert_snapshot!(refuse(&app, post_json("/oauth2/token", None, json.to_string())).await, @"400 invalid_request");
    let in_query = Request::post(format!("/oauth2/token?{}", encoded(&form))).body(Body::empty()).unwrap();
    assert_snapshot!(refuse(&app, in_query).await, @"400 invalid_request");
    assert_snapshot!(refuse(&app, post_form("/oauth2/token", "")).await, @"400 invalid_request");
    assert_snapshot!(refuse(&app, post_form("/oauth2/token", json.to_string())).await, @"400 invalid_request");
    assert_snapshot!(refuse(&app, post_form("/oauth2/token", b"grant_type=%ff&code=%".to_vec())).await, @"400 unsupported_grant_type");
}
