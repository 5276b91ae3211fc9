//! Connector documents that describe no connector, and connectors that cannot be used when a user wants to log in.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use domain::{FixedClock, SeededEntropy};
use insta::assert_snapshot;
use landfall::demo::{EMAIL, PASSWORD, connectors_file, named, subjects};
use landfall::documents;
use landfall_tests::{Answer, Setup, TestApp, changed, data, key};
use providers::Registry;
use serde_json::json;

use crate::refusal::of_each;

/// The demo's file of connectors.
fn demo() -> String {
    let clock = Arc::new(FixedClock::at(DateTime::UNIX_EPOCH));
    let providers = named(&["keycloak".to_owned()]);
    let subjects = subjects(&providers, clock, Arc::new(SeededEntropy::new(1)));
    connectors_file(&providers, &subjects, "https://id.example.com")
}

/// What is said about a copy of the demo's connectors with other text in some places.
fn broken(changes: &[(&str, &str)]) -> String {
    let text = changed(&demo(), changes);
    documents::connectors(&Registry::default(), "connectors.yaml", &text).unwrap_err().to_string()
}

#[test]
fn the_demos_connectors_are_connectors() {
    let connectors = documents::connectors(&Registry::default(), "connectors.yaml", &demo()).unwrap();
    assert_eq!(connectors.len(), 1);
    assert!(connectors[0].enabled);
}

