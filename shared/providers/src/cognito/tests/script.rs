//! An API that answers what a test says, one answer after the other, and keeps what it was sent.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use domain::{Channel, Method};
use egress::Reach;
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::bench::{Bench, IN_TIME, listen, serve};
use crate::{Attempt, Progress, ProviderError};

#[derive(Clone, Default)]
struct Script {
    answers: Arc<Mutex<VecDeque<Value>>>,
    received: Arc<Mutex<Vec<Value>>>,
}

/// A connector to such an API.
pub(super) struct Scripted {
    pub(super) bench: Bench,
    script: Script,
}

impl Scripted {
    pub(super) async fn start(method: Method, answers: impl IntoIterator<Item = Value>, over: Value) -> Self {
        let script = Script { answers: Arc::new(Mutex::new(answers.into_iter().collect())), ..Script::default() };
        let (listener, url) = listen().await;
        let server = serve(listener, Router::new().fallback(answer).with_state(script.clone())).await;
        let mut over = over;
        over["settings"] = json!({ "api_endpoint": url });
        let mut bench = Bench::at(&simulators::cognito::SIMULATOR, method, Reach::Local, over).await;
        bench.and_serve(server);
        Self { bench, script }
    }

    pub(super) async fn begin(&self, attempt: Attempt<'_>, ip: Option<IpAddr>) -> Result<Progress, ProviderError> {
        let request = self.bench.request(IN_TIME);
        self.bench.adapter().begin(&self.bench.cx(&request).for_user(ip), attempt).await
    }

    /// Ada gives her password.
    pub(super) async fn give_password(&self, ip: Option<IpAddr>) -> Result<Progress, ProviderError> {
        let password = SecretString::from("correct horse");
        self.begin(Attempt::Password { username: "Ada", password: &password, otp: None }, ip).await
    }

    /// Ada asks for a code.
    pub(super) async fn ask_for_code(&self) -> Result<Progress, ProviderError> {
        self.begin(Attempt::Otp { channel: Channel::Email, to: "ada@example.org" }, None).await
    }

    /// What it was sent, oldest first.
    pub(super) fn received(&self) -> Vec<Value> {
        self.script.received.lock().unwrap().clone()
    }
}

async fn answer(State(script): State<Script>, body: String) -> String {
    script.received.lock().unwrap().push(serde_json::from_str(&body).unwrap());
    script.answers.lock().unwrap().pop_front().unwrap().to_string()
}
