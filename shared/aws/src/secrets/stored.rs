//! What an administrator stores, which no function's role allows; and reads back, with the reason if that fails.

use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use domain::{RequestContext, SecretName};
use secrecy::{ExposeSecret, SecretString};

use super::{SecretsManager, is_gone};

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
    /// A secret as it is stored now; `None` if there is none.
    /// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>
    pub async fn fetch(&self, cx: &RequestContext, name: &SecretName) -> Result<Option<SecretString>, Unreadable> {
        let name = self.whole(name);
        let call = self.client.get_secret_value().secret_id(&name).send();
        match tokio::time::timeout(cx.remaining(), call).await {
            Ok(Ok(output)) => Ok(output.secret_string.map(SecretString::from)),
            Ok(Err(error)) if error.as_service_error().is_some_and(is_gone) => Ok(None),
            Ok(Err(error)) => Err(Unreadable { name, reason: reason(&error) }),
            Err(_) => Err(Unreadable { name, reason: SILENT.to_owned() }),
        }
    }

    /// Stores a secret that is not there yet. `false` if there is one: it stays as it is.
    /// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>
    pub async fn create(&self, cx: &RequestContext, name: &SecretName, value: &SecretString) -> Result<bool, Unstored> {
        let name = self.whole(name);
        let call = self.client.create_secret().name(&name).secret_string(value.expose_secret()).send();
        match tokio::time::timeout(cx.remaining(), call).await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(error)) if error.as_service_error().is_some_and(|e| e.is_resource_exists_exception()) => Ok(false),
            Ok(Err(error)) => Err(Unstored { name, reason: reason(&error) }),
            Err(_) => Err(Unstored { name, reason: SILENT.to_owned() }),
        }
    }

    /// Gives a secret another value.
    /// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html>
    pub async fn replace(&self, cx: &RequestContext, name: &SecretName, value: &SecretString) -> Result<(), Unstored> {
        let name = self.whole(name);
        let call = self.client.put_secret_value().secret_id(&name).secret_string(value.expose_secret()).send();
        match tokio::time::timeout(cx.remaining(), call).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Unstored { name, reason: reason(&error) }),
            Err(_) => Err(Unstored { name, reason: SILENT.to_owned() }),
        }
    }
}

const SILENT: &str = "Secrets Manager does not answer";

/// What AWS says of it, which is about the caller's rights and never quotes the value.
fn reason<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        // No credentials, no region, no way there.
        _ => format!("{SILENT}: {error}"),
    }
}
