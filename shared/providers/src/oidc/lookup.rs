//! Who has logged in, by a provider's own API, where no ID token says it. Each request is data: where to ask, and which member
//! of the answer is which claim.

use std::collections::BTreeMap;

use domain::ConnectorClient;
use egress::{Request, Response};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::VerifiedClaims;
use super::connection::Connection;
use super::discovery::Metadata;
use super::profile::OidcProvider;
use crate::answers::{self, OauthError};
use crate::refusals::{self, At, Refusals, Row};
use crate::{Check, Cx, Outage, ProviderError, Stage};

const STAGE: Stage = Stage::Userinfo;

const NO_ADDRESS: ProviderError =
    STAGE.misconfigured("there is no ID token, and settings.userinfo_endpoint names no API to ask instead");

const NO_SUBJECT: ProviderError = STAGE.misconfigured(
    "the API's answer has nothing where settings.userinfo says that sub is: compare the pointer with the provider's documentation",
);

/// Of an API, whatever it says besides.
pub const OF_AN_API: Refusals = Refusals {
    to: "the access token, at the provider's API",
    at: &[At::Api],
    rows: &[
        Row::status(401, STAGE.refused(Check::AccessToken), "RFC 6750 section 3.1"),
        Row::status(
            403,
            STAGE.misconfigured(
                "the API does not give this to the client: see which of its scopes settings.scopes lacks",
            ),
            "RFC 6750 section 3.1",
        ),
        Row::status(
            404,
            STAGE.misconfigured(
                "there is nothing at an address in settings.userinfo, or the provider hides it: check the address, and \
                 which of its scopes settings.scopes lacks",
            ),
            "RFC 9110 section 15.5.5",
        ),
    ],
};

/// One request to an API, and what its answer says.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// Where. Absent: at `userinfo_endpoint`.
    pub url: Option<Url>,
    /// How.
    pub verb: Verb,
    /// The entry that counts, where the answer has a list of them.
    pub entry: Option<Entry>,
    /// What it says, by the names of OIDC Core 5.1.
    pub claims: BTreeMap<String, Said>,
}

/// How an API is asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// As nearly everywhere.
    #[default]
    Get,
    /// With `null` as its JSON, as an API of remote procedures takes no argument.
    Post,
}

/// An entry of a list: the first that has these members.
#[derive(Debug, Clone)]
pub struct Entry {
    /// A JSON Pointer (RFC 6901) to the list; the empty one is the answer itself.
    pub list: String,
    /// Member and value.
    pub having: Map<String, Value>,
}

/// Where an answer says a claim.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub enum Said {
    /// At this JSON Pointer (RFC 6901), as it stands there.
    At(String),
    /// Whether one of these values stands there.
    OneOf(String, Vec<Value>),
    /// Nowhere: the provider's documentation says it of every answer.
    Always(bool),
}

impl TryFrom<Value> for Said {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let pointer = |text: &str| match text.starts_with('/') {
            true => Ok(text.to_owned()),
            false => Err(format!("{text:?} is not a JSON Pointer, such as /id or /data/0/id")),
        };
        let members = match value {
            Value::String(text) => return pointer(&text).map(Self::At),
            Value::Bool(always) => return Ok(Self::Always(always)),
            Value::Object(members) => members,
            _ => Map::new(),
        };
        match (members.get("at").and_then(Value::as_str), members.get("is"), members.len()) {
            (Some(at), Some(Value::Array(values)), 2) => Ok(Self::OneOf(pointer(at)?, values.clone())),
            (Some(at), Some(value), 2) => Ok(Self::OneOf(pointer(at)?, vec![value.clone()])),
            _ => Err("is neither a JSON Pointer, nor { at: a pointer, is: a value or a list of values }, nor true"
                .to_owned()),
        }
    }
}

impl Said {
    fn in_answer(&self, answer: &Value) -> Option<Value> {
        let found = |pointer: &str| answer.pointer(pointer).filter(|value| !value.is_null());
        match self {
            Self::At(pointer) => found(pointer).cloned(),
            Self::OneOf(pointer, values) => found(pointer).map(|value| Value::Bool(values.contains(value))),
            Self::Always(said) => Some(Value::Bool(*said)),
        }
    }
}

