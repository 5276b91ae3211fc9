//! What the tests of this simulator share: a realm, a clock, a person with a browser, and requests without a network.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use chrono::{DateTime, TimeDelta};
use domain::{Clock, FixedClock, SeededEntropy};
use serde_json::Value;
use tower::ServiceExt;
use url::{Url, form_urlencoded};

use super::{Client, Keycloak, Realm, User, totp};
pub(super) use crate::core::bench::part;
use crate::core::{Browser, HtmlForm, Page, Subject};

pub(super) const TOKEN: &str = "/realms/demo/protocol/openid-connect/token";
pub(super) const USERINFO: &str = "/realms/demo/protocol/openid-connect/userinfo";
pub(super) const HOST: &str = "sso.test";
/// What a right password login sends.
pub(super) const LOGIN: &str =
    "grant_type=password&client_id=landfall&client_secret=secret&username=ada&password=correct+horse&scope=openid";

/// What an authenticator app is set up with.
pub(super) const SEED: &str = "seed of an app";

/// A realm with one client that may send passwords and one user who can log in.
pub(super) fn demo() -> Realm {
    Realm::new("demo")
        .client(Client::confidential("landfall", "secret").direct_grants(true))
        .user(User::new("ada").email("ada@example.org", true).name("Ada", "Lovelace").password("correct horse"))
}

pub(super) const AUTHORIZE: &str = "/realms/demo/protocol/openid-connect/auth";
pub(super) const CALLBACK: &str = "https://app.example/callback";
pub(super) const ISSUER: &str = "http://sso.test/realms/demo";
/// What a right password form sends.
pub(super) const ADA: &str = "username=ada&password=correct+horse&credentialId=";
/// What a right exchange sends, but for the code.
pub(super) const EXCHANGE: &str = "grant_type=authorization_code&client_id=landfall&client_secret=secret\
    &redirect_uri=https%3A%2F%2Fapp.example%2Fcallback";

/// The client of [`demo`], which may also send browsers.
pub(super) fn landfall() -> Client {
    Client::confidential("landfall", "secret").direct_grants(true).redirect_uri(CALLBACK)
}

/// [`demo`] for browsers.
pub(super) fn web() -> Realm {
    demo().client(landfall())
}

/// The user of [`demo`].
pub(super) fn ada() -> User {
    User::new("ada").email("ada@example.org", true).name("Ada", "Lovelace").password("correct horse")
}

/// Somebody with a browser that follows no redirect by itself.
pub(super) struct Person(pub(super) Browser);

impl Person {
    /// Opens an address, or submits a form to it.
    pub(super) async fn visit(&self, address: &str, form: Option<&str>) -> Answer {
        let url = Url::parse("http://sso.test").unwrap().join(address).unwrap();
        self.0.visit(&url, form).await
    }

    /// Comes from the client, with these parameters more.
    pub(super) async fn authorize(&self, more: &str) -> Answer {
        self.visit(&authorize(more), None).await
    }

    /// Answers the form of a page.
    pub(super) async fn submit(&self, page: &Answer, form: &str) -> Answer {
        self.visit(&page.action(), Some(form)).await
    }

    /// Comes from the client with these parameters more, and gives Ada's password.
    pub(super) async fn log_in(&self, more: &str) -> Answer {
        let page = self.authorize(more).await;
        self.submit(&page, ADA).await
    }
}

/// The address of an authorization request with these parameters more; one that is there already is replaced.
pub(super) fn authorize(more: &str) -> String {
    let mut fields: BTreeMap<&str, &str> = BTreeMap::from([
        ("client_id", "landfall"),
        ("redirect_uri", "https%3A%2F%2Fapp.example%2Fcallback"),
        ("response_type", "code"),
        ("scope", "openid"),
        ("state", "st"),
        ("nonce", "nn"),
    ]);
    fields.extend(more.split('&').filter_map(|field| field.split_once('=')));
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{AUTHORIZE}?{}", fields.join("&"))
}

pub(super) struct Bench {
    pub(super) keycloak: Keycloak,
    pub(super) clock: Arc<FixedClock>,
}

