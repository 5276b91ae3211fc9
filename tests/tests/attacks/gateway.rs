//! What API Gateway hands over (attack 68), in both payload versions: base64 bodies, duplicates, cookies, stages, encoded
//! paths, and words that only the gateway has to say.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall::demo::PASSWORD;
use landfall_tests::examples::{SESSION, TOKEN};
use landfall_tests::witness::Witness;
use landfall_tests::{Away, TestApp, TestSession, event, event_with};
use serde_json::{Value, json};

const VERSIONS: [&str; 2] = ["v2", "v1"];

/// An event of `events/`; one that is about a session, to this one and with its token.
fn to(session: &TestSession, name: &str, version: &str) -> Value {
    let real = [(SESSION, session.id.as_str()), (TOKEN, &session.token)];
    let real = if name.starts_with("step-submit/") { real.as_slice() } else { &[] };
    event_with(&format!("{name}.{version}"), real)
}

/// Puts this path in the place of its own.
fn send_to(event: &mut Value, path: &str) {
    let name = if event["version"] == "2.0" { "rawPath" } else { "path" };
    assert!(event[name].is_string());
    event[name] = json!(path);
}

/// Says a header these times: version 2.0 joins them, version 1.0 has the last and all of them.
fn say(event: &mut Value, name: &str, values: &[&str]) {
    if event["version"] == "2.0" {
        event["headers"][name.to_lowercase()] = json!(values.join(","));
    } else {
        event["headers"][name] = json!(values.last());
        event["multiValueHeaders"][name] = json!(values);
    }
}

fn say_no_more(event: &mut Value, name: &str) {
    for headers in ["headers", "multiValueHeaders"] {
        if let Some(headers) = event[headers].as_object_mut() {
            headers.retain(|header, _| !header.eq_ignore_ascii_case(name));
        }
    }
}

#[tokio::test]
async fn a_body_that_is_not_base64_is_refused() {
    let app = TestApp::new().await;
    let session = app.start("migrate-from-keycloak").await;
    let mut witness = Witness::of(&app, &[&session.token]).await;
    for version in VERSIONS {
        for (function, name) in [
            ("journey-start", "start"),
            ("step-submit", "submit"),
            ("step-submit", "resume"),
            ("connector-test", "saved"),
            ("issuer", "token"),
        ] {
            let plain = to(&session, &format!("{function}/{name}.success"), version);
            let text = plain["body"].as_str().unwrap();
            let once = STANDARD.encode(text);
            // As it is, cut short, in the other alphabet, and encoded once more than is said.
            for odd in [text.to_owned(), once[..once.len() - 1].to_owned(), "_-_-".into(), STANDARD.encode(&once)] {
                let mut event = plain.clone();
                event["body"] = json!(odd);
                event["isBase64Encoded"] = json!(true);
                let answer = app.invoke(function, &event).await;
                witness.refused(&answer, 400, "invalid_request").await;
            }
        }
    }
}

#[tokio::test]
async fn a_parameter_twice_is_refused_however_the_gateway_writes_it() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    let back = away.back().await;
    let parameters = ["state", "iss", "code"].map(|name| (name, back.parameter(name).unwrap()));
    let secrets = ["state", "code"].map(|name| back.parameter(name).unwrap());
    let [state, code] = secrets.each_ref().map(|text| text.rsplit('.').next().unwrap());
    let mut witness = Witness::of(&app, &[state, code, &away.session.token]).await;

    for version in VERSIONS {
        for twice in ["state", "iss", "code"] {
            for other in [None, Some("another"), Some("")] {
                let mut pairs: Vec<_> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
                let (at, value) = pairs.iter().enumerate().find(|(_, (name, _))| *name == twice).unwrap();
                let value = other.unwrap_or(value.1);
                pairs.insert(at + 1, (twice, value));

                let mut query = event(&format!("oidc-callback/query.success.{version}"));
                say_no_more(&mut query, "accept");
                if version == "v2" {
                    query["rawQueryString"] = json!(serde_urlencoded::to_string(&pairs).unwrap());
                }
                let mut all = json!({});
                for (name, value) in &pairs {
                    let values = all[*name].as_array().cloned().unwrap_or_default();
                    all[*name] = json!([values, vec![json!(value)]].concat());
                }
                for (name, values) in all.as_object().unwrap() {
                    let values: Vec<_> = values.as_array().unwrap().iter().filter_map(Value::as_str).collect();
                    let shown = if version == "v2" { values.join(",") } else { (*values.last().unwrap()).to_owned() };
                    query["queryStringParameters"][name] = json!(shown);
                }
                if version == "v1" {
                    query["multiValueQueryStringParameters"] = all;
                }
                let answer = app.invoke("oidc-callback", &query).await;
                witness.refused(&answer, 400, "invalid_request").await;
            }
        }
    }
    // None of them has spent the state.
    assert_eq!(away.go_on(&app, &back).await.expect(200).body["status"], "completed");
}

