//! Connector documents that describe no connector, and connectors that cannot be used when somebody wants to log in.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use domain::{FixedClock, SeededEntropy};
use insta::assert_snapshot;
use landfall::demo::{EMAIL, PASSWORD, connectors_file, subjects};
use landfall::documents;
use landfall_tests::{Answer, Setup, TestApp, data, key};
use providers::Registry;
use serde_json::json;

/// The demo's file of connectors.
fn demo() -> String {
    let clock = Arc::new(FixedClock::at(DateTime::UNIX_EPOCH));
    connectors_file(&subjects(clock, Arc::new(SeededEntropy::new(1))), "https://id.example.com")
}

/// What is said about a copy of the demo's connectors with other text in some places.
fn broken(changes: &[(&str, &str)]) -> String {
    let mut text = demo();
    for (from, to) in changes {
        assert_eq!(text.matches(from).count(), 1, "{from:?} is not there, or not once");
        text = text.replacen(from, to, 1);
    }
    documents::connectors(&Registry::default(), "connectors.yaml", &text).unwrap_err().to_string()
}

#[test]
fn the_demos_connectors_are_connectors() {
    let connectors = documents::connectors(&Registry::default(), "connectors.yaml", &demo()).unwrap();
    assert_eq!(connectors.len(), 1);
    assert!(connectors[0].enabled);
}

