//! A client in the middle of a journey.

use serde_json::{Value, json};
use simulators::{Browser, Return};
use tokens::grants::challenge_of;
use tokens::{Expected, TokenKind, verify};

use crate::app::ISSUER;
use crate::sent::{get, post_form, post_json, token_form, with_authorization};
use crate::{Answer, Away, TestApp};

/// The PKCE verifier of every test.
pub const VERIFIER: &str = "a-verifier-of-a-test-that-is-long-enough-for-rfc-7636";

/// A key of a submit, told apart by a number.
pub fn key(number: u32) -> String {
    format!("{number:032x}")
}

/// What a user enters in the migration journey's form.
pub fn data(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password })
}

/// What a submit of a form sends.
pub fn submission(turn: u64, key: &str, data: &Value) -> Value {
    json!({ "turn": turn, "key": key, "option": "submit", "data": data })
}

/// The shortest journey that migrates users with their password, under an id and [`changed`].
pub fn password_journey(id: &str, changes: &[(&str, &str)]) -> String {
    changed(&include_str!("password.yaml").replace("{id}", id), changes)
}

/// A document with other text in some places. Each has to be there, once: a change that misses would leave a test that
/// tests the document as it was.
pub fn changed(document: &str, changes: &[(&str, &str)]) -> String {
    let mut text = document.to_owned();
    for (from, to) in changes {
        assert_eq!(text.matches(from).count(), 1, "{from:?} is not there, or not once");
        text = text.replacen(from, to, 1);
    }
    text
}

/// A session as its client holds it.
#[derive(Debug, Clone)]
pub struct TestSession {
    /// Its id.
    pub id: String,
    /// The token that opened it last.
    pub token: String,
    /// The turn it waits on.
    pub turn: u64,
}

/// A finished login.
#[derive(Debug)]
pub struct Login {
    /// The session.
    pub session: TestSession,
    /// The code.
    pub code: String,
}

impl TestApp {
    /// What the demo application starts a journey with.
    pub fn start_body() -> Value {
        json!({
            "request": {
                "client_id": "demo",
                "redirect_uri": landfall::demo::REDIRECT_URI,
                "scope": "openid profile email",
                "nonce": "n-0S6_WzA2Mj",
                "code_challenge": challenge_of(VERIFIER),
                "code_challenge_method": "S256",
            },
            "params": { "plan": "gold" },
        })
    }

    /// Starts a journey, whatever comes of it.
    pub async fn try_start(&self, journey: &str, body: &Value) -> Answer {
        self.post(&format!("/v1/journeys/{journey}/start"), None, body).await
    }

    /// Starts a journey.
    pub async fn start(&self, journey: &str) -> TestSession {
        let answer = self.try_start(journey, &Self::start_body()).await.expect(201);
        TestSession::of(&answer.body)
    }

    /// Signs a user in through the demo's journey.
    pub async fn log_in(&self, email: &str, password: &str) -> Login {
        self.log_in_through("migrate-from-keycloak", email, password).await
    }

    /// Signs a user in through a journey that asks once.
    pub async fn log_in_through(&self, journey: &str, email: &str, password: &str) -> Login {
        let session = self.start(journey).await;
        let answer = session.submit(self, &key(1), &data(email, password)).await.expect(200);
        Login::of(&session, &answer)
    }

    /// Redeems a code, whatever comes of it.
    pub async fn redeem(&self, code: &str) -> Answer {
        self.redeem_with(&[("code", code)]).await
    }

    /// Redeems a code and verifies the ID token, as an application does. Its claims.
    pub async fn id_token(&self, code: &str) -> Value {
        self.claims_of(&self.redeem(code).await.expect(200))
    }

    /// The claims of the ID token in an answer of the token endpoint, verified as an application does.
    pub fn claims_of(&self, answer: &Answer) -> Value {
        let token = answer.body["id_token"].as_str().expect("scope openid gives an ID token");
        let expected = Expected { kind: TokenKind::IdToken, issuer: ISSUER, audience: "demo" };
        let verified = verify(token, &self.keys.public(self.time.now()).unwrap(), &expected, self.time.now())
            .expect("our own token is good");
        Value::Object(verified.0)
    }

    /// Redeems a code with other parameters than it should be.
    pub async fn redeem_with(&self, other: &[(&str, &str)]) -> Answer {
        self.post_form("/oauth2/token", &token_form("", other)).await
    }

    /// Starts a journey with these `Authorization` headers, whatever comes of it.
    pub async fn start_with(&self, journey: &str, values: &[impl AsRef<[u8]>], body: &Value) -> Answer {
        let request = post_json(&format!("/v1/journeys/{journey}/start"), None, body.to_string());
        self.send(with_authorization(request, values)).await
    }
}

