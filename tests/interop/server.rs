//! An external server as a child of the test process.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Runs the server until its stdin closes, then kills the whole process group, because `kc.sh` starts Java as a child.
/// The operating system closes the pipe when the test process ends for any reason. So neither a killed test run nor a
/// server in a `static` leaves a process behind.
const SUPERVISOR: &str = r#"exec 2>&1; { "$@"; kill -KILL 0; } & read -r _; kill -KILL 0"#;

/// A running server. Ends when dropped.
pub(crate) struct Server {
    supervisor: Child,
    /// The thread that copies the server's output to its log.
    log_writer: Option<JoinHandle<()>>,
    port: u16,
}

/// The folder for installations and logs.
pub(crate) fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/interop");
    fs::create_dir_all(&folder).expect("a folder for the servers can be made");
    folder
}

/// A lock that keeps other processes and threads from installing or starting the same server until it is dropped.
pub(crate) fn lock(name: &str) -> File {
    let lock = File::create(folder().join(format!("{name}.lock"))).expect("the lock file can be made");
    lock.lock().expect("the lock file can be locked");
    lock
}

/// Runs an installer and returns the folder of the installation.
pub(crate) fn install(script: &str) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop").join(script);
    let output = Command::new("sh").arg(&script).arg(folder()).output().expect("sh can be run");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} failed:\n{errors}", script.display());
    PathBuf::from(String::from_utf8(output.stdout).expect("the installer prints UTF-8").trim_end())
}

/// A command that runs `program` and whatever it starts until its stdin closes.
pub(crate) fn supervised(program: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", SUPERVISOR, "sh"]).arg(program);
    command
}

impl Server {
    /// Starts a [`supervised`] command with the log `name`, and waits until it prints its address. If it fails, the
    /// message contains `advice`.
    pub(crate) fn start(name: &str, mut command: Command, limit: Duration, advice: &str) -> Self {
        let log = log_file(name);
        println!("starting {name}, which logs to {}", log.display());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        // From here on a panic also ends the server. The port is 0 until it listens.
        let mut server = Self { supervisor: command.spawn().expect("sh can be run"), log_writer: None, port: 0 };
        let output = server.supervisor.stdout.take().expect("its output is a pipe");
        let (sender, listening) = mpsc::channel();
        let copy = File::create(&log).expect("the log can be made");
        server.log_writer = Some(thread::spawn(move || copy_lines(output, copy, &sender)));
        let failed =
            |how: &str| -> ! { panic!("{name} {how}. {advice} The end of {}:\n{}", log.display(), tail(&log)) };
        server.port = match listening.recv_timeout(limit) {
            Ok(port) => port,
            Err(RecvTimeoutError::Disconnected) => failed("ended while it started"),
            Err(RecvTimeoutError::Timeout) => failed(&format!("did not start in {limit:?}")),
        };
        server
    }

    /// The server's address. Stays the same after [`Server::stop`].
    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Ends the server at once; when this returns, its port refuses connections. A second call does nothing.
    pub(crate) fn stop(&mut self) {
        self.end();
        assert!(TcpStream::connect(self.address()).is_err(), "{} still listens after it was stopped", self.address());
    }

    fn end(&mut self) {
        // `wait` closes the stdin that the supervisor reads. The server is the supervisor's child, not ours: its output
        // ends when the last process of the group has ended.
        let _ended = self.supervisor.wait();
        if let Some(log_writer) = self.log_writer.take() {
            let _copied = log_writer.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

fn log_file(name: &str) -> PathBuf {
    static STARTS: AtomicU32 = AtomicU32::new(1);
    let start = STARTS.fetch_add(1, Ordering::Relaxed);
    folder().join(format!("{name}-{}-{start}.log", std::process::id()))
}

/// Writes the server's output to its log, and sends the port that it chose. With port 0, the server chooses a free port
/// itself, so no other process can take it before.
fn copy_lines(output: ChildStdout, mut log: File, listening: &Sender<u16>) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        // Write errors are ignored: the server must not block because of its log.
        let _written = log.write_all(&line);
        let text = String::from_utf8_lossy(&line);
        if let Some((_, port)) = text.split_once("Listening on: http://127.0.0.1:")
            && let Ok(port) = port.trim_end().parse()
        {
            // Sent once. The receiver is gone if the start took too long.
            let _sent = listening.send(port);
        }
        line.clear();
    }
}

fn tail(log: &Path) -> String {
    let text = String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
