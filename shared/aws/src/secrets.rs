use async_trait::async_trait;
use chrono::TimeDelta;
use domain::{Cache, RequestContext, SecretError, SecretName, SecretSource};
use secrecy::SecretString;

use crate::{Config, StartError, clients};

/// AWS Secrets Manager, read once per name and [`SecretsManager::MAX_AGE`].
#[derive(Debug)]
pub struct SecretsManager {
    client: aws_sdk_secretsmanager::Client,
    prefix: String,
    cache: Cache<String, SecretString>,
}

impl SecretsManager {
    /// How old a secret may be: a rotated one is in use everywhere after that.
    pub const MAX_AGE: TimeDelta = TimeDelta::minutes(5);

    /// The account's Secrets Manager.
    pub async fn connect(config: &Config) -> Result<Self, StartError> {
        Ok(Self {
            client: clients::secrets_manager(config).await?,
            prefix: config.secrets_prefix.clone(),
            cache: Cache::new(Self::MAX_AGE),
        })
    }

    async fn read(&self, cx: &RequestContext, name: &SecretName) -> Result<Option<SecretString>, SecretError> {
        let stopwatch = cx.stopwatch();
        let call = self.client.get_secret_value().secret_id(format!("{}{name}", self.prefix)).send();
        let result = tokio::time::timeout(cx.remaining(), call).await;
        let (operation, duration_ms) = ("GetSecretValue", stopwatch.millis());
        let outcome = match &result {
            Ok(Ok(_)) => "ok",
            Ok(Err(_)) => "failed",
            Err(_) => "timeout",
        };
        tracing::info!(target: "outbound", service = "secretsmanager", operation, outcome, duration_ms);
        match result {
            Ok(Ok(output)) => Ok(output.secret_string.map(SecretString::from)),
            Ok(Err(error)) if error.as_service_error().is_some_and(|error| error.is_resource_not_found_exception()) => {
                Ok(None)
            }
            _ => Err(SecretError::Unavailable(name.clone())),
        }
    }
}

#[async_trait]
impl SecretSource for SecretsManager {
    async fn get(&self, cx: &RequestContext, name: &SecretName) -> Result<SecretString, SecretError> {
        let value = self.cache.get_or(cx.now, &name.as_str().to_owned(), self.read(cx, name)).await?;
        value.ok_or_else(|| SecretError::Unknown(name.clone()))
    }
}
