//! AWS Secrets Manager.

mod cached;
mod stored;

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use chrono::TimeDelta;
use domain::{RequestContext, SecretError, SecretName, SecretSource};
use secrecy::SecretString;

use self::cached::{CachedSecret, Unread};
pub use self::stored::{Unreadable, Unstored};
use crate::{Config, StartError, clients};

/// AWS Secrets Manager, and what was read of it in this instance's memory.
///
/// A burst of requests reads a secret once. While Secrets Manager is down, the value that was read last is used, for
/// [`SecretsManager::MAX_AGE_WHILE_DOWN`] at most; then the secret is unavailable. A secret that does not exist, or that is
/// scheduled for deletion, is not used any longer than [`SecretsManager::MAX_AGE`].
#[derive(Debug)]
pub struct SecretsManager {
    client: Client,
    prefix: String,
    kept: CachedSecret,
}

impl SecretsManager {
    /// How old a secret may be: a rotated one is in use everywhere after that, or as soon as whoever it is for refuses the
    /// old one ([`SecretSource::reread`]).
    pub const MAX_AGE: TimeDelta = cached::FRESH;

    /// How old a secret may get while Secrets Manager is down.
    pub const MAX_AGE_WHILE_DOWN: TimeDelta = cached::USABLE;

    /// The account's Secrets Manager.
    pub async fn connect(config: &Config) -> Result<Self, StartError> {
        Ok(Self::new(clients::secrets_manager(config)?, config.secrets_prefix.clone()))
    }

    fn new(client: Client, prefix: String) -> Self {
        Self { client, prefix, kept: CachedSecret::default() }
    }

    fn whole(&self, name: &SecretName) -> String {
        format!("{}{name}", self.prefix)
    }

    /// One call. <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>
    async fn read(&self, cx: &RequestContext, name: &SecretName) -> Result<Option<SecretString>, Unread> {
        let stopwatch = cx.stopwatch();
        let call = self.client.get_secret_value().secret_id(self.whole(name)).send();
        let result = tokio::time::timeout(cx.remaining(), call).await;
        let (operation, duration_ms) = ("GetSecretValue", stopwatch.millis());
        cx.count(|counts| counts.secrets_reads += 1);
        let outcome = match &result {
            Ok(Ok(_)) => "ok",
            Ok(Err(error)) => error.code().unwrap_or("failed"),
            Err(_) => "timeout",
        };
        tracing::info!(target: "outbound", service = "secretsmanager", operation, outcome, duration_ms);
        match result {
            Ok(Ok(output)) => Ok(output.secret_string.map(SecretString::from)),
            Ok(Err(error)) if error.as_service_error().is_some_and(is_gone) => Ok(None),
            Ok(Err(_)) => Err(Unread::Failed),
            Err(_) => Err(Unread::TimedOut),
        }
    }
}

/// Invalid requests are those for secrets that are scheduled for deletion: there is no other way to ask wrongly here.
fn is_gone(error: &GetSecretValueError) -> bool {
    error.is_resource_not_found_exception() || error.is_invalid_request_exception()
}

fn found(name: &SecretName, reading: Result<Option<SecretString>, Unread>) -> Result<SecretString, SecretError> {
    match reading {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(SecretError::Unknown(name.clone())),
        Err(Unread::Failed | Unread::TimedOut) => Err(SecretError::Unavailable(name.clone())),
    }
}

#[async_trait]
impl SecretSource for SecretsManager {
    async fn get(&self, cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError> {
        found(name, self.kept.get(cx, name.as_str(), async |cx| self.read(cx, name).await).await)
    }

    async fn reread(&self, cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError> {
        found(name, self.kept.reread(cx, name.as_str(), async |cx| self.read(cx, name).await).await)
    }
}

#[cfg(test)]
mod tests;
