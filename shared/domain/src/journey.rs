//! Journey documents, format 1: what an author writes. `journeys` knows what the steps mean.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{JourneyId, Slot, StepId};

/// A journey as written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JourneyDocument {
    /// 1.
    pub format: u32,
    /// As clients name it.
    pub id: JourneyId,
    /// What it may be started with, beside the authorization request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, ParamDocument>,
    /// Where it begins.
    pub start: StepId,
    /// The graph.
    pub steps: BTreeMap<StepId, StepDocument>,
}

/// A declared parameter. Required unless it has a default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParamDocument {
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: ParamType,
    /// Strings: how many characters at most, 4096 at the most. Numbers: the largest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// What it is when the start does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<serde_json::Value>,
}

/// What a parameter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParamType {
    /// Text, of at most `max` characters, 256 unless it says.
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
    /// What it does: a name in the registry of steps.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<serde_json::Value>,
    /// The slot it leaves an identity in.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub slot: Option<Slot>,
    /// Where each outcome leads.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub next: BTreeMap<String, StepId>,
}

impl ParamDocument {
    /// Whether a parameter may hold `value`.
    pub fn admits(&self, value: &serde_json::Value) -> bool {
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
    fn a_parameter_admits_what_it_declares() {
        let param = |kind, max| ParamDocument { kind, max, default: None };
        assert!(param(ParamType::String, Some(3)).admits(&json!("äöü")));
        assert!(!param(ParamType::String, Some(3)).admits(&json!("four")));
        assert!(!param(ParamType::String, None).admits(&json!("a".repeat(257))));
        assert!(!param(ParamType::String, None).admits(&json!(1)));
        assert!(param(ParamType::Integer, Some(9)).admits(&json!(9)));
        for bad in [json!(10), json!(-1), json!(1.5), json!("1"), json!(null)] {
            assert!(!param(ParamType::Integer, Some(9)).admits(&bad), "{bad}");
        }
        assert!(!param(ParamType::Boolean, None).admits(&json!("true")));
    }
}
