//! Signing in at the provider's own page: two halves, and no dead end between them.

use axum::body::Body;
use axum::http::Request;
use chrono::TimeDelta;
use domain::{CallbackState, Clock, SeededEntropy};
use insta::assert_json_snapshot;
use landfall::demo::{self, EMAIL, PASSWORD};
use landfall_tests::{Answer, Away, Browser, Login, PROVIDERS, Return, Setup, Shown, TestApp, TestSession, key};
use serde_json::{Value, json};
use simulators::{Endpoint, Misbehaviour, OldKey};
use store::{LockId, StateTaken};

/// Fails unless a session can still be finished.
async fn ends_in_a_login(app: &TestApp, session: &TestSession) {
    let session = session.after(&session.view(app).await.expect(200));
    let restarted = session.choose(app, "go", "restart", &key(99)).await.expect(200);
    let login = Away::after(&session, &restarted).log_in(app).await;
    assert_eq!(app.id_token(&login.code).await["email"], EMAIL);
}

fn shown(answer: &Answer) -> (&Value, &Value) {
    (&answer.body["status"], &answer.body["step"]["error"]["code"])
}

#[tokio::test]
async fn a_user_is_one_user_by_password_and_by_redirect() {
    let app = TestApp::new().await;
    let mut claims = Vec::new();
    for by_redirect in [false, true, false] {
        let login = match by_redirect {
            true => Away::new(&app).await.log_in(&app).await,
            false => app.log_in(EMAIL, PASSWORD).await,
        };
        claims.push(app.id_token(&login.code).await);
    }
    assert!(claims.windows(2).all(|pair| pair[0]["sub"] == pair[1]["sub"]));
    assert_eq!((app.users().await, app.items_of("LINK#").await.len()), (1, 1));
    // Landfall knows how it recognised her; how the provider did, the provider does not say.
    assert_eq!((&claims[0]["amr"], &claims[1]["amr"]), (&json!(["pwd"]), &Value::Null));
}

#[tokio::test]
async fn a_user_is_recognised_whatever_key_the_provider_signs_with() {
    for provider in demo::PROVIDERS {
        let app = TestApp::over(provider, |_| {}).await;
        let login = Away::new(&app).await.log_in(&app).await;
        let claims = app.id_token(&login.code).await;
        assert_eq!((&claims["email"], &claims["name"]), (&json!(EMAIL), &json!("Ada Lovelace")));
        for old in [OldKey::Kept, OldKey::Removed] {
            app.clock.advance(TimeDelta::minutes(2));
            let away = Away::new(&app).await;
            let back = away.back().await;
            app.subject.rotate_key(old);
            let answer = away.go_on(&app, &back).await.expect(200);
            assert_eq!(app.id_token(&Login::of(&away.session, &answer).code).await["sub"], claims["sub"], "{old:?}");
        }
        assert_eq!((app.events("user_provisioned").len(), app.users().await), (1, 1));
    }
}

