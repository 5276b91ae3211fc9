//! Signing in at the provider's own page: two halves, and no dead end between them.

use axum::body::Body;
use axum::http::Request;
use chrono::TimeDelta;
use domain::{CallbackState, Clock, SeededEntropy};
use insta::assert_json_snapshot;
use landfall::demo::{self, EMAIL, PASSWORD};
use landfall_tests::{Answer, Browser, Login, PROVIDERS, Return, Shown, TestApp, TestSession, key};
use serde_json::{Value, json};
use simulators::{Misbehaviour, OldKey};
use store::{LockId, StateTaken};

/// A session that waits for its redirect, and where that goes.
async fn away(app: &TestApp) -> (TestSession, String) {
    let start = app.try_start(&app.redirect_journey(), &TestApp::start_body()).await.expect(201);
    (TestSession::of(&start.body), start.redirect_url().to_owned())
}

/// Logs Ada in at the provider, and the browser back to us.
async fn come_back(app: &TestApp, url: &str) -> String {
    let back = Browser::default().come_back(url, "ada", PASSWORD).await;
    app.arrive(&back).await.carried().1
}

/// Fails unless a session can still be finished.
async fn ends_in_a_login(app: &TestApp, session: &TestSession) {
    let view = session.view(app).await.expect(200);
    let restarted = session.after(&view).choose(app, "go", "restart", &key(99)).await.expect(200);
    let session = session.after(&restarted);
    let resume = come_back(app, restarted.redirect_url()).await;
    let answer = session.resume(app, &resume).await.expect(200);
    assert_eq!(app.id_token(&Login::of(&session, &answer).code).await["email"], EMAIL);
}

fn shown(answer: &Answer) -> (&Value, &Value) {
    (&answer.body["status"], &answer.body["step"]["error"]["code"])
}

#[tokio::test]
async fn a_user_is_one_user_by_password_by_redirect_and_by_password_again() {
    let app = TestApp::new().await;

    let first = app.log_in(EMAIL, PASSWORD).await;
    let second = app.sign_in_by_redirect(&app.redirect_journey(), "ada", PASSWORD).await;
    let third = app.log_in(EMAIL, PASSWORD).await;

    let subjects = [&first, &second, &third].map(|login| app.id_token(&login.code));
    let [first, second, third] = subjects;
    let (first, second, third) = (first.await, second.await, third.await);
    assert_eq!((&first["sub"], &first["sub"]), (&second["sub"], &third["sub"]));
    assert_eq!((app.users().await, app.items_of("LINK#").await.len()), (1, 1));
    // Only we know how we recognised her; how the provider did, it does not say.
    assert_eq!((&first["amr"], &second["amr"]), (&json!(["pwd"]), &Value::Null));
}

#[tokio::test]
async fn a_user_is_created_at_the_first_redirect_and_recognised_at_the_next_ones() {
    for provider in demo::PROVIDERS {
        let app = TestApp::over(provider, |_| {}).await;
        let login = app.sign_in_by_redirect(&app.redirect_journey(), "ada", PASSWORD).await;
        let claims = app.id_token(&login.code).await;
        assert_eq!((&claims["email"], &claims["name"]), (&json!(EMAIL), &json!("Ada Lovelace")));
        // And recognised from then on, whatever key the provider signs with.
        for old in [OldKey::Kept, OldKey::Removed] {
            app.clock.advance(TimeDelta::minutes(2));
            let (session, url) = away(&app).await;
            let back = Browser::default().come_back(&url, "ada", PASSWORD).await;
            app.subject.rotate_key(old);
            let answer = session.resume(&app, &app.arrive(&back).await.carried().1).await.expect(200);
            assert_eq!(app.id_token(&Login::of(&session, &answer).code).await["sub"], claims["sub"], "{old:?}");
        }
        assert_eq!((app.events("user_provisioned").len(), app.users().await), (1, 1));
    }
}

#[tokio::test]
async fn an_application_is_told_where_the_browser_goes_and_what_else_its_user_may_do() {
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
    let url = url::Url::parse(start.redirect_url()).unwrap();
    let names: Vec<_> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    for name in ["client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge", "code_challenge_method"] {
        assert!(names.iter().any(|sent| sent == name), "{name} is not in {url}");
    }
}

