//! The functions of a login, each as a process.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use landfall_tests::lambda::{Lambda, Sent};
use serde_json::Value;

use crate::process;

/// The environment variables of a function.
pub(crate) type Environment = Vec<(&'static str, String)>;

/// The binary of each function.
pub(crate) type Built = Vec<(Stage, Binary)>;

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Start,
    Submit,
    Callback,
    Test,
    Token,
}

impl Stage {
    pub(crate) const ALL: [Self; 5] = [Self::Start, Self::Submit, Self::Callback, Self::Test, Self::Token];

    /// The crate in `functions/`.
    pub(crate) fn function(self) -> &'static str {
        match self {
            Self::Start => "journey-start",
            Self::Submit => "step-submit",
            Self::Callback => "oidc-callback",
            Self::Test => "connector-test",
            Self::Token => "issuer",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.function())
    }
}

/// A program that runs as a function.
#[derive(Debug, Clone)]
pub(crate) struct Binary {
    pub(crate) file: PathBuf,
    pub(crate) arguments: Vec<PathBuf>,
}

impl Binary {
    pub(crate) fn of(file: &Path) -> Self {
        Self { file: file.to_owned(), arguments: Vec::new() }
    }

    /// The same program, run under another one.
    pub(crate) fn under(&self, program: &Path, options: &[String]) -> Self {
        let options = options.iter().map(PathBuf::from);
        let arguments = options.chain([self.file.clone()]).chain(self.arguments.iter().cloned()).collect();
        Self { file: program.to_owned(), arguments }
    }

    pub(crate) async fn start(&self, environment: &Environment) -> Lambda {
        let mut command = Command::new(&self.file);
        command.args(&self.arguments).env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
        Lambda::start(command.stdout(Stdio::null()).stderr(Stdio::null())).await
    }
}

/// Running functions that poll for events.
pub(crate) struct Fleet(Vec<(Stage, Lambda)>);

impl Fleet {
    pub(crate) async fn start(built: &[(Stage, Binary)], environment: &Environment) -> Self {
        let mut functions = Vec::new();
        for (stage, binary) in built {
            let mut function = binary.start(environment).await;
            function.polls().await;
            functions.push((*stage, function));
        }
        Self(functions)
    }

    /// Sends an event to a function and returns its answer, after the function polls for the next event: then all its
    /// work is done.
    pub(crate) async fn send(&mut self, stage: Stage, sent: &Sent, status: u16) -> Value {
        let (_, function) = self.0.iter_mut().find(|(other, _)| *other == stage).expect("the login's functions run");
        let answer = function.invoke(sent).await;
        assert_eq!(answer["statusCode"], status, "{stage}: {answer:#}");
        function.polls().await;
        answer
    }

    /// When the last one was started.
    pub(crate) fn started(&self) -> Instant {
        self.0.last().expect("a fleet has functions").1.started()
    }

    /// The user and system time of all functions so far.
    pub(crate) fn cpu(&self) -> Duration {
        self.0.iter().map(|(_, function)| process::cpu(function.id())).sum()
    }

    /// The peak memory of each function, in KiB.
    pub(crate) fn peaks(&self) -> Vec<(Stage, u64)> {
        self.0.iter().map(|(stage, function)| (*stage, process::peak_kib(function.id()))).collect()
    }

    /// Terminates all functions and waits until they have ended.
    pub(crate) fn end(&mut self) {
        for (_, function) in &mut self.0 {
            process::ask_to_end(function.id());
            function.wait();
        }
    }
}
