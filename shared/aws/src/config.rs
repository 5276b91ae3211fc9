use std::net::SocketAddr;
use std::time::Duration;

use aws_sdk_dynamodb::config::Credentials;
use domain::{InvalidNetworks, Reach, SecretHash};
use secrecy::SecretString;
use store::{GuessLimits, TableNames};
use tokens::KeyKind;
use url::Url;

use crate::BUDGET;

/// What a deployment is told.
#[derive(Debug, Clone)]
pub struct Config {
    /// The issuer's URL: what tokens say they come from, and what every URL we hand out starts with.
    pub issuer: String,
    /// What the tables are called.
    pub tables: TableNames,
    /// What stands before every secret's name in Secrets Manager.
    pub secrets_prefix: String,
    /// Where DynamoDB is.
    pub dynamodb: DynamoDb,
    /// Which of the issuer's keys this process uses.
    pub keys: &'static [KeyKind],
    /// Where connectors may lead.
    pub reach: Reach,
    /// What opens the administrators' routes beside IAM: only where there is no API Gateway before them.
    pub admin: Option<SecretHash>,
    /// How long a request may take where no Lambda deadline says so.
    pub budget: Duration,
    /// The CloudFormation stack of the deployment: metrics are told apart by it.
    pub stack: Option<String>,
    /// How often secrets may be tried.
    pub guesses: GuessLimits,
}

/// Where DynamoDB is.
#[derive(Debug, Clone)]
pub enum DynamoDb {
    /// In AWS.
    Aws(Account),
    /// Embedded, at an address of this machine.
    At {
        /// Where it listens.
        address: SocketAddr,
        /// What it admits.
        access_key: SecretString,
    },
}

/// The AWS account that a function runs in, as Lambda tells it: with the credentials of its role, which are good for as
/// long as the process lives, and the endpoints of its region.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
#[derive(Debug, Clone)]
pub struct Account {
    pub(crate) region: String,
    pub(crate) credentials: Credentials,
    /// Endpoints other than the region's own.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
    pub(crate) dynamodb: Option<String>,
    pub(crate) secrets_manager: Option<String>,
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html>
    pub(crate) fips: bool,
    pub(crate) dual_stack: bool,
}

/// The environment lacks something or has something wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// All that is missing.
    #[error("these environment variables are missing: {}", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// The issuer is no URL that tokens can come from.
    #[error("LANDFALL_ISSUER is not an https URL without a trailing slash, query or fragment")]
    Issuer,
    /// What may call this machine's own addresses is deployed, or is about to be.
    #[error(
        "this was built with the feature `local`, for `cargo lambda watch`: LANDFALL_ISSUER is not of this machine"
    )]
    Local,
    /// The private networks are none, or none that may be named.
    #[error("LANDFALL_PRIVATE_NETWORKS: {0}")]
    Networks(#[from] InvalidNetworks),
}

impl Config {
    /// What a deployed function's environment has to have.
    ///
    /// | variable | what |
    /// |---|---|
    /// | `LANDFALL_ISSUER` | the issuer's URL, without a trailing slash |
    /// | `LANDFALL_CONFIG_TABLE`, `LANDFALL_DIRECTORY_TABLE`, `LANDFALL_SESSIONS_TABLE` | the tables' names |
    /// | `LANDFALL_SECRETS_PREFIX` | what stands before every secret's name: `landfall/` |
    pub const REQUIRED: [&str; 5] = [
        "LANDFALL_ISSUER",
        "LANDFALL_CONFIG_TABLE",
        "LANDFALL_DIRECTORY_TABLE",
        "LANDFALL_SESSIONS_TABLE",
        "LANDFALL_SECRETS_PREFIX",
    ];

    /// What Lambda puts there, with `AWS_SESSION_TOKEN`.
    pub const BY_LAMBDA: [&str; 3] = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

