//! Attack 72: nothing secret turns up in logs, metrics, errors, items, or in an answer that is not its owner's.
//!
//! Whatever passes through is collected where it passes: at the front door, at the provider's, where secrets are read. Then
//! all that is written down is searched for it, in every usual spelling.

mod spelling;

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, ORIGIN};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::{Clock, DirectApi};
use landfall::demo::EMAIL;
use landfall_tests::proxy::{Call, Fault, Lasting, Trap};
use landfall_tests::{ADMIN, Browser, Heard, Setup, TestApp, TestSession, data, key};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use self::spelling::Spelled;

/// A password that every spelling spells otherwise.
const PASSWORD: &str = "canary \"päss\\word\" & 100%/+?";

/// The secret of an application's backend.
const CLIENT_SECRET: &str = "canary+of/the shop=";

/// What a caller puts where it does not belong.
const MISPLACED: &str = "canary-that-is-misplaced";

/// What has passed through an app, each with what it is.
pub(crate) struct Canaries {
    /// Nobody is ever answered these.
    kept: BTreeMap<String, &'static str>,
    /// Their owners are, where they belong.
    owned: BTreeMap<String, &'static str>,
    /// As it is told apart in tests of this.
    kinds: Vec<&'static str>,
}

impl Canaries {
    /// All that has passed so far.
    pub(crate) fn of(app: &TestApp) -> Self {
        let mut all = Self { kept: BTreeMap::new(), owned: BTreeMap::new(), kinds: Vec::new() };
        all.keep("the administrator's token", ADMIN);
        let public = serde_json::to_string(&app.keys.public(app.clock.now()).unwrap()).unwrap();
        for (_, secret) in app.secrets.given() {
            all.keep("a stored secret", secret.expose_secret());
            // Of keys, each: lines of a PEM, whatever is long enough to be the secret part.
            let ring: Value = serde_json::from_str(secret.expose_secret()).unwrap_or_default();
            let keys = ring["keys"].as_array().into_iter().flatten().filter_map(|key| key["key"].as_str());
            let parts = keys.flat_map(|key| key.split(|c: char| !c.is_ascii_alphanumeric() && !"+/=-_".contains(c)));
            for part in parts.filter(|part| part.len() >= 32 && !part.starts_with('-') && !public.contains(part)) {
                all.keep("a part of a stored secret", part);
            }
        }
        for heard in app.heard.lock().unwrap().iter() {
            all.hear(heard);
        }
        for call in app.calls.peek() {
            if call.service == "provider" {
                all.overhear(&call);
            }
        }
        all.owned.retain(|value, _| !all.kept.contains_key(value));
        all
    }

    /// More that nobody is ever answered.
    pub(crate) fn add(&mut self, secrets: &[&str]) {
        secrets.iter().for_each(|secret| self.keep("a secret of the test", secret));
    }

    fn keep(&mut self, what: &'static str, value: &str) {
        // What is shorter turns up by chance.
        if value.len() >= 6 {
            self.kept.insert(value.to_owned(), what);
            self.kinds.push(what);
        }
    }

