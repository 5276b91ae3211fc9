//! The command's arguments.

use clap::{Parser, Subcommand};

use crate::apply::Apply;
use crate::completions::Completions;
use crate::error::CommandError;
use crate::keys::KeysCommand;
use crate::serve::Serve;
use crate::test_connector::TestConnector;
use crate::verify::Verify;

/// Landfall: sign users in through their old identity provider, and migrate them as they do.
#[derive(Debug, Parser)]
#[command(name = "landfall", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serves everything on this machine (what happens without a command).
    Serve(Serve),
    /// Saves connectors, journeys and clients in a deployment.
    Apply(Apply),
    /// Makes and rotates the issuer's keys in a deployment.
    Keys(KeysCommand),
    /// Tests the connectors in a file, and says what to do about what is wrong.
    TestConnector(TestConnector),
    /// Verifies a token with the running server's keys and prints its claims.
    Verify(Verify),
    /// Prints a script that makes a shell complete this command.
    Completions(Completions),
}

impl Cli {
    /// Runs the command.
    pub async fn run(self) -> Result<(), CommandError> {
        match self.command {
            Some(Command::Serve(serve)) => serve.run().await,
            Some(Command::Apply(apply)) => apply.run().await,
            Some(Command::Keys(keys)) => keys.run().await,
            Some(Command::TestConnector(test)) => test.run().await,
            Some(Command::Verify(verify)) => verify.run().await,
            Some(Command::Completions(completions)) => completions.run(),
            None => self.serve.run().await,
        }
    }
}
