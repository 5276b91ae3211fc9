//! The kinds of steps, which the engine is handed from outside.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Step;

/// The kinds of steps that a document may name.
#[derive(Debug, Clone, Copy)]
pub struct StepTypes(pub &'static [StepType]);

/// A kind of step: its name in documents, and how its settings are read.
pub struct StepType {
    /// As `type:` names it.
    pub name: &'static str,
    parse: fn(Value) -> Result<Box<dyn Step>, InvalidSettings>,
}

/// Settings that do not fit this kind of step: where, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidSettings {
    /// The path within `with`, empty for the whole.
    pub path: String,
    /// What is wrong.
    pub reason: String,
}

impl StepTypes {
    /// The kind called `name`.
    pub(crate) fn find(self, name: &str) -> Option<&'static StepType> {
        self.0.iter().find(|kind| kind.name == name)
    }

    /// All names, for an error.
    pub(crate) fn names(self) -> String {
        self.0.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ")
    }
}

impl StepType {
    /// The kind that documents call `name`, with the settings of `T`.
    pub const fn of<T: Step + DeserializeOwned + 'static>(name: &'static str) -> Self {
        Self { name, parse: parse::<T> }
    }

    /// Reads the settings.
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