    fn own(&mut self, what: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.owned.insert(value.to_owned(), what);
            self.kinds.push(what);
            // Tokens have parts, and start with their session's id: the last part is what opens something.
            if let Some((_, last)) = value.rsplit_once('.') {
                self.owned.insert(last.to_owned(), what);
            }
        }
    }

    /// What a caller sent us, and what it was answered.
    fn hear(&mut self, heard: &Heard) {
        let Heard { path, authorization, body, answer } = heard;
        let presented = authorization.as_deref().and_then(|header| header.split_once(' '));
        match presented {
            Some(("Bearer", token)) if token != ADMIN => self.own("a session token", Some(token)),
            Some(("Basic", pair)) => self.pair("a client's secret", pair),
            _ => {}
        }
        let body: Value = serde_json::from_str(body).unwrap_or_else(|_| form(body));
        for name in ["password", "otp"] {
            self.keep_text("a typed password", &body["data"][name]);
        }
        self.keep_text("a typed password", &body["test_user"]["password"]);
        self.keep_text("a one-time code", &body["data"]["code"].as_str().filter(|code| code.len() < 16).into());
        self.keep_text("a submit's key", &body["key"]);
        self.keep_text("a client's secret", &body["client_secret"]);
        self.keep_text("a client's PKCE verifier", &body["code_verifier"]);
        self.own("our code", body["code"].as_str().filter(|code| code.starts_with("ses_")));
        self.own("resume", body["resume"].as_str());
        let callback = path.split_once('?').map(|(_, query)| form(query)).unwrap_or_default();
        self.keep_text("a provider's code", &callback["code"]);
        self.own("state", callback["state"].as_str());

        let view = answer.body.get("view").unwrap_or(&answer.body);
        self.own("a session token", view["session_token"].as_str());
        self.own("our code", view["completion"]["code"].as_str());
        if let Some(url) = view["redirect"]["url"].as_str() {
            let sent = form(Url::parse(url).unwrap().query().unwrap_or_default());
            self.own("state", sent["state"].as_str());
            self.own("nonce", sent["nonce"].as_str());
        }
        self.own("our access token", answer.body["access_token"].as_str());
        self.own("our ID token", answer.body["id_token"].as_str());
        if let Ok(onward) = Url::parse(answer.header("location")) {
            self.own("resume", form(onward.query().unwrap_or_default())["resume"].as_str());
        }
    }

    /// What we sent to a provider, and what it answered.
    fn overhear(&mut self, call: &Call) {
        let sent = form(&String::from_utf8_lossy(&call.body));
        let said: Value = serde_json::from_slice(&call.answer).unwrap_or_default();
        let presented = call.authorization.as_deref().and_then(|header| header.split_once(' '));
        match presented {
            Some(("Basic", pair)) => self.pair("a connector's secret", pair),
            Some((_, token)) => self.keep("a provider's access token", token),
            None => {}
        }
        for (what, value) in [
            ("a password that was sent on", &sent["password"]),
            ("a one-time code that was sent on", &sent["totp"]),
            ("a one-time code that was sent on", &sent["otp"]),
            ("a connector's secret", &sent["client_secret"]),
            ("a provider's code", &sent["code"]),
            ("our PKCE verifier", &sent["code_verifier"]),
            ("a provider's ticket", &said["ticket"]),
            ("a provider's access token", &said["access_token"]),
            ("a provider's refresh token", &said["refresh_token"]),
            ("a provider's ID token", &said["id_token"]),
        ] {
            self.keep_text(what, value);
        }
    }

    fn keep_text(&mut self, what: &'static str, value: &Value) {
        let Some(value) = value.as_str() else { return };
        self.keep(what, value);
        if let Some((_, signature)) = value.rsplit_once('.').filter(|_| value.starts_with("eyJ")) {
            self.keep(what, signature);
        }
    }

    fn pair(&mut self, what: &'static str, pair: &str) {
        self.keep(what, pair);
        let decoded = STANDARD.decode(pair).unwrap_or_default();
        if let Some((_, secret)) = String::from_utf8_lossy(&decoded).split_once(':') {
            self.keep(what, secret);
        }
    }

    /// Fails if any of it is in a line of the log, in an item, or in an answer where it does not belong.
    pub(crate) async fn turn_up_nowhere(&self, app: &TestApp) {
        let kept: Vec<_> = self.kept.iter().map(|(value, what)| Spelled::of(what, value)).collect();
        let owned: Vec<_> = self.owned.iter().map(|(value, what)| Spelled::of(what, value)).collect();
        let nowhere = |place: &str| {
            for secret in kept.iter().chain(&owned) {
                secret.is_not_in(place);
            }
        };
        for mut line in app.lines() {
            // Digits of the time of day may be anybody's code.
            line["timestamp"].take();
            line["_aws"]["Timestamp"].take();
            nowhere(&line.to_string());
        }
        for item in app.all_items().await {
            nowhere(&item.to_string());
            blobs(&item).iter().for_each(|blob| nowhere(blob));
        }
        for Heard { answer, .. } in app.heard.lock().unwrap().iter() {
            let (mut headers, mut body) = (answer.headers.clone(), answer.body.clone());
            let theirs = [take(&mut body), format!("{:?}", headers.remove("location"))].concat();
            for secret in &kept {
                secret.is_not_in(&theirs);
            }
            let text = if answer.body.is_null() { answer.text.clone() } else { body.to_string() };
            nowhere(&format!("{text} {headers:?}"));
        }
    }
}

/// Takes out of an answer what is its owner's, and nobody else's answer has.
fn take(body: &mut Value) -> String {
    let view = if body.get("view").is_some() { &mut body["view"] } else { body };
    let Some(view) = view.as_object_mut() else { return String::new() };
    let theirs = ["session_token", "completion", "redirect", "access_token", "id_token"];
    theirs.iter().filter_map(|name| view.remove(*name)).map(|value| value.to_string()).collect()
}

