//! `landfall keys`: the issuer's keys in Secrets Manager, made at the first deployment and rotated from time to time.
//!
//! The deployment is the one that the environment names, as it does for the functions.

use std::io::Write;
use std::sync::Arc;

use aws::{Config, Reach, SecretsManager, SystemClock, SystemEntropy};
use clap::{Args, Subcommand, ValueEnum};
use domain::{Clock, RequestContext, SecretSource};
use secrecy::SecretString;
use tokens::{KeyKind, Ring};

use crate::error::CommandError;

/// The issuer's keys in Secrets Manager, of the deployment that the environment names (`LANDFALL_*`, `AWS_*`).
#[derive(Debug, Args)]
pub struct KeysCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Makes those that are missing, and leaves the others as they are.
    Create,
    /// Announces a new key, which takes the old one's place in 25 hours: published before it is used, and the old one kept
    /// until nothing lives that was made with it.
    Rotate {
        /// Which; both if not said.
        #[arg(long)]
        kind: Option<Kind>,
        /// Somebody may have the old key: it is forgotten at once. What it has signed verifies no more, and logins that are
        /// under way start over.
        #[arg(long)]
        compromised: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Kind {
    /// Signs tokens.
    Signing,
    /// Keeps sessions.
    Session,
}

impl KeysCommand {
    /// Does it, and says what it did.
    pub async fn run(self) -> Result<(), CommandError> {
        // A command calls no provider; an issuer of this machine may be rehearsed with.
        let config = Config::from_env(Reach::Local)?;
        let secrets = SecretsManager::connect(&config).await?;
        let cx = aws::context(Arc::new(SystemClock), &SystemEntropy);
        let prefix = &config.secrets_prefix;
        match self.action {
            Action::Create => {
                for kind in KeyKind::ALL {
                    let ring = Ring::generate(*kind, SystemClock.now(), &SystemEntropy)?;
                    let made = secrets.create(&cx, &kind.secret(), &ring.to_secret()?).await?;
                    let what = if made { "made, and in force" } else { "is there already" };
                    say(&format!("{prefix}{}: {what}", kind.secret()))?;
                }
            }
            Action::Rotate { kind, compromised } => {
                let kinds = match kind {
                    None => KeyKind::ALL,
                    Some(Kind::Signing) => &[KeyKind::Signing],
                    Some(Kind::Session) => &[KeyKind::Session],
                };
                for kind in kinds {
                    let (value, what) = rotated(&cx, &secrets, *kind, compromised).await?;
                    secrets.replace(&cx, &kind.secret(), &value).await?;
                    say(&format!("{prefix}{}: {what}", kind.secret()))?;
                }
            }
        }
        Ok(())
    }
}

/// The ring with a new key, and what becomes of it.
async fn rotated(
    cx: &RequestContext,
    secrets: &SecretsManager,
    kind: KeyKind,
    compromised: bool,
) -> Result<(SecretString, String), CommandError> {
    let minutes = SecretsManager::MAX_AGE.num_minutes();
    if compromised {
        let ring = Ring::generate(kind, SystemClock.now(), &SystemEntropy)?;
        return Ok((ring.to_secret()?, format!("a new key alone, in use everywhere in {minutes} minutes")));
    }
    let mut ring = Ring::read(kind, &secrets.get(cx, &kind.secret()).await.map_err(tokens::KeyError::from)?)?;
    let from = ring.rotate(kind, SystemClock.now(), &SystemEntropy)?;
    let from = from.format("%Y-%m-%d %H:%M UTC");
    Ok((ring.to_secret()?, format!("a new key is known everywhere in {minutes} minutes, and in force from {from}")))
}

fn say(line: &str) -> Result<(), CommandError> {
    writeln!(std::io::stdout(), "{line}").map_err(CommandError::Output)
}
