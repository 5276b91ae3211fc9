//! `landfall completions`: for the shell that it is typed into.

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use crate::cli::Cli;
use crate::error::CommandError;

/// Prints a script that makes a shell complete this command: `source <(landfall completions bash)`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub fn run(self) -> Result<(), CommandError> {
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command(), "landfall", &mut script);
        std::io::stdout().write_all(&script).map_err(CommandError::Output)
    }
}