/// The bytes of an item, as text as far as they are.
fn blobs(item: &Value) -> Vec<String> {
    match item {
        Value::Object(members) => {
            let bytes = members.get("B").and_then(Value::as_str).and_then(|blob| STANDARD.decode(blob).ok());
            let own = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            own.into_iter().chain(members.values().flat_map(blobs)).collect()
        }
        Value::Array(list) => list.iter().flat_map(blobs).collect(),
        _ => Vec::new(),
    }
}

fn form(text: &str) -> Value {
    form_urlencoded::parse(text.as_bytes()).map(|(name, value)| (name.into_owned(), json!(value))).collect()
}

fn setup(setup: &mut Setup) {
    setup.keycloak().change_user("demo", "ada", |ada| ada.password(PASSWORD)).unwrap();
    // Userinfo is asked as well.
    setup.keycloak().change_client("demo", "landfall", |client| client.claims_in_id_token(false)).unwrap();
}

/// By password, as far as it gets.
async fn by_password(app: &TestApp, password: &str) {
    let start = app.try_start("migrate-from-keycloak", &TestApp::start_body()).await;
    if start.status.as_u16() != 201 {
        return;
    }
    let session = TestSession::of(&start.body);
    let answer = session.submit(app, &key(0xCA9A_5E11), &data(EMAIL, password)).await;
    session.view(app).await;
    if let Some(code) = answer.body["completion"]["code"].as_str() {
        app.redeem(code).await;
    }
}

/// By redirect, likewise.
async fn by_redirect(app: &TestApp) {
    let start = app.try_start("sign-in-with-keycloak", &TestApp::start_body()).await;
    let Some(url) = start.body["redirect"]["url"].as_str() else { return };
    let back = Browser::default().come_back(url, "ada", PASSWORD).await;
    let arrived = app.arrive(&back).await;
    if arrived.status.as_u16() != 303 {
        return;
    }
    let session = TestSession::of(&start.body);
    let answer = session.resume(app, &arrived.carried().1).await;
    // Who comes twice, or late, is told no more.
    app.arrive(&back).await;
    session.resume(app, &arrived.carried().1).await;
    if let Some(code) = answer.body["completion"]["code"].as_str() {
        app.redeem(code).await;
        app.redeem(code).await;
    }
}

/// Every call of a flow is answered with an error that has all in it that was sent, and that should have come back.
async fn echo(by: impl AsyncFn(&TestApp)) {
    let mut app = TestApp::with(setup).await;
    app.start_cold().await;
    app.calls.set(None);
    app.calls.take();
    by(&app).await;
    let calls: Vec<_> = app.calls.peek().into_iter().filter(|call| call.function.is_some()).collect();
    Canaries::of(&app).turn_up_nowhere(&app).await;
    let mut tried = 0;
    for call in calls {
        let statuses: &[u16] = if call.service == "provider" { &[200, 400, 401, 500] } else { &[400] };
        for status in statuses {
            app.delete_items_of("").await;
            app.forget();
            app.start_cold().await;
            let (request, number) = call.number;
            let (fault, lasting) = (Fault::Echo(*status), Lasting::Call);
            app.calls.set(Some(Trap { request, call: number, service: call.service, fault, lasting }));
            by(&app).await;
            assert!(app.calls.has_struck(), "{status} at {call:?}");
            Canaries::of(&app).turn_up_nowhere(&app).await;
            tried += 1;
        }
    }
    assert!(tried >= 15, "{tried}");
}

#[tokio::test]
async fn no_error_that_echoes_secrets_brings_them_to_light_when_somebody_logs_in_by_password() {
    echo(async |app| by_password(app, PASSWORD).await).await;
}

#[tokio::test]
async fn no_error_that_echoes_secrets_brings_them_to_light_when_somebody_logs_in_by_redirect() {
    echo(by_redirect).await;
}

#[tokio::test]
async fn nobody_who_waits_in_vain_writes_down_what_they_waited_with() {
    for service in ["provider", "dynamodb"] {
        let app = TestApp::with(|app| {
            setup(app);
            app.budget = Duration::from_millis(600);
        })
        .await;
        by_password(&app, PASSWORD).await;
        app.calls.take();
        // Of a submit on a warm instance the second call is the provider's, and the third the directory's.
        let call = if service == "provider" { 1 } else { 3 };
        app.calls.set(Some(Trap { request: 1, call, service, fault: Fault::Silence, lasting: Lasting::Request }));
        by_password(&app, PASSWORD).await;
        assert!(app.calls.has_struck(), "{service}");
        Canaries::of(&app).turn_up_nowhere(&app).await;
    }
}

