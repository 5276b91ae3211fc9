//! A function as a process of its own, between a Lambda Runtime API and a Secrets Manager of this machine.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws::SystemClock;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::Clock;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};

use crate::TestApp;
use crate::app::{ISSUER, STACK};
use crate::proxy::serve;
pub use crate::sent::Sent;

/// A function that runs. It is stopped when this is dropped.
#[derive(Debug)]
pub struct Lambda {
    child: Child,
    started: Instant,
    events: mpsc::UnboundedSender<Value>,
    said: mpsc::UnboundedReceiver<Said>,
}

/// What a function tells its Runtime API.
#[derive(Debug)]
enum Said {
    /// It wants the next event.
    Polls,
    Answers(Value),
}

/// Between the test and the function: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>.
struct Runtime {
    events: Mutex<mpsc::UnboundedReceiver<Value>>,
    said: mpsc::UnboundedSender<Said>,
}

impl Lambda {
    /// Starts `command` as a function, with nothing of this process's environment.
    pub async fn start(command: &mut Command) -> Self {
        let (events, queued) = mpsc::unbounded_channel();
        let (says, said) = mpsc::unbounded_channel();
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answer))
            .fallback(fail)
            .with_state(Arc::new(Runtime { events: Mutex::new(queued), said: says }));
        let runtime = serve(router).await;
        command
            .env("AWS_LAMBDA_RUNTIME_API", runtime.to_string())
            .envs([("AWS_LAMBDA_FUNCTION_NAME", "function"), ("AWS_LAMBDA_FUNCTION_VERSION", "1")])
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .stdin(Stdio::null());
        let started = Instant::now();
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        Self { child, started, events, said }
    }

    /// When it was.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it asks for an event.
    pub async fn polls(&mut self) {
        match self.listen().await {
            Some(Said::Polls) => {}
            Some(Said::Answers(answer)) => panic!("it answers without an event: {answer:#}"),
            None => panic!("the function has ended, or does not poll: see what it printed"),
        }
    }

    /// What it answers to a request, as API Gateway is told.
    pub async fn invoke(&mut self, sent: &Sent) -> Value {
        self.answers(sent.event()).await.expect("the function has ended, or does not answer: see what it printed")
    }

    /// What it answers to an event; `None` if it does not, for whatever reason.
    pub async fn answers(&mut self, event: Value) -> Option<Value> {
        self.events.send(event).unwrap();
        loop {
            if let Said::Answers(answer) = self.listen().await? {
                return Some(answer);
            }
        }
    }

    async fn listen(&mut self) -> Option<Said> {
        tokio::time::timeout(Duration::from_secs(60), self.said.recv()).await.ok().flatten()
    }

    /// Whether it ends well, by itself.
    pub fn wait(&mut self) -> bool {
        self.child.wait().unwrap().success()
    }

    /// Stops it.
    pub fn stop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Sent {
    /// The event that API Gateway makes of it:
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
    pub(crate) fn event(&self) -> Value {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let headers: serde_json::Map<_, _> =
            self.headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let http = json!({ "method": self.method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1" });
        let authorizer = self.by.map(|arn| json!({ "iam": { "userArn": arn } }));
        let context = json!({
            "authorizer": authorizer, "accountId": "1", "apiId": "api", "domainName": "id.example.com", "domainPrefix": "id", "http": http,
            "requestId": "request-1", "routeKey": "$default", "stage": "$default", "time": "", "timeEpoch": 0,
        });
        json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": headers,
            "requestContext": context, "body": self.body, "isBase64Encoded": false,
        })
    }
}

impl TestApp {
    /// What tells a function where the tables and secrets of this app are.
    pub async fn environment(&self) -> Vec<(&'static str, String)> {
        let secrets = serve(Router::new().fallback(secret).with_state(Arc::clone(&self.secrets))).await;
        let dynamodb = format!("http://{}", self.counted());
        vec![
            // As the app itself has it: DynamoDB Local keeps each region's tables apart.
            ("AWS_REGION", "local".to_owned()),
            ("AWS_ACCESS_KEY_ID", self.access_key.expose_secret().to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("AWS_ENDPOINT_URL", dynamodb.clone()),
            ("AWS_ENDPOINT_URL_DYNAMODB", dynamodb),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", format!("http://{secrets}")),
            ("LANDFALL_ISSUER", ISSUER.to_owned()),
            ("LANDFALL_CONFIG_TABLE", self.tables.config.clone()),
            ("LANDFALL_DIRECTORY_TABLE", self.tables.directory.clone()),
            ("LANDFALL_SESSIONS_TABLE", self.tables.sessions.clone()),
            ("LANDFALL_SECRETS_PREFIX", "landfall/".to_owned()),
            ("LANDFALL_STACK", STACK.to_owned()),
        ]
    }
}

async fn next(State(runtime): State<Arc<Runtime>>) -> Response {
    // The test may have heard enough.
    let _ = runtime.said.send(Said::Polls);
    let Some(event) = runtime.events.lock().await.recv().await else { return StatusCode::GONE.into_response() };
    let deadline = SystemClock.now().timestamp_millis() + 10_000;
    let headers = [
        ("lambda-runtime-aws-request-id", "invocation-1".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:1:function:function".to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    (axum::response::AppendHeaders(headers), event.to_string()).into_response()
}

async fn answer(State(runtime): State<Arc<Runtime>>, body: Bytes) -> StatusCode {
    let _ = runtime.said.send(Said::Answers(serde_json::from_slice(&body).unwrap_or_default()));
    StatusCode::ACCEPTED
}

async fn fail(State(runtime): State<Arc<Runtime>>, body: Bytes) -> StatusCode {
    let _ = runtime.said.send(Said::Answers(json!({ "failed": String::from_utf8_lossy(&body) })));
    StatusCode::ACCEPTED
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>
async fn secret(State(secrets): State<Arc<crate::WatchedSecrets>>, headers: HeaderMap, body: Bytes) -> Response {
    assert_eq!(headers["x-amz-target"], "secretsmanager.GetSecretValue");
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let name = asked["SecretId"].as_str().unwrap_or_default().trim_start_matches("landfall/");
    let value = secrets.read(name).unwrap_or_else(|| panic!("there is no secret {name}"));
    let body = json!({ "Name": asked["SecretId"], "SecretString": value.expose_secret(), "VersionId": "1" });
    ([("content-type", "application/x-amz-json-1.1")], Body::from(body.to_string())).into_response()
}
