//! A simulated server: every request is counted, kept where a test may ask for it, and answered, or spoilt.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::HOST;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::{Clock, Entropy};
use serde_json::json;

use super::wire::{Form, Reply};
use super::{Endpoint, Misbehaviour, TokenRequest};

/// The answers of a provider, and its state.
pub(crate) trait Provider: Send + 'static {
    /// What a path says beside the endpoint: a realm, a form.
    type Place;

    /// What is counted, kept and spoilt.
    fn book(&mut self) -> &mut Book;

    /// Where a path leads, or the answer to a request for an unknown path.
    fn find(&self, path: &str) -> Result<(Endpoint, Self::Place), Reply>;

    /// What is kept of a request to the token endpoint, or to an API that signs users in.
    fn token_request(_place: &Self::Place, call: &Call<'_>) -> TokenRequest {
        TokenRequest::of(call)
    }

    /// Answers a request.
    fn answer(&mut self, asked: &Asked<'_, Self::Place>, call: &Call<'_>) -> Reply;

    /// What is answered when something went wrong inside.
    fn server_error() -> Reply {
        Reply::json(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": "server_error" }))
    }
}

/// What a request asks for.
pub(crate) struct Asked<'a, P> {
    pub(crate) method: &'a Method,
    pub(crate) endpoint: Endpoint,
    pub(crate) place: P,
}

/// What a request brings, and the world it arrives in.
pub(crate) struct Call<'a> {
    pub(crate) host: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) query: Form,
    pub(crate) form: Form,
    pub(crate) body: &'a [u8],
    pub(crate) now: DateTime<Utc>,
    pub(crate) entropy: &'a dyn Entropy,
}

/// What a server has seen, and how it misbehaves.
#[derive(Default)]
pub(crate) struct Book {
    calls: BTreeMap<Endpoint, usize>,
    requests: Vec<TokenRequest>,
    misbehaviours: BTreeMap<Endpoint, Misbehaviour>,
}

/// A server. Clones are the same one.
pub(crate) struct Server<P> {
    shared: Arc<Shared<P>>,
}

struct Shared<P> {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    state: Mutex<P>,
}

impl Book {
    /// How an endpoint misbehaves.
    pub(crate) fn at(&self, endpoint: Endpoint) -> Option<&Misbehaviour> {
        self.misbehaviours.get(&endpoint)
    }

    /// How often an endpoint was called so far.
    pub(crate) fn calls(&self, endpoint: Endpoint) -> usize {
        self.calls.get(&endpoint).copied().unwrap_or_default()
    }

    /// What the token endpoint has received, oldest first.
    pub(crate) fn requests(&self) -> Vec<TokenRequest> {
        self.requests.clone()
    }

    /// Misbehaves at one endpoint from now on; `None`: no longer.
    pub(crate) fn misbehave_at(&mut self, endpoint: Endpoint, how: Option<Misbehaviour>) {
        match how {
            Some(how) => self.misbehaviours.insert(endpoint, how),
            None => self.misbehaviours.remove(&endpoint),
        };
    }
}

impl<P: Provider> Server<P> {
    pub(crate) fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, state: P) -> Self {
        Self { shared: Arc::new(Shared { clock, entropy, state: Mutex::new(state) }) }
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.shared.clock.as_ref()
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        self.shared.entropy.as_ref()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, P> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The HTTP routes. One handler for all paths, because axum's own 404 and 405 are not a provider's answers.
    pub(crate) fn router(&self) -> Router {
        Router::new().fallback(answer::<P>).with_state(self.clone())
    }

    /// The answer to a request; `None` if it is never answered.
    fn respond(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Option<Reply> {
        let mut state = self.state();
        let (endpoint, place) = match state.find(uri.path()) {
            Ok(found) => found,
            Err(reply) => return Some(reply),
        };
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).or(uri.authority().map(|host| host.as_str()));
        let call = Call {
            host: host.unwrap_or("localhost"),
            headers,
            query: Form::parse(uri.query().unwrap_or_default().as_bytes()),
            form: Form::read(headers, body),
            body,
            now: self.shared.clock.now(),
            entropy: self.shared.entropy.as_ref(),
        };
        let book = state.book();
        *book.calls.entry(endpoint).or_default() += 1;
        if endpoint == Endpoint::Token {
            book.requests.push(P::token_request(&place, &call));
        }
        let misbehaviour = book.at(endpoint).and_then(|how| how.at(uri.path())).cloned();
        match &misbehaviour {
            Some(Misbehaviour::Silence) => return None,
            Some(Misbehaviour::ServerError) => return Some(P::server_error()),
            _ => {}
        }
        if let Some(reply) = misbehaviour.as_ref().and_then(|misbehaviour| misbehaviour.canned(headers)) {
            return Some(reply);
        }
        let mut reply = state.answer(&Asked { method, endpoint, place }, &call);
        if let Some(misbehaviour) = misbehaviour {
            misbehaviour.spoil_reply(endpoint, &mut reply);
        }
        Some(reply)
    }
}

async fn answer<P: Provider>(
    State(server): State<Server<P>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match server.respond(&method, &uri, &headers, &body) {
        Some(reply) => reply.into_response(),
        None => std::future::pending().await,
    }
}

impl<P> Clone for Server<P> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}
