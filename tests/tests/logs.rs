//! Logs and metrics are what the code says they are, and `infra/README.md` says what the code does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use chrono::{DateTime, TimeDelta};
use landfall::demo::{self, EMAIL, PASSWORD};
use landfall_tests::deployed::{self, Deployed, Sent};
use landfall_tests::falling::CONSTANT;
use landfall_tests::house::Person;
use landfall_tests::journeys::{form, journey, password};
use landfall_tests::proxy::{Fault, Lasting, Trap};
use landfall_tests::{ADMIN, Answer, Away, TestApp, TestSession, data, key};
use serde_json::{Value, json};
use simulators::keycloak::{DirectGrantFlow, Requirement};
use simulators::{Endpoint, Misbehaviour};
use tracing_subscriber::layer::SubscriberExt;
use web::logs::{FIELDS, LINES};
use web::metrics::{FUNCTION, METRICS, NAMESPACE, STACK};

const JOURNEY: &str = "migrate-from-keycloak";

/// What every line has, and what makes a line metrics.
const COMMON: &[&str] = &["timestamp", "level", "target", "event", "span"];
const OUTBOUND: &[&str] = &["timestamp", "level", "target", "service", "span"];

async fn submit(app: &TestApp, journey: &str, email: &str, password: &str) -> Answer {
    app.start(journey).await.submit(app, &key(1), &data(email, password)).await
}

/// By password and by redirect: new, back, wrong, twice; and what administrators do.
async fn everyday() -> Vec<Value> {
    let app = TestApp::new().await;
    for password in [PASSWORD, PASSWORD, "wrong"] {
        submit(&app, JOURNEY, EMAIL, password).await.expect(200);
    }
    let login = app.log_in(EMAIL, PASSWORD).await;
    app.redeem(&login.code).await.expect(200);
    app.redeem(&login.code).await.expect(400);
    let odd = json!({ "locale": ["en"], "amr": "pwd" }).as_object().unwrap().clone();
    app.subject.misbehave(Some(Misbehaviour::Claims(odd)));
    submit(&app, JOURNEY, EMAIL, PASSWORD).await.expect(200);
    app.subject.misbehave(None);
    Away::new(&app).await.log_in(&app).await;
    app.post("/v1/connectors/keycloak/test", Some(ADMIN), &json!({})).await.expect(200);
    app.get("/nowhere", None).await.expect(404);
    app.change_items_of("LINK#", |link| link["status"] = json!({ "S": "disabled" })).await;
    assert_eq!(submit(&app, JOURNEY, EMAIL, PASSWORD).await.body["rejection"]["code"], "access_denied");
    app.lines()
}

/// A provider that lies, fails, is away and comes back.
async fn unlucky() -> Vec<Value> {
    let mut app = TestApp::new().await;
    for (how, code) in [
        (Misbehaviour::WrongIssuer, "identity_refused"),
        (Misbehaviour::ServerError, "try_later"),
        (Misbehaviour::TooManyRequests { retry_after: Some(7) }, "try_later"),
    ] {
        app.subject.misbehave_at(Endpoint::Token, Some(how));
        assert_eq!(submit(&app, JOURNEY, EMAIL, PASSWORD).await.body["rejection"]["code"], code);
    }
    app.subject.misbehave_at(Endpoint::Token, None);

    for _ in 0..5 {
        let refused =
            Trap { request: 0, call: 1, service: "provider", fault: Fault::Refused, lasting: Lasting::Request };
        strike(&app, refused).await;
    }
    submit(&app, JOURNEY, EMAIL, PASSWORD).await.expect(200);
    app.clock.advance(TimeDelta::seconds(10));
    submit(&app, JOURNEY, EMAIL, PASSWORD).await.expect(200);

    let away = Away::new(&app).await;
    app.start_cold().await;
    app.subject.misbehave_at(Endpoint::Discovery, Some(Misbehaviour::ServerError));
    away.session.view(&app).await.expect(200);

    // The turn is locked; from there on, nothing of DynamoDB's is to be had.
    app.subject.misbehave_at(Endpoint::Discovery, None);
    let trap = Trap { request: 0, call: 1, service: "dynamodb", fault: Fault::CutBefore, lasting: Lasting::Request };
    app.start_cold().await;
    strike(&app, trap).await.expect(503);
    let conflict = Trap { request: 0, call: 3, service: "dynamodb", fault: Fault::Conflict, lasting: Lasting::Once };
    submit(&app, JOURNEY, EMAIL, PASSWORD).await.expect(200);
    strike(&app, conflict).await.expect(200);
    app.keycloak().change_client("demo", "landfall", |client| client.secret("another")).unwrap();
    submit(&app, JOURNEY, EMAIL, PASSWORD).await.expect(200);
    app.lines()
}

