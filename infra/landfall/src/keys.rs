//! `landfall keys`: the issuer's keys in Secrets Manager, made at the first deployment and rotated from time to time.
//!
//! The deployment is the one that the environment names, as it does for the functions.

use std::io::Write;
use std::sync::Arc;

use aws::{Config, Reach, SecretsManager, SystemClock, SystemEntropy};
use clap::{Args, Subcommand, ValueEnum};
use domain::{Clock, SecretError};
use secrecy::SecretString;
use tokens::{KeyError, KeyKind, Keys, Ring};

use crate::error::CommandError;

/// The issuer's keys in Secrets Manager, of the deployment that the environment names (`LANDFALL_*`, `AWS_*`).
#[derive(Debug, Args)]
pub struct KeysCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Makes the keys that are missing, and leaves the others as they are.
    Create,
    /// Announces a new key, which takes the old one's place in 25 hours: published before it is used, and the old one kept
    /// until nothing lives that was made with it.
    Rotate {
        /// Which key; without this, both.
        #[arg(long)]
        kind: Option<Kind>,
        /// The old key may be known to others: it is deleted at once. Tokens that it signed are no longer valid, and logins
        /// that are under way start over.
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
    /// Makes or rotates keys, and prints what was done.
    pub async fn run(self) -> Result<(), CommandError> {
        // This command calls no provider, and may be tried with an issuer on this machine.
        let config = Config::from_env(Reach::Local)?;
        let secrets = SecretsManager::connect(&config).await?;
        let cx = || aws::context(Arc::new(SystemClock), &SystemEntropy);
        let prefix = &config.secrets_prefix;
        match self.action {
            Action::Create => {
                for (name, value) in Keys::generate(SystemClock.now(), &SystemEntropy)? {
                    let made = secrets.create(&cx(), &name, &value).await?;
                    let what = if made { "made, and in force" } else { "is there already" };
                    say(&format!("{prefix}{name}: {what}"))?;
                }
            }
            Action::Rotate { kind, compromised } => {
                let kinds = match kind {
                    None => KeyKind::ALL,
                    Some(Kind::Signing) => &[KeyKind::Signing],
                    Some(Kind::Session) => &[KeyKind::Session],
                };
                // All are made before one is stored: half a rotation could not be repeated.
                let mut made = Vec::new();
                for kind in kinds {
                    let name = kind.secret();
                    let ring = match compromised {
                        true => replaced(*kind),
                        false => rotated(*kind, secrets.fetch(&cx(), &name).await?),
                    };
                    let unrotated = |error| CommandError::Unrotated { name: format!("{prefix}{name}"), error };
                    made.push((ring.map_err(unrotated)?, name));
                }
                for ((value, what), name) in made {
                    secrets.replace(&cx(), &name, &value).await?;
                    say(&format!("{prefix}{name}: {what}"))?;
                }
            }
        }
        Ok(())
    }
}

/// A ring of a new key alone, and what becomes of it.
fn replaced(kind: KeyKind) -> Result<(SecretString, String), KeyError> {
    let minutes = SecretsManager::MAX_AGE.num_minutes();
    let ring = Ring::generate(kind, SystemClock.now(), &SystemEntropy)?;
    Ok((ring.to_secret()?, format!("a new key alone, in use everywhere in {minutes} minutes")))
}

/// The ring with a new key, and what becomes of that.
fn rotated(kind: KeyKind, stored: Option<SecretString>) -> Result<(SecretString, String), KeyError> {
    let minutes = SecretsManager::MAX_AGE.num_minutes();
    let mut ring = Ring::read(kind, &stored.ok_or_else(|| SecretError::Unknown(kind.secret()))?)?;
    let from = ring.rotate(kind, SystemClock.now(), &SystemEntropy)?;
    let from = from.format("%Y-%m-%d %H:%M UTC");
    Ok((ring.to_secret()?, format!("a new key is known everywhere in {minutes} minutes, and in force from {from}")))
}

/// Prints a line of what is done.
pub(crate) fn say(line: &str) -> Result<(), CommandError> {
    writeln!(std::io::stdout(), "{line}").map_err(CommandError::Output)
}
