//! The browser of tests, with a person in front of it: it keeps cookies, follows where it is sent, and fills in forms.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "used by tests only, which end where their browser cannot go on"
)]

use std::collections::BTreeMap;
use std::sync::Mutex;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{ACCEPT, CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tower::ServiceExt;
use url::{Position, Url, form_urlencoded};

use super::html::HtmlForm;

/// A user's browser, with its own cookies. Simulated providers use plain HTTP, and callback URLs use `https`: an `https`
/// address is not opened, but [returned](Return).
pub struct Browser {
    cookies: Mutex<BTreeMap<String, String>>,
    door: Door,
}

enum Door {
    Network(Box<Client<HttpConnector, Body>>),
    Router(Router),
}

/// An answer as it came.
#[derive(Debug)]
pub struct Page {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

/// A page it was shown, or an address that it was sent back to.
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
    /// It is sent back.
    Back(Return),
}

/// A request that a browser makes to an address that a provider calls back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Return {
    /// Scheme, host and port.
    pub origin: String,
    /// Path, and query if it is a GET.
    pub path: String,
    /// The form, if it is a POST.
    pub form: Option<String>,
}

impl Default for Browser {
    fn default() -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { cookies: Mutex::default(), door: Door::Network(Box::new(client)) }
    }
}

impl Browser {
    /// A browser that meets this router at every address, without a network.
    pub fn at(router: Router) -> Self {
        Self { cookies: Mutex::default(), door: Door::Router(router) }
    }

    /// Opens an address, and follows where it leads within the provider.
    pub async fn open(&self, url: &str) -> Shown {
        self.go(Url::parse(url).unwrap(), None).await
    }

    /// Opens an address and logs in at the provider's own form.
    pub async fn log_in(&self, url: &str, username: &str, password: &str) -> Shown {
        let page = self.open(url).await;
        match page {
            Shown::Page { .. } => self.fill_in(page, &[("username", username), ("password", password)]).await,
            back @ Shown::Back(_) => back,
        }
    }

    /// Opens an address, logs in, and is sent back.
    pub async fn come_back(&self, url: &str, username: &str, password: &str) -> Return {
        self.log_in(url, username, password).await.back()
    }

    /// Sends the form of a page with these values, as if its button was pressed.
    pub async fn fill_in(&self, page: Shown, values: &[(&str, &str)]) -> Shown {
        let Shown::Page { html, url, .. } = page else { panic!("there is no form to fill in: {page:?}") };
        let form = HtmlForm::first(&html).unwrap_or_else(|| panic!("no form in {html}"));
        let mut fields = form.hidden();
        fields.retain(|(name, _)| values.iter().all(|(given, _)| given != name));
        fields.extend(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.go(url.join(&form.action).unwrap(), Some(encoded(&fields))).await
    }

    async fn go(&self, mut url: Url, mut form: Option<String>) -> Shown {
        loop {
            if url.scheme() == "https" {
                let (origin, path) = (&url[..Position::BeforePath], &url[Position::BeforePath..Position::AfterQuery]);
                return Shown::Back(Return { origin: origin.to_owned(), path: path.to_owned(), form });
            }
            let Page { status, headers, body: html } = self.visit(&url, form.as_deref()).await;
            if let Some(location) = headers.get(LOCATION) {
                (url, form) = (url.join(location.to_str().unwrap()).unwrap(), None);
                continue;
            }
            // OAuth 2.0 Form Post Response Mode: the page sends itself.
            let sent = HtmlForm::first(&html).filter(|form| form.action.starts_with("https:"));
            let Some(sent) = sent else { return Shown::Page { status, html, url } };
            (url, form) = (Url::parse(&sent.action).unwrap(), Some(encoded(&sent.hidden())));
        }
    }

    /// Opens an address, or sends a form to it, and looks at what comes.
    pub async fn visit(&self, url: &Url, form: Option<&str>) -> Page {
        let method = if form.is_some() { Method::POST } else { Method::GET };
        let host = &url[Position::BeforeHost..Position::AfterPort];
        let mut request = Request::builder().method(method).uri(url.as_str()).header(ACCEPT, "text/html");
        request = request.header(HOST, host);
        let cookies: Vec<_> =
            self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        if form.is_some() {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let request = request.body(Body::from(form.unwrap_or_default().to_owned())).unwrap();
        let (parts, body) = match &self.door {
            Door::Network(client) => client.request(request).await.unwrap().map(Body::new).into_parts(),
            Door::Router(router) => router.clone().oneshot(request).await.unwrap().into_parts(),
        };
        for cookie in parts.headers.get_all(SET_COOKIE) {
            self.keep(cookie.to_str().unwrap());
        }
        let body = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        Page { status: parts.status.as_u16(), headers: parts.headers, body }
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

impl Shown {
    /// Where it was sent back to.
    pub fn back(self) -> Return {
        match self {
            Self::Back(back) => back,
            page => panic!("not sent back: {page:?}"),
        }
    }

    /// What a page sends along with its form of that name, unseen by its reader.
    pub fn hidden(&self, name: &str) -> Option<String> {
        let Self::Page { html, .. } = self else { return None };
        let hidden = HtmlForm::first(html)?.hidden();
        hidden.into_iter().find(|(input, _)| input == name).map(|(_, value)| value)
    }
}

impl Return {
    /// A GET of a path with its query, wherever that is.
    pub fn to(path: impl Into<String>) -> Self {
        Self { origin: String::new(), path: path.into(), form: None }
    }

    /// The address that is called back.
    pub fn address(&self) -> String {
        format!("{}{}", self.origin, self.path.split('?').next().unwrap_or_default())
    }

    /// The value of a parameter it brings.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let found = self.parameters().into_iter().find(|(parameter, _)| parameter == name);
        found.map(|(_, value)| value)
    }

    /// All parameters it brings.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        form_urlencoded::parse(self.form.as_deref().unwrap_or(query).as_bytes()).into_owned().collect()
    }

    /// The same with other parameters; an empty value takes one away.
    pub fn with(&self, changes: &[(&str, &str)]) -> Self {
        let mut parameters = self.parameters();
        parameters.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        let given = changes.iter().filter(|(_, value)| !value.is_empty());
        parameters.extend(given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let path = self.path.split('?').next().unwrap_or_default().to_owned();
        let origin = self.origin.clone();
        match self.form {
            Some(_) => Self { origin, path, form: Some(encoded(&parameters)) },
            None => Self { origin, path: format!("{path}?{}", encoded(&parameters)), form: None },
        }
    }
}

fn encoded(fields: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