#[tokio::test]
async fn a_page_that_is_loaded_again_shows_the_same_way_out() {
    for provider in &PROVIDERS {
        let app = TestApp::over(provider, |_| {}).await;
        let (session, url) = away(&app).await;
        assert_eq!(session.view(&app).await.expect(200).redirect_url(), url);
    }
}

#[tokio::test]
async fn the_browser_brings_the_application_what_it_resumes_with() {
    for provider in &PROVIDERS {
        let app = TestApp::over(provider, |_| {}).await;
        let (session, url) = away(&app).await;
        let back = Browser::default().come_back(&url, "ada", PASSWORD).await;

        let answer = app.arrive(&back).await.expect(303);

        assert!(answer.header("location").starts_with(&format!("{}?session=", landfall::demo::REDIRECT_URI)));
        assert_eq!((answer.header("cache-control"), answer.header("referrer-policy")), ("no-store", "no-referrer"));
        assert_eq!(answer.carried().0, session.id);
        // Nothing has happened yet: the other half is missing.
        assert_eq!(app.users().await, 0);
        let view = session.view(&app).await.expect(200);
        assert_eq!((shown(&view).0, &view.body["redirect"]), (&json!("redirect"), &Value::Null));
    }
}

#[tokio::test]
async fn a_resume_sent_again_gets_the_same_answer_again() {
    for provider in &PROVIDERS {
        let app = TestApp::over(provider, |_| {}).await;
        let (session, url) = away(&app).await;
        let resume = come_back(&app, &url).await;

        let first = session.resume(&app, &resume).await.expect(200);
        let again = session.resume(&app, &resume).await.expect(200);

        assert_eq!(first.body, again.body);
        assert_ne!(first.body["session_token"], session.token, "the token rotates");
        assert_eq!(app.users().await, 1);
    }
}

#[tokio::test]
async fn a_redirect_that_is_started_over_kills_the_one_before() {
    for provider in &PROVIDERS {
        let app = TestApp::over(provider, |_| {}).await;
        let (session, url) = away(&app).await;
        let back = Browser::default().come_back(&url, "ada", PASSWORD).await;

        let restarted = session.choose(&app, "go", "restart", &key(1)).await.expect(200);

        assert_ne!(restarted.redirect_url(), url);
        assert_eq!(app.arrive(&back).await.expect(400).code(), "redirect_expired");
        assert!(app.subject.exchanges().is_empty());
        ends_in_a_login(&app, &session).await;
    }
}

#[tokio::test]
async fn a_redirect_may_be_given_up() {
    for provider in &PROVIDERS {
        let app = TestApp::over(provider, |_| {}).await;
        let (session, url) = away(&app).await;

        let answer = session.choose(&app, "go", "cancel", &key(1)).await.expect(200);

        assert_eq!(answer.body["rejection"]["code"], "cancelled");
        let back = Browser::default().come_back(&url, "ada", PASSWORD).await;
        assert_eq!(app.arrive(&back).await.expect(400).code(), "redirect_expired");
    }
}

#[tokio::test]
async fn whatever_the_provider_says_no_with_is_an_outcome_of_the_journey() {
    let rows = [
        ("access_denied", "access_denied"),
        ("login_required", "access_denied"),
        ("temporarily_unavailable", "try_later"),
        ("invalid_scope", "try_later"),
    ];
    for (provider, (error, code)) in PROVIDERS.iter().flat_map(|provider| rows.map(|row| (provider, row))) {
        let app = TestApp::over(provider, |_| {}).await;
        let (session, url) = away(&app).await;
        let back = Browser::default().come_back(&url, "ada", PASSWORD).await;

        let denied = back.with(&[("code", ""), ("session_state", ""), ("error", error)]);
        let (_, resume) = app.arrive(&denied).await.carried();
        let answer = session.resume(&app, &resume).await.expect(200);

        assert_eq!(answer.body["rejection"]["code"], code, "{error}");
        assert!(app.subject.exchanges().is_empty());
    }
}

#[tokio::test]
async fn a_user_who_refuses_consent_is_not_signed_in() {
    let app = TestApp::new().await;
    app.keycloak().change_client("demo", "landfall", |client| client.consent_required(true)).unwrap();
    let (session, url) = away(&app).await;
    let browser = Browser::default();
    let consent = browser.log_in(&url, "ada", PASSWORD).await;

    let Shown::Back(back) = browser.fill_in(consent, &[("cancel", "No")]).await else { panic!("not sent back") };

    assert_eq!(back.parameter("error").as_deref(), Some("access_denied"));
    let (_, resume) = app.arrive(&back).await.carried();
    assert_eq!(session.resume(&app, &resume).await.expect(200).body["rejection"]["code"], "access_denied");
}

