//! An application that is made to believe that its authorization request was obeyed.

use landfall::demo::EMAIL;
use landfall_tests::witness::Witness;
use landfall_tests::{Away, PROVIDERS, TestApp, TestSession};
use serde_json::{Value, json};
use url::Url;

/// What the demo starts a journey with, and more in its request.
fn asking(members: &Value) -> Value {
    let mut body = TestApp::start_body();
    let request = body["request"].as_object_mut().unwrap();
    request.extend(members.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn a_member_of_the_request_not_honoured_is_refused() {
    let app = TestApp::new().await;
    let mut witness = Witness::of(&app, &[]).await;
    let long = "x".repeat(255);
    for (member, value, code, instead) in [
        ("prompt", json!("none"), "login_required", "leave it out"),
        ("prompt", json!("none login"), "invalid_request", "login, select_account and consent"),
        ("prompt", json!("login login"), "invalid_request", "at most once"),
        ("prompt", json!("login  consent"), "invalid_request", "one space"),
        ("prompt", json!("LOGIN"), "invalid_request", "login, select_account and consent"),
        ("prompt", json!("create"), "invalid_request", "login, select_account and consent"),
        ("prompt", json!(""), "invalid_request", "login, select_account and consent"),
        ("acr_values", json!(""), "invalid_request", "words"),
        ("acr_values", json!("gold\nsilver"), "invalid_request", "words"),
        ("acr_values", json!(long), "invalid_request", "at most 254 bytes"),
        ("max_age", json!(0), "invalid_request", "prompt: login"),
        ("max_age", json!("300"), "invalid_request", "prompt: login"),
        ("request", json!("e30.e30."), "request_not_supported", "into the request itself"),
        ("request_uri", json!("https://demo.example/r"), "request_uri_not_supported", "into the request itself"),
        ("response_mode", json!("query"), "invalid_request", "completes the session"),
        ("response_mode", json!("fragment"), "invalid_request", "completes the session"),
        ("claims", json!({ "id_token": { "acr": { "essential": true } } }), "invalid_request", "scope"),
        ("id_token_hint", json!("e30.e30.e30"), "invalid_request", "login_hint"),
        ("registration", json!({}), "registration_not_supported", "client document"),
        ("display", json!("popup"), "invalid_request", "shows the steps itself"),
    ] {
        println!("{member} = {value}");
        let answer = app.try_start(&app.redirect_journey(), &asking(&json!({ member: value }))).await;

        witness.refused(&answer, 400, code).await;
        assert_eq!(answer.body["fields"], json!([{ "name": member, "code": "unsupported" }]));
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(detail.starts_with(&format!("request.{member}: ")) && detail.contains(instead), "{detail}");
    }
    let nothing = json!({ "max_age": null, "request": null, "prompt": null, "acr_values": null });
    app.try_start(&app.redirect_journey(), &asking(&nothing)).await.expect(201);
}

/// `prompt` and `acr_values` at the provider.
fn sent(url: &str) -> [Option<String>; 2] {
    let url = Url::parse(url).unwrap();
    ["prompt", "acr_values"].map(|wanted| {
        let found = url.query_pairs().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.into_owned())
    })
}

#[tokio::test]
async fn prompt_and_acr_values_reach_the_provider_after_a_restart() {
    let asked = json!({ "prompt": "login", "acr_values": "1 0" });
    for provider in &PROVIDERS {
        let app = TestApp::over(provider, |_| {}).await;
        let start = app.try_start(&app.redirect_journey(), &asking(&asked)).await.expect(201);
        let session = TestSession::of(&start.body);
        let restarted = session.choose(&app, "go", "restart", &landfall_tests::key(1)).await.expect(200);
        for answer in [&start, &restarted] {
            assert_eq!(sent(answer.redirect_url()), [Some("login".into()), Some("1 0".into())]);
        }

        let login = Away::after(&session, &restarted).log_in(&app).await;
        assert_eq!(app.id_token(&login.code).await["email"], EMAIL);
    }
}

#[tokio::test]
async fn an_application_cannot_ask_for_less_than_configured() {
    const JOURNEY: &str = include_str!("../../../infra/landfall/demo/redirect.yaml");
    let set = |in_journey: &'static str, in_connector: &'static str| {
        TestApp::with(move |setup| {
            let journey = JOURNEY.replace("{connector}\" }", &format!("keycloak\"{in_journey} }}"));
            setup.journeys.push(journey.replace("sign-in-with-{connector}", "strict"));
            setup.connectors = setup.connectors.replacen("settings: {", &format!("settings: {{{in_connector}"), 1);
        })
    };
    const STEP: &str = ", prompt: select_account, acr_values: gold";
    const CONNECTOR: &str = " prompt: consent, acr_values: silver,";
    for (in_journey, in_connector, asked, expected) in [
        ("", "", "consent select_account", ["consent select_account", "bronze"]),
        ("", CONNECTOR, "select_account", ["consent", "silver"]),
        ("", CONNECTOR, "login", ["login", "silver"]),
        (STEP, "", "consent", ["select_account", "gold"]),
        (STEP, CONNECTOR, "consent", ["select_account", "gold"]),
        (STEP, CONNECTOR, "consent login", ["consent login", "gold"]),
    ] {
        let app = set(in_journey, in_connector).await;
        let asked = asking(&json!({ "prompt": asked, "acr_values": "bronze" }));
        let start = app.try_start("strict", &asked).await.expect(201);
        let expected = expected.map(|value| Some(value.to_owned()));
        assert_eq!(sent(start.redirect_url()), expected, "{in_journey} {in_connector} {asked}");
    }
}
