//! What any provider's HTTP answer says before its protocol is asked: for every adapter, a company's own included.
//!
//! The status alone classifies no error: 429 first, then the code in the body, then what the provider documents. Of a
//! success its HTTP dress decides nothing: it is read as what it has to be, whatever it calls itself.

use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::json::{self, JsonError};
use egress::Response;
use http::header::RETRY_AFTER;
use http::{HeaderName, StatusCode};
use serde_json::{Map, Value};

use crate::{Check, Outage, ProviderError, Stage};

/// The object of a successful answer, whatever its Content-Type, with a byte order mark before it or without.
///
/// Something else than JSON is a fault (a maintenance page, half a body); JSON that can be read two ways is refused.
pub fn object(stage: Stage, response: &Response) -> Result<Map<String, Value>, ProviderError> {
    json::object(body(response)).map_err(|error| unread(stage, error))
}

/// Likewise, of any kind: some providers answer with a list.
pub(crate) fn value(stage: Stage, response: &Response) -> Result<Value, ProviderError> {
    json::value(body(response)).map_err(|error| unread(stage, error))
}

fn unread(stage: Stage, error: JsonError) -> ProviderError {
    match error {
        JsonError::Malformed => stage.unavailable(Outage::Protocol),
        JsonError::Ambiguous => stage.refused(Check::Json),
    }
}

/// The body without the byte order mark that some servers write (RFC 8259 section 8.1 lets parsers ignore it).
pub(crate) fn body(response: &Response) -> &[u8] {
    response.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&response.body)
}

/// [`ProviderError::Throttled`] if the provider wants fewer calls (429), with the wait it asks for.
pub fn throttled(now: DateTime<Utc>, response: &Response) -> Option<ProviderError> {
    let too_many = response.status == StatusCode::TOO_MANY_REQUESTS;
    too_many.then(|| ProviderError::Throttled {
        retry_after: response.header(&RETRY_AFTER).and_then(|text| wait(now, text)).or_else(|| reset(now, response)),
    })
}

/// Okta says since the epoch when it may be called again: <https://developer.okta.com/docs/reference/rl2-monitor/>.
fn reset(now: DateTime<Utc>, response: &Response) -> Option<Duration> {
    let reset = response.header(&HeaderName::from_static("x-rate-limit-reset"))?.trim().parse().ok()?;
    let wait = (DateTime::from_timestamp(reset, 0)? - now).to_std().unwrap_or_default();
    Some(wait.min(ProviderError::MAX_RETRY_AFTER))
}

/// Retry-After (RFC 9110 section 10.2.3): seconds or a date. Capped; nonsense is nothing.
fn wait(now: DateTime<Utc>, text: &str) -> Option<Duration> {
    let text = text.trim();
    let asked = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // Too many digits for a number is too long a wait.
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        (DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now).to_std().unwrap_or_default()
    };
    Some(asked.min(ProviderError::MAX_RETRY_AFTER))
}

/// What a failed GET of a document means that the provider publishes for everybody.
pub(crate) fn unpublished(now: DateTime<Utc>, stage: Stage, response: &Response, hint: &'static str) -> ProviderError {
    if let Some(throttled) = throttled(now, response) {
        return throttled;
    }
    if response.status.is_server_error() { stage.unavailable(Outage::ServerError) } else { stage.misconfigured(hint) }
}

/// An OAuth error answer (RFC 6749 section 5.2), as far as it is one. The provider's own words: not for logs.
#[derive(Default)]
pub(crate) struct OauthError {
    pub(crate) code: String,
    pub(crate) description: String,
    /// Microsoft's numbers for it, of which there may be several, and Meta's: `code` and `error_subcode`.
    pub(crate) numbers: Vec<u64>,
}

