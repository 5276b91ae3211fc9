//! The `landfall` command as a newcomer meets it: what it says when something is wrong, and that it starts, stops and
//! starts again.
#![expect(clippy::unwrap_used, clippy::panic, reason = "this is a test, its helpers included")]

mod deployment;

use std::fs;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use domain::SeededEntropy;
use insta::assert_snapshot;
use landfall::demo::{CLIENT_ID, EMAIL, PASSWORD, REDIRECT_URI};
use landfall::secrets::LocalSecrets;
use landfall::transcript::END;
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
        // Whatever the umask is: a data folder is its owner's.
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

    /// Runs the command to its end. One that starts to serve instead has not noticed what is wrong.
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

    /// What the command says when it does not do what it was asked.
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

#[test]
fn a_busy_port_is_named_before_anything_is_written() {
    let place = Place::new();
    let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = holder.local_addr().unwrap().port();

    let said = place.fails(&["--port", &port.to_string(), "--data", "data"]);

    assert_snapshot!(said.replace(&port.to_string(), "PORT"), @"landfall: port PORT of this machine is in use: stop what listens there, or choose another with --port");
    assert!(!place.has("data"));
}

#[test]
fn a_port_is_a_port() {
    let place = Place::new();
    assert_snapshot!(place.fails(&["--port", "65536"]), @"
    error: invalid value '65536' for '--port <PORT>': 65536 is not in 0..=65535

    For more information, try '--help'.
    ");
    assert_snapshot!(place.fails(&["--prot", "8787"]), @"
    error: unexpected argument '--prot' found

      tip: a similar argument exists: '--port'

    Usage: landfall --port <PORT>

    For more information, try '--help'.
    ");
}

#[test]
fn a_connectors_file_that_is_not_there_is_named() {
    assert_snapshot!(Place::new().refuses_untouched(&["--connectors", "connectors.yaml"]), @"landfall: connectors.yaml: No such file or directory (os error 2)");
}

#[test]
fn a_folder_is_no_connectors_file() {
    let place = Place::with("connectors.yaml/file", "");
    assert_snapshot!(place.refuses_untouched(&["--connectors", "connectors.yaml"]), @"landfall: connectors.yaml: Is a directory (os error 21)");
}

#[test]
fn a_connectors_file_that_is_no_text_is_named() {
    let place = Place::with("connectors.yaml", b"connectors: \xff\xfe");
    assert_snapshot!(place.refuses_untouched(&["--connectors", "connectors.yaml"]), @"landfall: connectors.yaml: stream did not contain valid UTF-8");
}

#[test]
fn what_is_wrong_in_a_connectors_file_is_shown_where_it_is() {
    let place = Place::with("connectors.yaml", CONNECTORS.replace("name:", "title:"));
    assert_snapshot!(place.refuses_untouched(&["--connectors", "connectors.yaml"]), @"
    landfall: connectors.yaml:
    error: line 4 column 5: unknown field `title`, expected one of id, provider, name, enabled, source, timeout, client, methods, settings
     --> <input>:4:5
      |
    2 |   - id: keycloak
    3 |     provider: keycloak
    4 |     title: Keycloak
      |     ^ unknown field `title`, expected one of id, provider, name, enabled, source, timeout, client, methods, settings
    5 |     client: { id: landfall, secret: keycloak }
    6 |     methods: { password: {} }
      |
    ");
}

#[test]
fn a_connector_that_cannot_be_one_is_named() {
    let place = Place::with("connectors.yaml", CONNECTORS.replace("realm: demo", "relm: demo"));
    assert_snapshot!(place.refuses_untouched(&["--connectors", "connectors.yaml"]), @"landfall: connectors.yaml: connector keycloak: settings.relm: unknown field `relm`, expected `url` or `realm`, or one of those of all connectors: `scopes`, `redirect_uri`, `response_mode`, `prompt`, `acr_values`, `authorize_params`, `pkce`, `algorithms`");
}

#[test]
fn an_invalid_file_forgets_nothing() {
    let place = Place::with("data/dynamodb.sqlite", "users");
    place.write("data/secrets.json", "keys");
    place.write("connectors.yaml", "connectors: 1");
    place.write("good.yaml", CONNECTORS);

    place.refuses_to_serve(&["--reset", "--connectors", "connectors.yaml"]);
    place.refuses_to_serve(&["--reset", "--connectors", "good.yaml", "--secrets", "secrets.yaml"]);

    assert_eq!((place.read("data/dynamodb.sqlite"), place.read("data/secrets.json")), ("users".into(), "keys".into()));
}

#[test]
fn secrets_are_of_connectors_and_clients() {
    let place = Place::with("secrets.yaml", "keycloak: x");
    assert_snapshot!(place.refuses_untouched(&["--secrets", "secrets.yaml"]), @"
    error: the following required arguments were not provided:
      <--connectors <FILE>|--clients <FILE>>

    Usage: landfall --port <PORT> --data <FOLDER> --secrets <FILE> <--connectors <FILE>|--clients <FILE>>

    For more information, try '--help'.
    ");
}

#[test]
fn a_secrets_file_that_is_not_there_is_named() {
    let place = Place::with("connectors.yaml", CONNECTORS);
    let arguments = ["--connectors", "connectors.yaml", "--secrets", "secrets.yaml"];
    assert_snapshot!(place.refuses_untouched(&arguments), @"landfall: secrets.yaml: No such file or directory (os error 2)");
}

#[test]
fn a_bad_secrets_file_is_named_and_no_secret_of_it_is_shown() {
    for bad in [
        "keycloak: hunter2\nokta: [hunter2",
        "- hunter2",
        "keycloak: { value: hunter2 }",
        "keycloak: hunter2\nkeycloak: hunter2",
    ] {
        let place = Place::with("connectors.yaml", CONNECTORS);
        place.write("secrets.yaml", bad);
        let said = place.refuses_untouched(&["--connectors", "connectors.yaml", "--secrets", "secrets.yaml"]);
        assert!(said.starts_with("landfall: secrets.yaml: line "), "{said}");
        assert!(said.ends_with("this is no file of secrets, `name: value` each; nothing of it is shown\n"), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn keys_that_cannot_be_read_are_named_and_not_shown() {
    let (place, server) = started(&[]);
    server.stop();
    let good = place.read("data/secrets.json");
    let secrets: Value = serde_json::from_str(&good).unwrap();
    let ring = |secret: &Value| serde_json::from_str::<Value>(secret.as_str().unwrap()).unwrap();
    let rings = secrets.as_object().unwrap().values().map(ring);
    let keys: Vec<_> = rings.map(|ring| ring["keys"][0]["key"].as_str().unwrap().to_owned()).collect();
    let material = |text: &str| {
        let lines =
            keys.iter().flat_map(|key| key.lines()).filter(|line| line.len() > 20 && !line.starts_with("-----"));
        lines.filter(|line| text.contains(&line[..12])).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(!material(&good).is_empty());

    for bad in
        [&good[..good.len() / 2], &good[..good.len() - 4], &good.replace(',', ""), "", "{}", "[]", "not a file of keys"]
    {
        place.write("data/secrets.json", bad);
        let said = place.refuses_to_serve(&[]);
        assert!(said.starts_with("landfall: data/secrets.json:"), "{said}");
        assert_eq!(material(&said), Vec::<String>::new(), "{said}");
        assert_eq!(place.read("data/secrets.json"), bad);
    }
}

#[test]
fn a_file_is_no_folder_for_data() {
    let place = Place::with("data", "");
    assert_snapshot!(place.refuses_to_serve(&[]), @"landfall: data: File exists (os error 17)");
}

#[test]
fn a_folder_that_others_write_to_is_no_folder_for_data() {
    let place = Place::with("data/file", "");
    fs::set_permissions(place.0.path().join("data"), fs::Permissions::from_mode(0o777)).unwrap();
    assert_snapshot!(place.refuses_to_serve(&[]), @"landfall: data is another user's, or others may write to it: take it from them (chmod go-w), or choose another folder with --data");
    assert!(!place.has("data/secrets.json"));
}

/// A data folder whose database is this, with the keys that its users came with.
fn with_database(name: &str, content: &str) -> Place {
    let place = Place::with(name, content);
    LocalSecrets::open(&place.0.path().join("data/secrets.json"), &SeededEntropy::new(1)).unwrap();
    place
}

#[test]
fn a_database_that_is_none_is_named() {
    let text = "this is no database, and long enough to be looked at ".repeat(100);
    let said = with_database("data/dynamodb.sqlite", &text).refuses_to_serve(&[]);
    let expected = "landfall: data/dynamodb.sqlite: the embedded DynamoDB cannot use this file: ";
    assert!(said.starts_with(expected), "{said}");
    let said = with_database("data/dynamodb.sqlite/file", "").refuses_to_serve(&[]);
    assert_snapshot!(said, @"landfall: data/dynamodb.sqlite: Is a directory (os error 21)");
}

#[test]
fn keys_that_are_gone_while_there_are_users_are_not_made_anew() {
    let place = Place::with("data/dynamodb.sqlite", "");
    assert_snapshot!(place.refuses_to_serve(&[]), @"landfall: data/secrets.json: there is no secret keys/signing: put the file back, or start anew with --reset, which forgets users as well");
    assert!(!place.has("data/secrets.json"));
}

#[test]
fn a_connectors_file_without_connectors_is_named() {
    let place = Place::with("connectors.yaml", "connectors: []");
    let said = place.refuses_untouched(&["--connectors", "connectors.yaml"]);
    assert_snapshot!(said, @"landfall: connectors.yaml: there is no connector in this file");
}

#[test]
fn a_connector_whose_secret_nobody_has_is_named() {
    let connectors = "connectors:
  - id: old
    provider: keycloak
    name: Old
    client: { id: landfall, secret: of-old }
    methods: { password: {} }
    settings: { url: https://id.example.com, realm: acme }
";
    let place = Place::with("connectors.yaml", connectors);
    let said = place.refuses_untouched(&["--connectors", "connectors.yaml"]);
    assert_snapshot!(said, @"landfall: connector old names the secret \"of-old\", and no file has it: write `of-old: ...` into a file and name that with --secrets");
}

const CLIENTS: &str = "clients:
  - id: shop
    name: Shop
    first_party: true
    direct_api: confidential
    secret: of-shop
    journeys: [migrate-from-keycloak]
    redirect_uris: [\"https://shop.example/after\"]
";

#[test]
fn a_client_that_cannot_be_one_is_named() {
    let refused = |from: &str, to: &str| {
        assert_eq!(CLIENTS.matches(from).count(), 1);
        let place = Place::with("clients.yaml", CLIENTS.replace(from, to));
        place.write("secrets.yaml", "of-shop: hunter2");
        place.refuses_untouched(&["--clients", "clients.yaml", "--secrets", "secrets.yaml"])
    };
    assert_snapshot!(refused("    secret: of-shop\n", ""), @"landfall: clients.yaml: client shop: direct_api: confidential needs secret: the name of its client secret");
    assert_snapshot!(refused("https://shop", "http://shop"), @r#"landfall: clients.yaml: client shop: redirect_uris: "http://shop.example/after" is neither https://, nor http:// on this machine (127.0.0.1, [::1], localhost), nor, with application_type: native, a scheme of the application's own, which has a dot in it"#);
    assert_snapshot!(refused("[migrate-from-keycloak]", "[sign-in]"), @r#"landfall: client shop names the journey "sign-in", which is not served: there are sign-in-with-keycloak, migrate-from-keycloak"#);
    assert_snapshot!(refused("of-shop", "of-nobody"), @r#"landfall: client shop names the secret "of-nobody", and no file has it: write `of-nobody: ...` into a file and name that with --secrets"#);
    assert_snapshot!(refused("  - id", &format!("{}  - id", CLIENTS.strip_prefix("clients:\n").unwrap())), @"landfall: clients.yaml: client shop is there twice");
    let said = refused("first_party: true", "first_party: yes");
    assert!(said.starts_with("landfall: clients.yaml:\nerror: line 4 column 18: "), "{said}");
}

#[test]
fn verifying_without_a_server_names_where_it_was_looked_for() {
    let port = free_port().to_string();
    let issuer = format!("http://127.0.0.1:{port}");
    let said = Place::new().fails(&["verify", "--issuer", &issuer, "a.b.c"]);
    assert_snapshot!(said.replace(&port, "PORT"), @"landfall: http://127.0.0.1:PORT/oauth2/jwks: no connection: is `cargo run` running there?");
    assert_snapshot!(Place::new().fails(&["verify", "--issuer", "landfall", "a.b.c"]), @"landfall: landfall/oauth2/jwks does not answer with a set of keys: is this Landfall's issuer?");
    assert_snapshot!(Place::new().fails(&["verify"]), @"
    error: the following required arguments were not provided:
      <TOKEN>

    Usage: landfall verify <TOKEN>

    For more information, try '--help'.
    ");
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

/// Serves from a folder, and returns once the transcript is printed: from then on it answers.
fn serve(place: &Place, port: u16, arguments: &[&str]) -> Server {
    let mut command = place.command(&[&["--port", &port.to_string(), "--data", "data"], arguments].concat());
    // Nobody reads it here, and a pipe that is full would stop the server.
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let printed: Vec<_> = lines.by_ref().map(Result::unwrap).take_while(|line| line != END).collect();
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

    /// Stops it as a terminal or a supervisor does (SIGTERM).
    fn stop(mut self) {
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

#[test]
fn users_and_keys_outlive_a_restart_but_not_a_reset() {
    let (place, server) = started(&[]);
    let keys = server.get("/oauth2/jwks");
    let first = server.verify(&place, &server.log_in());
    // The demo's provider is known by its address, which has the port in it: another would be another provider.
    let port = server.port;
    server.stop();

    let server = serve(&place, port, &[]);
    assert_eq!(server.get("/oauth2/jwks"), keys);
    let again = server.verify(&place, &server.log_in());
    assert_eq!(again["sub"], first["sub"]);
    server.stop();

    let server = serve(&place, port, &["--reset"]);
    assert_ne!(server.get("/oauth2/jwks"), keys);
    let anew = server.verify(&place, &server.log_in());
    assert_ne!(anew["sub"], first["sub"]);
    server.stop();
}

#[test]
fn verify_refuses_what_is_no_token_of_this_issuer() {
    let (place, server) = started(&[]);
    let issuer = server.issuer();
    let verify = |more: &[&str]| place.fails(&[&["verify", "--issuer", &issuer], more].concat());
    let token = server.log_in();
    let (signed, _) = token.rsplit_once('.').unwrap();

    assert_snapshot!(verify(&["garbage"]), @"landfall: refused: this is not a signed JWT");
    assert_snapshot!(verify(&["a.b.c"]), @"landfall: refused: this is not a signed JWT");
    assert_snapshot!(verify(&[&format!("{signed}.{}", "A".repeat(86))]), @"landfall: refused: the signature is wrong");
    assert_snapshot!(verify(&["--audience", "another", &token]), @"landfall: refused: the token is for another audience");
    assert_snapshot!(verify(&["--access-token", &token]), @"landfall: refused: this is a token of another type");
    server.stop();
}

#[test]
fn a_command_that_serves_its_own_connectors_serves_no_demo() {
    let place = Place::with("connectors.yaml", CONNECTORS);
    place.write("secrets.yaml", "keycloak: hunter2");
    let server = serve(&place, free_port(), &["--connectors", "connectors.yaml", "--secrets", "secrets.yaml"]);

    let (status, problem) =
        server.send("GET /demo/keycloak/realms/demo/.well-known/openid-configuration HTTP/1.1", "text/plain", "");

    assert_eq!((status, &problem["code"]), (404, &json!("unknown_route")));
    assert!(!place.read("data/secrets.json").contains("hunter2"));
    server.stop();
}

#[test]
fn a_client_of_ones_own_starts_the_demos_journeys_with_its_secret_beside_the_demos_client() {
    let place = Place::with("clients.yaml", CLIENTS);
    place.write("secrets.yaml", "of-shop: hunter2");
    let server = serve(&place, free_port(), &["--clients", "clients.yaml", "--secrets", "secrets.yaml"]);
    let start = |authorization: &str| {
        let request = json!({ "client_id": "shop", "redirect_uri": "https://shop.example/after",
                              "code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256" });
        let head = format!("/v1/journeys/migrate-from-keycloak/start HTTP/1.1{authorization}");
        server.post(&head, &json!({ "request": request, "params": { "plan": "gold" } })).0
    };
    // shop:hunter2, and the same with another secret.
    assert_eq!(start("\r\nauthorization: Basic c2hvcDpodW50ZXIy"), 201);
    assert_eq!(start("\r\nauthorization: Basic c2hvcDpodW50ZXIz"), 401);
    assert_eq!(start(""), 401);
    assert_eq!(server.verify(&place, &server.log_in())["aud"], CLIENT_ID);
    assert!(!place.read("data/secrets.json").contains("hunter2"));
    server.stop();
}

/// The demo's Keycloak as a provider of one's own.
fn demo_connector(server: &Server, realm: &str) -> String {
    CONNECTORS
        .replace("https://id.example.com", &format!("{}/demo/keycloak", server.issuer()))
        .replace("realm: demo", realm)
}

#[test]
fn a_connector_is_tested_and_each_check_is_told_with_what_to_do() {
    let (place, server) = started(&[]);
    place.write("connectors.yaml", demo_connector(&server, "realm: demo"));
    let test = |secret: &str| {
        place.write("secrets.yaml", format!("keycloak: {secret}"));
        let output = place.run(&["test-connector", "connectors.yaml", "--secrets", "secrets.yaml"]);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!said.contains(secret));
        (output.status.success(), said.replace(&server.port.to_string(), "PORT"))
    };

    let (passed, said) = test(landfall::demo::KEYCLOAK_SECRET);
    assert!(passed, "{said}");
    assert_snapshot!(said, @"
    keycloak (keycloak)
      passed        discovery
                    authorization_endpoint: http://127.0.0.1:PORT/demo/keycloak/realms/demo/protocol/openid-connect/auth
                    id_token_signing_alg_values_supported: PS384, RS384, EdDSA, ES384, HS256, HS512, ES256, RS256, HS384, ES512, PS256, PS512, RS512
                    issuer: http://127.0.0.1:PORT/demo/keycloak/realms/demo
                    jwks_uri: http://127.0.0.1:PORT/demo/keycloak/realms/demo/protocol/openid-connect/certs
                    token_endpoint: http://127.0.0.1:PORT/demo/keycloak/realms/demo/protocol/openid-connect/token
                    userinfo_endpoint: http://127.0.0.1:PORT/demo/keycloak/realms/demo/protocol/openid-connect/userinfo
      passed        issuer
      unverifiable  tls
                    over plain http, on this machine, nobody shows a certificate
      passed        endpoints
                    jwks_uri: passed
                    token_endpoint: passed
                    userinfo_endpoint: passed
      passed        keys
                    algorithms: RS256
                    jwks_uri: http://127.0.0.1:PORT/demo/keycloak/realms/demo/protocol/openid-connect/certs
                    keys: 1
      passed        client_credentials
                    client_id: landfall
      passed        password_grant
    ");

    let (passed, said) = test("hunter2-hunter2");
    assert!(!passed);
    let failed = said.split_once("  FAILED").unwrap().1;
    assert_snapshot!(failed, @"
            client_credentials
                    the client secret is wrong or missing: Clients > the client > Credentials > Client secret
                    client_id: landfall
      unverifiable  password_grant
                    the provider has not taken the client's credentials: see client_credentials
    landfall: 1 of the connectors failed: what to do about it stands above
    ");
}

#[test]
fn a_connector_that_leads_nowhere_fails_at_the_first_check() {
    let (place, server) = started(&[]);
    place.write("connectors.yaml", demo_connector(&server, "realm: Demo"));
    place.write("secrets.yaml", "keycloak: a");
    let output = place.run(&["test-connector", "connectors.yaml", "--secrets", "secrets.yaml"]);
    assert!(!output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    assert_snapshot!(said.lines().take(3).collect::<Vec<_>>().join("\n"), @"
    keycloak (keycloak)
      FAILED        discovery
                    there is no discovery document at this address: check the server's URL, with its path if it has one, and the name of the realm or tenant
    ");
    let said = place.fails(&["test-connector", "connectors.yaml"]);
    assert_snapshot!(said, @r#"landfall: connector keycloak names the secret "keycloak", and no file has it: write `keycloak: ...` into a file and name that with --secrets"#);
}

#[test]
fn the_printed_token_opens_the_administrators_routes() {
    let (_place, server) = started(&[]);
    let token = server.printed.lines().find_map(|line| line.trim().strip_prefix("admin ")).unwrap().trim();
    let token = token.split(' ').next().unwrap();
    let test = |token: &str| {
        let head = format!("/v1/connectors/keycloak/test HTTP/1.1\r\nauthorization: Bearer {token}");
        server.post(&head, &json!({}))
    };
    let (status, report) = test(token);
    assert_eq!((status, &report["ok"]), (200, &json!(true)), "{report:#}");
    assert_eq!(test("another").0, 401);
}