async fn strike(app: &TestApp, trap: Trap) -> Answer {
    let session = app.start(JOURNEY).await;
    app.calls.set(Some(trap));
    let answer = session.submit(app, &key(1), &data(EMAIL, PASSWORD)).await;
    assert!(app.calls.has_struck(), "{trap:?}");
    app.calls.request_ends();
    app.calls.set(None);
    answer
}

/// Codes, right and wrong, and a provider that does not look at them.
async fn codes() -> Vec<Value> {
    const ADA: Person = Person { email: "ada@house.example", password: "opens", after: &["sms_otp"], seed: "" };
    let (house_app, house) = TestApp::with_house(&[ADA]).await;
    let challenged = submit(&house_app, "migrate-from-house", ADA.email, ADA.password).await.expect(200);
    let session = TestSession { turn: 2, ..TestSession::of(&challenged.body) };
    let wrong = session.enter_code(&house_app, "factor", "000000").await.expect(200);
    session.after(&wrong).enter_code(&house_app, "factor", &house.last_code()).await.expect(200);
    let mut lines = house_app.lines();

    let app = TestApp::with_app_codes().await;
    let session = app.start("app-code-from-keycloak").await;
    let unchecked = DirectGrantFlow::username_otp(Requirement::Required);
    app.keycloak().change_client("demo", "landfall-otp", |client| client.direct_grant_flow(unchecked)).unwrap();
    session.submit_app_code(&app, EMAIL, &app.app_code()).await.expect(200);
    lines.extend(app.lines());
    lines
}

/// A user with another account has the address.
async fn taken() -> Vec<Value> {
    const GRACE: Person = Person { email: EMAIL, password: "opens", after: &[], seed: "" };
    let (app, _house) = TestApp::with_house_and(&[GRACE], |setup| {
        setup.connectors.push_str("  - { id: keycloak, provider: keycloak, name: Keycloak, client: { id: landfall, secret: keycloak }, methods: { password: {} }, settings: { url: \"{keycloak}/demo/keycloak\", realm: demo } }\n");
        setup.journeys.push(
            journey("both", &[
                form("ask", &["email", "password"], "one"),
                password("one", "house", "ask", "one", "no_access").replace("rejected: ask", "rejected: two"),
                password("two", "keycloak", "ask", "two", "no_access"),
            ]),
        );
    })
    .await;
    submit(&app, "migrate-from-house", EMAIL, "opens").await.expect(200);
    assert_eq!(submit(&app, JOURNEY, EMAIL, PASSWORD).await.body["rejection"]["code"], "proof_required");
    // One request that asks two providers.
    submit(&app, "both", EMAIL, PASSWORD).await.expect(200);
    app.lines()
}

/// A provider that tells of changes of accounts.
async fn told() -> Vec<Value> {
    let google = demo::PROVIDERS.iter().find(|provider| provider.id == "google").unwrap();
    let app = TestApp::over(google, |_| {}).await;
    let login = Away::new(&app).await.log_in(&app).await;
    app.notify("account-disabled", "ada").await.expect(202);
    app.redeem(&login.code).await.expect(400);
    app.lines()
}

/// A provider that sends an unknown user no code.
async fn unsent() -> Vec<Value> {
    let cognito = demo::PROVIDERS.iter().find(|provider| provider.id == "cognito").unwrap();
    let app = TestApp::over(cognito, |_| {}).await;
    let session = app.start("email-code-from-cognito").await;
    session.submit(&app, &key(1), &json!({ "email": "anna@e.org" })).await.expect(200);
    app.lines()
}