#[tokio::test]
async fn an_application_is_told_where_the_browser_goes() {
    let app = TestApp::new().await;
    let start = app.try_start(&app.redirect_journey(), &TestApp::start_body()).await.expect(201);

    assert_eq!(start.body["status"], "redirect");
    assert_json_snapshot!(start.body["step"], @r#"
    {
      "data": {
        "provider": {
          "id": "keycloak",
          "name": "Keycloak"
        }
      },
      "id": "go",
      "options": [
        {
          "id": "restart",
          "kind": "restart"
        },
        {
          "id": "cancel",
          "kind": "cancel"
        }
      ],
      "type": "authenticate_redirect"
    }
    "#);
    let away = Away::after(&TestSession::of(&start.body), &start);
    for name in ["client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method"] {
        away.parameter(name);
    }
}

#[tokio::test]
async fn each_half_of_a_login_changes_something_once() {
    for provider in &PROVIDERS {
        let app = TestApp::over(provider, |_| {}).await;
        let away = Away::new(&app).await;
        let session = &away.session;
        assert_eq!(session.view(&app).await.expect(200).redirect_url(), away.url);
        let back = away.back().await;

        let answer = app.arrive(&back).await.expect(303);

        assert!(answer.header("location").starts_with(&format!("{}?session=", demo::REDIRECT_URI)));
        assert_eq!((answer.header("cache-control"), answer.header("referrer-policy")), ("no-store", "no-referrer"));
        let (id, resume) = answer.carried();
        assert_eq!(id, session.id);
        // Nothing has happened yet: the other half is missing.
        assert_eq!(app.users().await, 0);
        let view = session.view(&app).await.expect(200);
        assert_eq!((shown(&view).0, &view.body["redirect"]), (&json!("redirect"), &Value::Null));
        // The callback, loaded again.
        assert_eq!(app.arrive(&back).await.expect(400).code(), "redirect_expired");

        let first = session.resume(&app, &resume).await.expect(200);

        assert_eq!(session.resume(&app, &resume).await.expect(200).body, first.body);
        assert_ne!(first.body["session_token"], session.token, "the token rotates");
        assert_eq!((&first.body["status"], app.users().await), (&json!("completed"), 1));
        assert_eq!(app.subject.exchanges().len(), 1);
    }
}

#[tokio::test]
async fn the_providers_refusal_is_an_outcome_of_the_journey() {
    let rows = [
        ("access_denied", "access_denied"),
        ("login_required", "access_denied"),
        ("temporarily_unavailable", "try_later"),
        ("invalid_scope", "try_later"),
    ];
    for (provider, (error, code)) in PROVIDERS.iter().flat_map(|provider| rows.map(|row| (provider, row))) {
        let app = TestApp::over(provider, |_| {}).await;
        let away = Away::new(&app).await;
        let denied = away.back().await.with(&[("code", ""), ("session_state", ""), ("error", error)]);

        let answer = away.go_on(&app, &denied).await.expect(200);

        assert_eq!(answer.body["rejection"]["code"], code, "{error}");
        assert!(app.subject.exchanges().is_empty());
    }
}

#[tokio::test]
async fn a_user_who_refuses_consent_is_not_signed_in() {
    let app = TestApp::new().await;
    app.keycloak().change_client("demo", "landfall", |client| client.consent_required(true)).unwrap();
    let away = Away::new(&app).await;
    let browser = Browser::default();
    let consent = browser.log_in(&away.url, "ada", PASSWORD).await;

    let Shown::Back(back) = browser.fill_in(consent, &[("cancel", "No")]).await else { panic!("not sent back") };

    assert_eq!(back.parameter("error").as_deref(), Some("access_denied"));
    assert_eq!(away.go_on(&app, &back).await.expect(200).body["rejection"]["code"], "access_denied");
}

#[tokio::test]
async fn a_form_post_is_a_callback_like_any_other() {
    for provider in &PROVIDERS {
        let app = TestApp::over(provider, |setup| {
            setup.connectors = setup.connectors.replace("settings: {", "settings: { response_mode: form_post,");
        })
        .await;
        let away = Away::new(&app).await;
        assert!(away.back().await.form.is_some());
        let login = away.log_in(&app).await;
        assert_eq!(app.id_token(&login.code).await["email"], EMAIL);
    }
}

// The dead ends.

#[tokio::test]
async fn a_callback_that_dies_halfway_leaves_a_working_session() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    let back = away.back().await;
    let state = back.parameter("state").unwrap();
    let (id, state) = CallbackState::presented(&state).unwrap();
    let state = state.hash_at(&"keycloak".parse().unwrap());
    let by = LockId::generate(&SeededEntropy::new(9));
    let taken = app.store.take_state(&app.context(), &id, state, &by, None).await.unwrap();
    assert!(matches!(taken, StateTaken::Yes(_)));

    assert_eq!(app.arrive(&back).await.expect(400).code(), "redirect_expired");
    let view = away.session.view(&app).await.expect(200);
    assert_eq!((shown(&view).0, &view.body["redirect"]), (&json!("redirect"), &Value::Null));
    ends_in_a_login(&app, &away.session).await;
}

