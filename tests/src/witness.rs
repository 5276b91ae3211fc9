//! Tells a refusal from something that merely did not work.

use std::collections::BTreeMap;

use landfall::demo::{PASSWORD, SECRET};
use serde_json::Value;
use simulators::Endpoint;

use crate::{Answer, TestApp, VERIFIER};

/// Remembers how everything was before an attack.
pub struct Witness<'a> {
    app: &'a TestApp,
    items: BTreeMap<String, Value>,
    asked: [usize; 4],
    requests: usize,
    secrets: Vec<String>,
}

impl<'a> Witness<'a> {
    /// Looks around. `secrets` are tokens and codes that must turn up in no log and no error, beside the passwords,
    /// client secrets and verifiers of every test.
    pub async fn of(app: &'a TestApp, secrets: &[&str]) -> Self {
        let secrets = secrets.iter().chain(&[PASSWORD, SECRET, VERIFIER]).map(|&text| text.to_owned());
        Self {
            app,
            items: app.items().await,
            asked: calls(app),
            requests: app.events("request").len(),
            secrets: secrets.collect(),
        }
    }

    /// Fails unless the last request was refused with this status and code, in a whole error and one line of the log, with
    /// nothing stored, no provider asked, and no secret told.
    pub async fn refused(&mut self, answer: &Answer, status: u16, code: &str) {
        assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{:#}", answer.body);
        answer.expect_problem();
        self.noted(answer, status, code).await;
    }

    /// The same of an answer that is a page for people, where the code is in the log alone.
    pub async fn refused_on_a_page(&mut self, answer: &Answer, status: u16, code: &str) {
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (status, "text/html; charset=utf-8"));
        self.noted(answer, status, code).await;
    }

    /// The same of an answer whose code is in the log alone.
    pub async fn noted(&mut self, answer: &Answer, status: u16, code: &str) {
        let lines = self.app.events("request").split_off(self.requests);
        let lines: Vec<_> = lines.iter().map(|line| (line["status"].as_u64(), line["code"].as_str())).collect();
        assert_eq!(lines, [(Some(status.into()), Some(code))]);
        self.requests += 1;
        self.told_no_secret(answer);
        self.changed_nothing().await;
    }

    /// Fails unless everything is stored as it was, and no provider was asked.
    pub async fn changed_nothing(&self) {
        assert_eq!(self.app.items().await, self.items);
        assert_eq!(calls(self.app), self.asked, "the provider was asked");
    }

    /// Fails if an answer that is not for a session's owner has anything in it that opens something.
    pub fn told_no_secret(&self, answer: &Answer) {
        let view = answer.body.get("view").unwrap_or(&answer.body);
        assert!(view["session_token"].is_null() && view["completion"]["code"].is_null(), "{:#}", answer.body);
        let logs = self.app.logs();
        for secret in &self.secrets {
            assert!(!answer.text.contains(secret), "a secret is in {}", answer.text);
            assert!(!format!("{:?}", answer.headers).contains(secret), "a secret is in {:?}", answer.headers);
            assert!(!logs.contains(secret), "a secret is in the log");
        }
    }
}

/// How often the provider was called: for its discovery document, its keys, tokens, userinfo.
pub fn calls(app: &TestApp) -> [usize; 4] {
    [Endpoint::Discovery, Endpoint::Keys, Endpoint::Token, Endpoint::Userinfo].map(|at| app.subject.calls(at))
}

/// Users, links and identifiers, without the sessions.
pub async fn directory(app: &TestApp) -> BTreeMap<String, Value> {
    let mut items = app.items().await;
    items.retain(|key, _| !key.starts_with("SESSION#"));
    items
}

/// Fails unless a journey has ended without a login, and the log says so.
pub fn ended(app: &TestApp, answer: &Answer, code: &str) {
    assert_eq!(answer.status.as_u16(), 200);
    assert_eq!((&answer.body["status"], &answer.body["rejection"]["code"]), (&"rejected".into(), &code.into()));
    assert!(answer.body["completion"].is_null(), "{:#}", answer.body);
    let logged = app.events("session_rejected").pop().expect("a rejected session is logged");
    assert_eq!((&logged["code"], &logged["session"]), (&code.into(), &answer.body["session"]));
}
