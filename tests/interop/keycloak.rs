//! A real Keycloak on loopback, with the users of `keycloak/landfall-realm.json`.
//!
//! Needs Java 17 or newer and `mvn` on the PATH. The server is installed once into `target/interop`; its log is there
//! too, one file per start. A server that cannot be had panics: the suite fails, it never skips.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The realm that every server starts with.
pub(crate) const REALM: &str = "landfall-test";
/// A confidential client that may use the password grant and the code flow.
pub(crate) const CLIENT_ID: &str = "landfall";
/// A confidential client whose direct access grants are off.
pub(crate) const NO_GRANTS_CLIENT_ID: &str = "no-grants";
/// The secret of both clients.
pub(crate) const CLIENT_SECRET: &str = "interop-client-secret";

/// A user of the realm, who signs in by e-mail address.
pub(crate) struct User {
    pub(crate) email: &'static str,
    pub(crate) password: &'static str,
}

/// Verified e-mail address, and a password of 92 bytes in UTF-8 with characters that a form must escape.
pub(crate) const ADA: User = User {
    email: "ada@example.org",
    password: "Überlänge schützt: größere Wörter, süße Äpfel & 100 % Öl = Füße+Grüße 🔑🦀",
};
/// E-mail address not verified.
pub(crate) const GRACE: User = User { email: "grace@example.org", password: "grace-password" };
/// Disabled by an administrator.
pub(crate) const DISABLED: User = User { email: "disabled@example.org", password: "disabled-password" };
/// Has to change the password before anything else.
pub(crate) const TODO: User = User { email: "todo@example.org", password: "todo-password" };

const REALM_FILE: &str = include_str!("keycloak/landfall-realm.json");

/// Runs the server until its stdin closes, then ends the whole process group: `kc.sh` runs Java as its child, and
/// again in its own place after a first build. The operating system closes the pipe when the test process ends, however
/// it ends, so neither a killed run nor a server kept in a `static` leaves a process behind.
const SUPERVISOR: &str = r#"exec 2>&1; { "$@"; kill -KILL 0; } & read -r _; kill -KILL 0"#;

/// How long a start may take. The first one on a machine also builds the server: 45 seconds on two idle cores.
const PATIENCE: Duration = Duration::from_secs(300);

/// A running server. Each has a database of its own, in memory, and ends when dropped.
pub(crate) struct Keycloak {
    supervisor: Child,
    /// Copies what it prints into its log.
    printed: Option<JoinHandle<()>>,
    port: u16,
}

impl Keycloak {
    /// The server that all tests share which leave it as it is. The first to ask starts it.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Keycloak> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Installs Keycloak if it is not there yet, starts it and waits until the realm answers.
    ///
    /// Blocks for some 20 seconds, the first time in a checkout for a minute or two.
    pub(crate) fn start() -> Self {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = tests.join("../target/interop");
        fs::create_dir_all(&folder).expect("a folder for Keycloak can be made");

        // Held until the server is up: the first start writes into the installation that all of them share.
        let lock = File::create(folder.join("lock")).expect("the lock file can be made");
        lock.lock().expect("the lock file can be locked");

        let home = install(tests, &folder);
        let log = log_file(&folder);
        println!("starting Keycloak, which logs to {}", log.display());
        // From here on a panic ends the server too. Port 0 until it listens.
        let mut keycloak = Self { supervisor: spawn(&home), printed: None, port: 0 };
        let output = keycloak.supervisor.stdout.take().expect("its output is a pipe");
        let (sender, listening) = mpsc::channel();
        let copy = File::create(&log).expect("the log can be made");
        keycloak.printed = Some(thread::spawn(move || copy_lines(output, copy, &sender)));
        keycloak.port = match listening.recv_timeout(PATIENCE) {
            Ok(port) => port,
            Err(RecvTimeoutError::Disconnected) => {
                panic!("Keycloak ended while it started.{}", epilogue(&home, &log))
            }
            Err(RecvTimeoutError::Timeout) => {
                panic!("Keycloak did not start in {PATIENCE:?}.{}", epilogue(&home, &log))
            }
        };
        let status = discovery_status(keycloak.port).expect("what listens answers");
        assert!(status.ends_with(b" 200"), "the realm is not there.{}", epilogue(&home, &log));
        keycloak
    }

    /// Scheme, host and port, without a slash at the end. Stays the same after [`Keycloak::stop`].
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Ends the server at once; when this returns, its port refuses connections. A second call does nothing.
    pub(crate) fn stop(&mut self) {
        self.end();
        assert!(TcpStream::connect(self.address()).is_err(), "{} still listens after it was stopped", self.base_url());
    }

    fn end(&mut self) {
        // `wait` closes the stdin that the supervisor watches. Java is not our child but the supervisor's: what it prints
        // comes to its end when the last process that could print has gone.
        let _ended = self.supervisor.wait();
        if let Some(printed) = self.printed.take() {
            let _copied = printed.join();
        }
    }
}

impl Drop for Keycloak {
    fn drop(&mut self) {
        self.end();
    }
}

fn install(tests: &Path, folder: &Path) -> PathBuf {
    let script = tests.join("interop/install-keycloak.sh");
    let output = Command::new("sh").arg(&script).arg(folder).output().expect("sh can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "Keycloak could not be installed by {}:\n{said}", script.display());
    PathBuf::from(String::from_utf8(output.stdout).expect("the installer prints UTF-8").trim_end())
}

fn log_file(folder: &Path) -> PathBuf {
    static STARTS: AtomicU32 = AtomicU32::new(1);
    let start = STARTS.fetch_add(1, Ordering::Relaxed);
    folder.join(format!("keycloak-{}-{start}.log", std::process::id()))
}

fn spawn(home: &Path) -> Child {
    let import = home.join("data/import");
    fs::create_dir_all(&import).expect("the import folder can be made");
    // Keycloak refuses a file named `*-realm.json` that is not named after its realm.
    fs::write(import.join(format!("{REALM}-realm.json")), REALM_FILE).expect("the realm can be handed to Keycloak");

    Command::new("sh")
        .args(["-c", SUPERVISOR, "sh"])
        .arg(home.join("bin/kc.sh"))
        .args(["start-dev", "--import-realm", "--db=dev-mem", "--http-host=127.0.0.1", "--http-port=0"])
        .env("JAVA_OPTS_KC_HEAP", "-Xms64m -Xmx512m")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("sh can be run")
}

/// Writes what the server prints into its log, and says which port it chose. Asking it for port 0 leaves no moment in which
/// another process can take the port.
fn copy_lines(output: ChildStdout, mut log: File, listening: &Sender<u16>) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        // A log that cannot be written costs the log, and the server must not wait for a reader.
        let _written = log.write_all(&line);
        let text = String::from_utf8_lossy(&line);
        if let Some((_, port)) = text.split_once("Listening on: http://127.0.0.1:")
            && let Ok(port) = port.trim_end().parse()
        {
            // Said once; nobody waits any more if it took too long.
            let _heard = listening.send(port);
        }
        line.clear();
    }
}

fn discovery_status(port: u16) -> io::Result<[u8; 12]> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET /realms/{REALM}/.well-known/openid-configuration HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")?;
    let mut status = [0; "HTTP/1.1 200".len()];
    stream.read_exact(&mut status)?;
    Ok(status)
}

fn epilogue(home: &Path, log: &Path) -> String {
    let text = read_lossy(log);
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(40)..].join("\n");
    // A first start that was killed while it wrote its build leaves an installation that cannot start.
    format!(" Removing {} installs it anew. The end of {}:\n{tail}", home.display(), log.display())
}

fn read_lossy(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}
