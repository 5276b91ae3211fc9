//! A fake Secrets Manager on a real socket, with one value for all names.

use std::io::{ErrorKind, Result};
use std::sync::{Arc, Mutex};

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Up,
    Down,
    /// It never answers.
    Silent,
    /// The secret is scheduled for deletion.
    Deleted,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    value: Option<String>,
    calls: Vec<String>,
}

pub(super) struct Fake {
    state: Arc<Mutex<State>>,
    endpoint: String,
    _server: JoinSet<()>,
}

impl Fake {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State { mode: Mode::Up, value: None, calls: Vec::new() }));
        let (mut server, served) = (JoinSet::new(), Arc::clone(&state));
        server.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(serve(stream, Arc::clone(&served)));
            }
        });
        Self { state, endpoint, _server: server }
    }

    /// The SDK's client without retries, so that each call arrives here once.
    pub(super) fn client(&self) -> Client {
        let config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("local"))
            .credentials_provider(Credentials::new("local", "local", None, None, "local"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(&self.endpoint)
            .retry_config(RetryConfig::disabled())
            .build();
        Client::from_conf(config)
    }

    pub(super) fn set(&self, mode: Mode) {
        self.state.lock().unwrap().mode = mode;
    }

    /// Sets the value of every secret; `None` removes it.
    pub(super) fn store(&self, value: Option<&str>) {
        self.state.lock().unwrap().value = value.map(str::to_owned);
    }

    /// The full names of the secrets that were read.
    pub(super) fn calls(&self) -> Vec<String> {
        self.state.lock().unwrap().calls.clone()
    }
}

async fn serve(stream: TcpStream, state: Arc<Mutex<State>>) {
    while let Some(request) = read_request(&stream).await {
        assert!(request.to_lowercase().contains("x-amz-target: secretsmanager.getsecretvalue\r\n"), "{request}");
        let name = request.rsplit("\r\n").next().unwrap().split('"').nth(3).unwrap().to_owned();
        let answer = {
            let mut state = state.lock().unwrap();
            state.calls.push(name);
            match (state.mode, &state.value) {
                (Mode::Up, Some(value)) => (200, format!(r#"{{"Name":"x","SecretString":"{value}"}}"#)),
                (Mode::Up, None) => (400, error("ResourceNotFoundException")),
                (Mode::Deleted, _) => (400, error("InvalidRequestException")),
                (Mode::Down, _) => (500, error("InternalServiceError")),
                (Mode::Silent, _) => (0, String::new()),
            }
        };
        let (status, body) = answer;
        if status == 0 {
            return std::future::pending().await;
        }
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.writable().await.unwrap();
        // Much smaller than a socket's buffer, so one write is enough.
        let written = stream.try_write(answer.as_bytes()).unwrap();
        assert_eq!(written, answer.len());
    }
}

fn error(code: &str) -> String {
    format!(r#"{{"__type":"{code}","Message":"no"}}"#)
}

/// Reads head and body; `None` if the peer has closed the connection.
async fn read_request(stream: &TcpStream) -> Option<String> {
    let mut request = String::new();
    loop {
        let chunk = read_some(stream).await.ok().filter(|chunk| !chunk.is_empty())?;
        request.push_str(&String::from_utf8(chunk).unwrap());
        // The only request is one flat object.
        if request.contains("\r\n\r\n{") && request.ends_with('}') {
            return Some(request);
        }
    }
}

async fn read_some(stream: &TcpStream) -> Result<Vec<u8>> {
    let mut buffer = vec![0; 4096];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut buffer) {
            Ok(read) => {
                buffer.truncate(read);
                return Ok(buffer);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}