#[test]
fn an_unknown_provider_is_named_with_the_known_ones() {
    assert_snapshot!(broken(&[("provider: keycloak", "provider: kecloak")]), @r#"connectors.yaml: connector keycloak: provider: unknown provider "kecloak", known are: keycloak, oidc"#);
}

#[test]
fn an_unknown_member_is_found() {
    assert_snapshot!(broken(&[("name: Demo Keycloak", "title: Demo Keycloak")]), @"
    connectors.yaml:
    error: line 6 column 5: unknown field `title`, expected one of id, provider, name, enabled, source, timeout, ca_certificates, client, methods, settings
     --> <input>:6:5
      |
    4 |   - id: keycloak
    5 |     provider: keycloak
    6 |     title: Demo Keycloak
      |     ^ unknown field `title`, expected one of id, provider, name, enabled, source, timeout, ca_certificates, client, methods, settings
    7 |     client: { id: landfall, secret: keycloak }
    8 |     methods: { oidc: {}, password: {} }
      |
    ");
}

#[test]
fn an_unknown_member_of_the_file_is_found() {
    assert_snapshot!(broken(&[("connectors:\n", "connector:\n")]), @"
    connectors.yaml:
    error: line 3 column 1: unknown field `connector`, expected one of connectors
     --> <input>:3:1
      |
    1 | # The demo's old provider: a simulated Keycloak, served beside La…
    2 | # `--connectors`, puts a provider of your own in its place.
    3 | connector:
      | ^ unknown field `connector`, expected one of connectors
    4 |   - id: keycloak
    5 |     provider: keycloak
      |
    ");
}

#[test]
fn a_secret_is_not_written_into_a_document() {
    assert_snapshot!(broken(&[("{ id: landfall, secret: keycloak }", "{ id: landfall, client_secret: hunter2 }")]), @r#"
    connectors.yaml:
    error: line 7 column 29: unknown field `client_secret`, expected one of id, secret, token_endpoint_auth_method
     --> <input>:7:29
      |
    5 |     provider: keycloak
    6 |     name: Demo Keycloak
    7 |     client: { id: landfall, client_secret: hunter2 }
      |                             ^ unknown field `client_secret`, expected one of id, secret, token_endpoint_auth_method
    8 |     methods: { oidc: {}, password: {} }
    9 |     settings: { url: "https://id.example.com/demo/keycloak", realm: demo }
      |
    "#);
}

#[test]
fn a_connector_has_a_provider() {
    assert_snapshot!(broken(&[("    provider: keycloak\n", "")]), @r#"
    connectors.yaml:
    error: line 8 column 5: missing field `provider`
     --> <input>:8:5
      |
    6 |     client: { id: landfall, secret: keycloak }
    7 |     methods: { oidc: {}, password: {} }
    8 |     settings: { url: "https://id.example.com/demo/keycloak", realm: d…
      |     ^ missing field `provider`
    "#);
}

#[test]
fn a_connector_has_a_client() {
    assert_snapshot!(broken(&[("    client: { id: landfall, secret: keycloak }\n", "")]), @r#"
    connectors.yaml:
    error: line 8 column 5: missing field `client`
     --> <input>:8:5
      |
    6 |     name: Demo Keycloak
    7 |     methods: { oidc: {}, password: {} }
    8 |     settings: { url: "https://id.example.com/demo/keycloak", realm: d…
      |     ^ missing field `client`
    "#);
    assert_snapshot!(broken(&[("id: landfall", "id: \"\"")]), @"connectors.yaml: connector keycloak: client.id: is empty");
    assert_snapshot!(broken(&[("secret: keycloak", "secret: \"\"")]), @"connectors.yaml: connector keycloak: client.secret: is empty: leave it out for a public client");
}

#[test]
fn a_connectors_id_is_a_name() {
    assert_snapshot!(broken(&[("id: keycloak\n", "id: key cloak\n")]), @"
    connectors.yaml:
    error: line 4 column 9: not a connector id: 1 to 64 letters, digits, '-', '_' or '.', starting with a letter or digit
     --> <input>:4:9
      |
    2 | # `--connectors`, puts a provider of your own in its place.
    3 | connectors:
    4 |   - id: key cloak
      |         ^ not a connector id: 1 to 64 letters, digits, '-', '_' or '.', starting with a letter or digit
    5 |     provider: keycloak
    6 |     name: Demo Keycloak
      |
    ");
}

#[test]
fn an_unknown_method_is_named_with_the_known_ones() {
    assert_snapshot!(broken(&[("methods: { oidc: {}, password: {} }", "methods: { passwort: {} }")]), @r#"
    connectors.yaml:
    error: line 8 column 16: unknown variant `passwort`, expected one of oidc, password, email_otp, sms_otp, totp
     --> <input>:8:16
      |
    6 |     name: Demo Keycloak
    7 |     client: { id: landfall, secret: keycloak }
    8 |     methods: { passwort: {} }
      |                ^ unknown variant `passwort`, expected one of oidc, password, email_otp, sms_otp, totp
    9 |     settings: { url: "https://id.example.com/demo/keycloak", realm: demo }
      |
    "#);
}

#[test]
fn a_connector_that_can_do_nothing_is_none() {
    assert_snapshot!(broken(&[("methods: { oidc: {}, password: {} }", "methods: {}")]), @"connectors.yaml: connector keycloak: methods: no method is switched on");
}

#[test]
fn a_methods_settings_are_known() {
    assert_snapshot!(broken(&[("methods: { oidc: {}, password: {} }", "methods: { password: { otp: true } }")]), @r#"
    connectors.yaml:
    error: line 8 column 28: unknown field `otp`, expected one of client
     --> <input>:8:28
      |
    6 |     name: Demo Keycloak
    7 |     client: { id: landfall, secret: keycloak }
    8 |     methods: { password: { otp: true } }
      |                            ^ unknown field `otp`, expected one of client
    9 |     settings: { url: "https://id.example.com/demo/keycloak", realm: demo }
      |
    "#);
    assert_snapshot!(broken(&[("password: {} }", "password: { client: { id: \"\" } } }")]), @"connectors.yaml: connector keycloak: methods.password.client.id: is empty");
}

#[test]
fn two_connectors_have_two_addresses_to_come_back_to() {
    let own = "realm: demo, redirect_uri: \"https://shop.example/callback\" }";
    let twin = "\n  - id: twin\n    provider: oidc\n    name: Twin\n    client: { id: landfall }\n    methods: { oidc: {} }\n    \
                settings: { domain: twin.example, redirect_uri: \"https://shop.example/callback\" }\n";
    assert_snapshot!(broken(&[("realm: demo }", &format!("{own}{twin}"))]), @"connectors.yaml: connectors keycloak and twin have the same settings.redirect_uri: give each its own, or an answer cannot be told apart");
}

#[test]
fn a_missing_setting_is_named() {
    assert_snapshot!(broken(&[(", realm: demo", "")]), @"connectors.yaml: connector keycloak: settings: missing field `realm`");
    assert_snapshot!(broken(&[("    settings: { url: \"https://id.example.com/demo/keycloak\", realm: demo }\n", "")]), @"connectors.yaml: connector keycloak: settings: missing field `url`");
}

#[test]
fn an_unknown_setting_is_named_with_the_known_ones() {
    assert_snapshot!(broken(&[("realm: demo", "relm: demo")]), @"connectors.yaml: connector keycloak: settings.relm: unknown field `relm`, expected `url` or `realm`, or one of those of all connectors: `scopes`, `redirect_uri`, `response_mode`, `prompt`, `acr_values`, `authorize_params`, `pkce`, `algorithms`, `trusted_audiences`");
}

#[test]
fn a_setting_of_the_wrong_type_is_named() {
    assert_snapshot!(broken(&[("realm: demo", "realm: 7")]), @"connectors.yaml: connector keycloak: settings.realm: invalid type: integer `7`, expected a string");
    assert_snapshot!(broken(&[("realm: demo", "realm: demo, scopes: openid")]), @r#"connectors.yaml: connector keycloak: settings.scopes: invalid type: string "openid", expected a sequence"#);
}

#[test]
fn the_address_is_one_of_a_server() {
    let url = |url: &str| broken(&[("https://id.example.com/demo/keycloak", url)]);
    assert_snapshot!(url("id.example.com"), @r#"connectors.yaml: connector keycloak: settings.url: relative URL without a base: "id.example.com""#);
    assert_snapshot!(url("ftp://id.example.com"), @"connectors.yaml: connector keycloak: settings.url: is not an https address");
    assert_snapshot!(url("https://admin:hunter2@id.example.com"), @"connectors.yaml: connector keycloak: settings.url: has a user name or password in it");
    assert_snapshot!(url("https://id.example.com/?realm=demo"), @"connectors.yaml: connector keycloak: settings.url: has a query: give the server's address, with its relative path if it has one");
    assert_snapshot!(url("https://"), @r#"connectors.yaml: connector keycloak: settings.url: empty host: "https://""#);
}

#[test]
fn no_is_a_word_and_no_boolean() {
    assert_snapshot!(broken(&[("name: Demo Keycloak", "name: Demo Keycloak\n    enabled: no")]), @"
    connectors.yaml:
    error: line 7 column 14: invalid boolean (strict mode expects true/false)
     --> <input>:7:14
      |
    5 |     provider: keycloak
    6 |     name: Demo Keycloak
    7 |     enabled: no
      |              ^ invalid boolean (strict mode expects true/false)
    8 |     client: { id: landfall, secret: keycloak }
    9 |     methods: { oidc: {}, password: {} }
      |
    ");
}

#[test]
fn a_key_may_be_there_only_once() {
    assert_snapshot!(broken(&[("realm: demo", "realm: demo, realm: other")]), @r#"
    connectors.yaml:
    error: line 9 column 75: duplicate mapping key: realm, set DuplicateKeyPolicy in Options if acceptable
     --> <input>:9:66
      |
    7 | …: { id: landfall, secret: keycloak }
    8 | …s: { oidc: {}, password: {} }
    9 | …gs: { url: "https://id.example.com/demo/keycloak", realm: demo, realm: other }
      |                                                                  ^ duplicate mapping key: realm, set DuplicateKeyPolicy in Options if acceptable
    "#);
}

#[test]
fn a_connector_may_be_there_only_once() {
    let twin = "settings: { url: \"https://a.example.com\", realm: demo }\n  - id: keycloak\n    provider: keycloak\n    \
                name: Twin\n    client: { id: landfall }\n    methods: { password: {} }\n    settings: {";
    assert_snapshot!(broken(&[("settings: {", twin)]), @"connectors.yaml: connector keycloak is there twice");
}

/// A login with the right password, and how the journey goes on.
async fn log_in(app: &TestApp) -> Answer {
    let session = app.start("migrate-from-keycloak").await;
    session.submit(app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200)
}

/// The demo's journey leads from `unavailable` to a rejection of its own.
#[track_caller]
fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.body["status"], "rejected", "{:#}", answer.body);
    assert_eq!(answer.body["rejection"], json!({ "code": "try_later" }));
    assert_eq!((&answer.body["completion"], &answer.body["step"]), (&json!(null), &json!(null)));
}

fn provider_calls(app: &TestApp) -> Vec<String> {
    let calls = app.calls.take().into_iter().filter(|call| call.service == "provider");
    calls.map(|call| call.operation).collect()
}

#[tokio::test]
async fn a_disabled_connector_sends_nobodys_password_anywhere() {
    let disable = |setup: &mut Setup| {
        setup.connectors = setup.connectors.replace("name: Keycloak", "name: Keycloak\n    enabled: false");
    };
    let app = TestApp::with(disable).await;

    assert_unavailable(&log_in(&app).await);
    assert_eq!(provider_calls(&app), Vec::<String>::new());
    assert_eq!(app.events("connector_unusable").len(), 1);
    assert_eq!(app.users().await, 0);
}

#[tokio::test]
async fn a_connector_that_is_switched_off_stops_within_a_minute() {
    let app = TestApp::new().await;
    app.log_in(EMAIL, PASSWORD).await;

    let cx = app.context();
    let mut document = app.store.get_connector(&cx, &"keycloak".parse().unwrap()).await.unwrap().unwrap();
    document.enabled = false;
    app.save(document).await;
    app.clock.advance(TimeDelta::seconds(60));

    app.calls.take();
    assert_unavailable(&log_in(&app).await);
    assert_eq!(provider_calls(&app), Vec::<String>::new());
}

#[tokio::test]
async fn a_connector_without_its_secret_is_misconfigured() {
    let app = TestApp::with(|setup| setup.secrets.clear()).await;

    assert_unavailable(&log_in(&app).await);
    let sent = provider_calls(&app);
    assert!(!sent.iter().any(|call| call.starts_with("POST")), "the password went out: {sent:?}");
    let events = app.events("login_failed");
    assert_eq!(events.len(), 1);
    assert_snapshot!(events[0]["reason"].as_str().unwrap(), @"the connector is misconfigured at client_authentication: there is no secret of the name that stands at client.secret: store the client's secret under connectors/ and that name");
    assert_eq!(app.users().await, 0);
}

#[tokio::test]
async fn a_connector_nobody_has_set_up_is_unavailable() {
    let elsewhere = include_str!("../../../infra/landfall/demo/password.yaml")
        .replace("id: migrate-from-{connector}", "id: migrate-from-nowhere")
        .replace("{connector}", "nowhere");
    let app = TestApp::with(|setup| setup.journeys.push(elsewhere)).await;

    let session = app.start("migrate-from-nowhere").await;
    let answer = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    assert_unavailable(&answer);
    assert_eq!(provider_calls(&app), Vec::<String>::new());
}

/// A document that an older version of the code had taken.
#[tokio::test]
async fn a_stored_connector_that_makes_no_sense_is_unavailable() {
    let app = TestApp::new().await;
    let cx = app.context();
    let mut document = app.store.get_connector(&cx, &"keycloak".parse().unwrap()).await.unwrap().unwrap();
    document.settings.insert("tenant".into(), json!("demo"));
    app.save(document).await;

    assert_unavailable(&log_in(&app).await);
    assert_eq!(provider_calls(&app), Vec::<String>::new());
    let events = app.events("connector_broken");
    assert_eq!(events.len(), 1);
    assert_snapshot!(events[0]["error"].as_str().unwrap(), @"settings.tenant: unknown field `tenant`, expected `url` or `realm`, or one of those of all connectors: `scopes`, `redirect_uri`, `response_mode`, `prompt`, `acr_values`, `authorize_params`, `pkce`, `algorithms`, `trusted_audiences`");
}