impl OauthError {
    /// The error in a body; `None` for a body that is no such JSON.
    pub(crate) fn of(response: &Response) -> Option<Self> {
        let object = json::object(body(response)).ok()?;
        if let Some(Value::Object(error)) = object.get("error") {
            return Some(Self::of_graph(error));
        }
        if let Some(kind) = object.get("__type").and_then(Value::as_str) {
            return Some(Self::of_aws(kind, &object));
        }
        let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        if !object.contains_key("error") && ["id", "code", "message"].iter().all(|name| !text(name).is_empty()) {
            return Some(Self::of_pingone(&object));
        }
        let numbers = object.get("error_codes").and_then(Value::as_array);
        let numbers = numbers.into_iter().flatten().filter_map(Value::as_u64).collect();
        let error = Self { code: text("error"), description: text("error_description"), numbers };
        // Okta's API: <https://developer.okta.com/docs/reference/core-okta-api/#errors>.
        let of_okta = Self { code: text("errorCode"), description: text("errorSummary"), numbers: Vec::new() };
        [error, of_okta].into_iter().find(|error| !error.code.is_empty()).or_else(|| Self::of_messages(&object))
    }

    /// The first message of an answer of Okta's interaction code flow, beside the forms or in a field of one:
    /// <https://github.com/okta/okta-idx-java/tree/master/api/src/test/resources>.
    fn of_messages(object: &Map<String, Value>) -> Option<Self> {
        let messages = object.get("messages").and_then(|messages| messages.get("value")).and_then(Value::as_array);
        let code = |message: &Value| message.get("i18n")?.get("key")?.as_str().map(str::to_owned);
        let found = messages.into_iter().flatten().find_map(|message| Some((code(message)?, message)));
        if let Some((code, message)) = found {
            let description = message.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
            return Some(Self { code, description, numbers: Vec::new() });
        }
        object.get("remediation").and_then(Self::in_a_field)
    }

    fn in_a_field(value: &Value) -> Option<Self> {
        match value {
            Value::Array(list) => list.iter().find_map(Self::in_a_field),
            Value::Object(object) => {
                let here = object.contains_key("messages").then(|| Self::of_messages(object)).flatten();
                here.or_else(|| object.values().find_map(Self::in_a_field))
            }
            _ => None,
        }
    }

    /// An error as AWS's APIs write it, whose type may have a namespace before it and an address after it:
    /// <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization>.
    fn of_aws(kind: &str, object: &Map<String, Value>) -> Self {
        let kind = kind.split(':').next().unwrap_or_default();
        let code = kind.rsplit('#').next().unwrap_or_default().to_owned();
        let message = object.get("message").or_else(|| object.get("Message")).and_then(Value::as_str);
        Self { code, description: message.unwrap_or_default().to_owned(), numbers: Vec::new() }
    }

    /// An error as Meta's Graph API writes it: <https://developers.facebook.com/docs/graph-api/guides/error-handling>.
    fn of_graph(error: &Map<String, Value>) -> Self {
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let numbers = ["code", "error_subcode"].iter().filter_map(|name| error.get(*name)?.as_u64()).collect();
        // PingOne's flows have a word in `code`, and no `type`.
        let code = if error.contains_key("type") { text("type") } else { text("code") };
        Self { code, description: text("message"), numbers }
    }

