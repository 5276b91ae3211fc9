//! Forms, cookies, credentials and answers as they go over the wire.

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::form_urlencoded;

/// An answer that can still be tampered with before it leaves.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    headers: Vec<(HeaderName, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn text(status: StatusCode, media_type: &str, body: impl Into<String>) -> Self {
        Self { body: body.into().into_bytes(), ..Self::empty(status) }.header(CONTENT_TYPE, media_type)
    }

    pub(crate) fn json(status: StatusCode, body: &Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    pub(crate) fn html(status: StatusCode, text: &str) -> Self {
        Self::text(status, "text/html;charset=utf-8", format!("<html><body>{text}</body></html>"))
    }

    /// The same as a form (`application/x-www-form-urlencoded`), where it is a JSON object.
    pub(crate) fn into_form(self) -> Self {
        let Ok(Value::Object(members)) = serde_json::from_slice(&self.body) else { return self };
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let fields = members.iter().map(|(name, value)| (name, text(value)));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self::text(self.status, "application/x-www-form-urlencoded; charset=utf-8", body)
    }

    pub(crate) fn is_success(&self) -> bool {
        self.status.is_success()
    }

    /// With these values of `Set-Cookie`, in that order.
    pub(crate) fn cookies(self, values: impl IntoIterator<Item = String>) -> Self {
        values.into_iter().fold(self, |reply, value| reply.header(SET_COOKIE, value))
    }

    /// Sets a header to one value, or takes it away.
    pub(crate) fn replace_header(&mut self, name: HeaderName, value: Option<String>) {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.extend(value.map(|value| (name, value)));
    }

    pub(crate) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// A form, with its values as the bytes that were sent: a test may ask whether a password arrived unchanged.
#[derive(Clone, Default)]
pub(crate) struct Form(Vec<(String, Vec<u8>)>);

impl Form {
    /// The form of a request; empty if its body is none, as servers see a JSON body where they expect a form.
    pub(crate) fn read(headers: &HeaderMap, body: &[u8]) -> Self {
        let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Self::default();
        }
        Self::parse(body)
    }

    /// The parameters of a query string, or of a form's body.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let fields = text.split(|byte| *byte == b'&').filter(|field| !field.is_empty()).map(|field| {
            let split = field.iter().position(|byte| *byte == b'=').unwrap_or(field.len());
            let decoded = |part: &[u8]| decode(part).unwrap_or_else(|| part.to_vec());
            let value = field.get(split + 1..).unwrap_or_default();
            (String::from_utf8_lossy(&decoded(&field[..split])).into_owned(), decoded(value))
        });
        Self(fields.collect())
    }

    /// The first value of that name.
    pub(crate) fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_slice())
    }

    /// The first value of that name, as text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.bytes(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// Whether any name was sent twice.
    pub(crate) fn has_duplicates(&self) -> bool {
        self.0.iter().any(|(name, _)| self.repeats(name))
    }

    /// Whether this name was sent twice.
    pub(crate) fn repeats(&self, name: &str) -> bool {
        self.0.iter().filter(|(field, _)| field == name).count() > 1
    }
}

impl FromIterator<(String, Vec<u8>)> for Form {
    fn from_iter<T: IntoIterator<Item = (String, Vec<u8>)>>(fields: T) -> Self {
        Self(fields.into_iter().collect())
    }
}

/// What HTTP Basic says of a client (RFC 6749 section 2.3.1); each half is `None` if it was not form-urlencoded as that
/// section wants it.
#[derive(Default)]
pub(crate) struct Basic {
    pub(crate) id: Option<Vec<u8>>,
    pub(crate) secret: Option<Vec<u8>>,
}

/// The Basic credentials of a request.
pub(crate) fn basic(headers: &HeaderMap) -> Option<Basic> {
    let decoded = STANDARD.decode(authorization(headers, "basic")?).ok()?;
    let split = decoded.iter().position(|byte| *byte == b':')?;
    Some(Basic { id: decode(&decoded[..split]), secret: decode(&decoded[split + 1..]) })
}

/// The bearer token of a request (RFC 6750 section 2.1).
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    authorization(headers, "bearer")
}

/// The value of a cookie, without the quotes it may have come in.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(sent, _)| *sent == name).map(|(_, value)| value.trim_matches('"'))
}

fn authorization<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let (sent, credentials) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    sent.eq_ignore_ascii_case(scheme).then_some(credentials.trim())
}

/// Undoes form-urlencoding; `None` where a `%` is not followed by two hexadecimal digits.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex_digit(rest.next()?)? << 4 | hex_digit(rest.next()?)?,
            other => *other,
        });
    }
    Some(decoded)
}

/// A path segment, percent-encoded but for the characters that never need it (RFC 3986 section 2.3).
pub(crate) fn encode_segment(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// A form's value, encoded as Java does it: a blank is a `+`, and of the punctuation only `-._*` stay.
pub(crate) fn encode_value(text: &str) -> String {
    encode_segment(text).replace("%20", "+").replace("%2A", "*").replace('~', "%7E")
}

/// Name and value pairs as a query string or the body of a form.
pub(crate) fn encode_fields(fields: &[(&str, String)]) -> String {
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode_value(value))).collect();
    pairs.join("&")
}

/// Escapes text for use between tags and in a quoted attribute.
pub(crate) fn escape_html(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\'' => "&apos;".to_owned(),
            other => other.to_string(),
        })
        .collect()
}

/// Undoes [`encode_segment`]; a `+` in a path is a `+`.
pub(crate) fn decode_segment(text: &str) -> Option<String> {
    String::from_utf8(decode(text.replace('+', "%2B").as_bytes())?).ok()
}

fn hex_digit(byte: &u8) -> Option<u8> {
    char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &str) -> Form {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded;charset=UTF-8"));
        Form::read(&headers, body.as_bytes())
    }

    #[test]
    fn a_form_keeps_the_bytes_that_were_sent() {
        let form = form("a=+x%20%2B%00%ff&b&=c&d=50%");
        assert_eq!(form.bytes("a"), Some(b" x +\0\xff".as_slice()));
        assert_eq!(form.bytes("b"), Some(b"".as_slice()));
        assert_eq!(form.bytes("d"), Some(b"50%".as_slice()));
        assert_eq!(form.bytes("e"), None);
    }

    #[test]
    fn names_that_differ_only_in_case_are_no_duplicates() {
        assert!(form("a=1&b=2&a=1").has_duplicates());
        assert!(!form("a=1&A=2").has_duplicates());
    }

    #[test]
    fn a_value_is_encoded_as_the_real_server_encodes_its_callbacks() {
        assert_eq!(encode_value("a b+ü&=\"~*-._"), "a+b%2B%C3%BC%26%3D%22%7E*-._");
        assert_eq!(encode_fields(&[("a", "1".into()), ("b", "x y".into())]), "a=1&b=x+y");
    }

    #[test]
    fn a_cookie_is_found_among_others_and_loses_its_quotes() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; KC=\"x/y=\""));
        headers.append(COOKIE, HeaderValue::from_static("b=2"));
        assert_eq!((cookie(&headers, "KC"), cookie(&headers, "b")), (Some("x/y="), Some("2")));
        assert_eq!((cookie(&headers, "K"), cookie(&headers, "c")), (None, None));
    }

    #[test]
    fn a_realm_survives_the_path() {
        for realm in ["demo", "a realm+one", "ümläut/x"] {
            assert_eq!(decode_segment(&encode_segment(realm)).as_deref(), Some(realm));
        }
        assert_eq!(encode_segment("my realm"), "my%20realm");
    }
}
