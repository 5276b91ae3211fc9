//! Logins with the requests of an application and a browser.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use landfall::demo::{PASSWORD, REDIRECT_URI};
use landfall_tests::deployed;
use landfall_tests::lambda::Sent;
use landfall_tests::proxy::Call;
use landfall_tests::{Browser, KEYCLOAK, TestApp, VERIFIER, data, subject_of};
use serde_json::{Value, json};
use simulators::keycloak::User;

use crate::fleet::{Binary, Environment, Fleet, Stage};

/// A kind of login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Whether the login is by redirect.
    pub redirect: bool,
    /// Whether the user is new.
    pub new: bool,
}

impl Kind {
    /// By password, by a returning user.
    pub const PASSWORD_RETURNING: Self = Self { redirect: false, new: false };
    /// By password, by a new user.
    pub const PASSWORD_NEW: Self = Self { redirect: false, new: true };
    /// All kinds.
    pub const ALL: [Self; 4] = [
        Self::PASSWORD_RETURNING,
        Self::PASSWORD_NEW,
        Self { redirect: true, new: false },
        Self { redirect: true, new: true },
    ];

    /// The functions in the order of their calls.
    pub(crate) fn stages(self) -> &'static [Stage] {
        match self.redirect {
            false => &[Stage::Start, Stage::Submit, Stage::Token],
            true => &[Stage::Start, Stage::Callback, Stage::Submit, Stage::Token],
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.redirect { "redirect" } else { "password" };
        write!(f, "{how}, {}", if self.new { "new" } else { "returning" })
    }
}

/// The number of logins after which a just-in-time compiler has compiled the relevant code.
const WARM_UP: u32 = 600;

/// The issuer of functions with the feature `local`, which requires an address of this machine. Nothing listens there.
pub(crate) const ISSUER: &str = "http://127.0.0.1:9000";

/// The tables, secrets and provider, with the machine's clock.
pub async fn app() -> TestApp {
    deployed::app_with(|setup| setup.subject = subject_of(&KEYCLOAK, Arc::clone(&setup.time), ISSUER)).await
}

/// The issuer of the provider.
pub(crate) fn provider(app: &TestApp) -> String {
    app.subject.issuer(&format!("http://{}", app.provider))
}

/// Runs logins, and creates their users on demand.
pub(crate) struct Logins<'a> {
    app: &'a TestApp,
}

impl<'a> Logins<'a> {
    pub(crate) fn new(app: &'a TestApp) -> Self {
        Self { app }
    }

    pub(crate) async fn warm_up(&self, fleet: &mut Fleet, kind: Kind) {
        for _ in 0..WARM_UP {
            self.one(fleet, kind).await;
        }
    }

    /// Runs one login and returns the calls of its functions, after all of them wait for the next event.
    pub(crate) async fn one(&self, fleet: &mut Fleet, kind: Kind) -> Vec<Call> {
        let mut login = Login::of(kind, self.user(kind));
        let mut calls = Vec::new();
        for &stage in kind.stages() {
            let sent = login.request(stage).await;
            // Drop the browser's own calls.
            self.app.calls.take();
            let answer = fleet.send(stage, &sent, status(stage)).await;
            calls.extend(self.app.calls.take());
            login.answered(stage, &answer);
        }
        calls
    }

    /// Runs one login with newly started functions. Returns for each one the time from exec until it has answered and
    /// polls for the next event, in milliseconds.
    pub(crate) async fn cold(&self, built: &[(Stage, Binary)], environment: &Environment, kind: Kind) -> Vec<f64> {
        let mut login = Login::of(kind, self.user(kind));
        let mut took = Vec::new();
        for &stage in kind.stages() {
            let function = built.iter().find(|(other, _)| *other == stage).expect("all of them are built");
            let sent = login.request(stage).await;
            let mut fleet = Fleet::start(std::slice::from_ref(function), environment).await;
            let answer = fleet.send(stage, &sent, status(stage)).await;
            took.push(fleet.started().elapsed().as_secs_f64() * 1e3);
            login.answered(stage, &answer);
        }
        took
    }

