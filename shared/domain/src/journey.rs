//! Journey documents, format 1, as authors write them. The crate `journeys` interprets the steps.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{JourneyId, Slot, StepId};

/// A journey document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JourneyDocument {
    /// The format: 1.
    pub format: u32,
    /// The id, by which clients start it.
    pub id: JourneyId,
    /// The parameters, besides the authorization request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, ParamDocument>,
    /// The first step.
    pub start: StepId,
    /// All steps.
    pub steps: BTreeMap<StepId, StepDocument>,
}

/// A declared parameter. It is required unless it has a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParamDocument {
    /// The type of its value.
    #[serde(rename = "type")]
    pub kind: ParamType,
    /// For strings: the maximum length in characters, up to 4096. For integers: the largest value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// The value if the start request has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<serde_json::Value>,
}

/// The type of a parameter's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParamType {
    /// Text of at most `max` characters; default 256.
    String,
    /// A whole number, from 0 to `max`.
    Integer,
    /// `true` or `false`.
    Boolean,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepDocument {
    /// The step type: its name in the registry of steps.
    #[serde(rename = "type")]
    pub kind: String,
    /// The settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<serde_json::Value>,
    /// The slot in which it stores an identity.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    /// The next step for each outcome.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub next: BTreeMap<String, StepId>,
}

impl ParamDocument {
    /// Whether `value` is valid for this parameter.
    pub fn accepts(&self, value: &serde_json::Value) -> bool {
        match self.kind {
            ParamType::String => {
                let max = usize::try_from(self.max.unwrap_or(256)).unwrap_or(usize::MAX);
                value.as_str().is_some_and(|text| text.chars().count() <= max)
            }
            ParamType::Integer => {
                value.as_u64().is_some_and(|number| number <= u64::from(self.max.unwrap_or(u32::MAX)))
            }
            ParamType::Boolean => value.is_boolean(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_parameter_accepts_only_its_declared_values() {
        let param = |kind, max| ParamDocument { kind, max, default: None };
        assert!(param(ParamType::String, Some(3)).accepts(&json!("äöü")));
        assert!(!param(ParamType::String, Some(3)).accepts(&json!("four")));
        assert!(!param(ParamType::String, None).accepts(&json!("a".repeat(257))));
        assert!(!param(ParamType::String, None).accepts(&json!(1)));
        assert!(param(ParamType::Integer, Some(9)).accepts(&json!(9)));
        for bad in [json!(10), json!(-1), json!(1.5), json!("1"), json!(null)] {
            assert!(!param(ParamType::Integer, Some(9)).accepts(&bad), "{bad}");
        }
        assert!(!param(ParamType::Boolean, None).accepts(&json!("true")));
    }
}
