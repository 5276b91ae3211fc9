//! A company's own login service, and the provider that a deployment compiles in for it. No provider of
//! Landfall's own sends codes yet, so this one tests that.
//!
//! It behaves as such services do: a code lives three minutes and works once, a wrong one leaves the question open until
//! the account has had too many, another code takes the place of the one before, and for an unknown address it
//! pretends to send one.

mod server;

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::StatusCode;
use chrono::DateTime;
use domain::{
    Challenge, Channel, Choice, Claims, ConnectorDocument, ExternalIdentity, Factor, Method, MethodSet, Pending,
    RawClaims, Rejection,
};
use egress::{Request, Response};
use providers::refusals::{At, Refusals, Row, classify};
use providers::{
    Answer as Said, Attempt, Check, Cx, InvalidConnector, Outage, Probe, Progress, Provider, ProviderAdapter,
    ProviderError, Registry, Report, Stage, answers, not_switched_on,
};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use url::Url;

use crate::{Answer, Setup, TestApp, TestSession};

pub use server::{House, Person};

/// `provider: house`, `settings: { url: ... }`.
pub const HOUSE: Provider = Provider::new("house", &[Method::Password, Method::EmailOtp, Method::SmsOtp], build);

const CONNECTORS: &str = r#"
connectors:
  - id: house
    provider: house
    name: House
    client: { id: landfall }
    methods: { password: {}, email_otp: {}, sms_otp: {} }
    settings: { url: "{house}" }
"#;

impl TestApp {
    /// One whose only provider is a house where these people work.
    pub async fn with_house(people: &[Person]) -> (Self, House) {
        Self::with_house_and(people, |_| {}).await
    }

    /// The same with something else about it.
    pub async fn with_house_and(people: &[Person], change: impl FnOnce(&mut Setup)) -> (Self, House) {
        let mut built = None;
        let app = Self::with(|setup| {
            let house = House::of(setup.clock(), people);
            setup.house = Some(house.clone());
            setup.registry = Registry::default().and(HOUSE);
            setup.connectors = CONNECTORS.to_owned();
            built = Some(house);
            change(setup);
        });
        (app.await, built.expect("it has been set up"))
    }
}

impl TestSession {
    /// Answers what the provider asks, at the step that asks it.
    pub async fn enter_code(&self, app: &TestApp, step: &str, code: &str) -> Answer {
        self.fill_in(app, step, &format!("{:032x}", self.turn), &json!({ "code": code })).await
    }
}

#[derive(Debug)]
struct Adapter {
    document: ConnectorDocument,
    url: Url,
}

fn build(document: &ConnectorDocument) -> Result<Arc<dyn ProviderAdapter>, InvalidConnector> {
    let url = document.settings.get("url").and_then(Value::as_str).and_then(|url| url.parse().ok());
    let url = url.ok_or_else(|| InvalidConnector::at("settings.url", "is no address"))?;
    Ok(Arc::new(Adapter { document: document.clone(), url }))
}

#[async_trait]
impl ProviderAdapter for Adapter {
    fn methods(&self) -> MethodSet {
        self.document.methods.keys().copied().collect()
    }

    async fn begin(&self, cx: &Cx<'_>, attempt: Attempt<'_>) -> Result<Progress, ProviderError> {
        let method = attempt.method();
        match attempt {
            Attempt::Password { username, password, .. } => {
                let form = [("username", username), ("password", password.expose_secret())];
                self.call(cx, method, "/password", &form).await
            }
            Attempt::Otp { channel, to } => {
                let way = if channel == Channel::Email { "email_otp" } else { "sms_otp" };
                self.call(cx, method, "/send", &[("way", way), ("to", to)]).await
            }
            Attempt::Redirect(_) | Attempt::Totp { .. } => Err(not_switched_on(method)),
        }
    }

    async fn probe(&self, _cx: &Cx<'_>, _with: &Probe<'_>) -> Report {
        Report::of(Vec::new())
    }

