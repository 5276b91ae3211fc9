//! What the tests of this simulator share: a realm, a clock, a person with a browser, and requests without a network.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request};
use chrono::{DateTime, TimeDelta};
use domain::{Clock, FixedClock, SeededEntropy};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::{Client, Keycloak, Realm, User, totp};
use crate::core::bench;
pub(super) use crate::core::bench::{CALLBACK, NOW, part};
use crate::core::{Browser, HtmlForm, Page, Subject};

pub(super) const AUTHORIZE: &str = "/realms/demo/protocol/openid-connect/auth";
pub(super) const TOKEN: &str = "/realms/demo/protocol/openid-connect/token";
pub(super) const USERINFO: &str = "/realms/demo/protocol/openid-connect/userinfo";
pub(super) const ISSUER: &str = "http://sso.test/realms/demo";
/// What a right password login sends.
pub(super) const LOGIN: &str =
    "grant_type=password&client_id=landfall&client_secret=secret&username=ada&password=correct+horse&scope=openid";
/// The same without a password.
pub(super) const NAME: &str = "grant_type=password&client_id=landfall&client_secret=secret&username=ada&scope=openid";
/// What a right password form sends.
pub(super) const ADA: &str = "username=ada&password=correct+horse";
/// What a right exchange sends, but for the code.
pub(super) const EXCHANGE: &str = "grant_type=authorization_code&client_id=landfall&client_secret=secret\
    &redirect_uri=https%3A%2F%2Fapp.example%2Fcallback";
/// What an authenticator app is set up with.
pub(super) const SEED: &str = "seed of an app";
/// What every wrong credential is answered.
pub(super) const BAD_CREDENTIALS: &str = "400 invalid_grant: Invalid user credentials";

/// A realm with one client and one user.
pub(super) fn demo() -> Realm {
    Realm::new("demo").client(landfall()).user(ada())
}

/// The client of [`demo`], which may send passwords and browsers.
pub(super) fn landfall() -> Client {
    Client::confidential("landfall", "secret").direct_grants(true).redirect_uri(CALLBACK)
}

/// The user of [`demo`].
pub(super) fn ada() -> User {
    User::new("ada").email("ada@example.org", true).name("Ada", "Lovelace").password("correct horse")
}

/// A person with a browser that follows no redirect by itself.
pub(super) struct Person(pub(super) Browser);

impl Person {
    /// Opens an address, or submits a form to it.
    pub(super) async fn visit(&self, address: &str, form: Option<&str>) -> Page {
        let url = Url::parse("http://sso.test").unwrap().join(address).unwrap();
        self.0.visit(&url, form).await
    }

    /// Comes from the client, with these parameters more.
    pub(super) async fn authorize(&self, more: &str) -> Page {
        self.visit(&authorize(more), None).await
    }

    /// Answers the form of a page.
    pub(super) async fn submit(&self, page: &Page, form: &str) -> Page {
        self.visit(&page.action(), Some(form)).await
    }

    /// Comes from the client with these parameters more, and gives Ada's password.
    pub(super) async fn log_in(&self, more: &str) -> Page {
        let page = self.authorize(more).await;
        self.submit(&page, ADA).await
    }
}

/// The address of an authorization request with these parameters more; one that is there already is replaced, and an
/// empty one is left out.
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
    let fields = fields.iter().filter(|(_, value)| !value.is_empty());
    let fields: Vec<String> = fields.map(|(name, value)| format!("{name}={value}")).collect();
    format!("{AUTHORIZE}?{}", fields.join("&"))
}

pub(super) struct Bench {
    pub(super) keycloak: Keycloak,
    pub(super) clock: Arc<FixedClock>,
}

impl Bench {
    pub(super) fn new(realm: Realm) -> Self {
        let clock = Arc::new(FixedClock::at(DateTime::from_timestamp(NOW, 0).unwrap()));
        Self { keycloak: Keycloak::new(clock.clone(), Arc::new(SeededEntropy::new(1))).realm(realm), clock }
    }

    pub(super) async fn get(&self, host: &str, path: &str) -> Page {
        self.send(Request::get(path).header("host", host).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn post(&self, path: &str, form: &str) -> Page {
        self.post_as(path, "application/x-www-form-urlencoded", "", form).await
    }

    pub(super) async fn post_as(&self, path: &str, media_type: &str, authorization: &str, body: &str) -> Page {
        let mut request = Request::post(path).header("host", "sso.test").header("content-type", media_type);
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(super) async fn bearer(&self, method: Method, path: &str, token: &str) -> Page {
        let request = Request::builder().method(method).uri(path).header("host", "sso.test");
        self.send(request.header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> Page {
        bench::send(self.keycloak.router(), request).await
    }

    /// A person with a new browser.
    pub(super) fn person(&self) -> Person {
        Person(Browser::at(self.keycloak.router()))
    }

    pub(super) fn wait(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
    }

    /// What an app with [`SEED`] shows whose clock is that many steps ahead.
    pub(super) fn otp(&self, ahead: i32) -> String {
        totp(SEED, self.clock.now() + TimeDelta::seconds(30) * ahead)
    }

    /// A code for Ada at `landfall`.
    pub(super) async fn code(&self) -> String {
        self.person().log_in("").await.callback()["code"].clone()
    }

    /// The body of a successful answer of the token endpoint.
    pub(super) async fn tokens(&self, form: &str) -> Value {
        let answer = self.post(TOKEN, form).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// The body of a successful exchange.
    pub(super) async fn exchange(&self, code: &str) -> Value {
        self.tokens(&format!("{EXCHANGE}&code={code}")).await
    }

    /// Whether the token endpoint answers a form with tokens.
    pub(super) async fn lets_in(&self, form: &str) -> bool {
        self.post(TOKEN, form).await.status == 200
    }

    /// `status error: description` of a refusal.
    pub(super) async fn refusal(&self, form: &str) -> String {
        self.post(TOKEN, form).await.refusal()
    }
}

impl Page {
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
