//! What tests over every simulator share: a server with one application and one user, and logins without a network.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use domain::{FixedClock, Method, SeededEntropy};
use serde_json::{Value, json};
use tower::ServiceExt;
use url::form_urlencoded::Serializer;

use super::{Browser, Endpoint, Page, Person, Registration, Shown, Simulator, Subject};
use crate::SIMULATORS;

pub(crate) const CALLBACK: &str = "https://app.example/callback";
pub(crate) const NOW: i64 = 1_790_000_000;
const ORIGIN: &str = "http://sso.test";

#[derive(Clone)]
pub(crate) struct Bench {
    pub(crate) subject: Arc<dyn Subject>,
    pub(crate) clock: Arc<FixedClock>,
    provider: &'static str,
}

impl Bench {
    /// A server of every kind that says by a document where it is, with the client `landfall` and the user `ada`.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        SIMULATORS.iter().filter(|simulator| simulator.endpoints.contains(&Endpoint::Discovery)).map(Self::of)
    }

    pub(crate) fn of(simulator: &Simulator) -> Self {
        let clock = Arc::new(FixedClock::at(DateTime::from_timestamp(NOW, 0).unwrap()));
        let subject = (simulator.make)("/below", clock.clone(), Arc::new(SeededEntropy::new(1)));
        let bench = Self { subject, clock, provider: simulator.provider };
        bench.register(registration());
        let ada = Person::new("ada", "correct horse").email("ada@example.org", true).name("Ada", "Lovelace");
        bench.subject.enrol(ada);
        bench
    }

    /// The same of those that have a userinfo endpoint of the standard's.
    pub(crate) fn with_userinfo() -> impl Iterator<Item = Self> {
        let publishes = |endpoint: Endpoint| move |simulator: &&Simulator| simulator.endpoints.contains(&endpoint);
        SIMULATORS.iter().filter(publishes(Endpoint::Discovery)).filter(publishes(Endpoint::Userinfo)).map(Self::of)
    }

    pub(crate) fn register(&self, application: Registration) {
        self.subject.register(Method::Oidc, application);
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Page {
        send(self.subject.router(), request).await
    }

    pub(crate) async fn get(&self, url: &str, bearer: &str) -> Page {
        let request = Request::get(url).header("host", "sso.test").header("authorization", format!("Bearer {bearer}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) fn discovery(&self) -> String {
        self.subject.discovery(ORIGIN)
    }

    /// The address of an endpoint, as a connector's settings or the document say it when nothing is wrong with it.
    pub(crate) async fn address(&self, endpoint: Endpoint) -> String {
        let name = match endpoint {
            Endpoint::Keys => "jwks_uri",
            Endpoint::Token => "token_endpoint",
            Endpoint::Userinfo => "userinfo_endpoint",
            Endpoint::Authorize => "authorization_endpoint",
            Endpoint::Discovery | Endpoint::Login => return self.discovery(),
        };
        if let Some((_, named)) = self.subject.settings(ORIGIN).into_iter().find(|(setting, _)| *setting == name) {
            return named.as_str().unwrap().to_owned();
        }
        self.get(&self.discovery(), "").await.json()[name].as_str().unwrap().to_owned()
    }

    pub(crate) async fn keys(&self) -> Vec<Value> {
        let keys = self.get(&self.address(Endpoint::Keys).await, "").await.json();
        let keys = keys["keys"].as_array().unwrap();
        keys.iter().filter(|key| key["use"] != "enc").cloned().collect()
    }

    pub(crate) async fn userinfo(&self, token: &Value) -> Page {
        self.get(&self.address(Endpoint::Userinfo).await, token["access_token"].as_str().unwrap()).await
    }

    /// An authorization request of the client, with these parameters added or replaced.
    pub(crate) async fn authorize(&self, browser: &Browser, over: &[(&str, &str)]) -> Shown {
        let right = [
            ("client_id", "landfall"),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid profile email"),
            ("state", "st"),
            ("nonce", "nn"),
            // Apple takes no other.
            ("response_mode", if self.provider == "apple" { "form_post" } else { "" }),
        ];
        browser.open(&format!("{}?{}", self.address(Endpoint::Authorize).await, encoded(&right, over))).await
    }

    /// A code for Ada, who has been asked with these parameters more.
    pub(crate) async fn code(&self, over: &[(&str, &str)]) -> String {
        let browser = Browser::at(self.subject.router());
        let page = self.authorize(&browser, over).await;
        let shown = browser.fill_in(page, &[("username", "ada"), ("password", "correct horse")]).await;
        shown.back().parameter("code").unwrap()
    }

    /// What the token endpoint answers to a code, with these parameters more, or others.
    pub(crate) async fn redeem(&self, code: &str, over: &[(&str, &str)]) -> Page {
        let right = [
            ("grant_type", "authorization_code"),
            ("client_id", "landfall"),
            ("client_secret", "secret"),
            ("redirect_uri", CALLBACK),
            ("code", code),
        ];
        let request = Request::post(self.address(Endpoint::Token).await).header("host", "sso.test");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(encoded(&right, over))).unwrap()).await
    }

    /// Ada logs in: the answer of the token endpoint.
    pub(crate) async fn try_login(&self) -> Page {
        self.redeem(&self.code(&[]).await, &[]).await
    }

    pub(crate) async fn login(&self) -> Value {
        let answer = self.try_login().await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    /// Header and claims of her ID token.
    pub(crate) async fn id_token(&self) -> (Value, Value) {
        let token = self.login().await["id_token"].clone();
        (part(&token, 0), part(&token, 1))
    }
}

/// The answer to a request that needs no network.
pub(crate) async fn send(router: Router, request: Request<Body>) -> Page {
    let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
    let body = String::from_utf8_lossy(&to_bytes(body, usize::MAX).await.unwrap()).into_owned();
    Page { status: parts.status.as_u16(), headers: parts.headers, body }
}

pub(crate) fn registration() -> Registration {
    Registration::confidential("landfall", "secret", CALLBACK)
}

fn encoded(right: &[(&str, &str)], over: &[(&str, &str)]) -> String {
    let right = right.iter().filter(|(_, value)| !value.is_empty());
    let kept = right.filter(|(name, _)| over.iter().all(|(changed, _)| changed != name));
    let given = over.iter().filter(|(_, value)| !value.is_empty());
    Serializer::new(String::new()).extend_pairs(kept.chain(given)).finish()
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }
}

/// A part of a JWT, unverified: 0 is the header, 1 are the claims.
pub(crate) fn part(token: &Value, index: usize) -> Value {
    serde_json::from_str(&text_part(token.as_str().unwrap(), index)).unwrap_or_else(|_| json!({}))
}

/// The same as text, as no parser has touched it.
pub(crate) fn text_part(token: &str, index: usize) -> String {
    let part = token.split('.').nth(index).unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}