/// Documents that this version cannot use, and a connector that is switched off.
async fn broken() -> Vec<Value> {
    let off = TestApp::with(|setup| {
        setup.connectors = setup.connectors.replace("name: Keycloak", "name: Keycloak\n    enabled: false");
    })
    .await;
    submit(&off, JOURNEY, EMAIL, PASSWORD).await.expect(200);
    let mut lines = off.lines();

    let app = TestApp::with(|setup| {
        setup.unchecked.push("format: 1\nid: odd\nstart: ask\nsteps:\n  ask: { type: nonsense }\n".into());
    })
    .await;
    app.try_start("odd", &TestApp::start_body()).await.expect(500);
    let mut document = app.saved_connector("keycloak").await;
    document.settings.insert("tenant".into(), json!("demo"));
    app.save(document).await;
    submit(&app, JOURNEY, EMAIL, PASSWORD).await.expect(200);
    app.change_items_of("CLIENT", |client| client["document"] = json!({ "S": "{}" })).await;
    let preflight = axum::http::Request::options("/v1/sessions/ses_1/steps/ask")
        .header("origin", "https://id.example.com")
        .header("access-control-request-method", "POST");
    app.clock.advance(TimeDelta::seconds(60));
    app.send(preflight.body(axum::body::Body::empty()).unwrap()).await;
    app.secrets.put("keys/session", "{}");
    app.get("/nowhere", None).await.expect(404);
    lines.extend(app.lines());
    lines
}

/// A binary as it is deployed: with an environment that it cannot start in, and with a provider that panics.
async fn deployed() -> Vec<Value> {
    let app = deployed::app_with(landfall_tests::Setup::fall).await;
    let binary = env!("CARGO_BIN_EXE_falling");
    let (_, mut log) = Deployed::start(&app, binary, &[("LANDFALL_ISSUER", "")]).await.wait();
    let session = app.start("migrate-from-falling").await;
    let mut function = Deployed::start(&app, binary, &[]).await;
    function.invoke(&Sent::password(&session, CONSTANT, PASSWORD)).await;
    log.push_str(&function.stop());
    log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

async fn everything() -> Vec<Value> {
    let mut lines = Vec::new();
    // On the heap: a debug build would run out of stack.
    lines.extend(Box::pin(everyday()).await);
    lines.extend(Box::pin(unlucky()).await);
    lines.extend(Box::pin(codes()).await);
    lines.extend(Box::pin(taken()).await);
    lines.extend(Box::pin(told()).await);
    lines.extend(Box::pin(unsent()).await);
    lines.extend(Box::pin(broken()).await);
    lines.extend(Box::pin(deployed()).await);
    lines
}

/// What a line is called, and what it has beside what all have.
fn read(line: &Value) -> (&str, BTreeSet<&str>) {
    let outbound = line["target"] == "outbound";
    let (name, common) = if outbound { ("service", OUTBOUND) } else { ("event", COMMON) };
    let name = line[name].as_str().unwrap_or_else(|| panic!("a line without a name: {line}"));
    let fields = line.as_object().unwrap().keys().map(String::as_str);
    // What makes it metrics has a test of its own.
    (name, fields.filter(|field| !common.contains(field) && !["_aws", FUNCTION].contains(field)).collect())
}

#[tokio::test]
async fn what_is_logged_and_measured_is_what_is_listed() {
    let lines = everything().await;

    let mut logged = BTreeMap::<&str, BTreeSet<&str>>::new();
    for line in &lines {
        let (name, fields) = read(line);
        logged.entry(name).or_default().extend(fields);
    }
    let listed = LINES.iter().map(|line| (line.name, line.fields.iter().copied().collect()));
    assert_eq!(logged, listed.collect());

    let mut measured = BTreeMap::<&str, BTreeSet<Vec<&str>>>::new();
    for line in &lines {
        for (metric, _, dimensions) in metrics_of(line) {
            measured.entry(metric).or_default().extend(dimensions);
        }
    }
    let sets = |sets: &'static [&[&'static str]]| sets.iter().map(|set| [&[STACK], *set].concat()).collect();
    assert_eq!(measured, METRICS.iter().map(|metric| (metric.name, sets(metric.dimensions))).collect());

    // Dimensions are words of short lists.
    let mut values = BTreeMap::<&str, BTreeSet<&str>>::new();
    for line in &lines {
        for (_, _, dimensions) in metrics_of(line) {
            for name in dimensions.concat() {
                values.entry(name).or_default().insert(line[name].as_str().unwrap());
            }
        }
    }
    let values = values.into_iter().map(|(name, values)| format!("{name}: {values:?}")).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(values, @r#"
    attempt: {"authenticated", "challenged", "misconfigured", "redirected", "refused", "rejected", "throttled", "unavailable"}
    function: {"falling", "landfall"}
    login: {"access_denied", "completed", "identity_refused", "proof_required", "try_later"}
    outcome: {"failed", "ok", "refused"}
    provider: {"cognito", "google", "house", "keycloak", "several"}
    stack: {"landfall-test"}
    "#);
}

