//! A state of the interaction code flow: the forms that Okta offers, and what they are about.

use serde_json::{Map, Value, json};

use crate::{Check, ProviderError, Stage};

/// The methods of authenticators that are codes of an app: of Okta Verify, and of all others.
const CODES: [&str; 2] = ["totp", "otp"];

pub(super) struct State(Map<String, Value>);

/// One of its forms.
pub(super) struct Form<'a>(&'a Value);

impl State {
    pub(super) fn new(document: Map<String, Value>) -> Self {
        Self(document)
    }

    /// Okta's name for the login; each answer has a new one.
    pub(super) fn handle(&self) -> Result<&str, ProviderError> {
        self.0.get("stateHandle").and_then(Value::as_str).ok_or(Stage::Token.refused(Check::Format))
    }

    pub(super) fn form(&self, name: &str) -> Option<Form<'_>> {
        list(self.0.get("remediation")?).iter().find(|form| form["name"] == name).map(Form)
    }

    /// Whether an authenticator has to be set up, or may be.
    pub(super) fn wants_enrolment(&self) -> bool {
        let forms = self.0.get("remediation").map(list).unwrap_or_default();
        let mut names = forms.iter().filter_map(|form| form["name"].as_str());
        names.any(|name| name == "select-authenticator-enroll" || name.starts_with("enroll-"))
    }

    /// The authenticator that is asked for.
    pub(super) fn current(&self) -> Option<&Value> {
        let names = ["currentAuthenticator", "currentAuthenticatorEnrollment"];
        names.iter().find_map(|name| self.0.get(*name)?.get("value"))
    }

    /// Whether the code of an app is asked for already.
    pub(super) fn asks_for_code(&self, authenticator: Option<&str>) -> bool {
        let Some(current) = self.current().filter(|_| self.form("challenge-authenticator").is_some()) else {
            return false;
        };
        match authenticator {
            Some(id) => current["id"] == id || current["authenticatorId"] == id,
            None => list(&current["methods"]).iter().any(|method| CODES.iter().any(|code| method["type"] == *code)),
        }
    }

    /// What chooses the authenticator app of this id, or the first that the user has.
    pub(super) fn authenticator(&self, form: &Form<'_>, id: Option<&str>) -> Option<Value> {
        let field = list(&form.0["value"]).iter().find(|field| field["name"] == "authenticator")?;
        let options = list(&field["options"]).iter();
        options.filter_map(|option| Some((option, list(option["value"].get("form")?)))).find_map(|(option, fields)| {
            let field = |name: &str| fields.iter().find(|field| field["name"] == name);
            let own = field("id")?["value"].as_str()?;
            let methods = field("methodType").map(methods).unwrap_or_default();
            let method = CODES.into_iter().find(|code| methods.contains(code));
            let is_chosen = match id {
                Some(id) => id == own,
                None => method.is_some() || (methods.is_empty() && self.is_google(option)),
            };
            let chosen = match method {
                Some(method) => json!({ "id": own, "methodType": method }),
                None => json!({ "id": own }),
            };
            is_chosen.then_some(chosen)
        })
    }

    /// Google Authenticator is offered without a method: what the option relates to says so.
    fn is_google(&self, option: &Value) -> bool {
        let found = || {
            let (name, place) = option["relatesTo"].as_str()?.strip_prefix("$.")?.split_once(".value[")?;
            let place: usize = place.strip_suffix(']')?.parse().ok()?;
            self.0.get(name)?.get("value")?.get(place)?.get("key")?.as_str()
        };
        found() == Some("google_otp")
    }

    /// The code that the flow ends with.
    pub(super) fn interaction_code(&self) -> Option<&str> {
        let fields = list(self.0.get("successWithInteractionCode")?);
        fields.iter().find(|field| field["name"] == "interaction_code")?["value"].as_str()
    }
}

impl<'a> Form<'a> {
    pub(super) fn href(&self) -> &'a str {
        self.0["href"].as_str().unwrap_or_default()
    }

    pub(super) fn has_field(&self, name: &str) -> bool {
        list(&self.0["value"]).iter().any(|field| field["name"] == name)
    }

    /// What the field for a code is called: `passcode`, or `totp` for Okta Verify.
    pub(super) fn code_field(&self) -> Option<&'a str> {
        let credentials = list(&self.0["value"]).iter().find(|field| field["name"] == "credentials")?;
        let names = list(&credentials["form"]).iter().filter_map(|field| field["name"].as_str());
        names.into_iter().find(|name| ["passcode", "totp"].contains(name))
    }
}

/// The members of a list, which Okta wraps into an object or not.
fn list(value: &Value) -> &[Value] {
    value.as_array().or_else(|| value.get("value")?.as_array()).map(Vec::as_slice).unwrap_or_default()
}

/// The methods that a field has, or lets choose from.
fn methods(field: &Value) -> Vec<&str> {
    let options = list(&field["options"]).iter().filter_map(|option| option["value"].as_str());
    field["value"].as_str().into_iter().chain(options).collect()
}
