//! AWS clients with our own HTTPS client. The SDK's default client would add a second TLS library and load the system's
//! root certificates, which took most of a cold start.

use std::fmt::Write;
use std::sync::OnceLock;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, Region, SharedCredentialsProvider, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_types::SdkConfig;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;

use crate::config::Account;
use crate::{Config, DynamoDb, StartError};

/// The time limit of one attempt. The SDK makes up to three; the request's deadline also applies.
const ATTEMPT: Duration = Duration::from_secs(2);

pub(crate) fn dynamodb(config: &Config) -> Result<aws_sdk_dynamodb::Client, StartError> {
    Ok(aws_sdk_dynamodb::Client::new(&sdk(config, |account| account.dynamodb.as_deref())?))
}

pub(crate) fn secrets_manager(config: &Config) -> Result<aws_sdk_secretsmanager::Client, StartError> {
    Ok(aws_sdk_secretsmanager::Client::new(&sdk(config, |account| account.secrets_manager.as_deref())?))
}

/// The SDK's configuration. `aws-config` would return the same, but it first searches files, containers, EC2 and STS:
/// that costs a megabyte of code and milliseconds of each start.
fn sdk(config: &Config, endpoint: impl Fn(&Account) -> Option<&str>) -> Result<SdkConfig, StartError> {
    let sdk = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .retry_config(RetryConfig::standard())
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build())
        // Not needed: the time limit of an attempt is short.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    Ok(match &config.dynamodb {
        DynamoDb::Aws(account) => {
            let mut sdk = sdk
                .http_client(https()?)
                .region(Region::new(account.region.clone()))
                .credentials_provider(SharedCredentialsProvider::new(account.credentials.clone()))
                .use_fips(account.fips)
                .use_dual_stack(account.dual_stack);
            sdk.set_endpoint_url(endpoint(account).map(str::to_owned));
            sdk
        }
        DynamoDb::At { address, access_key } => {
            let local = Credentials::new(access_key.expose_secret(), "local", None, None, "local");
            sdk.http_client(aws_smithy_http_client::Builder::new().build_http())
                .region(Region::from_static("local"))
                .credentials_provider(SharedCredentialsProvider::new(local))
                .endpoint_url(format!("http://{address}"))
        }
    }
    .build())
}

/// The HTTPS client, created once per process and shared by all services.
fn https() -> Result<SharedHttpClient, StartError> {
    static HTTPS: OnceLock<SharedHttpClient> = OnceLock::new();
    if let Some(client) = HTTPS.get() {
        return Ok(client.clone());
    }
    let roots = TrustStore::empty().with_native_roots(false).with_pem_certificate(amazon_roots());
    let tls = TlsContext::builder().with_trust_store(roots).build().map_err(|_| StartError::Tls)?;
    let provider = Provider::Rustls(CryptoMode::AwsLc);
    let client = aws_smithy_http_client::Builder::new().tls_provider(provider).tls_context(tls).build_https();
    Ok(HTTPS.get_or_init(|| client).clone())
}

/// The root certificates of Amazon Trust Services, which sign every AWS endpoint, from Mozilla's list.
/// <https://www.amazontrust.com/repository/>
fn amazon_roots() -> Vec<u8> {
    let mut pem = String::new();
    for der in webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().filter(|der| is_amazons(der)) {
        // Writing to a string does not fail.
        let _ = write!(pem, "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(der));
    }
    pem.into_bytes()
}

fn is_amazons(der: &[u8]) -> bool {
    [b"Amazon Root CA".as_slice(), b"Starfield Services Root"]
        .iter()
        .any(|name| der.windows(name.len()).any(|at| at == *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mozillas_list_contains_amazons_roots() {
        let roots = String::from_utf8(amazon_roots()).unwrap();
        // Amazon Root CA 1 to 4 and Starfield Services Root Certificate Authority - G2.
        assert_eq!(roots.matches("BEGIN CERTIFICATE").count(), 5);
        assert!(https().is_ok());
    }
}
