//! A connector tested by an administrator.

use insta::assert_snapshot;
use landfall_tests::{ADMIN, Answer, TestApp};
use serde_json::{Value, json};

const SAVED: &str = "/v1/connectors/keycloak/test";
const DRAFT: &str = "/v1/connectors/test";

async fn document(app: &TestApp) -> Value {
    serde_json::to_value(app.saved_connector("keycloak").await).unwrap()
}

fn found(answer: &Answer) -> String {
    let checks = answer.body["checks"].as_array().unwrap();
    let text = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
    checks
        .iter()
        .map(|check| format!("{} {} {}\n", text(check, "id"), text(check, "status"), text(check, "hint")))
        .collect()
}

#[tokio::test]
async fn a_connector_that_is_right_passes_and_nothing_is_written() {
    let app = TestApp::new().await;
    let before = app.items().await;

    let answer = app.post(SAVED, Some(ADMIN), &json!({})).await.expect(200);

    assert_snapshot!(found(&answer), @"
    discovery passed 
    issuer passed 
    tls unverifiable 
    endpoints passed 
    keys passed 
    client_credentials passed 
    redirect_uri passed 
    password_grant passed
    ");
    assert_eq!((&answer.body["ok"], app.items().await), (&json!(true), before));
    let events = app.events("connector_tested");
    assert_eq!((events.len(), &events[0]["connector"], &events[0]["ok"]), (1, &json!("keycloak"), &json!(true)));
}

#[tokio::test]
async fn what_is_wrong_is_found_with_a_hint() {
    let app = TestApp::with(|setup| {
        setup.secrets.insert("keycloak", "not-the-secret-canary");
    })
    .await;
    let answer = app.post(SAVED, Some(ADMIN), &json!({})).await.expect(200);
    assert_eq!(answer.body["ok"], false);
    assert_snapshot!(found(&answer), @"
    discovery passed 
    issuer passed 
    tls unverifiable 
    endpoints passed 
    keys passed 
    client_credentials failed the client secret is wrong or missing: Clients > the client > Credentials > Client secret
    redirect_uri passed 
    password_grant unverifiable
    ");
    assert!(!answer.text.contains("canary") && !app.logs().contains("canary"));
}

#[tokio::test]
async fn a_test_knows_nothing_of_what_a_login_has_learnt() {
    let app = TestApp::new().await;
    app.log_in(landfall::demo::EMAIL, landfall::demo::PASSWORD).await;
    let calls = [app.subject.calls(simulators::Endpoint::Discovery)];
    app.post(SAVED, Some(ADMIN), &json!({})).await.expect(200);
    assert_eq!(app.subject.calls(simulators::Endpoint::Discovery), calls[0] + 1);
}

#[tokio::test]
async fn a_connector_is_tested_unsaved_and_switched_off() {
    let app = TestApp::new().await;
    let mut draft = document(&app).await;
    draft["id"] = json!("next");
    draft["enabled"] = json!(false);
    let answer = app.post(DRAFT, Some(ADMIN), &json!({ "connector": draft, "test_user": "grace" })).await.expect(200);
    // It would come back to an address that is not registered.
    assert_eq!(answer.body["ok"], false);
    let failed: Vec<_> =
        answer.body["checks"].as_array().unwrap().iter().filter(|check| check["status"] == "failed").collect();
    assert_eq!((failed.len(), &failed[0]["id"]), (1, &json!("redirect_uri")));
    assert_eq!(failed[0]["detail"]["redirect_uri"], "https://id.example.com/v1/callback/next");
    app.post("/v1/connectors/next/test", Some(ADMIN), &json!({})).await.expect(404);
}

#[tokio::test]
async fn what_is_no_connector_is_told_where_it_is_wrong() {
    let app = TestApp::new().await;
    for (pointer, value, detail) in [
        ("provider", json!("kecloak"), "provider: unknown provider \"kecloak\", known are: "),
        ("methods", json!({}), "methods: no method is switched on"),
        ("timeout", json!(0), "timeout: is not 1 to 29 seconds"),
    ] {
        let mut draft = document(&app).await;
        draft[pointer] = value;
        let answer = app.post(DRAFT, Some(ADMIN), &json!({ "connector": draft })).await.expect(422);
        let told = answer.body["detail"].as_str().unwrap();
        assert!(answer.code() == "invalid_connector" && told.starts_with(detail), "{told}");
    }
    let answer = app.post(DRAFT, Some(ADMIN), &json!({ "connector": { "id": "next" } })).await.expect(422);
    assert_eq!(answer.body["detail"], "connector: missing field `provider`");
    let answer = app.post(DRAFT, Some(ADMIN), &json!({ "connector": { "id": "next", "clent": {} } })).await.expect(422);
    assert!(answer.body["detail"].as_str().unwrap().starts_with("clent: unknown field `clent`"), "{:#}", answer.body);
    app.post(DRAFT, Some(ADMIN), &json!({ "connector": "next" })).await.expect(400);
    app.post(DRAFT, Some(ADMIN), &json!({})).await.expect(400);
}
