//! The `landfall` command as it is run: what it says when something is wrong, and that it starts, stops and starts again.
#![expect(clippy::unwrap_used, clippy::panic, reason = "this is a test, its helpers included")]

mod deployment;
mod login;
mod refused;
mod serving;

use std::fs;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::thread;

use domain::SeededEntropy;
use insta::assert_snapshot;
use landfall::banner::READY;
use landfall::demo::{CLIENT_ID, EMAIL, PASSWORD, REDIRECT_URI};
use landfall::secrets::LocalSecrets;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokens::grants::challenge_of;

const VERIFIER: &str = "a-verifier-of-a-test-that-is-long-enough-for-rfc-7636";

const CONNECTORS: &str = "connectors:
  - id: keycloak
    provider: keycloak
    name: Keycloak
    client: { id: landfall, secret: keycloak }
    methods: { password: {} }
    settings: { url: \"https://id.example.com\", realm: demo }
";

const CLIENTS: &str = "clients:
  - id: shop
    name: Shop
    first_party: true
    direct_api: confidential
    secret: of-shop
    journeys: [migrate-from-keycloak]
    redirect_uris: [\"https://shop.example/after\"]
";

/// A folder to run the command in. Paths are relative to it, so that what is printed is the same on every machine.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// One with a file in it.
    fn with(name: &str, content: impl AsRef<[u8]>) -> Self {
        let place = Self::new();
        place.write(name, content);
        place
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.0.path().join(name);
        // A data folder must be private, and the umask may not be.
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.path().join(name)).unwrap()
    }

    fn has(&self, name: impl AsRef<Path>) -> bool {
        self.0.path().join(name).exists()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_landfall"));
        command.args(arguments).current_dir(self.0.path()).env("RUST_BACKTRACE", "1").stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the command to its end. If it serves instead, it has not found what is wrong.
    fn run(&self, arguments: &[&str]) -> Output {
        let mut child = self.command(arguments).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut printed = String::new();
        while stdout.read_line(&mut printed).unwrap() > 0 {
            if printed.contains("Landfall is at") {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("landfall {arguments:?} serves");
            }
        }
        let output = child.wait_with_output().unwrap();
        Output { stdout: printed.into_bytes(), ..output }
    }

    /// What the command says when it fails.
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "landfall {arguments:?} succeeded: {said}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
        for noise in ["backtrace", "panicked", "src/", "RUST_"] {
            assert!(!said.contains(noise), "{noise} in {said}");
        }
        said
    }

    /// The same of `landfall serve` on a port that is free.
    fn refuses_to_serve(&self, arguments: &[&str]) -> String {
        let port = free_port().to_string();
        self.fails(&[&["--port", &port, "--data", "data"], arguments].concat())
    }

    /// The same, and nothing was written: neither the folder that keeps everything nor anything else.
    fn refuses_untouched(&self, arguments: &[&str]) -> String {
        let before = names(self.0.path());
        let said = self.refuses_to_serve(arguments);
        assert_eq!(names(self.0.path()), before, "{said}");
        said
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = entries.collect();
    names.sort();
    names
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// A server in the background of a test. It ends with the test.
struct Server {
    child: Child,
    port: u16,
    /// What it has said so far.
    printed: String,
    /// Kept open: a server whose standard output is gone could not print.
    _stdout: Lines<BufReader<ChildStdout>>,
}

/// Serves from a folder, and returns once its last line is printed: from then on it answers.
fn serve(place: &Place, port: u16, arguments: &[&str]) -> Server {
    let mut command = place.command(&[&["--port", &port.to_string(), "--data", "data"], arguments].concat());
    // A file, since a pipe that is full would stop the server.
    let log = fs::File::create(place.0.path().join("log")).unwrap();
    let mut child = command.stderr(log).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let printed: Vec<_> = lines.by_ref().map(Result::unwrap).take_while(|line| line != READY).collect();
    assert!(child.try_wait().unwrap().is_none(), "landfall ended: {printed:#?}");
    Server { child, port, printed: printed.join("\n"), _stdout: lines }
}

fn started(arguments: &[&str]) -> (Place, Server) {
    let place = Place::new();
    let server = serve(&place, free_port(), arguments);
    (place, server)
}

impl Server {
    /// One request, one answer: status and JSON.
    fn send(&self, head: &str, content_type: &str, body: &str) -> (u16, Value) {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        let length = body.len();
        let request = format!(
            "{head}\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
    }

    fn get(&self, path: &str) -> Value {
        let (status, body) = self.send(&format!("GET {path} HTTP/1.1"), "application/json", "");
        assert_eq!(status, 200, "{body:#}");
        body
    }

    fn post(&self, head: &str, body: &Value) -> (u16, Value) {
        self.send(&format!("POST {head}"), "application/json", &body.to_string())
    }

    /// Signs the demo's user in, as an application does; the ID token.
    fn log_in(&self) -> String {
        let start = json!({
            "request": { "client_id": CLIENT_ID, "redirect_uri": REDIRECT_URI, "scope": "openid",
                         "code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256" },
            "params": { "plan": "gold" },
        });
        let (status, view) = self.post("/v1/journeys/migrate-from-keycloak/start HTTP/1.1", &start);
        assert_eq!(status, 201, "{view:#}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (session, token) = (text(&view["session"]), text(&view["session_token"]));

        let submit = json!({ "turn": 1, "key": "0123456789abcdef0123456789abcdef", "option": "submit",
                             "data": { "email": EMAIL, "password": PASSWORD } });
        let head = format!("/v1/sessions/{session}/steps/ask HTTP/1.1\r\nauthorization: Bearer {token}");
        let (status, view) = self.post(&head, &submit);
        assert_eq!(status, 200, "{view:#}");

        assert_eq!(view["status"], "completed", "{view:#}");
        let code = text(&view["completion"]["code"]);
        let form = format!(
            "grant_type=authorization_code&client_id={CLIENT_ID}&redirect_uri={REDIRECT_URI}&code={code}&code_verifier={VERIFIER}"
        );
        let (status, tokens) = self.send("POST /oauth2/token HTTP/1.1", "application/x-www-form-urlencoded", &form);
        assert_eq!(status, 200, "{tokens:#}");
        text(&tokens["id_token"])
    }

    fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The claims of an ID token, as `landfall verify` prints them.
    fn verify(&self, place: &Place, token: &str) -> Value {
        let output = place.run(&["verify", "--issuer", &self.issuer(), token]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn stop(mut self) {
        self.terminate();
    }

    /// Stops it as a supervisor does (SIGTERM), and waits until it has ended.
    fn terminate(&mut self) {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After `stop` there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