#[tokio::test]
async fn a_redirect_that_came_to_nothing_is_started_over() {
    for (provider, how) in
        PROVIDERS.iter().flat_map(|provider| ["lost", "restarted", "late"].map(|how| (provider, how)))
    {
        let app = TestApp::over(provider, |_| {}).await;
        let away = Away::new(&app).await;
        let session = &away.session;
        match how {
            "lost" => {
                Browser::default().open(&away.url).await;
                app.clock.advance(TimeDelta::minutes(5));
            }
            "restarted" => {
                let back = away.back().await;
                let restarted = session.choose(&app, "go", "restart", &key(1)).await.expect(200);
                assert_ne!(restarted.redirect_url(), away.url);
                assert_eq!(app.arrive(&back).await.expect(400).code(), "redirect_expired");
                assert!(app.subject.exchanges().is_empty());
            }
            _ => {
                let resume = away.resume(&app).await;
                app.clock.advance(TimeDelta::seconds(60));
                let late = session.resume(&app, &resume).await.expect(400);
                assert_eq!((late.code(), &late.body["view"]["status"]), ("redirect_expired", &json!("redirect")));
            }
        }
        assert_eq!(app.users().await, 0);
        ends_in_a_login(&app, session).await;
    }
}

#[tokio::test]
async fn a_provider_that_is_away_is_an_outcome() {
    for provider in &PROVIDERS {
        let app = TestApp::over(provider, |_| {}).await;
        // When the browser is back, and at the start, when it goes nowhere.
        let away = Away::new(&app).await;
        let back = away.back().await;
        app.subject.misbehave(Some(Misbehaviour::Unavailable));
        let answer = away.go_on(&app, &back).await.expect(200);
        assert_eq!((&answer.body["rejection"]["code"], app.subject.exchanges().len()), (&json!("try_later"), 1));

        let app = TestApp::over(provider, |_| {}).await;
        app.subject.misbehave_at(Endpoint::Discovery, Some(Misbehaviour::Unavailable));
        let start = app.try_start(&app.redirect_journey(), &TestApp::start_body()).await.expect(201);
        assert_eq!((&start.body["rejection"]["code"], &start.body["redirect"]), (&json!("try_later"), &Value::Null));
    }
}

#[tokio::test]
async fn a_link_scanner_that_looks_first_spends_nothing() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    let back = away.back().await;
    let before = app.items().await;

    app.send(Request::head(&back.path).body(Body::empty()).unwrap()).await.expect(400);
    for (name, value) in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("sec-purpose", "prefetch;anonymous-client-ip"),
        ("purpose", "prefetch"),
        ("purpose", "Prerender"),
        ("x-purpose", "preview"),
        ("x-moz", "prefetch"),
    ] {
        let ahead = Request::get(&back.path).header(name, value).header("accept", "text/html");
        let page = app.send(ahead.body(Body::empty()).unwrap()).await.expect(503);
        let leads_on = !page.header("location").is_empty() || page.text.contains("href") || page.text.contains("http");
        assert_eq!((page.header("cache-control"), leads_on), ("no-store", false), "{name}: {value}");
    }
    assert_eq!((app.items().await, app.subject.exchanges().len()), (before, 0));
    let refused = app.events("request").iter().filter(|line| line["code"] == "prefetched").count();
    assert_eq!((refused, app.logs().contains("\"failed\"")), (7, false));

    assert_eq!(away.go_on(&app, &back).await.expect(200).body["status"], "completed");
}

// The application's own callback.

#[tokio::test]
async fn an_application_hands_over_the_callback_it_received_itself() {
    let app = TestApp::with(Setup::take_own_callback).await;
    let away = Away::new(&app).await;
    let back = away.back().await;
    let (path, query) = back.path.split_once('?').unwrap();
    assert_eq!(path, "/of-the-shop");
    // It is answered to the application alone.
    let ours = Return::to(format!("/v1/callback/keycloak?{query}"));
    assert_eq!(app.arrive(&ours).await.expect(400).code(), "redirect_expired");
    assert!(app.subject.exchanges().is_empty());

    let answer = away.session.hand_over(&app, &back).await.expect(200);

    assert_ne!(answer.body["session_token"], Value::Null);
    assert_eq!(app.id_token(&Login::of(&away.session, &answer).code).await["email"], EMAIL);
}

