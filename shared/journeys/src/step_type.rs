//! The step types, which the engine gets from outside.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Step;

/// The step types that a document may name.
#[derive(Debug, Clone, Copy)]
pub struct StepTypes(pub &'static [StepType]);

/// A step type: its name in documents, and the parser of its settings.
pub struct StepType {
    /// The name in `type:`.
    pub name: &'static str,
    parse: fn(Value) -> Result<Box<dyn Step>, InvalidSettings>,
}

/// Settings that do not fit the step type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidSettings {
    /// The path within `with`; empty for all of it.
    pub path: String,
    /// The problem.
    pub reason: String,
}

impl StepTypes {
    /// The type with this name.
    pub(crate) fn find(self, name: &str) -> Option<&'static StepType> {
        self.0.iter().find(|kind| kind.name == name)
    }

    /// All names, for an error message.
    pub(crate) fn names(self) -> String {
        self.0.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ")
    }
}

impl StepType {
    /// The type `name`, with the settings of `T`.
    pub const fn of<T: Step + DeserializeOwned + 'static>(name: &'static str) -> Self {
        Self { name, parse: parse::<T> }
    }

    /// Parses the settings.
    pub(crate) fn parse(&self, with: Value) -> Result<Box<dyn Step>, InvalidSettings> {
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