/// The metrics of a line, each with its unit and the sets of its dimensions.
fn metrics_of(line: &Value) -> Vec<(&str, &str, Vec<Vec<&str>>)> {
    fn texts(list: &Value) -> Vec<&str> {
        list.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
    }
    let mut all = Vec::new();
    for directive in line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten() {
        assert_eq!(directive["Namespace"], NAMESPACE);
        let sets: Vec<_> = directive["Dimensions"].as_array().unwrap().iter().map(texts).collect();
        for metric in directive["Metrics"].as_array().unwrap() {
            all.push((metric["Name"].as_str().unwrap(), metric["Unit"].as_str().unwrap(), sets.clone()));
        }
    }
    all
}

/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
#[tokio::test]
async fn only_a_requests_line_is_in_embedded_metric_format() {
    let app = TestApp::new().await;
    app.log_in(EMAIL, PASSWORD).await;
    let lines = app.lines();
    for line in &lines {
        if line["event"] != "request" {
            assert_eq!((&line["_aws"], &line[FUNCTION]), (&Value::Null, &Value::Null), "{line}");
            continue;
        }
        let written: DateTime<chrono::Utc> = line["timestamp"].as_str().unwrap().parse().unwrap();
        assert_eq!(line["_aws"]["Timestamp"], written.timestamp_millis());
        assert_eq!(line[FUNCTION], "landfall");
        let metrics = metrics_of(line);
        assert!(!metrics.is_empty());
        for (name, unit, dimensions) in metrics {
            assert!(line[name].is_u64(), "{name}: {line}");
            assert!(["Count", "Milliseconds"].contains(&unit));
            assert!(!dimensions.is_empty() && dimensions.concat().iter().all(|name| line[name].is_string()), "{line}");
        }
        // CloudWatch takes each from the first member of its name.
        let text = line.to_string();
        assert_eq!(text.matches("\"duration_ms\":").count(), 1, "{text}");
    }
    let submitted = &app.events("request")[1];
    let told = ["dynamodb_calls", "provider_calls", "users_provisioned", "logins", "attempts"];
    assert_eq!(told.map(|name| submitted[name].as_u64().unwrap()), [5, 3, 1, 1, 1], "{submitted:#}");
    let words = ["outcome", "provider", "attempt", "login"].map(|name| submitted[name].as_str().unwrap());
    assert_eq!(words, ["ok", "keycloak", "authenticated", "completed"]);
}

#[test]
fn on_one_machine_a_requests_line_has_no_metrics() {
    for (function, metrics) in [(None, false), (Some("issuer"), true)] {
        let written = tempfile::NamedTempFile::new().unwrap();
        let layer = web::logs::layer(written.reopen().unwrap(), function);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            tracing::info!(event = "request", duration_ms = 7);
        });
        let line: Value = serde_json::from_slice(&fs::read(written.path()).unwrap()).unwrap();
        assert_eq!((line["duration_ms"].as_u64(), line["_aws"].is_object()), (Some(7), metrics));
        assert_eq!(line.get(FUNCTION).is_some(), metrics);
    }
}

/// Where no flow of these tests leads, too.
#[test]
fn every_event_in_the_code_is_listed() {
    fn collect(folder: &Path, events: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, events);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let named = text.split("event = \"").skip(1).filter_map(|rest| rest.split_once('"'));
                events.extend(named.map(|(name, _)| name.to_owned()));
            }
        }
    }
    let mut events = BTreeSet::new();
    for folder in ["../shared", "../functions"] {
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut events);
    }
    let listed: BTreeSet<_> = LINES.iter().map(|line| line.name.to_owned()).collect();
    assert!(events.len() > 20 && events.is_subset(&listed), "{:?}", events.difference(&listed));
}

#[test]
fn the_tables_of_log_lines_and_metrics_are_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/README.md");
    let readme = fs::read_to_string(path).unwrap();
    for (name, table) in [("metrics", web::metrics::table()), ("logs", web::logs::table())] {
        let (from, to) = (format!("<!-- {name}: made from the code -->\n"), format!("<!-- end of {name} -->\n"));
        let found = readme.split_once(&from).and_then(|(_, rest)| rest.split_once(&to)).map(|(found, _)| found);
        assert!(found == Some(&table), "between {from}and {to}infra/README.md should have:\n\n{table}");
    }
}

#[test]
fn every_field_of_a_line_is_explained_once() {
    let used: BTreeSet<_> = LINES.iter().flat_map(|line| line.fields.iter().copied()).collect();
    assert_eq!(FIELDS.iter().map(|(name, _)| *name).collect::<Vec<_>>(), used.into_iter().collect::<Vec<_>>());
}