#[test]
fn what_cannot_be_read_is_shown_with_its_place() {
    let methods = "methods: { oidc: {}, password: {} }";
    assert_snapshot!(of_each(broken, &[
        ("name: Demo Keycloak", "title: Demo Keycloak"),
        ("connectors:\n", "connector:\n"),
        ("    provider: keycloak\n", ""),
        ("    client: { id: landfall, secret: keycloak }\n", ""),
        ("id: keycloak\n", "id: key cloak\n"),
        (methods, "methods: { passwort: {} }"),
        (methods, "methods: { password: { otp: true } }"),
        ("name: Demo Keycloak", "name: Demo Keycloak\n    enabled: no"),
        ("realm: demo", "realm: demo, realm: other"),
    ]), @"
    title: Demo Keycloak
      error: line 6 column 5: unknown field `title`, expected one of id, provider, name, description, button, enabled, source, timeout, ca_certificates, tokens, client, methods, settings
    connector:
      error: line 3 column 1: unknown field `connector`, expected one of connectors
    without provider: keycloak
      error: line 8 column 5: missing field `provider`
    without client: { id: landfall, secret: keycloak }
      error: line 8 column 5: missing field `client`
    id: key cloak
      error: line 4 column 9: not a connector id: 1 to 64 letters, digits, '-', '_' or '.', starting with a letter or digit
    methods: { passwort: {} }
      error: line 8 column 16: unknown variant `passwort`, expected one of oidc, password, email_otp, sms_otp, totp
    methods: { password: { otp: true } }
      error: line 8 column 28: unknown field `otp`, expected one of client
    name: Demo Keycloak
      error: line 7 column 14: invalid boolean (strict mode expects true/false)
    realm: demo, realm: other
      error: line 9 column 75: duplicate mapping key: realm, set DuplicateKeyPolicy in Options if acceptable
    ");
}

#[test]
fn a_secret_in_a_file_is_not_shown_and_told_where_it_belongs() {
    let client = "{ id: landfall, secret: keycloak }";
    assert_snapshot!(of_each(broken, &[
        (client, "{ id: landfall, client_secret: hunter2 }"),
        (client, "{ id: landfall, secret: fGdNMJGjJVXnDbdW0kW2UwNrTvBTtG6z }"),
        ("realm: demo", "realm: demo, private_key: hunter2"),
    ]), @"
    { id: landfall, client_secret: hunter2 }
      connector keycloak: client.client_secret: is called like a secret, which does not stand in a connector: put the value into Secrets Manager under connectors/<name> (on one machine: the file of --secrets), and name it here at client.secret
    { id: landfall, secret: fGdNMJGjJVXnDbdW0kW2UwNrTvBTtG6z }
      connector keycloak: client.secret: is the name of a secret, and this looks like the secret itself: put the value into Secrets Manager under connectors/<name> (on one machine: the file of --secrets), and name it here at client.secret
    realm: demo, private_key: hunter2
      connector keycloak: settings.private_key: is called like a secret, which does not stand in a connector: put the value into Secrets Manager under connectors/<name> (on one machine: the file of --secrets), and name it here at client.secret
    ");
}

#[test]
fn a_connector_has_a_provider_a_client_and_a_method() {
    assert_snapshot!(of_each(broken, &[
        ("id: landfall", "id: \"\""),
        ("secret: keycloak", "secret: \"\""),
        ("methods: { oidc: {}, password: {} }", "methods: {}"),
        ("password: {} }", "password: { client: { id: \"\" } } }"),
    ]), @r#"
    id: ""
      connector keycloak: client.id: is empty
    secret: ""
      connector keycloak: client.secret: is empty: leave it out for a public client
    methods: {}
      connector keycloak: methods: no method is switched on
    password: { client: { id: "" } } }
      connector keycloak: methods.password.client.id: is empty
    "#);
}

#[test]
fn a_connector_has_the_settings_of_its_provider() {
    let url = "https://id.example.com/demo/keycloak";
    assert_snapshot!(of_each(broken, &[
        (", realm: demo", ""),
        ("    settings: { url: \"https://id.example.com/demo/keycloak\", realm: demo }\n", ""),
        ("realm: demo", "realm: 7"),
        ("realm: demo", "realm: demo, scopes: 1"),
        (url, "id.example.com"),
        (url, "ftp://id.example.com"),
        (url, "https://admin:hunter2@id.example.com"),
        (url, "https://id.example.com/?realm=demo"),
        (url, "https://"),
    ]), @r#"
    without , realm: demo
      connector keycloak: settings: missing field `realm`
    without settings: { url: "https://id.example.com/demo/keycloak", realm: demo }
      connector keycloak: settings: missing field `url`
    realm: 7
      connector keycloak: settings.realm: invalid type: integer `7`, expected a string
    realm: demo, scopes: 1
      connector keycloak: settings.scopes: invalid type: integer `1`, expected a list of scopes, or text with blanks or commas between them
    id.example.com
      connector keycloak: settings.url: relative URL without a base: "id.example.com"
    ftp://id.example.com
      connector keycloak: settings.url: is not an https address
    https://admin:hunter2@id.example.com
      connector keycloak: settings.url: has a user name or password in it
    https://id.example.com/?realm=demo
      connector keycloak: settings.url: has a query: give the server's address, with its relative path if it has one
    https://
      connector keycloak: settings.url: empty host: "https://"
    "#);
}

/// The lists are the registry's and the common options', which grow.
const KNOWN_SETTINGS: &str = "expected `url` or `realm`, or one of those of all connectors: `scopes`, `redirect_uri`, ";

#[test]
fn what_is_unknown_is_named_with_what_is_known() {
    let told = broken(&[("provider: keycloak", "provider: kecloak")]);
    let known = told.split_once("connector keycloak: provider: unknown provider \"kecloak\", known are: ").unwrap().1;
    assert!(["keycloak", "oidc"].iter().all(|name| known.split(", ").any(|known| known == *name)), "{told}");

    let told = broken(&[("realm: demo", "relm: demo")]);
    assert!(told.contains(&format!("settings.relm: unknown field `relm`, {KNOWN_SETTINGS}")), "{told}");
}

#[test]
fn two_connectors_have_two_ids_and_two_redirect_uris() {
    let own = "realm: demo, redirect_uri: \"https://shop.example/callback\" }";
    let twin = "\n  - id: twin\n    provider: oidc\n    name: Twin\n    client: { id: landfall }\n    methods: { oidc: {} }\n    \
                settings: { domain: twin.example, redirect_uri: \"https://shop.example/callback\" }\n";
    let same = "settings: { url: \"https://a.example.com\", realm: demo }\n  - id: keycloak\n    provider: keycloak\n    \
                name: Twin\n    client: { id: landfall }\n    methods: { password: {} }\n    settings: {";
    assert_snapshot!(of_each(broken, &[("realm: demo }", &format!("{own}{twin}")), ("settings: {", same)]), @r#"
    realm: demo, redirect_uri: "https://shop.example/callback" }
      connectors keycloak and twin have the same settings.redirect_uri: give each its own, or an answer cannot be told apart
    settings: { url: "https://a.example.com", realm: demo }
      connector keycloak is there already, in this file, in another, or as one of Landfall's own: remove one of the two, or rename it
    "#);
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
async fn a_disabled_connector_sends_no_password() {
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

    app.switch_off("keycloak").await;
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
    assert_snapshot!(events[0]["reason"].as_str().unwrap(), @"the connector is misconfigured at client_authentication: the secret that client.secret names does not exist: store the client's secret under connectors/ and that name");
    assert_eq!(app.users().await, 0);
}

#[tokio::test]
async fn a_connector_that_is_not_set_up_is_unavailable() {
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
    let mut document = app.saved_connector("keycloak").await;
    document.settings.insert("tenant".into(), json!("demo"));
    app.save(document).await;

    assert_unavailable(&log_in(&app).await);
    assert_eq!(provider_calls(&app), Vec::<String>::new());
    let events = app.events("connector_broken");
    assert_eq!(events.len(), 1);
    let told = events[0]["error"].as_str().unwrap();
    assert!(told.starts_with(&format!("settings.tenant: unknown field `tenant`, {KNOWN_SETTINGS}")), "{told}");
}
