//! What the tests of this simulator share: a realm, a clock, a person with a browser, and requests without a network.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta};
use domain::{Clock, FixedClock, SeededEntropy};
use serde_json::Value;
use tower::ServiceExt;

use super::{Client, Keycloak, Realm, User, totp};
use crate::core::wire::decode;

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

/// Somebody with a browser, which keeps cookies and follows no redirect by itself.
pub(super) struct Person<'a> {
    bench: &'a Bench,
    pub(super) cookies: RefCell<BTreeMap<String, String>>,
}

impl Person<'_> {
    /// Opens an address, or submits a form to it.
    pub(super) async fn visit(&self, address: &str, form: Option<&str>) -> Answer {
        let path = address.strip_prefix("http://sso.test").unwrap_or(address);
        let cookies: Vec<String> =
            self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = match form {
            Some(_) => Request::post(path).header("content-type", "application/x-www-form-urlencoded"),
            None => Request::get(path),
        };
        let request = request.header("host", HOST).header("cookie", cookies.join("; "));
        let answer = self.bench.send(request.body(Body::from(form.unwrap_or_default().to_owned())).unwrap()).await;
        for cookie in answer.set_cookies() {
            let (name, rest) = cookie.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            match rest.contains(";Max-Age=0") {
                true => self.cookies.borrow_mut().remove(name),
                false => self.cookies.borrow_mut().insert(name.into(), value.into()),
            };
        }
        answer
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

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

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
    pub(super) fn person(&self) -> Person<'_> {
        Person { bench: self, cookies: RefCell::default() }
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
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(super) fn set_cookies(&self) -> Vec<&str> {
        self.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect()
    }

    /// Where a page's form goes.
    pub(super) fn action(&self) -> String {
        let action = self.body.split(r#" action=""#).nth(1).unwrap_or_else(|| panic!("no form: {}", self.body));
        action.split('"').next().unwrap().replace("&amp;", "&")
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
        let decoded = |text: &str| String::from_utf8(decode(text.as_bytes()).unwrap()).unwrap();
        let pairs = fields.split('&').map(|field| field.split_once('=').unwrap());
        pairs.map(|(name, value)| (name.to_owned(), decoded(value))).collect()
    }

    /// `error: description` of a callback.
    pub(super) fn callback_error(&self) -> String {
        let fields = self.callback();
        assert_eq!(fields.get("code"), None);
        let description = fields.get("error_description").map_or("-", String::as_str);
        format!("{}: {description}", fields["error"])
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    pub(super) fn refusal(&self) -> String {
        let body = self.json();
        let text = |name: &str| body[name].as_str().unwrap_or("-").to_owned();
        format!("{} {}: {}", self.status, text("error"), text("error_description"))
    }
}

/// A part of a JWT, unverified: 0 is the header, 1 are the claims.
pub(super) fn part(token: &Value, index: usize) -> Value {
    serde_json::from_str(&text_part(token.as_str().unwrap(), index)).unwrap()
}

/// The same as text, as no parser has touched it.
pub(super) fn text_part(token: &str, index: usize) -> String {
    let part = token.split('.').nth(index).unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