/// Who the access token is about that `client` was just given: the API is believed because it is the provider's, over TLS. Later
/// requests complete the first one, as userinfo completes an ID token: they are about the same subject, or refused.
pub(super) async fn ask(
    Connection { cx, registration }: Connection<'_>,
    provider: &dyn OidcProvider,
    metadata: &Metadata,
    client: &ConnectorClient,
    access_token: &str,
) -> Result<VerifiedClaims, ProviderError> {
    let secret = if client.shows_secret() { cx.secret(client).await? } else { None };
    let mut known: Option<VerifiedClaims> = None;
    for lookup in registration.profile.identity.lookups() {
        let address = lookup.url.as_ref().or(metadata.userinfo_endpoint.as_ref()).ok_or(NO_ADDRESS)?;
        let address = provider.api_address(address.clone(), access_token, secret.as_ref());
        let response = lookup.send(cx, address, &metadata.headers, access_token).await?;
        // Some answer 200 with an error in it.
        if !response.status.is_success() || OauthError::of(&response).is_some() {
            return Err(refusals::classify(cx.now(), STAGE, &response, registration.profile.of_api));
        }
        let mut said = lookup.claims_in(&answers::value(STAGE, &response)?)?;
        if let Some(known) = known.as_ref().filter(|_| !lookup.claims.contains_key("sub")) {
            said.extend(known.get("sub").map(|subject| ("sub".to_owned(), subject.clone())));
        }
        let said = VerifiedClaims::new(STAGE, &metadata.issuer_key, said)?;
        known = Some(match known {
            Some(known) => known.completed_by(said)?,
            None => said,
        });
    }
    known.ok_or(NO_SUBJECT)
}

impl Lookup {
    async fn send(
        &self,
        cx: &Cx<'_>,
        address: Url,
        headers: &HeaderMap,
        access_token: &str,
    ) -> Result<Response, ProviderError> {
        let mut request = match self.verb {
            Verb::Get => Request::get(address),
            Verb::Post => Request::post_json(address, &Value::Null),
        };
        for (name, value) in headers {
            request = request.header(name.clone(), value.clone());
        }
        cx.read(STAGE, request.bearer(access_token).ok_or_else(|| Stage::Token.refused(Check::Format))?).await
    }

    /// What an answer says. A list without the entry says nothing.
    fn claims_in(&self, answer: &Value) -> Result<Map<String, Value>, ProviderError> {
        // Some answer 200 with `null` or `false` where they have failed.
        if !answer.is_object() && !answer.is_array() {
            return Err(STAGE.unavailable(Outage::Protocol));
        }
        let answer = match &self.entry {
            None => answer,
            Some(Entry { list, having }) => {
                let list = answer.pointer(list).and_then(Value::as_array).ok_or(NO_LIST)?;
                let fits = |entry: &&Value| having.iter().all(|(name, value)| entry.get(name) == Some(value));
                list.iter().find(fits).unwrap_or(&Value::Null)
            }
        };
        let said = |(name, said): (&String, &Said)| Some((name.clone(), said.in_answer(answer)?));
        let mut claims: Map<String, Value> = self.claims.iter().filter_map(said).collect();
        if self.claims.contains_key("sub") {
            // The settings that name an address say where its subject is, too, and may be wrong.
            let missing = if self.url.is_some() { NO_SUBJECT } else { STAGE.refused(Check::Subject) };
            let subject = claims.get("sub").ok_or(missing)?;
            let subject = subject_of(subject).ok_or_else(|| STAGE.refused(Check::Subject))?;
            claims.insert("sub".to_owned(), subject.into());
        }
        Ok(claims)
    }
}

const NO_LIST: ProviderError = STAGE.misconfigured(
    "the API's answer has no list where settings.userinfo says that one is: compare list with the provider's documentation",
);