    async fn answer(&self, cx: &Cx<'_>, pending: &Pending, answer: Said<'_>) -> Result<Progress, ProviderError> {
        let method = serde_json::from_value(pending.0["method"].clone()).map_err(|_| malformed())?;
        let ticket = ("ticket", pending.0["ticket"].as_str().unwrap_or_default());
        match answer {
            Said::Code(code) => self.call(cx, method, "/code", &[ticket, ("code", code.expose_secret())]).await,
            Said::Resend => self.call(cx, method, "/resend", &[ticket]).await,
            Said::Choose(id) => self.call(cx, method, "/choose", &[ticket, ("id", id)]).await,
            Said::Poll => self.call(cx, method, "/poll", &[ticket]).await,
            Said::NewPassword { new, current } => {
                let current = current.map(ExposeSecret::expose_secret).unwrap_or_default();
                let form = [ticket, ("new", new.expose_secret()), ("current", current)];
                self.call(cx, method, "/new-password", &form).await
            }
            Said::Callback(_) => Err(Stage::Attempt.refused(Check::Unasked)),
        }
    }
}

fn malformed() -> ProviderError {
    Stage::Token.unavailable(Outage::Protocol)
}

/// The authority whose accounts these are.
const ISSUER_KEY: &str = "house";

const REFUSALS: Refusals = Refusals {
    to: "a password or a code",
    at: &[At::Password],
    rows: &[
        Row::error("wrong_password", ProviderError::Rejected(Rejection::InvalidCredentials), "the house"),
        Row::error("wrong_code", ProviderError::Rejected(Rejection::OtpInvalid), "the house"),
        Row::error("declined", ProviderError::Rejected(Rejection::Declined), "the house"),
        Row::error("expired", ProviderError::Rejected(Rejection::OtpExpired), "the house"),
    ],
};

impl Adapter {
    async fn call(
        &self,
        cx: &Cx<'_>,
        method: Method,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<Progress, ProviderError> {
        let url = self.url.join(path).map_err(|_| malformed())?;
        let cx = cx.of(&self.document);
        let response = cx.send(Stage::Token, Request::post_form(url, form.iter().copied())).await?;
        self.read(&cx, method, &response)
    }

    fn read(&self, cx: &Cx<'_>, method: Method, response: &Response) -> Result<Progress, ProviderError> {
        if !response.status.is_success() {
            return Err(classify(cx.now(), Stage::Token, response, &[&REFUSALS]));
        }
        let said = answers::object(Stage::Token, response)?;
        if response.status == StatusCode::OK {
            return Ok(Progress::Done(Box::new(self.identity(method, &said).ok_or_else(malformed)?)));
        }
        let to = said["to"].as_str().map(str::to_owned);
        let challenge = match said["way"].as_str().unwrap_or_default() {
            "choice" => Challenge::Choose {
                choices: [(Factor::SmsOtp, to), (Factor::Totp, None)]
                    .map(|(factor, to)| Choice { id: factor.as_str().to_owned(), factor, to })
                    .to_vec(),
            },
            "push" => Challenge::Wait { to: Some("Ada's phone".to_owned()), number: Some("42".to_owned()), every: 5 },
            "new_password" => Challenge::NewPassword { current: true, refused: false },
            "refused_password" => Challenge::NewPassword { current: true, refused: true },
            _ => {
                let factor = serde_json::from_value(said["way"].clone()).map_err(|_| malformed())?;
                Challenge::Code { factor, digits: Some(6), to, resend: factor != Factor::Totp }
            }
        };
        Ok(Progress::Ask(challenge, Pending(json!({ "ticket": said["ticket"], "method": method }))))
    }

    fn identity(&self, method: Method, said: &Map<String, Value>) -> Option<ExternalIdentity> {
        Some(ExternalIdentity {
            connector: self.document.id.clone(),
            source: self.document.source(ISSUER_KEY),
            provider: self.document.provider.clone(),
            method,
            issuer_key: ISSUER_KEY.to_owned(),
            subject_key: said["sub"].as_str()?.to_owned(),
            claims: Claims::mapped(said),
            raw: RawClaims::default(),
            tokens: None,
            upstream_session: None,
            authenticated_at: DateTime::from_timestamp(said["auth_time"].as_i64()?, 0)?,
            notified_since: None,
        })
    }
}
