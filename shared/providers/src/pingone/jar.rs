//! The cookies of one login (RFC 6265 section 5), which all go to one server.

use std::collections::BTreeMap;

use egress::{Request, Response};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::{Check, ProviderError, Stage};

/// In bytes, of all cookies: PingOne takes 6 KB of headers (<https://docs.pingidentity.com/pingone/settings/p1_rate_limits.html>).
const MAX: usize = 4096;

/// Cookies by name.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Jar(BTreeMap<String, String>);

impl Jar {
    /// With what an answer sets. A cookie without a value is taken away.
    pub(super) fn take(&mut self, response: &Response) -> Result<(), ProviderError> {
        for cookie in response.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let pair = cookie.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.split_once('=') else { continue };
            let (name, value) = (name.trim(), value.trim());
            match value {
                "" => self.0.remove(name),
                _ => self.0.insert(name.to_owned(), value.to_owned()),
            };
        }
        match self.text().len() <= MAX {
            true => Ok(()),
            false => Err(Stage::Token.refused(Check::Size)),
        }
    }

    /// A request with the cookies.
    pub(super) fn put_on(&self, request: Request) -> Result<Request, ProviderError> {
        let headers = self.headers()?;
        Ok(headers.into_iter().fold(request, |request, (name, value)| match name {
            Some(name) => request.header(name, value),
            None => request,
        }))
    }

    /// The cookies as headers.
    pub(super) fn headers(&self) -> Result<HeaderMap, ProviderError> {
        if self.0.is_empty() {
            return Ok(HeaderMap::new());
        }
        let mut value = HeaderValue::try_from(self.text()).map_err(|_| Stage::Token.refused(Check::Format))?;
        value.set_sensitive(true);
        Ok(HeaderMap::from_iter([(COOKIE, value)]))
    }

    fn text(&self) -> String {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn answer(cookies: &[&str]) -> Response {
        let headers = cookies.iter().map(|cookie| (SET_COOKIE, HeaderValue::from_str(cookie).unwrap()));
        let mut all = HeaderMap::new();
        headers.for_each(|(name, value)| _ = all.append(name, value));
        Response { status: StatusCode::OK, headers: all, body: Vec::new() }
    }

    #[test]
    fn the_newest_value_of_a_cookie_is_sent_without_attributes() {
        let mut jar = Jar::default();
        assert!(jar.headers().unwrap().is_empty());
        jar.take(&answer(&["ST=one; Path=/; HttpOnly", "b=2=3", "nonsense", "gone=1"])).unwrap();
        jar.take(&answer(&["ST=two; Secure", "gone=; Max-Age=0"])).unwrap();
        let headers = jar.headers().unwrap();
        assert_eq!(headers[COOKIE], "ST=two; b=2=3");
        assert!(headers[COOKIE].is_sensitive());
    }

    #[test]
    fn a_jar_that_grows_without_end_is_refused() {
        let huge = format!("a={}", "x".repeat(MAX));
        assert_eq!(Jar::default().take(&answer(&[&huge])), Err(Stage::Token.refused(Check::Size)));
    }
}