    /// What it may have beside that.
    ///
    /// | variable | what |
    /// |---|---|
    /// | `LANDFALL_PRIVATE_NETWORKS` | where in the company's own network its provider lives, `10.1.0.0/16,fd12::/48` |
    /// | `LANDFALL_STACK` | the CloudFormation stack, a dimension of every metric |
    pub const OPTIONAL: [&str; 2] = ["LANDFALL_PRIVATE_NETWORKS", "LANDFALL_STACK"];

    /// Reads the environment of a deployed function: [`Config::REQUIRED`], [`Config::BY_LAMBDA`] and [`Config::OPTIONAL`],
    /// and what the SDK itself would look for: `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_SECRETS_MANAGER` and
    /// `AWS_ENDPOINT_URL` for other endpoints than the region's, `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT`.
    /// <https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html>
    ///
    /// With [`Reach::Local`], which nothing deployed passes, the issuer may be an http address of this machine.
    pub fn from_env(reach: Reach) -> Result<Self, ConfigError> {
        #[expect(clippy::disallowed_methods, reason = "this is the room where the environment is read")]
        Self::from_lookup(reach, |name| std::env::var(name).ok())
    }

    /// The same for a function. One that was built for this machine does not start anywhere else.
    pub(crate) fn of_function(reach: Reach) -> Result<Self, ConfigError> {
        let config = Self::from_env(reach)?;
        if config.may_start(reach) { Ok(config) } else { Err(ConfigError::Local) }
    }

    fn may_start(&self, reach: Reach) -> bool {
        reach != Reach::Local || is_of_this_machine(&self.issuer)
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
        let is_local = reach == Reach::Local && is_of_this_machine(&issuer);
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

/// OIDC Discovery 3: an https URL without query and fragment; without a trailing slash, so that it has one spelling.
fn is_issuer(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.query().is_none() && url.fragment().is_none())
        && !text.ends_with('/')
}

/// `http://127.0.0.1:9000`: where `cargo lambda watch` is.
fn is_of_this_machine(text: &str) -> bool {
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
    fn a_deployment_may_name_its_private_networks_and_nothing_else() {
        let networks = "10.1.0.0/16,fd12:3456::/48";
        let reach = read_with("https://id.example.com", networks).unwrap().reach;
        assert_eq!(reach, Reach::Networks(networks.parse().unwrap()));
        for bad in ["127.0.0.0/8", "169.254.0.0/16", "0.0.0.0/0", "10.0.0.0", "fd00:ec2::/32"] {
            let error = read_with("https://id.example.com", bad).unwrap_err();
            assert!(error.to_string().starts_with("LANDFALL_PRIVATE_NETWORKS: "), "{bad}: {error}");
        }
    }

    #[test]
    fn all_that_is_missing_is_named_at_once() {
        let error =
            Config::from_lookup(Reach::Public, |name| (name == "LANDFALL_ISSUER").then(String::new)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "these environment variables are missing: LANDFALL_ISSUER, LANDFALL_CONFIG_TABLE, LANDFALL_DIRECTORY_TABLE, \
             LANDFALL_SESSIONS_TABLE, LANDFALL_SECRETS_PREFIX, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"
        );
    }

    #[test]
    fn an_issuer_of_this_machine_is_for_who_may_call_it() {
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
        // A command may be run for a deployment from here; a function that may call this machine may not be deployed.
        assert!(config.may_start(Reach::Local));
        let deployed = |reach| read(reach, "https://id.example.com").unwrap().may_start(reach);
        assert_eq!((deployed(Reach::Public), deployed(Reach::Local)), (true, false));
    }

    #[test]
    fn an_endpoint_of_its_own_goes_before_the_one_for_all() {
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
    fn a_deployed_issuer_is_https_and_its_functions_reach_public_addresses_only() {
        assert_eq!(read("https://id.example.com").unwrap().reach, Reach::Public);
        for bad in ["http://id.example.com", "https://id.example.com/", "https://id.example.com?x", "id.example.com"] {
            assert_eq!(read(bad).unwrap_err(), ConfigError::Issuer, "{bad}");
        }
    }
}