pub(super) type Answer = Page;

impl Bench {
    pub(super) fn new(realm: Realm) -> Self {
        Self::with(realm, |keycloak| keycloak)
    }

    pub(super) fn with(realm: Realm, configure: impl FnOnce(Keycloak) -> Keycloak) -> Self {
        let clock = Arc::new(FixedClock::at(DateTime::from_timestamp(1_790_000_000, 0).unwrap()));
        let keycloak = Keycloak::new(clock.clone(), Arc::new(SeededEntropy::new(1))).realm(realm);
        Self { keycloak: configure(keycloak), clock }
    }

    pub(super) async fn get(&self, host: &str, path: &str) -> Answer {
        self.send(Request::get(path).header("host", host).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn post(&self, path: &str, form: &str) -> Answer {
        self.post_as(path, "application/x-www-form-urlencoded", "", form).await
    }

    pub(super) async fn post_as(&self, path: &str, media_type: &str, authorization: &str, body: &str) -> Answer {
        let mut request = Request::post(path).header("host", HOST).header("content-type", media_type);
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(super) async fn bearer(&self, method: Method, path: &str, token: &str) -> Answer {
        let request = Request::builder().method(method).uri(path).header("host", HOST);
        self.send(request.header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap()).await
    }

    /// Somebody with a new browser.
    pub(super) fn person(&self) -> Person {
        Person(Browser::at(self.keycloak.router()))
    }

    /// What an app with [`SEED`] shows whose clock is that many steps ahead.
    pub(super) fn otp(&self, ahead: i32) -> String {
        totp(SEED, self.clock.now() + TimeDelta::seconds(30) * ahead)
    }

    /// A code for Ada at `landfall`.
    pub(super) async fn code(&self) -> String {
        self.person().log_in("").await.callback()["code"].clone()
    }

    /// The body of a successful exchange.
    pub(super) async fn exchange(&self, code: &str) -> Value {
        let answer = self.post(TOKEN, &format!("{EXCHANGE}&code={code}")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// Whether userinfo still accepts the access token of an answer.
    pub(super) async fn accepts(&self, body: &Value) -> bool {
        self.bearer(Method::GET, USERINFO, body["access_token"].as_str().unwrap()).await.status == 200
    }

    /// The body of a successful login.
    pub(super) async fn login(&self) -> Value {
        let answer = self.post(TOKEN, LOGIN).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// `status error: description` of a refusal.
    pub(super) async fn refusal(&self, form: &str) -> String {
        self.post(TOKEN, form).await.refusal()
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.keycloak.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Page {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }
}

impl Answer {
    pub(super) fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// Where a page's form goes.
    pub(super) fn action(&self) -> String {
        HtmlForm::first(&self.body).unwrap_or_else(|| panic!("no form: {}", self.body)).action
    }

    /// What a page's error says.
    pub(super) fn error(&self) -> &str {
        let after = |text: &'static str| self.body.split(text).nth(1);
        let error = after(r#"<p class="instruction">"#).or_else(|| after(r#"<span class="kc-feedback-text">"#));
        error.unwrap_or_else(|| panic!("no error: {}", self.body)).split("</").next().unwrap()
    }

    /// The fields of a callback in the query.
    pub(super) fn callback(&self) -> BTreeMap<String, String> {
        assert_eq!(self.status, 302, "{}", self.body);
        let fields = self.header("location").strip_prefix(&format!("{CALLBACK}?")).unwrap_or_else(|| {
            panic!("no callback: {}", self.header("location"));
        });
        form_urlencoded::parse(fields.as_bytes()).into_owned().collect()
    }

    /// `error: description` of a callback.
    pub(super) fn callback_error(&self) -> String {
        let fields = self.callback();
        assert_eq!(fields.get("code"), None);
        let description = fields.get("error_description").map_or("-", String::as_str);
        format!("{}: {description}", fields["error"])
    }

    pub(super) fn refusal(&self) -> String {
        let body = self.json();
        let text = |name: &str| body[name].as_str().unwrap_or("-").to_owned();
        format!("{} {}: {}", self.status, text("error"), text("error_description"))
    }
}