    /// An error object of PingOne's (<https://developer.pingidentity.com/pingone-api/platform/reference/error-codes.html>): its first
    /// detail says more than itself. What the detail is about (`target`) stands for the description.
    fn of_pingone(error: &Map<String, Value>) -> Self {
        let detail = error.get("details").and_then(|details| details.get(0)?.as_object());
        let text = |of: &Map<String, Value>, name: &str| Some(of.get(name)?.as_str()?.to_owned());
        let code = detail.and_then(|detail| text(detail, "code")).or_else(|| text(error, "code"));
        let description = detail.and_then(|detail| text(detail, "target")).or_else(|| text(error, "message"));
        Self { code: code.unwrap_or_default(), description: description.unwrap_or_default(), numbers: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn response(status: u16, content_type: &str, body: &[u8]) -> Response {
        let headers = HeaderMap::from_iter([(http::header::CONTENT_TYPE, content_type.parse().unwrap())]);
        Response { status: StatusCode::from_u16(status).unwrap(), headers, body: body.to_vec() }
    }

    #[test]
    fn invalid_json_is_an_outage_and_duplicate_members_are_refused() {
        let read = |content_type: &str, body: &[u8]| object(Stage::Token, &response(200, content_type, body));
        let protocol = Err(Stage::Token.unavailable(Outage::Protocol));
        for dress in ["application/json;charset=UTF-8", "application/jwk-set+json", "text/html", "image/png", ""] {
            assert!(read(dress, b"{}").is_ok() && read(dress, b"\xef\xbb\xbf{}").is_ok(), "{dress}");
        }
        assert_eq!(read("text/html", b"<html>"), protocol);
        assert_eq!(read("application/json", b"{}\xef\xbb\xbf"), protocol);
        assert_eq!(read("application/json", b"{\"a\":"), protocol);
        assert_eq!(read("application/json", b"{\"a\":1,\"a\":2}"), Err(Stage::Token.refused(Check::Json)));
    }

    #[test]
    fn a_wait_is_capped_and_nonsense_is_none() {
        let now = DateTime::parse_from_rfc2822("Fri, 31 Dec 1999 23:59:00 GMT").unwrap().to_utc();
        let wait = |text| wait(now, text).map(|wait| wait.as_secs());
        assert_eq!(wait("7"), Some(7));
        assert_eq!(wait("Fri, 31 Dec 1999 23:59:59 GMT"), Some(59));
        assert_eq!(wait("Thu, 30 Dec 1999 23:59:59 GMT"), Some(0));
        for absurd in ["86400000", "99999999999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(wait(absurd), Some(900), "{absurd}");
        }
        for nonsense in ["", "soon", "-1", "1.5"] {
            assert_eq!(wait(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn an_error_of_aws_is_read_in_all_its_spellings() {
        for (kind, message) in [
            ("NotAuthorizedException", "message"),
            ("com.amazonaws.cognito#NotAuthorizedException", "Message"),
            ("NotAuthorizedException:http://internal.amazon.com/coral/com.amazonaws.cognito/", "message"),
        ] {
            let body = serde_json::json!({ "__type": kind, message: "No." }).to_string();
            let error = OauthError::of(&response(400, "application/x-amz-json-1.1", body.as_bytes())).unwrap();
            assert_eq!((error.code.as_str(), error.description.as_str()), ("NotAuthorizedException", "No."), "{kind}");
        }
    }

    #[test]
    fn okta_says_when_its_limit_is_reset() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let wait = |reset: &str, retry: Option<&str>| {
            let mut answer = response(429, "application/json", b"{}");
            answer.headers.insert("x-rate-limit-reset", reset.parse().unwrap());
            retry.and_then(|retry| answer.headers.insert(RETRY_AFTER, retry.parse().unwrap()));
            match throttled(now, &answer) {
                Some(ProviderError::Throttled { retry_after }) => retry_after.map(|wait| wait.as_secs()),
                other => panic!("{other:?}"),
            }
        };
        for (reset, retry, seconds) in [
            ("1790000007", None, Some(7)),
            ("1790000007", Some("3"), Some(3)),
            ("1789999999", None, Some(0)),
            ("99999999999", None, Some(900)),
            ("9999999999999999999", None, None),
            ("soon", None, None),
        ] {
            assert_eq!(wait(reset, retry), seconds, "{reset} {retry:?}");
        }
    }

    #[test]
    fn an_error_is_read_in_each_form_that_okta_has() {
        let code =
            |body: &str| OauthError::of(&response(400, "application/json", body.as_bytes())).map(|error| error.code);
        for (body, expected) in [
            (r#"{"errorCode":"E0000047","errorSummary":"No."}"#, Some("E0000047")),
            (r#"{"messages":{"value":[{"message":"No."},{"i18n":{"key":"a.b"},"class":"ERROR"}]}}"#, Some("a.b")),
            (
                r#"{"remediation":{"value":[{"value":[{"form":{"value":[{"messages":{"value":[{"i18n":{"key":"c"}}]}}]}}]}]}}"#,
                Some("c"),
            ),
            (r#"{"messages":{"value":[{"message":"Authentication failed"}]}}"#, None),
            (r#"{"messages":"none","remediation":[1]}"#, None),
        ] {
            assert_eq!(code(body).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn throttling_is_said_by_the_status() {
        let now = DateTime::UNIX_EPOCH;
        assert!(throttled(now, &response(429, "text/html", b"")).is_some());
        assert!(throttled(now, &response(503, "text/html", b"")).is_none());
    }
}
