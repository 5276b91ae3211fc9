//! A browser, as far as a redirect needs one: it follows where it is sent, keeps cookies, and fills in a form.

use std::collections::BTreeMap;
use std::sync::Mutex;

use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT, CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use axum::http::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use url::Url;

use crate::{Answer, ISSUER, TestApp};

/// Somebody's browser, with cookies of its own.
pub struct Browser {
    /// Whose addresses it does not open.
    issuer: &'static str,
    cookies: Mutex<BTreeMap<String, String>>,
    client: Client<HttpConnector, Body>,
}

/// A page it was shown, or an address of ours that it was sent to.
#[derive(Debug)]
pub enum Shown {
    /// A page of the provider.
    Page {
        /// Its status.
        status: u16,
        /// Its HTML.
        html: String,
        /// Where it is.
        url: Url,
    },
    /// It is sent back to us.
    Back(Return),
}

/// A request that a browser makes to our callback.
#[derive(Debug, Clone)]
pub struct Return {
    /// Path, and query if it is a GET.
    pub path: String,
    /// The form, if it is a POST.
    pub form: Option<String>,
}

impl Default for Browser {
    fn default() -> Self {
        Self::of(ISSUER)
    }
}

impl Browser {
    /// A browser that comes back to another issuer.
    pub fn of(issuer: &'static str) -> Self {
        Self { issuer, cookies: Mutex::default(), client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Opens an address, and follows where it leads within the provider.
    pub async fn open(&self, url: &str) -> Shown {
        self.go(Method::GET, Url::parse(url).unwrap(), None).await
    }

    /// Opens an address and logs in at the provider's own form.
    pub async fn log_in(&self, url: &str, username: &str, password: &str) -> Shown {
        let page = self.open(url).await;
        self.fill_in(page, &[("username", username), ("password", password)]).await
    }

    /// Opens an address, logs in, and is sent back.
    pub async fn come_back(&self, url: &str, username: &str, password: &str) -> Return {
        match self.log_in(url, username, password).await {
            Shown::Back(back) => back,
            page => panic!("not sent back: {page:?}"),
        }
    }

    /// Sends the form of a page with these values, as if its button was pressed.
    pub async fn fill_in(&self, page: Shown, values: &[(&str, &str)]) -> Shown {
        let Shown::Page { html, url, .. } = page else { panic!("there is no form to fill in: {page:?}") };
        let action = attribute(&html, "<form", "action").unwrap_or_else(|| panic!("no form in {html}"));
        let action = url.join(&action).unwrap();
        let mut form = hidden_inputs(&html);
        form.retain(|(name, _)| values.iter().all(|(given, _)| given != name));
        form.extend(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.go(Method::POST, action, Some(serde_urlencoded::to_string(form).unwrap())).await
    }

    async fn go(&self, mut method: Method, mut url: Url, mut form: Option<String>) -> Shown {
        loop {
            if url.as_str().starts_with(self.issuer) {
                let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
                return Shown::Back(Return { path: format!("{}{query}", url.path()), form });
            }
            let mut request = Request::builder().method(method).uri(url.as_str()).header(ACCEPT, "text/html");
            let cookies: Vec<_> =
                self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
            if !cookies.is_empty() {
                request = request.header(COOKIE, cookies.join("; "));
            }
            if form.is_some() {
                request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            }
            let response =
                self.client.request(request.body(Body::from(form.take().unwrap_or_default())).unwrap()).await.unwrap();
            for cookie in response.headers().get_all(SET_COOKIE) {
                self.keep(cookie.to_str().unwrap());
            }
            let (parts, body) = response.into_parts();
            let html = String::from_utf8(to_bytes(Body::new(body), usize::MAX).await.unwrap().to_vec()).unwrap();
            if let Some(location) = parts.headers.get(LOCATION) {
                url = url.join(location.to_str().unwrap()).unwrap();
                method = Method::GET;
                continue;
            }
            // OAuth 2.0 Form Post Response Mode: the page sends itself.
            let action = attribute(&html, "<form", "action").and_then(|action| url.join(&action).ok());
            if let Some(action) = action.filter(|action| action.as_str().starts_with(self.issuer)) {
                url = action;
                method = Method::POST;
                form = Some(serde_urlencoded::to_string(hidden_inputs(&html)).unwrap());
                continue;
            }
            return Shown::Page { status: parts.status.as_u16(), html, url };
        }
    }

    fn keep(&self, cookie: &str) {
        let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
        let (name, value) = pair.split_once('=').unwrap();
        let mut cookies = self.cookies.lock().unwrap();
        match attributes.to_lowercase().contains("max-age=0") {
            true => cookies.remove(name.trim()),
            false => cookies.insert(name.trim().to_owned(), value.trim().to_owned()),
        };
    }
}

impl TestApp {
    /// A browser comes back to our callback.
    pub async fn arrive(&self, back: &Return) -> Answer {
        let request = match &back.form {
            None => Request::get(&back.path).body(Body::empty()),
            Some(form) => Request::post(&back.path)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(form.clone())),
        };
        self.send(request.unwrap()).await
    }
}

impl Shown {
    /// What a page sends along with its form of that name, unseen by its reader.
    pub fn hidden(&self, name: &str) -> Option<String> {
        let Self::Page { html, .. } = self else { return None };
        hidden_inputs(html).into_iter().find(|(input, _)| input == name).map(|(_, value)| value)
    }
}

impl Return {
    /// The value of a parameter it brings.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let found = self.parameters().into_iter().find(|(parameter, _)| parameter == name);
        found.map(|(_, value)| value)
    }

    /// All parameters it brings.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        serde_urlencoded::from_str(self.form.as_deref().unwrap_or(query)).unwrap()
    }

    /// The same with other parameters; an empty value takes one away.
    pub fn with(&self, changes: &[(&str, &str)]) -> Self {
        let mut parameters = self.parameters();
        parameters.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        let given = changes.iter().filter(|(_, value)| !value.is_empty());
        parameters.extend(given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let encoded = serde_urlencoded::to_string(parameters).unwrap();
        let path = self.path.split('?').next().unwrap().to_owned();
        match self.form {
            Some(_) => Self { path, form: Some(encoded) },
            None => Self { path: format!("{path}?{encoded}"), form: None },
        }
    }
}

/// An attribute of the first such element. HTML's names are of any case; its values are not.
fn attribute(html: &str, element: &str, name: &str) -> Option<String> {
    let element = &html[html.to_ascii_lowercase().find(element)?..];
    let element = &element[..element.find('>')?];
    let found = element.to_ascii_lowercase().find(&format!(" {name}=\""))?;
    let value = &element[found + name.len() + 3..];
    Some(value[..value.find('"')?].replace("&amp;", "&"))
}

fn hidden_inputs(html: &str) -> Vec<(String, String)> {
    let lower = html.to_ascii_lowercase();
    let inputs = lower.match_indices("<input").map(|(at, _)| &html[at..]);
    let of = |input: &str, name: &str| attribute(input, "<input", name);
    let hidden = inputs.filter(|input| of(input, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("hidden")));
    hidden.filter_map(|input| Some((of(input, "name")?, of(input, "value").unwrap_or_default()))).collect()
}
