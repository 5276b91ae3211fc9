//! The phone of the demo's user with a second factor: the codes that the simulated providers have sent, what the
//! authenticator app shows, and the providers' questions. What a real phone would show, in a browser.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::routing::{get, post};
use domain::{Clock, Factor};
use serde::{Deserialize, Serialize};
use simulators::{SentCode, Subject};
use web::{Json, Path};

use crate::demo::{KATHERINE, Provider};
use crate::page::{self, file};

/// How many messages are shown.
const SHOWN: usize = 5;

/// What the phone knows of.
#[derive(Clone)]
struct Phone {
    providers: Arc<[(Provider, Arc<dyn Subject>)]>,
    clock: Arc<dyn Clock>,
}

/// What a provider shows on the phone.
#[derive(Serialize)]
struct Screen {
    id: &'static str,
    name: &'static str,
    /// The last first.
    messages: Vec<Message>,
    /// What the authenticator app shows now.
    app_code: Option<String>,
    /// Whether the provider asks for a confirmation.
    confirms: bool,
}

#[derive(Serialize)]
struct Message {
    to: String,
    code: String,
}

/// What the user answers to a provider's question.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Confirm,
    Decline,
}

/// The phone, if one of these providers asks for a second factor.
pub fn router(providers: &[Provider], subjects: &[Arc<dyn Subject>], clock: Arc<dyn Clock>) -> Router {
    let providers: Vec<_> = providers.iter().copied().zip(subjects.iter().map(Arc::clone)).collect();
    let providers: Arc<[_]> = providers.into_iter().filter(|(provider, _)| !provider.factors.is_empty()).collect();
    if providers.is_empty() {
        return Router::new();
    }
    Router::new()
        .route("/page/phone.json", get(screens))
        .route("/page/phone/{provider}/{reply}", post(confirm))
        .with_state(Phone { providers, clock })
        .route("/phone", file("text/html; charset=utf-8", include_str!("../page/phone.html")))
        .route("/page/phone.js", file(page::SCRIPT, include_str!("../page/phone.js")))
        .layer(map_response(page::with_headers))
}

async fn screens(State(phone): State<Phone>) -> Json<Vec<Screen>> {
    let screen = |(provider, subject): &(Provider, Arc<dyn Subject>)| {
        let has = |wanted: Factor| provider.factors.iter().find(|(factor, _)| *factor == wanted);
        let sent = subject.sent().into_iter().rev().filter(|sent| sent.username == KATHERINE);
        Screen {
            id: provider.id,
            name: provider.name,
            messages: sent.take(SHOWN).map(|SentCode { to, code, .. }| Message { to, code }).collect(),
            app_code: has(Factor::Totp).map(|(_, seed)| simulators::keycloak::totp(seed, phone.clock.now())),
            confirms: has(Factor::Push).is_some(),
        }
    };
    Json(phone.providers.iter().map(screen).collect())
}

async fn confirm(State(phone): State<Phone>, Path((id, reply)): Path<(String, Reply)>) -> StatusCode {
    match phone.providers.iter().find(|(provider, _)| provider.id == id) {
        Some((_, subject)) => {
            subject.confirm(KATHERINE, matches!(reply, Reply::Confirm));
            StatusCode::NO_CONTENT
        }
        None => StatusCode::NOT_FOUND,
    }
}