    /// A user of the provider: always the same one, or a new one.
    fn user(&self, kind: Kind) -> String {
        static USERS: AtomicU32 = AtomicU32::new(0);
        if !kind.new {
            return "ada".to_owned();
        }
        let name = format!("user{}", USERS.fetch_add(1, Ordering::Relaxed));
        let user = User::new(&name).email(&email(&name), true).name("Ada", "Lovelace").password(PASSWORD);
        let added = self.app.keycloak().change_realm("demo", |realm| realm.user(user));
        assert!(added.is_ok(), "{name} cannot be created");
        name
    }
}

fn email(name: &str) -> String {
    format!("{name}@example.org")
}

/// A login in progress.
struct Login {
    kind: Kind,
    who: String,
    /// The last view that the application got, with the session token.
    before: Value,
    /// The `resume` that the browser brings to the application.
    carried: Option<String>,
}

/// The status of a function's successful answer.
fn status(stage: Stage) -> u16 {
    match stage {
        Stage::Start => 201,
        Stage::Callback => 303,
        Stage::Submit | Stage::Token | Stage::Test => 200,
    }
}

impl Login {
    fn of(kind: Kind, who: String) -> Self {
        Self { kind, who, before: Value::Null, carried: None }
    }

    async fn request(&self, stage: Stage) -> Sent {
        let view = &self.before;
        let of = |name: &str| view[name].as_str().unwrap_or_else(|| panic!("no {name} in {view:#}"));
        let key = "0123456789abcdef0123456789abcdef";
        let mut sent = match stage {
            Stage::Start => {
                let journey = if self.kind.redirect { "sign-in-with-keycloak" } else { "migrate-from-keycloak" };
                Sent::json(format!("/v1/journeys/{journey}/start"), None, &TestApp::start_body())
            }
            Stage::Submit if self.kind.redirect => {
                let path = format!("/v1/sessions/{}/resume", of("session"));
                Sent::json(path, Some(of("session_token")), &json!({ "resume": self.carried }))
            }
            Stage::Submit => {
                let data = data(&email(&self.who), PASSWORD);
                let body = json!({ "turn": view["turn"], "key": key, "option": "submit", "data": data });
                let path = format!("/v1/sessions/{}/steps/ask", of("session"));
                Sent::json(path, Some(of("session_token")), &body)
            }
            Stage::Callback => {
                let redirect = view["redirect"]["url"].as_str().expect("a redirect has a URL");
                Sent::get(Browser::default().come_back(redirect, &self.who, PASSWORD).await.path, None)
            }
            Stage::Token => {
                let form = [
                    ("grant_type", "authorization_code"),
                    ("client_id", "demo"),
                    ("redirect_uri", REDIRECT_URI),
                    ("code_verifier", VERIFIER),
                    ("code", view["completion"]["code"].as_str().expect("a login ends with a code")),
                ];
                Sent::form("/oauth2/token".to_owned(), &form)
            }
            Stage::Test => panic!("no login tests a connector"),
        };
        sent.headers.extend(BROWSER.map(|(name, value)| (name, value.to_owned())));
        sent
    }

    fn answered(&mut self, stage: Stage, answer: &Value) {
        if stage == Stage::Callback {
            let location = answer["headers"]["location"].as_str().expect("a callback redirects");
            let resume = location.split(['?', '&', '#']).find_map(|part| part.strip_prefix("resume="));
            self.carried = Some(resume.expect("a callback brings resume").to_owned());
            return;
        }
        let body = answer["body"].as_str().unwrap_or_default();
        let view: Value = serde_json::from_str(body).expect("an answer is JSON");
        match stage {
            Stage::Token => assert!(view["id_token"].is_string(), "{view:#}"),
            _ => self.before = view,
        }
    }
}

/// The headers of a browser and API Gateway.
const BROWSER: [(&str, &str); 14] = [
    ("accept", "*/*"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en;q=0.9,de;q=0.8"),
    ("cache-control", "no-cache"),
    ("host", "id.example.com"),
    ("referer", "https://demo.example/"),
    ("sec-ch-ua", r#""Chromium";v="142", "Not_A Brand";v="99""#),
    ("sec-fetch-dest", "empty"),
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-site", "cross-site"),
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    ),
    ("x-amzn-trace-id", "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e"),
    ("x-forwarded-for", "192.0.2.1"),
    ("x-forwarded-proto", "https"),
];
