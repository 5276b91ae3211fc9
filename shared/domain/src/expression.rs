//! `${...}` in a journey: where a setting takes a value from what happened before.

use std::fmt;

use serde::Deserialize;

use crate::StepId;
use crate::ids::is_field_name;

/// A value a step left, or a parameter the journey was started with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    /// `${ask.email}`
    Value {
        /// Who left it.
        step: StepId,
        /// Under which name.
        name: String,
    },
    /// `${params.plan}`
    Param(String),
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Value { step, name } => write!(f, "${{{step}.{name}}}"),
            Reference::Param(name) => write!(f, "${{params.{name}}}"),
        }
    }
}

/// The text is no literal and no reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a reference: write ${{step.name}} or ${{params.name}} and nothing beside it")]
pub struct InvalidReference(String);

impl TryFrom<String> for Reference {
    type Error = InvalidReference;

    fn try_from(text: String) -> Result<Self, InvalidReference> {
        let parse = |text: &str| {
            let (root, name) = text.strip_prefix("${")?.strip_suffix('}')?.trim().split_once('.')?;
            if !is_field_name(name) {
                return None;
            }
            Some(match root {
                "params" => Reference::Param(name.to_owned()),
                step => Reference::Value { step: step.parse().ok()?, name: name.to_owned() },
            })
        };
        parse(&text).ok_or(InvalidReference(text))
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A setting that is a literal or comes from a [`Reference`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "serde_json::Value")]
pub enum Expression {
    /// The value itself.
    Literal(serde_json::Value),
    /// Where to find it.
    Reference(Reference),
}

impl TryFrom<serde_json::Value> for Expression {
    type Error = InvalidReference;

    fn try_from(value: serde_json::Value) -> Result<Self, InvalidReference> {
        match value {
            serde_json::Value::String(text) if text.contains("${") => text.try_into().map(Expression::Reference),
            literal => Ok(Expression::Literal(literal)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(value: serde_json::Value) -> Result<Expression, InvalidReference> {
        Expression::try_from(value)
    }

    #[test]
    fn a_string_is_itself_unless_it_refers() {
        assert_eq!(parse(json!("plain $ {x}")), Ok(Expression::Literal(json!("plain $ {x}"))));
        assert_eq!(parse(json!("${params.plan}")), Ok(Expression::Reference(Reference::Param("plan".into()))));
        let email = Reference::Value { step: "ask".parse().unwrap(), name: "email".into() };
        assert_eq!(parse(json!("${ask.email}")), Ok(Expression::Reference(email)));
    }

    #[test]
    fn what_only_looks_like_a_reference_is_refused() {
        for bad in [
            "a ${ask.email}",
            "${ask}",
            "${ask.email",
            "${env.HOME!}",
            "${ask.email.x}",
            "${1.x}",
            "${}",
            "${params.A}",
        ] {
            assert!(parse(json!(bad)).is_err(), "{bad}");
        }
    }
}
