//! Requests to a callback that are no honest browser's, and what a person is shown of them.

use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{Method, Request};
use landfall_tests::sent::FORM;
use landfall_tests::witness::{Witness, directory, ended};
use landfall_tests::{Answer, Away, Return, TestApp};
use serde_json::{Value, json};
use simulators::{Endpoint, Misbehaviour};

use crate::away::{token_calls, told_nothing};

fn with_html(back: &Return) -> Return {
    let html = "<script>alert('attacker.example')</script>";
    back.with(&[("error", html), ("error_description", html), ("error_uri", "https://attacker.example/<script>")])
}

/// Brings it back as a person's browser does.
async fn arrive_in_a_browser(app: &TestApp, back: &Return) -> Answer {
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    app.send(Request::get(&back.path).header(ACCEPT, accept).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_spent_callback_links_to_the_application_alone() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    let back = away.back().await;
    let (_, resume) = app.arrive(&back).await.carried();
    let link = format!("<a href=\"{}\">", landfall::demo::REDIRECT_URI);

    let mut witness = Witness::of(&app, &[&away.session.token, &resume]).await;
    let page = arrive_in_a_browser(&app, &back).await;
    witness.refused_on_a_page(&page, 400, "redirect_expired").await;
    assert!(page.text.contains(&link), "{}", page.text);

    // The same once the journey is over.
    away.session.resume(&app, &resume).await.expect(200);
    let page = arrive_in_a_browser(&app, &back).await.expect(400);
    assert!(page.text.contains(&link), "{}", page.text);
}

#[tokio::test]
async fn an_error_with_a_forged_state_shows_nothing_of_it() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    let back = away.back().await;
    let id = &away.session.id;
    let mut witness = Witness::of(&app, &[&away.session.token]).await;

    let mut pages = Vec::new();
    for state in ["", "<script>", &format!("{id}.<script>"), &format!("{id}.{}", "A".repeat(43))] {
        let forged = with_html(&back.with(&[("state", state), ("code", "")]));
        let problem = app.arrive(&forged).await;
        witness.refused(&problem, 400, "redirect_expired").await;
        let page = arrive_in_a_browser(&app, &forged).await;
        witness.refused_on_a_page(&page, 400, "redirect_expired").await;
        told_nothing(&app, &forged, &[&problem, &page]);
        pages.push(page);
    }
    // With nothing in it that came with the request, every page is the same.
    let text = |page: &Answer| page.text.replace(page.header("x-request-id"), "");
    assert!(pages.iter().all(|page| text(page) == text(&pages[0])));
    for page in pages {
        assert_eq!(
            page.header("content-security-policy"),
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        );
        assert_eq!((page.header("cache-control"), page.header("referrer-policy")), ("no-store", "no-referrer"));
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert!(!page.text.contains("http") && !page.text.contains("href"), "{}", page.text);
    }

    assert_eq!(away.go_on(&app, &back).await.expect(200).body["status"], "completed");
}

#[tokio::test]
async fn a_providers_error_text_is_not_shown() {
    for error in ["access_denied", "<script>alert(1)</script>", "server_error", "\0"] {
        let app = TestApp::new().await;
        app.subject.misbehave_at(Endpoint::Login, Some(Misbehaviour::CallbackError(error.to_owned())));
        let away = Away::new(&app).await;
        let back = away.back().await;
        assert!(back.parameter("error_description").is_some_and(|text| text.contains("<script>")));

        let arrived = arrive_in_a_browser(&app, &back).await;
        let (_, resume) = arrived.carried();
        let waiting = away.session.view(&app).await.expect(200);
        let resumed = away.session.resume(&app, &resume).await;

        ended(&app, &resumed, if error == "server_error" { "try_later" } else { "access_denied" });
        told_nothing(&app, &back, &[&arrived, &waiting, &resumed]);
        assert_eq!((token_calls(&app), directory(&app).await.len()), (0, 0));
        assert_eq!(app.events("login_failed").len(), 1);
    }
}