// Choices.

#[tokio::test]
async fn a_user_chooses_where_to_go_on() {
    let app = TestApp::with(Setup::offer_a_choice).await;
    let session = app.start("choose").await;
    assert_json_snapshot!(session.view(&app).await.body["step"]["data"], @r#"
    {
      "heading": {
        "id": "choose_provider.heading",
        "text": "Or continue with"
      },
      "providers": [
        {
          "connector": "keycloak",
          "label": {
            "id": "choose_provider.keycloak",
            "text": "Login with Keycloak"
          },
          "name": "Keycloak"
        },
        {
          "connector": "keycloak-two",
          "label": {
            "id": "choose_provider.keycloak-two",
            "text": "Sign in at The other one"
          },
          "name": "The other one"
        }
      ]
    }
    "#);

    let answer = session.choose_connector(&app, "keycloak").await.expect(200);
    Away::after(&session, &answer).log_in(&app).await;

    // A condition that is not met leads elsewhere.
    let answer = app.start("choose").await.choose_connector(&app, "keycloak-two").await.expect(200);
    assert_eq!(answer.body["rejection"]["code"], "access_denied");
}

#[tokio::test]
async fn only_what_is_offered_can_be_chosen() {
    let app = TestApp::with(Setup::offer_a_choice).await;
    app.change_client(|client| domain::Client { connectors: Some(vec!["keycloak".parse().unwrap()]), ..client }).await;
    let session = app.start("choose").await;
    for connector in ["keycloak-two", "unknown", ""] {
        let answer = session.choose_connector(&app, connector).await.expect(422);
        assert_eq!(answer.body["fields"], json!([{ "name": "connector", "code": "unknown" }]));
    }
    let providers = &session.view(&app).await.expect(200).body["step"]["data"]["providers"];
    assert_eq!(providers.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_hint_of_the_application_chooses_the_provider() {
    let app = TestApp::with(Setup::offer_a_choice).await;
    let mut body = TestApp::start_body();
    body["request"]["idp_hint"] = json!("keycloak");
    let start = app.try_start("choose", &body).await.expect(201);
    assert_eq!(start.body["step"]["id"], "go");

    // Once that has not worked, the user is asked all the same.
    let answer = TestSession::of(&start.body).choose(&app, "go", "cancel", &key(1)).await.expect(200);
    assert_eq!((&answer.body["step"]["id"], shown(&answer).1), (&json!("which"), &json!("cancelled")));
}

// What changes while the browser is away.

#[tokio::test]
async fn a_connector_switched_off_between_the_halves_is_unavailable() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    app.clock.advance(TimeDelta::seconds(30));
    let resume = away.resume(&app).await;
    app.switch_off("keycloak").await;
    // Its document is read anew, and the second half is in time.
    app.clock.advance(TimeDelta::seconds(30));

    let answer = away.session.resume(&app, &resume).await.expect(200);

    assert_eq!((&answer.body["rejection"]["code"], app.users().await), (&json!("try_later"), 0));
}

#[tokio::test]
async fn auth_time_is_that_of_the_providers_session() {
    let app = TestApp::new().await;
    let browser = Browser::default();
    let away = Away::new(&app).await;
    let first = app.clock.now().timestamp();
    away.go_on(&app, &browser.come_back(&away.url, "ada", PASSWORD).await).await.expect(200);
    app.clock.advance(TimeDelta::minutes(20));

    // The provider's own session answers, without a form.
    let away = Away::new(&app).await;
    let Shown::Back(back) = browser.open(&away.url).await else { panic!("asked again") };
    let answer = away.go_on(&app, &back).await.expect(200);

    let claims = app.id_token(&Login::of(&away.session, &answer).code).await;
    assert_eq!(claims["auth_time"].as_i64(), Some(first));
}