#[tokio::test]
async fn two_tokens_open_nothing() {
    let app = TestApp::new().await;
    let (session, other) = (app.start("migrate-from-keycloak").await, app.start("migrate-from-keycloak").await);
    let mut witness = Witness::of(&app, &[&session.token, &other.token]).await;
    let [right, wrong] = [&session.token, &other.token].map(|token| format!("Bearer {token}"));
    for version in VERSIONS {
        for values in [[&right, &wrong], [&wrong, &right], [&right, &right]] {
            for name in ["submit", "resume", "view"] {
                let mut event = to(&session, &format!("step-submit/{name}.success"), version);
                say(&mut event, "Authorization", &values.map(String::as_str));
                let answer = app.invoke("step-submit", &event).await;
                witness.refused(&answer, 401, "invalid_token").await;
            }
        }
    }
}

#[tokio::test]
async fn a_session_is_not_opened_by_a_cookie() {
    let app = TestApp::new().await;
    let session = app.start("migrate-from-keycloak").await;
    let mut witness = Witness::of(&app, &[&session.token]).await;
    for version in VERSIONS {
        for name in ["submit", "resume", "view"] {
            let mut event = to(&session, &format!("step-submit/{name}.cookies"), version);
            say_no_more(&mut event, "authorization");
            assert!(event.to_string().contains(&session.token), "it is in the cookie");
            let answer = app.invoke("step-submit", &event).await;
            witness.refused(&answer, 401, "invalid_token").await;

            let cookie = format!("Authorization=Bearer {}", session.token);
            event["cookies"] = json!([cookie]);
            say(&mut event, "Cookie", &[&cookie]);
            let answer = app.invoke("step-submit", &event).await;
            witness.refused(&answer, 401, "invalid_token").await;
        }
    }
}