#[tokio::test]
async fn a_callback_with_a_parameter_twice_is_refused() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    let back = away.back().await;
    let encoded = back.path.split_once('?').unwrap().1.to_owned();
    let mut witness = Witness::of(&app, &[&away.session.token, &back.parameter("code").unwrap()]).await;

    for (name, value) in back.parameters() {
        for again in [format!("{name}={value}"), format!("{name}="), name.clone(), format!("{name}=x")] {
            for twice in [format!("{encoded}&{again}"), format!("{again}&{encoded}")] {
                for back in [
                    Return::to(format!("/v1/callback/keycloak?{twice}")),
                    Return { form: Some(twice.clone()), ..Return::to("/v1/callback/keycloak") },
                ] {
                    let answer = app.arrive(&back).await;
                    witness.refused(&answer, 400, "invalid_request").await;
                }
            }
        }
    }
    let answer = app.arrive(&Return::to(format!("{}&x=1&x=1", back.path))).await;
    witness.refused(&answer, 400, "invalid_request").await;

    app.arrive(&back).await.expect(303);
}

#[tokio::test]
async fn a_callback_of_another_method_or_type_is_not_read() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    let back = away.back().await;
    let form = back.path.split_once('?').unwrap().1.to_owned();
    let path = "/v1/callback/keycloak";
    let mut witness = Witness::of(&app, &[&away.session.token, &back.parameter("code").unwrap()]).await;

    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS, Method::TRACE] {
        let request = Request::builder().method(&method).uri(&back.path).header(CONTENT_TYPE, FORM);
        let answer = app.send(request.body(Body::from(form.clone())).unwrap()).await;
        witness.refused(&answer, 405, "method_not_allowed").await;
        assert!(answer.header("allow").contains("GET") && answer.header("allow").contains("POST"), "{method}");
    }
    // A check whether a link is alive does not spend it.
    let answer = app.send(Request::head(&back.path).body(Body::empty()).unwrap()).await.expect(400);
    witness.noted(&answer, 400, "invalid_request").await;
    let post = |media_type: Option<&str>, body: String| {
        let request = Request::post(path);
        let request = media_type.into_iter().fold(request, |request, kind| request.header(CONTENT_TYPE, kind));
        request.body(Body::from(body)).unwrap()
    };
    let values: serde_json::Map<_, _> =
        back.parameters().into_iter().map(|(name, value)| (name, json!(value))).collect();
    for (media_type, body) in [
        (Some("application/json"), Value::Object(values).to_string()),
        (Some("text/plain"), form.clone()),
        (Some("multipart/form-data; boundary=x"), form.clone()),
        (Some("application/x-www-form-urlencoded, text/plain"), form.clone()),
        (Some(""), form.clone()),
        (None, form.clone()),
    ] {
        let answer = app.send(post(media_type, body)).await;
        witness.refused(&answer, 415, "unsupported_media_type").await;
    }
    let mut compressed = post(Some(FORM), form.clone());
    compressed.headers_mut().insert(CONTENT_ENCODING, "gzip".parse().unwrap());
    let answer = app.send(compressed).await;
    witness.refused(&answer, 415, "unsupported_media_type").await;
    for size in [64 * 1024 + 1, 3 << 20] {
        let answer = app.send(post(Some(FORM), format!("{form}&x={}", "x".repeat(size - form.len() - 3)))).await;
        witness.refused(&answer, 413, "body_too_large").await;
    }
    // A form has its parameters in the body, a query in the query.
    let mut elsewhere = post(Some(FORM), String::new());
    *elsewhere.uri_mut() = back.path.parse().unwrap();
    let answer = app.send(elsewhere).await;
    witness.refused(&answer, 400, "redirect_expired").await;
    let get = Request::get(path).header(CONTENT_TYPE, FORM).body(Body::from(form.clone())).unwrap();
    let answer = app.send(get).await;
    witness.refused(&answer, 400, "redirect_expired").await;

    app.send(post(Some(FORM), form)).await.expect(303);
}