#[tokio::test]
async fn a_form_post_is_a_callback_like_any_other() {
    for provider in &PROVIDERS {
        let app = TestApp::over(provider, |setup| {
            setup.connectors = setup.connectors.replace("settings: {", "settings: { response_mode: form_post,");
        })
        .await;
        let (session, url) = away(&app).await;
        let back = Browser::default().come_back(&url, "ada", PASSWORD).await;
        assert!(back.form.is_some());

        let (_, resume) = app.arrive(&back).await.carried();

        let answer = session.resume(&app, &resume).await.expect(200);
        assert_eq!(app.id_token(&Login::of(&session, &answer).code).await["email"], EMAIL);
    }
}

// The dead ends.

#[tokio::test]
async fn a_function_that_dies_between_the_callbacks_two_writes_leaves_a_session_that_works() {
    let app = TestApp::new().await;
    let (session, url) = away(&app).await;
    let back = Browser::default().come_back(&url, "ada", PASSWORD).await;
    let state = back.parameter("state").unwrap();
    let (id, state) = CallbackState::presented(&state).unwrap();
    let state = state.hash_at(&"keycloak".parse().unwrap());
    let by = LockId::generate(&SeededEntropy::new(9));
    let taken = app.store.take_state(&app.context(), &id, state, &by).await.unwrap();
    assert!(matches!(taken, StateTaken::Yes(_)));

    assert_eq!(app.arrive(&back).await.expect(400).code(), "redirect_expired");
    let view = session.view(&app).await.expect(200);
    assert_eq!((shown(&view).0, &view.body["redirect"]), (&json!("redirect"), &Value::Null));
    ends_in_a_login(&app, &session).await;
}

#[tokio::test]
async fn a_callback_that_is_loaded_again_is_a_page_and_the_session_goes_on() {
    for provider in &PROVIDERS {
        let app = TestApp::over(provider, |_| {}).await;
        let (session, url) = away(&app).await;
        let back = Browser::default().come_back(&url, "ada", PASSWORD).await;
        let (_, resume) = app.arrive(&back).await.carried();

        let again = app.arrive(&back).await.expect(400);

        assert_eq!((again.code(), app.subject.exchanges().len()), ("redirect_expired", 1));
        assert_eq!(session.resume(&app, &resume).await.expect(200).body["status"], "completed");
    }
}

#[tokio::test]
async fn a_resume_that_comes_too_late_changes_nothing_and_the_session_goes_on() {
    for provider in &PROVIDERS {
        let app = TestApp::over(provider, |_| {}).await;
        let (session, url) = away(&app).await;
        let resume = come_back(&app, &url).await;
        app.clock.advance(TimeDelta::seconds(60));

        let late = session.resume(&app, &resume).await.expect(400);

        assert_eq!((late.code(), &late.body["view"]["status"]), ("redirect_expired", &json!("redirect")));
        assert_eq!(app.users().await, 0);
        ends_in_a_login(&app, &session).await;
    }
}

#[tokio::test]
async fn a_browser_that_never_comes_back_leaves_a_session_that_works() {
    for provider in &PROVIDERS {
        let app = TestApp::over(provider, |_| {}).await;
        let (session, url) = away(&app).await;
        Browser::default().open(&url).await;
        app.clock.advance(TimeDelta::minutes(5));
        ends_in_a_login(&app, &session).await;
    }
}

#[tokio::test]
async fn a_provider_that_is_away_when_the_browser_is_back_is_an_outcome() {
    for provider in &PROVIDERS {
        let app = TestApp::over(provider, |_| {}).await;
        let (session, url) = away(&app).await;
        let back = Browser::default().come_back(&url, "ada", PASSWORD).await;
        app.subject.misbehave(Some(Misbehaviour::Unavailable));

        let (_, resume) = app.arrive(&back).await.carried();
        let answer = session.resume(&app, &resume).await.expect(200);

        assert_eq!((&answer.body["rejection"]["code"], app.subject.exchanges().len()), (&json!("try_later"), 1));
    }
}