#[tokio::test]
async fn an_id_in_another_spelling_names_nothing() {
    let app = TestApp::new().await;
    let session = app.start("migrate-from-keycloak").await;
    let mut witness = Witness::of(&app, &[&session.token]).await;
    let id = &session.id;
    let (start, last) = id.split_at(id.len() - 1);
    let letter = last.as_bytes()[0];
    for (function, name, paths) in [
        (
            "step-submit",
            "view",
            vec![
                // Encoded once, as often as the gateway decodes, and more often.
                format!("/v1/sessions/{start}%{letter:02X}"),
                format!("/v1/sessions/{start}%25{letter:02X}"),
                format!("/v1/sessions/{start}%2525{letter:02X}"),
                format!("/v1/sessions/{id}%2F"),
                format!("/v1/sessions/{id}%252F"),
                format!("/v1/sessions/{id}%00"),
                format!("/v1/sessions/{id}?"),
                format!("/v1/sessions/{id}#"),
                format!("/v1/sessions/{id}\t"),
                format!("/v1/sessions/\n{id}"),
                // What a URL's reader would resolve.
                format!("/v1/sessions/x/../{id}"),
                format!("/v1/sessions/x/%2e%2e/{id}"),
                format!("/v1/sessions/x/%252e%252e/{id}"),
                format!("/v1/sessions/x/.%2E/{id}"),
                format!("/v1/./sessions/{id}"),
                format!("/v1/%2e/sessions/{id}"),
                format!("/v1\\sessions\\{id}"),
                format!("//v1/sessions/{id}"),
                format!("/v1//sessions/{id}"),
                format!("@evil.example/../v1/sessions/{id}"),
                String::new(),
            ],
        ),
        (
            "step-submit",
            "submit",
            vec![
                format!("/v1/sessions/{id}/steps/as%6B"),
                format!("/v1/sessions/{id}/steps/as%256B"),
                format!("/v1/sessions/{id}/steps/ask%2F"),
                format!("/v1/sessions/{id}%2Fsteps/ask"),
                format!("/v1/sessions/{id}/steps/x%2F..%2Fask"),
                format!("/v1/sessions/{id}/steps/x/%2e%2e/ask"),
            ],
        ),
        (
            "connector-test",
            "saved",
            vec![
                "/v1/connectors/keycloa%6B/test".into(),
                "/v1/connectors/keycloa%256B/test".into(),
                "/v1/connectors/x%2F..%2Fkeycloak/test".into(),
                "/v1/connectors/x/../keycloak/test".into(),
            ],
        ),
        (
            "journey-start",
            "start",
            vec![
                "/v1/journeys/migrate-from-keycloa%6B/start".into(),
                "/v1/journeys/migrate%252Dfrom-keycloak/start".into(),
                "/v1/journeys/x/%2e%2e/migrate-from-keycloak/start".into(),
            ],
        ),
    ] {
        for version in VERSIONS {
            for path in &paths {
                let mut event = to(&session, &format!("{function}/{name}.success"), version);
                send_to(&mut event, path);
                println!("{version} {path}");
                let answer = app.invoke(function, &event).await;
                witness.refused(&answer, 404, "unknown_route").await;
            }
        }
    }
}

#[tokio::test]
async fn a_path_brings_no_parameters_of_its_own() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    let back = away.back().await;
    let (path, query) = back.path.split_once('?').unwrap();
    let mut witness = Witness::of(&app, &[&back.parameter("code").unwrap()]).await;
    for version in VERSIONS {
        // What came as `%3F` and was decoded on its way.
        let mut event = event(&format!("oidc-callback/query.success.{version}"));
        say_no_more(&mut event, "accept");
        send_to(&mut event, &format!("{path}?{query}"));
        event["rawQueryString"] = json!("");
        event["queryStringParameters"] = Value::Null;
        event["multiValueQueryStringParameters"] = Value::Null;
        let answer = app.invoke("oidc-callback", &event).await;
        witness.refused(&answer, 404, "unknown_route").await;
    }
    away.go_on(&app, &back).await.expect(200);
}

#[tokio::test]
async fn a_stage_in_the_path_leads_past_nothing() {
    let app = TestApp::new().await;
    let session = app.start("migrate-from-keycloak").await;
    let mut witness = Witness::of(&app, &[&session.token]).await;
    for version in VERSIONS {
        for (stage, path) in [
            // A prefix that is not the stage, one that is there twice, and one in other words.
            ("$default", "/prod/v1"),
            ("$default", "/$default/v1"),
            ("prod", "/prod/prod/v1"),
            ("prod", "/Prod/v1"),
            ("prod", "/production/v1"),
            ("prod", "/prod//v1"),
            ("prod", "/prod/../v1"),
            ("prod", "/x/../prod/v1"),
            ("prod", "/pro%64/v1"),
        ] {
            let mut event = to(&session, "step-submit/view.success", version);
            event["requestContext"]["stage"] = json!(stage);
            send_to(&mut event, &format!("{path}/sessions/{}", session.id));
            let answer = app.invoke("step-submit", &event).await;
            witness.refused(&answer, 404, "unknown_route").await;
        }
        // Where it belongs, the same has to be shown.
        for (function, name) in [("step-submit", "view"), ("connector-test", "saved"), ("connector-test", "draft")] {
            let mut event = to(&session, &format!("{function}/{name}.stage-prefix"), version);
            say_no_more(&mut event, "authorization");
            event["requestContext"]["authorizer"] = json!({});
            event["requestContext"]["identity"] = json!({ "sourceIp": "192.0.2.1" });
            let answer = app.invoke(function, &event).await;
            witness.refused(&answer, 401, "invalid_token").await;
        }
    }
}

