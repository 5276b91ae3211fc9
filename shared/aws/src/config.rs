use std::net::SocketAddr;
use std::time::Duration;

use aws_sdk_dynamodb::config::Credentials;
use domain::{InvalidNetworks, Reach, SecretHash};
use secrecy::SecretString;
use store::{GuessLimits, TableNames};
use tokens::KeyKind;
use url::Url;

use crate::BUDGET;

/// The configuration of a deployment.
#[derive(Debug, Clone)]
pub struct Config {
    /// The issuer's URL: `iss` in tokens, and the start of every URL in our answers.
    pub issuer: String,
    /// The names of the tables.
    pub tables: TableNames,
    /// The prefix of every secret's name in Secrets Manager.
    pub secrets_prefix: String,
    /// The location of DynamoDB.
    pub dynamodb: DynamoDb,
    /// The issuer's keys that this process uses.
    pub keys: &'static [KeyKind],
    /// The addresses that connectors may reach.
    pub reach: Reach,
    /// The hash of the administrators' token. Only for a local server, where there is no API Gateway with IAM.
    pub admin: Option<SecretHash>,
    /// The time limit of a request without a Lambda deadline.
    pub budget: Duration,
    /// The deployment's CloudFormation stack: a dimension of the metrics.
    pub stack: Option<String>,
    /// The limits for guesses.
    pub guesses: GuessLimits,
}

/// The location of DynamoDB.
#[derive(Debug, Clone)]
pub enum DynamoDb {
    /// In AWS.
    Aws(Account),
    /// The embedded engine, at an address of this machine.
    At {
        /// Its address.
        address: SocketAddr,
        /// The access key that it accepts.
        access_key: SecretString,
    },
}

/// The AWS account of a function, from Lambda's environment: the credentials of its role, which are valid as long as
/// the process lives, and the endpoints of its region.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
#[derive(Debug, Clone)]
pub struct Account {
    pub(crate) region: String,
    pub(crate) credentials: Credentials,
    /// Endpoints that replace the region's.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
    pub(crate) dynamodb: Option<String>,
    pub(crate) secrets_manager: Option<String>,
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html>
    pub(crate) fips: bool,
    pub(crate) dual_stack: bool,
}

/// A variable of the environment is missing or wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// All missing variables.
    #[error("these environment variables are missing: {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// The issuer's URL is not valid.
    #[error("LANDFALL_ISSUER must be an https URL without a trailing slash, query or fragment")]
    Issuer,
    /// A build with the feature `local`, which may call this machine, runs for a public issuer.
    #[error(
        "this build has the feature `local`, which is only for `cargo lambda watch`: LANDFALL_ISSUER must be an address of this machine"
    )]
    Local,
    /// The list of private networks is invalid.
    #[error("LANDFALL_PRIVATE_NETWORKS: {0}")]
    Networks(#[from] InvalidNetworks),
}

impl Config {
    /// The required variables of a deployed function.
    ///
    /// | variable | what |
    /// |---|---|
    /// | `LANDFALL_ISSUER` | the issuer's URL, without a trailing slash |
    /// | `LANDFALL_CONFIG_TABLE`, `LANDFALL_DIRECTORY_TABLE`, `LANDFALL_SESSIONS_TABLE` | the tables' names |
    /// | `LANDFALL_SECRETS_PREFIX` | the prefix of every secret's name: `landfall/` |
    pub const REQUIRED: [&str; 5] = [
        "LANDFALL_ISSUER",
        "LANDFALL_CONFIG_TABLE",
        "LANDFALL_DIRECTORY_TABLE",
        "LANDFALL_SESSIONS_TABLE",
        "LANDFALL_SECRETS_PREFIX",
    ];

    /// The variables that Lambda sets, besides `AWS_SESSION_TOKEN`.
    pub const BY_LAMBDA: [&str; 3] = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

    /// The optional variables.
    ///
    /// | variable | what |
    /// |---|---|
    /// | `LANDFALL_PRIVATE_NETWORKS` | the private networks of the company's own provider, `10.1.0.0/16,fd12::/48` |
    /// | `LANDFALL_STACK` | the CloudFormation stack, a dimension of every metric |
    pub const OPTIONAL: [&str; 2] = ["LANDFALL_PRIVATE_NETWORKS", "LANDFALL_STACK"];