#[tokio::test]
async fn a_provider_that_is_away_at_the_start_is_an_outcome_and_sends_nobody_anywhere() {
    for provider in &PROVIDERS {
        let app = TestApp::over(provider, |_| {}).await;
        app.subject.misbehave_at(simulators::Endpoint::Discovery, Some(Misbehaviour::Unavailable));
        let start = app.try_start(&app.redirect_journey(), &TestApp::start_body()).await.expect(201);
        assert_eq!((&start.body["rejection"]["code"], &start.body["redirect"]), (&json!("try_later"), &Value::Null));
    }
}

#[tokio::test]
async fn a_link_scanner_that_looks_first_spends_nothing() {
    let app = TestApp::new().await;
    let (session, url) = away(&app).await;
    let back = Browser::default().come_back(&url, "ada", PASSWORD).await;
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

    let (_, resume) = app.arrive(&back).await.carried();
    assert_eq!(session.resume(&app, &resume).await.expect(200).body["status"], "completed");
}

// The application's own callback.

async fn with_own_callback() -> TestApp {
    TestApp::with(|setup| {
        let own = "realm: demo, redirect_uri: \"https://id.example.com/of-the-shop\" }";
        setup.connectors = setup.connectors.replace("realm: demo }", own);
        setup
            .keycloak()
            .change_client("demo", "landfall", |client| client.redirect_uri("https://id.example.com/of-the-shop"))
            .unwrap();
    })
    .await
}

fn handed_over(session: &TestSession, back: &Return) -> Value {
    let data: serde_json::Map<_, _> = back.parameters().into_iter().map(|(name, value)| (name, json!(value))).collect();
    json!({ "turn": session.turn, "key": key(1), "option": "callback", "data": data })
}

#[tokio::test]
async fn an_application_that_receives_the_callback_itself_hands_it_over() {
    let app = with_own_callback().await;
    let (session, url) = away(&app).await;
    let back = Browser::default().come_back(&url, "ada", PASSWORD).await;
    assert!(back.path.starts_with("/of-the-shop?"));

    let answer = session.submit_to(&app, "go", &handed_over(&session, &back)).await.expect(200);

    assert_ne!(answer.body["session_token"], Value::Null);
    assert_eq!(app.id_token(&Login::of(&session, &answer).code).await["email"], EMAIL);
}

#[tokio::test]
async fn what_an_application_receives_itself_is_answered_to_it_alone() {
    let app = with_own_callback().await;
    let (session, url) = away(&app).await;
    let back = Browser::default().come_back(&url, "ada", PASSWORD).await;
    let query = back.path.split_once('?').unwrap().1;

    let ours = Return::to(format!("/v1/callback/keycloak?{query}"));
    assert_eq!(app.arrive(&ours).await.expect(400).code(), "redirect_expired");

    assert!(app.subject.exchanges().is_empty());
    let answer = session.submit_to(&app, "go", &handed_over(&session, &back)).await.expect(200);
    assert_eq!(answer.body["status"], "completed");
}

#[tokio::test]
async fn an_application_cannot_hand_over_what_another_session_went_out_with() {
    let app = with_own_callback().await;
    let (session, _) = away(&app).await;
    let (_, url) = away(&app).await;
    let others = Browser::default().come_back(&url, "ada", PASSWORD).await;

    let answer = session.submit_to(&app, "go", &handed_over(&session, &others)).await.expect(422);

    assert_eq!(answer.body["fields"], json!([{ "name": "state", "code": "unknown" }]));
    assert!(app.subject.exchanges().is_empty());
}

// Choices.

const CHOOSE: &str = include_str!("choose.yaml");

pub(crate) async fn with_choice() -> TestApp {
    TestApp::with(|setup| {
        setup.journeys.push(CHOOSE.into());
        let one = setup.connectors.clone();
        let two = one.replace("connectors:\n", "").replace("id: keycloak\n", "id: keycloak-two\n");
        setup.connectors = format!("{one}{}", two.replace("name: Keycloak", "name: The other one"));
    })
    .await
}