impl TestSession {
    /// The session of a start's answer.
    pub fn of(view: &Value) -> Self {
        Self {
            id: view["session"].as_str().expect("a view has its session").to_owned(),
            token: view["session_token"].as_str().expect("a start answers with a token").to_owned(),
            turn: view["turn"].as_u64().expect("a view has its turn"),
        }
    }

    /// Submits the form of the step `ask`.
    pub async fn submit(&self, app: &TestApp, key: &str, data: &Value) -> Answer {
        self.fill_in(app, "ask", key, data).await
    }

    /// Submits the form of a step.
    pub async fn fill_in(&self, app: &TestApp, step: &str, key: &str, data: &Value) -> Answer {
        self.submit_to(app, step, &submission(self.turn, key, data)).await
    }

    /// Chooses a connector, where the step `which` asks for one.
    pub async fn choose_connector(&self, app: &TestApp, connector: &str) -> Answer {
        self.fill_in(app, "which", &key(1), &json!({ "connector": connector })).await
    }

    /// Hands over a callback that the application has received at an address of its own.
    pub async fn hand_over(&self, app: &TestApp, back: &Return) -> Answer {
        let data: Value = back.parameters().into_iter().map(|(name, value)| (name, json!(value))).collect();
        let body = json!({ "turn": self.turn, "key": key(1), "option": "callback", "data": data });
        self.submit_to(app, "go", &body).await
    }

    /// Submits whatever to a step.
    pub async fn submit_to(&self, app: &TestApp, step: &str, body: &Value) -> Answer {
        app.post(&format!("/v1/sessions/{}/steps/{step}", self.id), Some(&self.token), body).await
    }

    /// Shows what a browser brought, with the session's token.
    pub async fn resume(&self, app: &TestApp, resume: &str) -> Answer {
        app.post(&format!("/v1/sessions/{}/resume", self.id), Some(&self.token), &json!({ "resume": resume })).await
    }

    /// Takes one of the step's options, with nothing entered.
    pub async fn choose(&self, app: &TestApp, step: &str, option: &str, key: &str) -> Answer {
        self.submit_to(app, step, &json!({ "turn": self.turn, "key": key, "option": option })).await
    }

    /// Looks at the session.
    pub async fn view(&self, app: &TestApp) -> Answer {
        app.get(&format!("/v1/sessions/{}", self.id), Some(&self.token)).await
    }

    /// The session after an answer.
    pub fn after(&self, answer: &Answer) -> Self {
        let token = answer.body["session_token"].as_str().unwrap_or(&self.token).to_owned();
        Self { id: self.id.clone(), token, turn: answer.body["turn"].as_u64().expect("a view has its turn") }
    }
}

impl Login {
    /// The login that an answer completes.
    pub fn of(session: &TestSession, answer: &Answer) -> Self {
        let code = answer.body["completion"]["code"].as_str();
        let code = code.unwrap_or_else(|| panic!("no code in {:#}", answer.body)).to_owned();
        Self { session: session.after(answer), code }
    }
}

impl Answer {
    /// Where a view sends the browser.
    pub fn redirect_url(&self) -> &str {
        self.body["redirect"]["url"].as_str().unwrap_or_else(|| panic!("no redirect in {:#}", self.body))
    }

    /// What a callback's answer has the browser carry to the application: session and `resume`.
    pub fn carried(&self) -> (String, String) {
        assert_eq!(self.status.as_u16(), 303, "{:#}", self.body);
        let onward = url::Url::parse(self.header("location")).expect("the application's address");
        let of = |name: &str| {
            let found = onward.query_pairs().find(|(parameter, _)| parameter == name);
            found.map(|(_, value)| value.into_owned()).unwrap_or_else(|| panic!("no {name} in {onward}"))
        };
        (of("session"), of("resume"))
    }
}

impl TestApp {
    /// A browser comes back to our callback.
    pub async fn arrive(&self, back: &Return) -> Answer {
        self.send(match &back.form {
            None => get(&back.path, None),
            Some(form) => post_form(&back.path, form.clone()),
        })
        .await
    }

    /// Signs a user in at their provider's own page.
    pub async fn sign_in_by_redirect(&self, journey: &str, username: &str, password: &str) -> Login {
        let away = Away::through(self, journey).await;
        let back = Browser::default().come_back(&away.url, username, password).await;
        let answer = away.go_on(self, &back).await.expect(200);
        Login::of(&away.session, &answer)
    }
}