    /// Reads the environment of a deployed function: [`Config::REQUIRED`], [`Config::BY_LAMBDA`] and
    /// [`Config::OPTIONAL`], and the SDK's variables `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_SECRETS_MANAGER`,
    /// `AWS_ENDPOINT_URL`, `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT`.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html>
    ///
    /// With [`Reach::Local`], which is never deployed, the issuer may be an http address of this machine.
    pub fn from_env(reach: Reach) -> Result<Self, ConfigError> {
        #[expect(clippy::disallowed_methods, reason = "this function reads the environment for all others")]
        Self::from_lookup(reach, |name| std::env::var(name).ok())
    }

    /// Like [`Config::from_env`], for a function. A build for this machine refuses to start elsewhere.
    pub(crate) fn for_function(reach: Reach) -> Result<Self, ConfigError> {
        let config = Self::from_env(reach)?;
        if config.may_start(reach) { Ok(config) } else { Err(ConfigError::Local) }
    }

    fn may_start(&self, reach: Reach) -> bool {
        reach != Reach::Local || is_loopback_url(&self.issuer)
    }

    fn from_lookup(reach: Reach, lookup: impl Fn(&'static str) -> Option<String>) -> Result<Self, ConfigError> {
        let get = |name| lookup(name).filter(|value| !value.is_empty());
        let (required, by_lambda) = (Self::REQUIRED.map(get), Self::BY_LAMBDA.map(get));
        let named = Self::REQUIRED.iter().zip(&required).chain(Self::BY_LAMBDA.iter().zip(&by_lambda));
        let missing: Vec<_> = named.filter(|(_, value)| value.is_none()).map(|(name, _)| *name).collect();
        if !missing.is_empty() {
            return Err(ConfigError::Missing(missing));
        }
        let [issuer, config, directory, sessions, secrets_prefix] = required.map(Option::unwrap_or_default);
        let [private_networks, stack] = Self::OPTIONAL.map(get);
        let is_local = reach == Reach::Local && is_loopback_url(&issuer);
        if !is_local && !is_issuer(&issuer) {
            return Err(ConfigError::Issuer);
        }
        let [region, id, secret] = by_lambda.map(Option::unwrap_or_default);
        let endpoint = |name| get(name).or_else(|| get("AWS_ENDPOINT_URL"));
        let on = |name| get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let account = Account {
            region,
            credentials: Credentials::new(id, secret, get("AWS_SESSION_TOKEN"), None, "environment"),
            dynamodb: endpoint("AWS_ENDPOINT_URL_DYNAMODB"),
            secrets_manager: endpoint("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
            fips: on("AWS_USE_FIPS_ENDPOINT"),
            dual_stack: on("AWS_USE_DUALSTACK_ENDPOINT"),
        };
        let reach = match private_networks {
            Some(networks) => Reach::Networks(networks.parse()?),
            None => reach,
        };
        Ok(Self {
            issuer,
            tables: TableNames { config, directory, sessions },
            secrets_prefix,
            dynamodb: DynamoDb::Aws(account),
            keys: KeyKind::ALL,
            reach,
            admin: None,
            budget: BUDGET,
            stack,
            guesses: GuessLimits::default(),
        })
    }
}

/// OIDC Discovery 3: an https URL without query and fragment. Without a trailing slash, so that there is one spelling.
fn is_issuer(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.query().is_none() && url.fragment().is_none())
        && !text.ends_with('/')
}

/// Whether the URL has a loopback address, such as `http://127.0.0.1:9000` of `cargo lambda watch`.
fn is_loopback_url(text: &str) -> bool {
    text.strip_prefix("http://").is_some_and(|rest| rest.parse::<SocketAddr>().is_ok_and(|at| at.ip().is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_with(issuer: &str, networks: &str) -> Result<Config, ConfigError> {
        Config::from_lookup(Reach::Public, |name| {
            Some(match name {
                "LANDFALL_ISSUER" => issuer.to_owned(),
                "LANDFALL_PRIVATE_NETWORKS" => networks.to_owned(),
                other => other.to_owned(),
            })
        })
    }

    fn read(issuer: &str) -> Result<Config, ConfigError> {
        read_with(issuer, "")
    }

    #[test]
    fn a_deployment_may_list_only_private_networks() {
        let networks = "10.1.0.0/16,fd12:3456::/48";
        let reach = read_with("https://id.example.com", networks).unwrap().reach;
        assert_eq!(reach, Reach::Networks(networks.parse().unwrap()));
        for bad in ["127.0.0.0/8", "169.254.0.0/16", "0.0.0.0/0", "10.0.0.0", "fd00:ec2::/32"] {
            let error = read_with("https://id.example.com", bad).unwrap_err();
            assert!(error.to_string().starts_with("LANDFALL_PRIVATE_NETWORKS: "), "{bad}: {error}");
        }
    }

    #[test]
    fn the_error_names_all_missing_variables() {
        let error =
            Config::from_lookup(Reach::Public, |name| (name == "LANDFALL_ISSUER").then(String::new)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "these environment variables are missing: LANDFALL_ISSUER, LANDFALL_CONFIG_TABLE, LANDFALL_DIRECTORY_TABLE, \
             LANDFALL_SESSIONS_TABLE, LANDFALL_SECRETS_PREFIX, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"
        );
    }

    #[test]
    fn a_local_issuer_needs_local_reach() {
        let read = |reach, issuer: &str| {
            Config::from_lookup(reach, |name| match name {
                "LANDFALL_ISSUER" => Some(issuer.to_owned()),
                "LANDFALL_PRIVATE_NETWORKS" => None,
                other => Some(other.to_owned()),
            })
        };
        let config = read(Reach::Local, "http://127.0.0.1:9000").unwrap();
        assert_eq!((config.issuer.as_str(), config.reach), ("http://127.0.0.1:9000", Reach::Local));
        assert_eq!(read(Reach::Public, "http://127.0.0.1:9000").unwrap_err(), ConfigError::Issuer);
        for bad in ["http://id.example.com", "http://10.0.0.1:9000", "http://127.0.0.1:9000/", "http://localhost"] {
            assert_eq!(read(Reach::Local, bad).unwrap_err(), ConfigError::Issuer, "{bad}");
        }
        // A command for a deployment may run on this machine; a function with local reach must not be deployed.
        assert!(config.may_start(Reach::Local));
        let deployed = |reach| read(reach, "https://id.example.com").unwrap().may_start(reach);
        assert_eq!((deployed(Reach::Public), deployed(Reach::Local)), (true, false));
    }

    #[test]
    fn a_services_own_endpoint_overrides_the_common_one() {
        let account = |set: &'static [(&str, &str)]| {
            let lookup = |name: &'static str| match set.iter().find(|(other, _)| *other == name) {
                Some((_, value)) => Some((*value).to_owned()),
                None if name == "LANDFALL_ISSUER" => Some("https://id.example.com".to_owned()),
                None => (!name.contains("_URL") && !name.contains("_NETWORKS")).then(|| name.to_owned()),
            };
            match Config::from_lookup(Reach::Public, lookup).unwrap().dynamodb {
                DynamoDb::Aws(account) => account,
                DynamoDb::At { .. } => panic!("a function is in AWS"),
            }
        };
        let found = account(&[("AWS_ENDPOINT_URL", "http://all"), ("AWS_ENDPOINT_URL_DYNAMODB", "http://own")]);
        assert_eq!(
            (found.dynamodb.as_deref(), found.secrets_manager.as_deref()),
            (Some("http://own"), Some("http://all"))
        );
        let found = account(&[("AWS_USE_FIPS_ENDPOINT", "true")]);
        assert_eq!((found.dynamodb, found.secrets_manager, found.fips, found.dual_stack), (None, None, true, false));
    }

    #[test]
    fn a_deployed_issuer_is_https_with_public_reach() {
        assert_eq!(read("https://id.example.com").unwrap().reach, Reach::Public);
        for bad in ["http://id.example.com", "https://id.example.com/", "https://id.example.com?x", "id.example.com"] {
            assert_eq!(read(bad).unwrap_err(), ConfigError::Issuer, "{bad}");
        }
    }
}