#[tokio::test]
async fn what_anybody_sends_on_any_way_in_turns_up_nowhere() {
    let app = TestApp::with(|app| {
        setup(app);
        app.client_secrets.insert("shop", CLIENT_SECRET);
        app.client =
            |client| domain::Client { secret: Some("shop".into()), direct_api: DirectApi::Confidential, ..client };
    })
    .await;
    for secret in [CLIENT_SECRET, "canary of a wrong secret"] {
        let basic = format!("Basic {}", STANDARD.encode(form_urlencoded_pair("demo", secret)));
        let start = Request::post("/v1/journeys/migrate-from-keycloak/start").header(AUTHORIZATION, &basic);
        let start = start.header(CONTENT_TYPE, "application/json");
        let start = app.send(start.body(Body::from(TestApp::start_body().to_string())).unwrap()).await;
        if secret != CLIENT_SECRET {
            assert_eq!(start.code(), "invalid_client");
            continue;
        }
        let session = TestSession::of(&start.body);
        let wrong = session.submit(&app, &key(0xCA9A_0001), &data(EMAIL, "canary of a wrong password")).await;
        let (session, first) = (session.after(&wrong), session);
        let done = session.submit(&app, &key(0xCA9A_0002), &data(EMAIL, PASSWORD)).await;
        // Again, with another key, and with a token that was rotated away.
        session.submit(&app, &key(0xCA9A_0002), &data(EMAIL, PASSWORD)).await;
        session.submit(&app, &key(0xCA9A_0003), &data(EMAIL, PASSWORD)).await.expect_refused();
        first.view(&app).await;
        let code = done.body["completion"]["code"].as_str().unwrap();
        for secret in ["canary of a wrong secret", CLIENT_SECRET, CLIENT_SECRET] {
            app.redeem_with(&[("code", code), ("client_secret", secret)]).await;
        }
        app.redeem_with(&[("code", code), ("client_secret", CLIENT_SECRET), ("code_verifier", &"canary".repeat(10))])
            .await;
    }
    let test_user = json!({ "username": EMAIL, "password": PASSWORD });
    for admin in [ADMIN, "canary of no administrator"] {
        app.post("/v1/connectors/keycloak/test", Some(admin), &json!({ "test_user": test_user })).await;
    }
    let found = Canaries::of(&app);
    for kind in ["a client's secret", "a connector's secret", "a stored secret", "a part of a stored secret"] {
        assert!(found.kinds.contains(&kind), "{kind}");
    }
    found.turn_up_nowhere(&app).await;
}

