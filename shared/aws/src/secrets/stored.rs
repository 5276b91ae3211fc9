//! Storing and reading secrets for an administrator, with the reason of a failure. No function's role allows the
//! writes.

use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use domain::{RequestContext, SecretName};
use secrecy::{ExposeSecret, SecretString};

use super::{SecretsManager, is_deleted};

/// A secret could not be stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} cannot be stored: {reason}")]
pub struct Unstored {
    name: String,
    reason: String,
}

/// A secret could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} cannot be read: {reason}")]
pub struct Unreadable {
    name: String,
    reason: String,
}

impl SecretsManager {
    /// The stored secret, without the cache; `None` if there is none.
    /// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>
    pub async fn fetch(&self, cx: &RequestContext, name: &SecretName) -> Result<Option<SecretString>, Unreadable> {
        let name = self.full_name(name);
        let call = self.client.get_secret_value().secret_id(&name).send();
        match tokio::time::timeout(cx.remaining(), call).await {
            Ok(Ok(output)) => Ok(output.secret_string.map(SecretString::from)),
            Ok(Err(error)) if error.as_service_error().is_some_and(is_deleted) => Ok(None),
            Ok(Err(error)) => Err(Unreadable { name, reason: reason(&error) }),
            Err(_) => Err(Unreadable { name, reason: NO_ANSWER.to_owned() }),
        }
    }

    /// Stores a new secret. Returns `false` if it exists already; it is not changed.
    /// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>
    pub async fn create(&self, cx: &RequestContext, name: &SecretName, value: &SecretString) -> Result<bool, Unstored> {
        let name = self.full_name(name);
        let call = self.client.create_secret().name(&name).secret_string(value.expose_secret()).send();
        match tokio::time::timeout(cx.remaining(), call).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(error)) if error.as_service_error().is_some_and(|e| e.is_resource_exists_exception()) => Ok(false),
            Ok(Err(error)) => Err(Unstored { name, reason: reason(&error) }),
            Err(_) => Err(Unstored { name, reason: NO_ANSWER.to_owned() }),
        }
    }

    /// Replaces the value of a secret.
    /// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html>
    pub async fn replace(&self, cx: &RequestContext, name: &SecretName, value: &SecretString) -> Result<(), Unstored> {
        let name = self.full_name(name);
        let call = self.client.put_secret_value().secret_id(&name).secret_string(value.expose_secret()).send();
        match tokio::time::timeout(cx.remaining(), call).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Unstored { name, reason: reason(&error) }),
            Err(_) => Err(Unstored { name, reason: NO_ANSWER.to_owned() }),
        }
    }
}

const NO_ANSWER: &str = "Secrets Manager does not answer";

/// AWS's message. It concerns the caller's permissions and never quotes the value.
fn reason<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        // No credentials, no region, or no connection.
        _ => format!("{NO_ANSWER}: {error}"),
    }
}
