//! The command.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    let wanted = bench::Wanted::parse();
    match bench::run(&wanted).await {
        Ok(text) => {
            // Ignore a closed pipe.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "landfall-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