#[tokio::test]
async fn what_is_sent_where_it_does_not_belong_is_not_written_down() {
    let app = TestApp::new().await;
    let session = app.start("migrate-from-keycloak").await;
    let (submit, token) = (format!("/v1/sessions/{}/steps/ask", session.id), Some(session.token.as_str()));
    let right = json!({ "turn": 1, "key": key(1), "option": "submit", "data": data(EMAIL, PASSWORD) });
    let with = |name: &str, value: Value| {
        let mut body = right.clone();
        body[name] = value;
        body
    };
    for body in [
        with("turn", json!(MISPLACED)),
        with("key", json!(format!("{MISPLACED}!"))),
        with("option", json!(MISPLACED)),
        with("option", json!({ MISPLACED: 1 })),
        with("data", json!(MISPLACED)),
        with("data", json!({ "password": [MISPLACED] })),
        with("data", json!({ "password": MISPLACED.repeat(300) })),
        with("data", json!({ MISPLACED: "x" })),
        with(MISPLACED, json!(1)),
        json!(MISPLACED),
    ] {
        app.post(&submit, token, &body).await.expect_refused();
    }
    session.submit(&app, &key(2), &data(EMAIL, MISPLACED)).await.expect(200);
    let mut start = TestApp::start_body();
    for name in ["client_id", "redirect_uri", "scope", "code_challenge", "code_challenge_method", "response_type"] {
        let before = start["request"][name].clone();
        start["request"][name] = json!([MISPLACED]);
        app.try_start("migrate-from-keycloak", &start).await.expect_refused();
        start["request"][name] = before;
    }
    start["params"] = json!({ "plan": [MISPLACED] });
    app.try_start("migrate-from-keycloak", &start).await.expect_refused();
    for path in [
        format!("/v1/sessions/{MISPLACED}"),
        format!("/v1/sessions/ses_{MISPLACED}"),
        format!("/v1/callback/{MISPLACED}?code=1&state=2"),
        format!("/v1/callback/keycloak?code={MISPLACED}&state=ses_1.{MISPLACED}"),
        format!("/v1/callback/keycloak?error={MISPLACED}&error_description={MISPLACED}&state={MISPLACED}"),
        format!("/{MISPLACED}?token={MISPLACED}"),
    ] {
        app.get(&path, Some(MISPLACED)).await.expect_refused();
    }
    for form in [
        [("grant_type", MISPLACED), ("code", MISPLACED), ("client_id", "demo")],
        [("grant_type", "authorization_code"), ("code", MISPLACED), ("client_id", MISPLACED)],
        [(MISPLACED, "authorization_code"), ("code_verifier", MISPLACED), ("client_secret", MISPLACED)],
    ] {
        app.post_form("/oauth2/token", &form).await.expect_refused();
    }
    for header in [AUTHORIZATION, ORIGIN, CONTENT_TYPE] {
        for value in [MISPLACED.to_owned(), format!("Basic {MISPLACED}"), format!("Digest {MISPLACED}")] {
            let request = Request::post("/v1/journeys/migrate-from-keycloak/start").header(header.clone(), value);
            app.send(request.body(Body::from(MISPLACED)).unwrap()).await.expect_refused();
        }
    }
    let draft = json!({ "connector": { "id": "draft", "provider": "keycloak", "name": "Draft", "settings": { MISPLACED: MISPLACED },
        "client": { "id": "landfall", "secret": MISPLACED }, "methods": {} } });
    app.post("/v1/connectors/test", Some(ADMIN), &draft).await.expect_refused();

    let misplaced = Spelled::of("what was misplaced", MISPLACED);
    app.lines().iter().for_each(|line| misplaced.is_not_in(&line.to_string()));
    app.all_items().await.iter().for_each(|item| misplaced.is_not_in(&item.to_string()));
}

/// Basic credentials as RFC 6749 section 2.3.1 has them.
fn form_urlencoded_pair(id: &str, secret: &str) -> String {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    format!("{}:{}", encoded(id), encoded(secret))
}

#[tokio::test]
async fn all_that_should_be_searched_for_is_found_where_it_passes() {
    let app = TestApp::with(setup).await;
    app.calls.take();
    by_password(&app, PASSWORD).await;
    by_redirect(&app).await;
    let found = Canaries::of(&app);
    for kind in [
        "the administrator's token",
        "a stored secret",
        "a part of a stored secret",
        "a typed password",
        "a submit's key",
        "a client's PKCE verifier",
        "a password that was sent on",
        "a connector's secret",
        "a provider's code",
        "our PKCE verifier",
        "a provider's access token",
        "a provider's refresh token",
        "a provider's ID token",
        "a session token",
        "our code",
        "resume",
        "state",
        "nonce",
        "our access token",
        "our ID token",
    ] {
        assert!(found.kinds.contains(&kind), "{kind}");
    }
    found.turn_up_nowhere(&app).await;
}

#[test]
fn a_secret_is_found_in_every_spelling() {
    let secret = Spelled::of("a password", PASSWORD);
    let inner = json!({ "said": PASSWORD }).to_string();
    let form = form_urlencoded::Serializer::new(String::new()).append_pair("password", PASSWORD).finish();
    let hex: String = PASSWORD.bytes().map(|byte| format!("{byte:02X}")).collect();
    for (before, after) in [("", ""), ("a", "bc"), ("ab", "c"), ("abc", "")] {
        let whole = format!("{before}{PASSWORD}{after}");
        for text in [
            STANDARD.encode(&whole),
            URL_SAFE_NO_PAD.encode(&whole),
            format!("{:?}", whole.as_bytes()),
            format!("{whole:?}"),
            whole,
        ] {
            assert!(secret.is_in(&text), "{text}");
        }
    }
    for text in [inner.clone(), json!({ "reason": inner }).to_string(), form, hex.to_lowercase(), hex] {
        assert!(secret.is_in(&text), "{text}");
    }
    assert!(!secret.is_in("canary"));
}