#[tokio::test]
async fn only_the_gateway_says_what_iam_has_decided() {
    let app = TestApp::new().await;
    let mut witness = Witness::of(&app, &[]).await;
    app.calls.take();
    let arn = "arn:aws:iam::123456789012:user/administrator";
    let iam = json!({ "authorizer": { "iam": { "userArn": arn } }, "identity": { "userArn": arn } });
    for version in VERSIONS {
        for name in ["saved", "draft"] {
            let stranger = event(&format!("connector-test/{name}.wrong-token.{version}"));
            let mut claims = vec![stranger; 5];
            for header in ["X-Amzn-Request-Context", "RequestContext", "Authorizer", "X-Amz-User-Arn"] {
                say(&mut claims[0], header, &[&iam.to_string()]);
            }
            claims[1]["body"] = json!(json!({ "requestContext": iam }).to_string());
            claims[2]["stageVariables"] = json!({ "userArn": arn, "requestContext": iam.to_string() });
            claims[3]["queryStringParameters"] = json!({ "requestContext": iam.to_string() });
            claims[3]["rawQueryString"] = json!("requestContext=iam&userArn=root");
            // What an authoriser of Lambda's has found out, under IAM's names.
            let context = &mut claims[4]["requestContext"];
            context["authorizer"] = match version {
                "v2" => json!({ "lambda": { "iam": { "userArn": arn } }, "jwt": { "claims": { "userArn": arn } } }),
                _ => json!({ "iam": { "userArn": arn }, "userArn": arn, "principalId": arn }),
            };
            for event in claims {
                let answer = app.invoke("connector-test", &event).await;
                witness.refused(&answer, 401, "invalid_token").await;
            }
        }
    }
    assert_eq!(app.calls.take(), []);
}

/// lambda_http makes a URL of these, and fails where they make none.
#[tokio::test]
async fn what_a_request_says_of_its_host_changes_nothing() {
    let app = TestApp::new().await;
    let session = app.start("migrate-from-keycloak").await;
    for version in VERSIONS {
        let plain = to(&session, "step-submit/view.success", version);
        let expected = app.invoke("step-submit", &plain).await.expect(200);
        for (name, value) in [
            ("Host", "evil.example"),
            ("Host", "[::1"),
            ("Host", "a b"),
            ("Host", "evil.example/v1/sessions/x?"),
            ("X-Forwarded-Proto", "javascript"),
            ("X-Forwarded-Proto", "a b"),
            ("X-Forwarded-Proto", ""),
            ("X-Forwarded-Host", "evil.example"),
        ] {
            let mut event = plain.clone();
            say(&mut event, name, &[value]);
            assert_eq!(app.invoke("step-submit", &event).await.expect(200).body, expected.body, "{name}: {value}");
        }
    }
    assert!(!app.logs().contains(PASSWORD));
}

/// The same for a query: API Gateway hands one over as it was written.
#[tokio::test]
async fn a_query_that_is_none_has_nothing_in_it() {
    let app = TestApp::new().await;
    let mut witness = Witness::of(&app, &[]).await;
    for odd in
        ["state=a b".to_owned(), "state=\u{1}".into(), "state=a\"<>".into(), format!("state={}", "x".repeat(70_000))]
    {
        let mut event = event("oidc-callback/query.success.v2");
        say_no_more(&mut event, "accept");
        event["rawQueryString"] = json!(odd);
        let answer = app.invoke("oidc-callback", &event).await;
        witness.refused(&answer, 400, "redirect_expired").await;
    }
}
