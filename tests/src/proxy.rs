//! Stands between Landfall and what it calls: counts, and lets calls fail as a test says.
//!
//! DynamoDB and the provider each stand behind a [`Door`] of their own, and share one list of [`Calls`], so that "the
//! n-th outbound call" is one number over both.

mod call;
mod door;
mod fault;

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONNECTION, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;

pub use call::{Call, Calls};
pub use door::Door;
pub use fault::{Fault, Lasting, Trap};

use door::Line;

#[derive(Clone)]
struct Proxy {
    service: &'static str,
    target: SocketAddr,
    calls: Calls,
    client: Client<HttpConnector, Body>,
}

/// Runs a server in the background of the test. It ends with the test's runtime.
pub async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    in_background(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// Runs a future in the background of the test.
pub fn in_background(future: impl Future<Output = ()> + Send + 'static) {
    #[expect(clippy::disallowed_methods, reason = "no Lambda freezes here: a test's servers run beside it")]
    tokio::spawn(future);
}

/// A proxy before `target` that records its calls as calls of `service`. Where it is.
pub async fn before(target: SocketAddr, service: &'static str, calls: Calls) -> SocketAddr {
    let (door, listener) = Door::open();
    let address = door.address();
    calls.stands_behind(service, door);
    let client = Client::builder(TokioExecutor::new()).build_http();
    let router = Router::new().fallback(forward).with_state(Proxy { service, target, calls, client });
    let service = router.into_make_service_with_connect_info::<Line>();
    in_background(async move { axum::serve(listener, service).await.unwrap() });
    address
}

async fn forward(State(proxy): State<Proxy>, ConnectInfo(line): ConnectInfo<Line>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // A caller that is cut off in the middle of a request sends no more of it.
    let Ok(body) = to_bytes(body, usize::MAX).await else { return StatusCode::BAD_REQUEST.into_response() };
    let mut call = Call::of(proxy.service, &parts, body.clone());
    if !is_landfalls(&parts) {
        return proxy.carry_out(call, &parts, body).await;
    }
    let verdict = proxy.calls.arrives(&call, invocation(&parts));
    (call.number, call.function) = (verdict.number, verdict.function);
    let answer = match verdict.fault {
        Some(fault) => fault.befall(&proxy, call, &line, &parts, body).await,
        None => proxy.carry_out(call, &parts, body).await,
    };
    // Before the caller can have read the answer, so that the next call finds the door shut.
    let closes = proxy.calls.answered(verdict.number, &line);
    match closes {
        true => ([(CONNECTION, HeaderValue::from_static("close"))], answer).into_response(),
        false => answer,
    }
}

impl Proxy {
    /// Hands the request on, and records it with what came of it.
    async fn carry_out(&self, mut call: Call, parts: &Parts, body: Bytes) -> Response {
        let mut parts = parts.clone();
        let query = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = Uri::try_from(format!("http://{}{query}", self.target)).unwrap();
        // The Host header stays the proxy's: the simulated provider takes its own address from it.
        let Ok(response) = self.client.request(Request::from_parts(parts, Body::from(body))).await else {
            return StatusCode::BAD_GATEWAY.into_response();
        };
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(Body::new(body), usize::MAX).await.unwrap();
        call.answered_with(bytes.clone());
        self.calls.record(call);
        Response::from_parts(parts, Body::from(bytes))
    }
}

/// Browsers come to the provider by the same door.
fn is_landfalls(parts: &Parts) -> bool {
    let agent = parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    agent.starts_with("landfall/") || parts.headers.contains_key("x-amz-target")
}

/// The SDK gives all attempts of one call one id.
fn invocation(parts: &Parts) -> Option<String> {
    Some(parts.headers.get("amz-sdk-invocation-id")?.to_str().ok()?.to_owned())
}
