//! What the tests of this simulator share: a realm, a clock, and requests without a network.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use domain::{FixedClock, SeededEntropy};
use serde_json::Value;
use tower::ServiceExt;

use super::{Client, Keycloak, Realm, User};

pub(super) const TOKEN: &str = "/realms/demo/protocol/openid-connect/token";
pub(super) const USERINFO: &str = "/realms/demo/protocol/openid-connect/userinfo";
pub(super) const HOST: &str = "sso.test";
/// What a right password login sends.
pub(super) const LOGIN: &str =
    "grant_type=password&client_id=landfall&client_secret=secret&username=ada&password=correct+horse&scope=openid";

/// A realm with one client that may send passwords and one user who can log in.
pub(super) fn demo() -> Realm {
    Realm::new("demo")
        .client(Client::confidential("landfall", "secret").direct_grants(true))
        .user(User::new("ada").email("ada@example.org", true).name("Ada", "Lovelace").password("correct horse"))
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
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
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
