//! What connectors and journeys may add to an authorization request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::authorize;

/// In bytes, of each: it is kept with the session until the browser is back.
const MAX: usize = 1024;

/// The claims asked for: the parameter `claims` (OIDC Core 5.5).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct ClaimsRequest(String);

impl ClaimsRequest {
    /// As the parameter has it: JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Map<String, Value>> for ClaimsRequest {
    type Error = String;

    fn try_from(request: Map<String, Value>) -> Result<Self, String> {
        if let Some((name, _)) = request.iter().find(|(_, claims)| !claims.is_object()) {
            return Err(format!("{name} is not an object of claims, such as {{ \"acr\": {{ \"essential\": true }} }}"));
        }
        if !request.keys().any(|name| name == "id_token" || name == "userinfo") {
            return Err("has neither id_token nor userinfo, which say where the claims are wanted".to_owned());
        }
        let text = Value::Object(request).to_string();
        if text.len() > MAX { Err(format!("has more than {MAX} bytes")) } else { Ok(Self(text)) }
    }
}

/// Parameters that a provider has of its own: none of the protocol's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct AuthorizeParams(BTreeMap<String, String>);

impl AuthorizeParams {
    /// Of a provider's own settings: those that are there.
    pub(crate) fn of<'a>(parameters: impl IntoIterator<Item = (&'a str, Option<String>)>) -> Self {
        let there = |(name, value): (&str, Option<String>)| Some((name.to_owned(), value?));
        Self(parameters.into_iter().filter_map(there).collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Name and value of each of these sets: where two have one name, the earlier set counts.
    pub(super) fn together<'a>(sets: &[&'a Self]) -> BTreeMap<&'a str, &'a str> {
        let named = sets.iter().rev().flat_map(|set| &set.0);
        named.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }
}

impl TryFrom<BTreeMap<String, String>> for AuthorizeParams {
    type Error = String;

    fn try_from(parameters: BTreeMap<String, String>) -> Result<Self, String> {
        if let Some(name) = parameters.keys().find(|name| name.is_empty() || authorize::is_reserved(name)) {
            return Err(format!("{name:?} is the protocol's own: it cannot be set here"));
        }
        let size: usize = parameters.iter().map(|(name, value)| name.len() + value.len()).sum();
        if size > MAX { Err(format!("has more than {MAX} bytes")) } else { Ok(Self(parameters)) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claims_request_says_where_claims_are_wanted() {
        let read = |value: Value| serde_json::from_value::<ClaimsRequest>(value).map_err(|error| error.to_string());
        let good = json!({ "id_token": { "acr": { "essential": true }, "email": null } });
        assert_eq!(read(good.clone()).unwrap().as_str(), good.to_string());
        for (wrong, says) in [
            (json!({}), "neither id_token nor userinfo"),
            (json!({ "acr": {} }), "neither id_token nor userinfo"),
            (json!({ "id_token": ["acr"] }), "id_token is not an object of claims"),
            (json!({ "userinfo": { "a".repeat(MAX): null } }), "more than 1024 bytes"),
        ] {
            assert!(read(wrong.clone()).unwrap_err().contains(says), "{wrong}");
        }
    }

    #[test]
    fn own_parameters_come_before_others_of_the_same_name() {
        let read = |value: Value| serde_json::from_value::<AuthorizeParams>(value).unwrap();
        let (own, other) = (read(json!({ "a": "1", "b": "2" })), read(json!({ "b": "3", "c": "4" })));
        let both: Vec<_> = AuthorizeParams::together(&[&own, &other]).into_iter().collect();
        assert_eq!(both, [("a", "1"), ("b", "2"), ("c", "4")]);
        let large = json!({ "a": "x".repeat(MAX) });
        assert!(serde_json::from_value::<AuthorizeParams>(large).is_err());
    }
}
