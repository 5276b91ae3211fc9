//! The `landfall` command.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use landfall::cli::Cli;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If this cannot be written, the exit code remains.
            let _ = writeln!(std::io::stderr(), "landfall: {error}");
            ExitCode::FAILURE
        }
    }
}
