//! Stands between Landfall and what it calls, and counts.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::net::TcpListener;

/// One outbound call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// `dynamodb` or `provider`.
    pub service: &'static str,
    /// DynamoDB's operation, or a provider's method and path.
    pub operation: String,
    /// Write units it used (DynamoDB).
    pub write_units: f64,
}

/// The calls so far, in the order they were answered.
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<Mutex<Vec<Call>>>);

impl Calls {
    /// All since the last time, forgotten thereby.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn record(&self, call: Call) {
        self.0.lock().unwrap().push(call);
    }
}

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

/// A proxy before `target` that records its calls as calls of `service`.
pub async fn before(target: SocketAddr, service: &'static str, calls: Calls) -> SocketAddr {
    let client = Client::builder(TokioExecutor::new()).build_http();
    serve(Router::new().fallback(forward).with_state(Proxy { service, target, calls, client })).await
}

async fn forward(State(proxy): State<Proxy>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let operation = match request.headers().get("x-amz-target") {
        Some(target) => target.to_str().unwrap().rsplit('.').next().unwrap().to_owned(),
        None => format!("{} {path}", request.method()),
    };
    let (mut parts, body) = request.into_parts();
    let query = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    parts.uri = Uri::try_from(format!("http://{}{query}", proxy.target)).unwrap();
    // The Host header stays the proxy's: the simulated provider takes its own address from it.
    let Ok(response) = proxy.client.request(Request::from_parts(parts, body)).await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(Body::new(body), usize::MAX).await.unwrap();
    let write_units = if is_write(&operation) { consumed(&bytes) } else { 0.0 };
    proxy.calls.record(Call { service: proxy.service, operation, write_units });
    Response::from_parts(parts, Body::from(bytes))
}

fn is_write(operation: &str) -> bool {
    ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"].contains(&operation)
}

fn consumed(body: &[u8]) -> f64 {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let units = |capacity: &Value| capacity["CapacityUnits"].as_f64().unwrap_or_default();
    match &answer["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().map(units).sum(),
        table => units(table),
    }
}
