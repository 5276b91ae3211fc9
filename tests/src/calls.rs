//! What each function calls: what its role has to allow, and nothing more.
//!
//! Every flow is run with an instance of its own for each request, as a cold function has: what another function has read is
//! not in its memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};
use landfall::demo::{self, EMAIL, PASSWORD};
use serde_json::json;

use crate::sent::basic;
use crate::{ADMIN, Away, Login, Setup, TestApp, TestSession, data, key};

/// What one function calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uses {
    /// Actions of DynamoDB, by table: `config`, `directory`, `sessions`.
    pub tables: BTreeMap<String, BTreeSet<String>>,
    /// Names of secrets, without the deployment's prefix; `*` where a document names them.
    pub secrets: BTreeSet<String>,
    /// What it asks providers for.
    pub providers: BTreeSet<String>,
}

/// Every function with what it calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallMap(pub BTreeMap<&'static str, Uses>);

impl fmt::Display for CallMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(" ");
        for (function, uses) in &self.0 {
            writeln!(f, "{function}")?;
            for (table, actions) in &uses.tables {
                writeln!(f, "  {:<10} {}", table, list(actions))?;
            }
            for (what, names) in [("secrets", &uses.secrets), ("providers", &uses.providers)] {
                if !names.is_empty() {
                    writeln!(f, "  {what:<10} {}", list(names))?;
                }
            }
        }
        Ok(())
    }
}

/// Every function, with what it calls over all flows.
pub async fn map() -> CallMap {
    let mut map = CallMap::default();
    // On the heap: a debug build would run out of stack.
    for app in [
        Box::pin(plain()).await,
        Box::pin(confidential()).await,
        Box::pin(called_back_itself()).await,
        Box::pin(notified()).await,
        Box::pin(asked_to_delete()).await,
    ] {
        for call in app.calls.take() {
            // A browser's calls are not ours.
            let Some(function) = call.function else { continue };
            let uses = map.0.entry(function).or_default();
            if call.service == "dynamodb" {
                for (table, action) in call.actions() {
                    let table = table.rsplit('-').next().unwrap_or_default().to_owned();
                    uses.tables.entry(table).or_default().insert(action);
                }
            } else {
                let (method, path) = call.operation.split_once(' ').unwrap();
                uses.providers.insert(format!("{method}:{}", path.rsplit('/').next().unwrap_or_default()));
            }
        }
        for (function, name) in app.secrets.take() {
            let of_a_document = name.split_once('/').filter(|(kind, _)| *kind != "keys");
            let name = of_a_document.map_or(name.clone(), |(kind, _)| format!("{kind}/*"));
            map.0.entry(function.unwrap()).or_default().secrets.insert(name);
        }
    }
    map
}

/// By password, by redirect and by choice; what goes wrong on the way; what pages ask before.
async fn plain() -> TestApp {
    let mut app = TestApp::with(Setup::offer_a_choice).await;
    app.every_request_is_the_first();
    for email in [EMAIL, EMAIL, "grace@example.org"] {
        let login = app.log_in(email, PASSWORD).await;
        login.session.view(&app).await.expect(200);
        app.redeem(&login.code).await.expect(200);
        app.redeem(&login.code).await.expect(400);
    }
    let session = app.start("migrate-from-keycloak").await;
    session.submit(&app, &key(1), &json!({})).await.expect(422);
    let wrong = session.submit(&app, &key(1), &data(EMAIL, "wrong")).await.expect(200);
    session.submit(&app, &key(3), &data(EMAIL, PASSWORD)).await.expect(409);
    session.after(&wrong).choose(&app, "ask", "cancel", &key(2)).await.expect(200);

    // Userinfo completes what the ID token lacks.
    for in_id_token in [true, false] {
        app.keycloak().change_client("demo", "landfall", |client| client.claims_in_id_token(in_id_token)).unwrap();
        let session = Away::new(&app).await.session;
        let restarted = session.choose(&app, "go", "restart", &key(1)).await.expect(200);
        app.redeem(&Away::after(&session, &restarted).log_in(&app).await.code).await.expect(200);
    }
    app.log_in(EMAIL, PASSWORD).await;
    let session = app.start("choose").await;
    let chosen = session.choose_connector(&app, "keycloak").await.expect(200);
    app.redeem(&Away::after(&session, &chosen).log_in(&app).await.code).await.expect(200);
    // Preflights, and the keys.
    for path in ["/v1/journeys/migrate-from-keycloak/start", "/v1/sessions/ses_1/steps/ask", "/oauth2/token"] {
        let preflight = Request::options(path).header(ORIGIN, "https://id.example.com");
        let preflight = preflight.header(ACCESS_CONTROL_REQUEST_METHOD, "POST");
        app.send(preflight.body(Body::empty()).unwrap()).await;
    }
    app.get("/oauth2/jwks", None).await.expect(200);
    // Administrators.
    app.post("/v1/connectors/keycloak/test", Some(ADMIN), &json!({})).await.expect(200);
    let saved = app.saved_connector("keycloak").await;
    app.post("/v1/connectors/test", Some(ADMIN), &json!({ "connector": saved })).await.expect(200);
    app
}

/// An application with a secret, which speaks for its user.
async fn confidential() -> TestApp {
    const SECRET: &str = "a-secret-of-the-shop";
    let mut app = TestApp::with(|setup| setup.take_client_secret(SECRET)).await;
    app.every_request_is_the_first();
    let mut body = TestApp::start_body();
    body["end_user"] = json!({ "ip": "192.0.2.1" });
    let start = app.start_with("migrate-from-keycloak", &[basic("demo", SECRET)], &body).await.expect(201);
    let session = TestSession::of(&start.body);
    let done = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    let login = Login::of(&session, &done);
    app.redeem_with(&[("code", &login.code), ("client_secret", SECRET)]).await.expect(200);
    app
}

/// A provider that sends notifications.
async fn notified() -> TestApp {
    let google = demo::PROVIDERS.iter().find(|provider| provider.id == "google").unwrap();
    let mut app = TestApp::over(google, |_| {}).await;
    app.every_request_is_the_first();
    app.redeem(&Away::new(&app).await.log_in(&app).await.code).await.expect(200);
    app.notify("account-disabled", "ada").await.expect(202);
    app
}

/// A provider that passes on what its users want deleted.
async fn asked_to_delete() -> TestApp {
    let meta = demo::PROVIDERS.iter().find(|provider| provider.id == "meta").unwrap();
    let mut app = TestApp::over(meta, |_| {}).await;
    app.every_request_is_the_first();
    let answer = app.notify("deletion", "ada").await.expect(200);
    app.open(answer.body["url"].as_str().unwrap()).await.expect(200);
    app
}

/// An application that the provider sends browsers back to itself.
async fn called_back_itself() -> TestApp {
    let mut app = TestApp::with(Setup::take_own_callback).await;
    app.every_request_is_the_first();
    let away = Away::new(&app).await;
    let done = away.session.hand_over(&app, &away.back().await).await.expect(200);
    app.redeem(&Login::of(&away.session, &done).code).await.expect(200);
    app
}