#[tokio::test]
async fn a_user_chooses_where_to_go_on() {
    let app = with_choice().await;
    let start = app.try_start("choose", &TestApp::start_body()).await.expect(201);
    let session = TestSession::of(&start.body);
    assert_json_snapshot!(start.body["step"]["data"], @r#"
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
            "text": "Continue with Keycloak"
          },
          "name": "Keycloak"
        },
        {
          "connector": "keycloak-two",
          "label": {
            "id": "choose_provider.keycloak-two",
            "text": "Continue with The other one"
          },
          "name": "The other one"
        }
      ]
    }
    "#);

    let chosen = json!({ "turn": 1, "key": key(1), "option": "submit", "data": { "connector": "keycloak" } });
    let answer = session.submit_to(&app, "which", &chosen).await.expect(200);
    let resume = come_back(&app, answer.redirect_url()).await;

    assert_eq!(session.after(&answer).resume(&app, &resume).await.expect(200).body["status"], "completed");
}

#[tokio::test]
async fn only_what_is_offered_can_be_chosen() {
    let app = with_choice().await;
    let client = app.store.get_client(&app.context(), &"demo".parse().unwrap()).await.unwrap().unwrap();
    let client = domain::Client { connectors: Some(vec!["keycloak".parse().unwrap()]), ..client };
    app.save(client).await;
    let session = app.start("choose").await;
    for connector in ["keycloak-two", "nobody", ""] {
        let chosen = json!({ "turn": 1, "key": key(1), "option": "submit", "data": { "connector": connector } });
        let answer = session.submit_to(&app, "which", &chosen).await.expect(422);
        assert_eq!(answer.body["fields"], json!([{ "name": "connector", "code": "unknown" }]));
    }
    let providers = &session.view(&app).await.expect(200).body["step"]["data"]["providers"];
    assert_eq!(providers.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn an_application_that_knows_the_provider_has_its_user_not_asked() {
    let app = with_choice().await;
    let mut body = TestApp::start_body();
    body["request"]["idp_hint"] = json!("keycloak");
    let start = app.try_start("choose", &body).await.expect(201);
    assert_eq!(start.body["step"]["id"], "go");

    // Once that has not worked, the user is asked all the same.
    let session = TestSession::of(&start.body);
    let answer = session.choose(&app, "go", "cancel", &key(1)).await.expect(200);
    assert_eq!((&answer.body["step"]["id"], shown(&answer).1), (&json!("which"), &json!("cancelled")));
}

#[tokio::test]
async fn a_condition_that_is_not_met_leads_elsewhere() {
    let app = with_choice().await;
    let session = app.start("choose").await;
    let chosen = json!({ "turn": 1, "key": key(1), "option": "submit", "data": { "connector": "keycloak-two" } });
    let answer = session.submit_to(&app, "which", &chosen).await.expect(200);
    assert_eq!(answer.body["rejection"]["code"], "access_denied");
}

// What changes while the browser is away.

#[tokio::test]
async fn a_connector_switched_off_between_the_two_halves_signs_nobody_in() {
    let app = TestApp::new().await;
    let (session, url) = away(&app).await;
    app.clock.advance(TimeDelta::seconds(30));
    let resume = come_back(&app, &url).await;
    let cx = app.context();
    let document = app.store.get_connector(&cx, &"keycloak".parse().unwrap()).await.unwrap().unwrap();
    app.save(domain::ConnectorDocument { enabled: false, ..document }).await;
    // Nobody remembers its document any more, and the second half is in time.
    app.clock.advance(TimeDelta::seconds(30));

    let answer = session.resume(&app, &resume).await.expect(200);

    assert_eq!((&answer.body["rejection"]["code"], app.users().await), (&json!("try_later"), 0));
}

#[tokio::test]
async fn a_user_whom_the_provider_has_seen_before_was_authenticated_then() {
    let app = TestApp::new().await;
    let browser = Browser::default();
    let (session, url) = away(&app).await;
    let first = app.clock.now().timestamp();
    let (_, resume) = app.arrive(&browser.come_back(&url, "ada", PASSWORD).await).await.carried();
    session.resume(&app, &resume).await.expect(200);
    app.clock.advance(TimeDelta::minutes(20));

    // The provider's own session answers, without a form.
    let (session, url) = away(&app).await;
    let Shown::Back(back) = browser.open(&url).await else { panic!("asked again") };
    let (_, resume) = app.arrive(&back).await.carried();
    let answer = session.resume(&app, &resume).await.expect(200);

    let claims = app.id_token(&Login::of(&session, &answer).code).await;
    assert_eq!(claims["auth_time"].as_i64(), Some(first));
}
