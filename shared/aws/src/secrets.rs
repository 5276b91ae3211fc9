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

use self::cached::{CachedSecret, ReadError};
pub use self::stored::{Unreadable, Unstored};
use crate::{Config, StartError, clients};

/// AWS Secrets Manager with a cache in this instance's memory.
///
/// Concurrent requests read a secret once. While Secrets Manager is down, the last value is used, for at most
/// [`SecretsManager::MAX_AGE_WHILE_DOWN`]; then the secret is unavailable. A deleted secret, or one that is scheduled
/// for deletion, is used for at most [`SecretsManager::MAX_AGE`].
#[derive(Debug)]
pub struct SecretsManager {
    client: Client,
    prefix: String,
    cache: CachedSecret,
}

impl SecretsManager {
    /// The maximum age of a cached secret. A rotated secret is used everywhere after this time, or as soon as the old
    /// one is refused ([`SecretSource::reread`]).
    pub const MAX_AGE: TimeDelta = cached::FRESH;

    /// The maximum age of a cached secret while Secrets Manager is down.
    pub const MAX_AGE_WHILE_DOWN: TimeDelta = cached::USABLE;

    /// A client for the account's Secrets Manager.
    pub async fn connect(config: &Config) -> Result<Self, StartError> {
        Ok(Self::new(clients::secrets_manager(config)?, config.secrets_prefix.clone()))
    }

    fn new(client: Client, prefix: String) -> Self {
        Self { client, prefix, cache: CachedSecret::default() }
    }

    fn full_name(&self, name: &SecretName) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Reads a secret. <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>
    async fn read(&self, cx: &RequestContext, name: &SecretName) -> Result<Option<SecretString>, ReadError> {
        let stopwatch = cx.stopwatch();
        let call = self.client.get_secret_value().secret_id(self.full_name(name)).send();
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
            Ok(Err(error)) if error.as_service_error().is_some_and(is_deleted) => Ok(None),
            Ok(Err(_)) => Err(ReadError::Failed),
            Err(_) => Err(ReadError::TimedOut),
        }
    }
}

/// Whether the secret does not exist or is scheduled for deletion. The latter is an `InvalidRequestException`, which
/// has no other cause here.
fn is_deleted(error: &GetSecretValueError) -> bool {
    error.is_resource_not_found_exception() || error.is_invalid_request_exception()
}

fn to_secret(name: &SecretName, reading: Result<Option<SecretString>, ReadError>) -> Result<SecretString, SecretError> {
    match reading {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(SecretError::Unknown(name.clone())),
        Err(ReadError::Failed | ReadError::TimedOut) => Err(SecretError::Unavailable(name.clone())),
    }
}

#[async_trait]
impl SecretSource for SecretsManager {
    async fn get(&self, cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError> {
        to_secret(name, self.cache.get(cx, name.as_str(), async |cx| self.read(cx, name).await).await)
    }

    async fn reread(&self, cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError> {
        to_secret(name, self.cache.reread(cx, name.as_str(), async |cx| self.read(cx, name).await).await)
    }
}

#[cfg(test)]
mod tests;
