//! Requests that no honest client sends.

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use axum::http::{Method, Request};
use chrono::TimeDelta;
use insta::assert_snapshot;
use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::{TestApp, TestSession, VERIFIER, data, key};
use serde_json::{Value, json};

use crate::refusal::{changed, post_form, post_json, refuse, refuse_grant};

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
    json!({ "turn": 1, "key": key(1), "option": "submit", "data": data(EMAIL, PASSWORD) })
}

/// Each change of a good body, and how it is refused.
type Table = Vec<(&'static str, Option<Value>, &'static str)>;

const NOT_THE_FORM: &str = "400 invalid_request";

#[tokio::test]
async fn a_start_of_the_wrong_form_is_refused() {
    let app = TestApp::new().await;
    let mut table: Table = vec![
        ("/request", None, NOT_THE_FORM),
        ("/params", Some(json!("gold")), NOT_THE_FORM),
        ("/params", Some(json!(["gold"])), NOT_THE_FORM),
        ("/params", Some(Value::Null), NOT_THE_FORM),
        ("/parms", Some(json!({})), NOT_THE_FORM),
        ("/request/client_id", None, NOT_THE_FORM),
        ("/request/client_id", Some(Value::Null), NOT_THE_FORM),
        ("/request/client_id", Some(json!("no client id")), NOT_THE_FORM),
        ("/request/client_id", Some(json!("nobody")), "400 unknown_client"),
        ("/request/redirect_uri", None, NOT_THE_FORM),
        ("/request/redirect_uri", Some(Value::Null), NOT_THE_FORM),
        ("/request/redirect_uri", Some(json!("https://demo.example/elsewhere")), "400 invalid_redirect_uri"),
        ("/request/response_type", Some(json!("token")), NOT_THE_FORM),
        ("/request/code_challenge", None, "400 pkce_required"),
        ("/request/code_challenge", Some(json!("short")), "400 pkce_required"),
        ("/request/code_challenge", Some(json!("=".repeat(43))), "400 pkce_required"),
        ("/request/code_challenge_method", None, "400 pkce_required"),
        ("/request/code_challenge_method", Some(json!("plain")), "400 pkce_required"),
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

#[tokio::test]
async fn parameters_are_those_the_journey_declares() {
    let app = TestApp::new().await;
    let params = async |params: Value| {
        let body = changed(TestApp::start_body(), "/params", Some(params));
        refuse(&app, post_json(START, None, body.to_string())).await
    };
    assert_snapshot!(params(json!({})).await, @"422 invalid_params plan: required");
    assert_snapshot!(params(json!({ "plan": 1 })).await, @"422 invalid_params plan: wrong_type");
    assert_snapshot!(params(json!({ "plan": null })).await, @"422 invalid_params plan: wrong_type");
    assert_snapshot!(params(json!({ "plan": "x".repeat(41) })).await, @"422 invalid_params plan: wrong_type");
    assert_snapshot!(params(json!({ "plan": "gold", "admin": true })).await, @"422 invalid_params admin: unknown");
    assert_snapshot!(params(json!({ "Plan": "gold", "plans": [] })).await, @"422 invalid_params Plan: unknown, plans: unknown, plan: required");

    let without = changed(TestApp::start_body(), "/params", None);
    assert_snapshot!(refuse(&app, post_json(START, None, without.to_string())).await, @"422 invalid_params plan: required");
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
async fn input_that_breaks_a_fields_rule_is_told_field_by_field() {
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
async fn after_refused_input_the_same_turn_is_answered() {
    let (app, session, path) = waiting().await;
    for bad in [
        changed(answer(), "/data/email", Some(json!("ada"))),
        changed(answer(), "/option", Some(json!("sign-in"))),
        changed(answer(), "/data/password", None),
    ] {
        let told = refuse(&app, post_json(&path, Some(&session.token), bad.to_string())).await;
        assert!(told.starts_with("422 invalid_input"), "{told}");
    }

    let view = session.view(&app).await.expect(200);
    assert_eq!((view.body["turn"].as_u64(), &view.body["status"]), (Some(1), &json!("input_required")));
    // Even with the key of the refused ones: nothing was answered with it.
    let done = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    assert_eq!(done.body["status"], "completed");
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let (app, session, path) = waiting().await;
    let nested = format!("{{\"data\":{}1{}}}", "[".repeat(1000), "]".repeat(1000));
    let good = answer().to_string();
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
    ];
    for body in bodies {
        let body = body.to_vec();
        let case = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(refuse(&app, post_json(START, None, body.clone())).await, NOT_THE_FORM, "start {case}");
        let submit = post_json(&path, Some(&session.token), body);
        assert_eq!(refuse(&app, submit).await, NOT_THE_FORM, "submit {case}");
    }
}

/// Members by position would change their meaning with the next member that is added.
#[tokio::test]
async fn the_members_of_a_body_have_names() {
    let (app, session, path) = waiting().await;
    let (start, answer) = (TestApp::start_body(), answer());
    let start = json!([start["request"], start["params"]]);
    let submit = json!([answer["turn"], answer["key"], answer["option"], answer["data"]]);

    assert_eq!(refuse(&app, post_json(START, None, start.to_string())).await, NOT_THE_FORM);
    let submit = post_json(&path, Some(&session.token), submit.to_string());
    assert_eq!(refuse(&app, submit).await, NOT_THE_FORM);
}

#[tokio::test]
async fn a_body_of_a_megabyte_is_refused() {
    let (app, session, path) = waiting().await;
    let megabyte = "x".repeat(1024 * 1024);
    let start = changed(TestApp::start_body(), "/params/plan", Some(json!(megabyte)));
    let submit = changed(answer(), "/data/password", Some(json!(megabyte)));
    let login = app.log_in(EMAIL, PASSWORD).await;
    let form = format!("grant_type=authorization_code&code={}&code_verifier={megabyte}", login.code);

    assert_snapshot!(refuse(&app, post_json(START, None, start.to_string())).await, @"413 body_too_large");
    let submit = post_json(&path, Some(&session.token), submit.to_string());
    assert_snapshot!(refuse(&app, submit).await, @"413 body_too_large");
    assert_snapshot!(refuse_grant(&app, post_form("/oauth2/token", form)).await, @"400 invalid_request");
}

#[tokio::test]
async fn a_body_may_have_64_kilobytes_and_no_more() {
    let app = TestApp::new().await;
    let padded = |length: usize| {
        let body = TestApp::start_body().to_string();
        let blanks = " ".repeat(length - body.len());
        format!("{body}{blanks}")
    };
    let over = refuse(&app, post_json(START, None, padded(64 * 1024 + 1))).await;
    assert_eq!(over, "413 body_too_large");
    app.send(post_json(START, None, padded(64 * 1024))).await.expect(201);
}

#[tokio::test]
async fn only_the_routes_own_media_type_is_taken() {
    let (app, session, path) = waiting().await;
    for media_type in [
        None,
        Some(""),
        Some("text/plain"),
        Some("text/plain; application/json"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data; boundary=x"),
        Some("application/jsonp"),
        Some("application/problem+json"),
    ] {
        for (path, body) in [(START, TestApp::start_body()), (&path, answer())] {
            let mut request = post_json(path, Some(&session.token), body.to_string());
            request.headers_mut().remove(CONTENT_TYPE);
            if let Some(media_type) = media_type {
                request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
            }
            assert_eq!(refuse(&app, request).await, "415 unsupported_media_type", "{path} {media_type:?}");
        }
    }
    let mut compressed = post_json(START, None, TestApp::start_body().to_string());
    compressed.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    assert_eq!(refuse(&app, compressed).await, "415 unsupported_media_type");

    let mut spelled_out = post_json(START, None, TestApp::start_body().to_string());
    spelled_out.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("Application/JSON; charset=utf-8"));
    app.send(spelled_out).await.expect(201);
}

#[tokio::test]
async fn a_session_is_opened_by_one_well_formed_bearer_token() {
    let (app, session, path) = waiting().await;
    let good = format!("Bearer {}", session.token);
    let long = format!("Bearer {}", "x".repeat(513));
    let headers: &[&[&[u8]]] = &[
        &[],
        &[b""],
        &[b"Bearer"],
        &[b"Bearer "],
        &[b"Basic bGFuZGZhbGw6eA=="],
        &[session.token.as_bytes()],
        &[b"Bearer two words"],
        &[b"Bearer t\xc3\xb6ken"],
        &[b"Bearer \xff"],
        &[long.as_bytes()],
        &[good.as_bytes(), good.as_bytes()],
        &[good.as_bytes(), b"Bearer another"],
        &[b"Bearer another", good.as_bytes()],
    ];
    let look = format!("/v1/sessions/{}", session.id);
    for values in headers {
        let authorize = |mut request: Request<Body>| {
            for value in *values {
                request.headers_mut().append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
            }
            request
        };
        let case: Vec<_> = values.iter().map(|value| String::from_utf8_lossy(value)).collect();
        let submit = authorize(post_json(&path, None, answer().to_string()));
        assert_eq!(refuse(&app, submit).await, "401 invalid_token", "submit {case:?}");
        let view = authorize(Request::get(&look).body(Body::empty()).unwrap());
        assert_eq!(refuse(&app, view).await, "401 invalid_token", "view {case:?}");
    }
}

/// Unknown, expired and another's are one answer: a guesser learns nothing.
#[tokio::test]
async fn what_is_not_there_is_named() {
    let (app, session, path) = waiting().await;
    let other = app.start("migrate-from-keycloak").await;
    let nobodys = "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let token = Some(session.token.as_str());
    let submit = async |session: &str, step: &str, token: Option<&str>| {
        let path = format!("/v1/sessions/{session}/steps/{step}");
        refuse(&app, post_json(&path, token, answer().to_string())).await
    };
    let view = async |session: &str, token: &str| {
        let request = Request::get(format!("/v1/sessions/{session}")).header(AUTHORIZATION, format!("Bearer {token}"));
        refuse(&app, request.body(Body::empty()).unwrap()).await
    };
    let start = TestApp::start_body().to_string();

    assert_snapshot!(refuse(&app, post_json("/v1/journeys/nobodys/start", None, start)).await, @"404 unknown_journey");
    assert_snapshot!(submit(nobodys, "ask", token).await, @"404 unknown_session");
    assert_snapshot!(submit(&session.id, "ask", Some("a-guess")).await, @"404 unknown_session");
    assert_snapshot!(submit(&session.id, "ask", Some(&other.token)).await, @"404 unknown_session");
    assert_snapshot!(view(nobodys, &session.token).await, @"404 unknown_session");
    assert_snapshot!(view(&session.id, &other.token).await, @"404 unknown_session");
    // Whoever holds the token is told where the session stands.
    assert_snapshot!(submit(&session.id, "check", token).await, @"409 step_conflict");
    assert_snapshot!(submit(&session.id, "nowhere", token).await, @"409 step_conflict");

    app.clock.advance(TimeDelta::minutes(15));
    assert_snapshot!(refuse(&app, post_json(&path, token, answer().to_string())).await, @"404 unknown_session");
    assert_snapshot!(view(&session.id, &session.token).await, @"404 unknown_session");
}

#[tokio::test]
async fn a_session_lives_for_fifteen_minutes() {
    let (app, session, _) = waiting().await;
    app.clock.advance(TimeDelta::minutes(15) - TimeDelta::seconds(1));
    session.view(&app).await.expect(200);
    app.clock.advance(TimeDelta::seconds(1));
    session.view(&app).await.expect(404);
}

#[tokio::test]
async fn another_turn_than_the_current_one_is_a_conflict() {
    let (app, session, path) = waiting().await;
    for turn in [0, 2, u32::MAX] {
        let body = changed(answer(), "/turn", Some(json!(turn)));
        let request = post_json(&path, Some(&session.token), body.to_string());
        assert_eq!(refuse(&app, request).await, "409 step_conflict", "turn {turn}");
    }
    let body = changed(answer(), "/turn", Some(json!(2)));
    let conflict = session.submit_to(&app, "ask", &body).await;
    let view = &conflict.body["view"];
    assert_eq!((&view["turn"], &view["step"]["id"]), (&json!(1), &json!("ask")));
    assert_eq!(view["session_token"], Value::Null);
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

/// The form of a good token request, without those of these names.
fn form(code: &str, without: &[&str]) -> Vec<(&'static str, String)> {
    let mut form = vec![
        ("grant_type", "authorization_code".to_owned()),
        ("code", code.to_owned()),
        ("redirect_uri", landfall::demo::REDIRECT_URI.to_owned()),
        ("client_id", "demo".to_owned()),
        ("code_verifier", VERIFIER.to_owned()),
    ];
    form.retain(|(name, _)| !without.contains(name));
    form
}

fn encoded(form: &[(&str, String)]) -> String {
    serde_urlencoded::to_string(form).unwrap()
}

#[tokio::test]
async fn a_token_request_of_the_wrong_form_is_refused_and_spends_no_code() {
    let app = TestApp::new().await;
    let code = app.log_in(EMAIL, PASSWORD).await.code;
    let good = form(&code, &[]);
    let refuse = async |form: &[(&str, String)]| refuse_grant(&app, post_form("/oauth2/token", encoded(form))).await;

    for (name, value) in &good {
        assert_eq!(refuse(&form(&code, &[name])).await, NOT_THE_FORM, "without {name}");
        // RFC 6749 section 3.2: a parameter without a value counts as omitted, and none may be there twice.
        let mut empty = form(&code, &[name]);
        empty.push((name, String::new()));
        assert_eq!(refuse(&empty).await, NOT_THE_FORM, "an empty {name}");
        let mut twice = good.clone();
        twice.push((name, value.clone()));
        assert_eq!(refuse(&twice).await, NOT_THE_FORM, "{name} twice");
    }
    for (name, value, expected) in [
        ("grant_type", "password", "400 unsupported_grant_type"),
        ("grant_type", "client_credentials", "400 unsupported_grant_type"),
        ("grant_type", "Authorization_Code", "400 unsupported_grant_type"),
        ("code", "a-guess", "400 invalid_grant"),
        ("code", "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV.a-guess", "400 invalid_grant"),
        ("client_id", "nobody", "401 invalid_client"),
        ("client_id", "no client id", "401 invalid_client"),
        ("redirect_uri", "https://demo.example/elsewhere", "400 invalid_grant"),
        ("code_verifier", "too-short", NOT_THE_FORM),
        ("code_verifier", "another-verifier-that-is-long-enough-for-rfc-7636", "400 invalid_grant"),
    ] {
        let mut changed = form(&code, &[name]);
        changed.push((name, value.to_owned()));
        assert_eq!(refuse(&changed).await, expected, "{name}={value}");
    }

    app.send(post_form("/oauth2/token", encoded(&good))).await.expect(200);
}

/// RFC 6749 section 5.2 has one error for whatever is no token request.
#[tokio::test]
async fn a_token_request_is_a_form() {
    let app = TestApp::new().await;
    let code = app.log_in(EMAIL, PASSWORD).await.code;
    let members = form(&code, &[]).into_iter().map(|(name, value)| (name.to_owned(), Value::from(value)));
    let json = Value::Object(members.collect());

    assert_snapshot!(refuse_grant(&app, post_json("/oauth2/token", None, json.to_string())).await, @"400 invalid_request");
    let in_query = Request::post(format!("/oauth2/token?{}", encoded(&form(&code, &[])))).body(Body::empty()).unwrap();
    assert_snapshot!(refuse_grant(&app, in_query).await, @"400 invalid_request");
    assert_snapshot!(refuse_grant(&app, post_form("/oauth2/token", "")).await, @"400 invalid_request");
    assert_snapshot!(refuse_grant(&app, post_form("/oauth2/token", json.to_string())).await, @"400 invalid_request");
    assert_snapshot!(refuse_grant(&app, post_form("/oauth2/token", b"grant_type=%ff&code=%".to_vec())).await, @"400 unsupported_grant_type");
}