/// A subject that is text, or a whole number, as its digits. A number with a fraction or beyond 64 bits has lost digits where it
/// was read, so that two users would be one.
fn subject_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lookup(claims: Value, entry: Option<Entry>) -> Lookup {
        let url = Url::parse("https://api.example/me").ok();
        Lookup { url, verb: Verb::Get, entry, claims: serde_json::from_value(claims).unwrap() }
    }

    #[test]
    fn a_subject_is_text_or_a_whole_number_as_its_digits() {
        let lookup = lookup(json!({ "sub": "/id" }), None);
        let refused = Err(STAGE.refused(Check::Subject));
        for (answer, expected) in [
            (r#"{"id":"583231"}"#, Ok("583231")),
            (r#"{"id":583231}"#, Ok("583231")),
            (r#"{"id":9007199254740993}"#, Ok("9007199254740993")),
            (r#"{"id":18446744073709551615}"#, Ok("18446744073709551615")),
            (r#"{"id":18446744073709551616}"#, refused),
            (r#"{"id":1.0}"#, refused),
            (r#"{"id":1e3}"#, refused),
            (r#"{"id":-1}"#, refused),
            (r#"{"id":true}"#, refused),
            (r#"{"id":["1"]}"#, refused),
            (r#"{"id":{}}"#, refused),
            (r#"{"id":null}"#, Err(NO_SUBJECT)),
            (r#"{"login":"ada"}"#, Err(NO_SUBJECT)),
            (r#"[{"id":"1"}]"#, Err(NO_SUBJECT)),
        ] {
            let claims = lookup.claims_in(&domain::json::value(answer.as_bytes()).unwrap());
            let subject = claims.map(|claims| claims["sub"].as_str().unwrap().to_owned());
            assert_eq!(subject, expected.map(str::to_owned), "{answer}");
        }
    }

    #[test]
    fn a_claim_is_what_the_document_says_it_is() {
        let says = |said: Value, answer: Value| {
            lookup(json!({ "email_verified": said }), None).claims_in(&answer).unwrap().remove("email_verified")
        };
        for (said, answer, expected) in [
            (json!("/verified"), json!({ "verified": true }), Some(json!(true))),
            (json!("/a~1b/0"), json!({ "a/b": [false] }), Some(json!(false))),
            (json!("/verified"), json!({ "verified": null }), None),
            (json!("/verified"), json!(["verified"]), None),
            // As it stands there: only the boolean counts (attack 3).
            (json!("/verified"), json!({ "verified": "true" }), Some(json!("true"))),
            (json!({ "at": "/state", "is": "confirmed" }), json!({ "state": "confirmed" }), Some(json!(true))),
            (json!({ "at": "/state", "is": "confirmed" }), json!({ "state": "Confirmed" }), Some(json!(false))),
            (json!({ "at": "/v", "is": [true, "true"] }), json!({ "v": "true" }), Some(json!(true))),
            (json!({ "at": "/v", "is": [true, "true"] }), json!({ "v": 1 }), Some(json!(false))),
            (json!({ "at": "/v", "is": [true, "true"] }), json!({}), None),
            (json!(true), json!({}), Some(json!(true))),
        ] {
            assert_eq!(says(said.clone(), answer.clone()), expected, "{said} {answer}");
        }
        for wrong in
            [json!("verified"), json!(""), json!(1), json!({}), json!({ "at": "/a" }), json!({ "at": "a", "is": 1 })]
        {
            assert!(serde_json::from_value::<Said>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_first_entry_with_these_members_counts() {
        let entry = |list: &str, having: Value| {
            Some(Entry { list: list.to_owned(), having: having.as_object().unwrap().clone() })
        };
        let primary = lookup(json!({ "email": "/email" }), entry("", json!({ "primary": true })));
        let emails = json!([{ "email": "a" }, { "email": "b", "primary": true }, { "email": "c", "primary": true }]);
        assert_eq!(primary.claims_in(&emails), Ok(Map::from_iter([("email".to_owned(), json!("b"))])));
        for none in [json!([]), json!([1, "x", null]), json!([{ "email": "a", "primary": "true" }])] {
            assert_eq!(primary.claims_in(&none), Ok(Map::new()), "{none}");
        }
        for no_list in [json!({}), json!({ "values": [] })] {
            assert_eq!(primary.claims_in(&no_list), Err(NO_LIST), "{no_list}");
        }
        for nothing in [json!("x"), json!(null), json!(false), json!(1)] {
            assert_eq!(primary.claims_in(&nothing), Err(STAGE.unavailable(Outage::Protocol)), "{nothing}");
        }
        let within = lookup(json!({ "email": "/email" }), entry("/values", json!({})));
        assert_eq!(within.claims_in(&json!({ "values": emails })).unwrap()["email"], "a");
    }
}
