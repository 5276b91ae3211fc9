//! The kinds of steps. One file each; [`TYPES`] is the registry.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Step;

mod answer_challenge;
mod authenticate_password;
mod authenticate_redirect;
mod authenticate_totp;
mod choose_provider;
mod code;
mod collect_information;
mod complete;
mod condition;
pub(crate) mod provider;
mod provision_user;
mod reject;
mod send_otp;

/// Every kind of step there is.
pub const TYPES: &[StepType] = &[
    answer_challenge::TYPE,
    authenticate_password::TYPE,
    authenticate_redirect::TYPE,
    authenticate_totp::TYPE,
    choose_provider::TYPE,
    collect_information::TYPE,
    complete::TYPE,
    condition::TYPE,
    provision_user::TYPE,
    reject::TYPE,
    send_otp::TYPE,
];

/// A kind of step: its name in documents, and how its settings are read.
pub struct StepType {
    /// As `type:` names it.
    pub name: &'static str,
    parse: fn(Value) -> Result<Box<dyn Step>, InvalidSettings>,
}

/// Settings that are none of this kind of step: where, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidSettings {
    /// The path within `with`, empty for the whole.
    pub path: String,
    /// What is wrong.
    pub reason: String,
}

impl StepType {
    const fn of<T: Step + DeserializeOwned + 'static>(name: &'static str) -> Self {
        Self { name, parse: parse::<T> }
    }

    /// Reads the settings.
    pub fn parse(&self, with: Value) -> Result<Box<dyn Step>, InvalidSettings> {
        (self.parse)(with)
    }
}

impl fmt::Debug for StepType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

fn parse<T: Step + DeserializeOwned + 'static>(with: Value) -> Result<Box<dyn Step>, InvalidSettings> {
    match serde_path_to_error::deserialize::<_, T>(with) {
        Ok(step) => Ok(Box::new(step)),
        Err(error) => {
            let path = error.path().to_string();
            let path = if path == "." { String::new() } else { path };
            Err(InvalidSettings { path, reason: error.into_inner().to_string() })
        }
    }
}

/// The kind of step called `name`.
pub fn find(name: &str) -> Option<&'static StepType> {
    TYPES.iter().find(|kind| kind.name == name)
}

/// Settings whose values are expressions, by name.
type Expressions = BTreeMap<String, domain::Expression>;
