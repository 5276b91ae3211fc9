//! Builds the functions and the peer, in `target/bench`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io};

use landfall::demo::REDIRECT_URI;

use crate::fleet::{Binary, Stage};

/// A build failed.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// A command is missing or has failed, and has printed the reason.
    #[error("{0} failed")]
    Command(String),
    /// A file cannot be used.
    #[error("{}: {reason}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// The error.
        reason: io::Error,
    },
    /// The peer's secrets cannot be read.
    #[error("seed.js did not print secrets as JSON")]
    Seed,
}

/// The folder of the builds.
pub(crate) fn folder() -> PathBuf {
    target().join("bench")
}

/// This binary is in `target/debug`.
fn target() -> PathBuf {
    let me = std::env::current_exe().expect("a process knows its binary");
    me.ancestors().nth(2).expect("cargo puts the binary two folders deep").to_owned()
}

/// Builds the functions one by one, as for a deployment, or uses those from an earlier build.
pub(crate) fn functions(local: bool, built: bool) -> Result<Vec<(Stage, Binary)>, MakeError> {
    let into = folder().join(if local { "local" } else { "deployed" });
    fs::create_dir_all(&into).map_err(|error| unusable(&into, error))?;
    let make = |stage: Stage| {
        let file = into.join(stage.function()).join("bootstrap");
        if !(built && file.exists()) {
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["lambda", "build", "--release", "--compiler", "cargo", "--locked", "-p", stage.function()]);
            cargo.arg("--lambda-dir").arg(&into).current_dir(env!("CARGO_MANIFEST_DIR"));
            run(cargo.args(local.then_some("--features=local")))?;
        }
        Ok((stage, Binary::of(&file)))
    };
    Stage::ALL.into_iter().filter(|stage| !local || *stage != Stage::Test).map(make).collect()
}

/// Lambda's heap options for Node with 128 MB: a tenth for new objects, in two halves, and the rest for old objects.
const HEAP: [&str; 2] = ["--max-semi-space-size=6", "--max-old-space-size=116"];

/// The peer's bundles.
pub(crate) fn peer() -> Result<Vec<(Stage, Binary)>, MakeError> {
    let (source, home) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("peer-node"), folder().join("peer-node"));
    let sources = home.join("src");
    fs::create_dir_all(&sources).map_err(|error| unusable(&sources, error))?;
    let entries = fs::read_dir(source.join("src")).map_err(|error| unusable(&source, error))?;
    for name in entries.flatten().map(|entry| entry.file_name()) {
        copy(&source.join("src").join(&name), &sources.join(&name))?;
    }
    for name in ["package.json", "package-lock.json"] {
        copy(&source.join(name), &home.join(name))?;
    }
    run(Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&home))?;
    run(Command::new("npm").args(["run", "build"]).current_dir(&home))?;
    let node = which("node")?;
    let bundle = |(stage, name): (Stage, &str)| {
        let mut arguments: Vec<PathBuf> = HEAP.map(PathBuf::from).into();
        arguments.extend([sources.join("bootstrap.js"), home.join("dist").join(name)]);
        (stage, Binary { file: node.clone(), arguments })
    };
    let bundles = [(Stage::Start, "start.cjs"), (Stage::Submit, "submit.cjs"), (Stage::Token, "token.cjs")];
    Ok(bundles.map(bundle).into())
}

/// Writes the peer's configuration to the tables, and returns its secrets by name.
pub(crate) fn seed(
    environment: &[(&'static str, String)],
    issuer: &str,
) -> Result<BTreeMap<String, String>, MakeError> {
    let seed = folder().join("peer-node/src/seed.js");
    let mut command = Command::new(which("node")?);
    command.arg(&seed).args([issuer, "landfall", REDIRECT_URI]);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| unusable(&seed, error))?;
    serde_json::from_slice(&output.stdout).map_err(|_| MakeError::Seed)
}

/// The absolute path of a program: a function is started without this process's PATH.
pub(crate) fn which(name: &str) -> Result<PathBuf, MakeError> {
    let found = Command::new("sh").args(["-c", &format!("command -v {name}")]).output();
    let found = found.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    found
        .map(|path| path.trim().into())
        .filter(|path: &PathBuf| path.is_absolute())
        .ok_or(MakeError::Command(name.into()))
}

fn run(command: &mut Command) -> Result<(), MakeError> {
    // Standard output is for the figures.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    match status.is_ok_and(|status| status.success()) {
        true => Ok(()),
        false => Err(MakeError::Command(format!("{command:?}"))),
    }
}

fn copy(from: &Path, to: &Path) -> Result<(), MakeError> {
    fs::copy(from, to).map(drop).map_err(|error| unusable(from, error))
}

fn unusable(file: &Path, reason: io::Error) -> MakeError {
    MakeError::File { file: file.to_owned(), reason }
}
