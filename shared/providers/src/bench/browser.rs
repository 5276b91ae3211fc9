//! A browser with a person in front of it: follows redirects, keeps cookies, fills in the provider's form.

use std::collections::BTreeMap;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::{Url, form_urlencoded};

/// A browser that knows nobody yet.
pub(crate) struct Browser<'a> {
    provider: &'a str,
    username: &'a str,
    password: &'a str,
    cookies: BTreeMap<String, String>,
}

/// What the provider has it bring to the address it calls back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Returned {
    /// Where.
    pub(crate) to: String,
    /// Whether as a form that it posts.
    pub(crate) posted: bool,
    /// What.
    pub(crate) parameters: Vec<(String, String)>,
}

impl Returned {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(parameter, _)| parameter == name).map(|(_, value)| value.as_str())
    }

    /// The same with a parameter changed, or without it.
    pub(crate) fn with(mut self, name: &str, value: Option<&str>) -> Self {
        self.parameters.retain(|(parameter, _)| parameter != name);
        self.parameters.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        self
    }
}

struct Page {
    status: u16,
    location: Option<String>,
    body: String,
}

impl<'a> Browser<'a> {
    /// At the provider whose addresses begin with this, somebody types these.
    pub(crate) fn new(provider: &'a str, username: &'a str, password: &'a str) -> Self {
        Self { provider, username, password, cookies: BTreeMap::new() }
    }

    /// Goes where it is sent until it is sent away from the provider.
    pub(crate) async fn follow(&mut self, url: &Url) -> Returned {
        let mut page = self.request(url, None).await;
        for _ in 0..10 {
            page = match page {
                Page { status: 302 | 303, location: Some(to), .. } if to.starts_with(self.provider) => {
                    self.request(&to.parse().unwrap(), None).await
                }
                Page { status: 302 | 303, location: Some(to), .. } => return called_back(&to),
                Page { status: 200, body, .. } => {
                    let (action, mut fields) = form(&body).unwrap_or_else(|| panic!("no form: {body}"));
                    if !action.starts_with(self.provider) {
                        return Returned { to: action, posted: true, parameters: fields };
                    }
                    for (name, value) in &mut fields {
                        match name.as_str() {
                            "username" => *value = self.username.to_owned(),
                            "password" => *value = self.password.to_owned(),
                            _ => {}
                        }
                    }
                    self.request(&action.parse().unwrap(), Some(&fields)).await
                }
                Page { status, body, .. } => panic!("{status}: {body}"),
            };
        }
        panic!("the provider goes round in circles");
    }

    async fn request(&mut self, url: &Url, form: Option<&[(String, String)]>) -> Page {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
        let head = format!("Host: {authority}\r\nCookie: {}\r\n", cookies.join("; "));
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        // HTTP/1.0 ends an answer with its connection.
        let request = match form {
            None => format!("GET {target} HTTP/1.0\r\n{head}\r\n"),
            Some(fields) => {
                let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                let length = body.len();
                format!(
                    "POST {target} HTTP/1.0\r\n{head}Content-Type: application/x-www-form-urlencoded\r\n\
                     Content-Length: {length}\r\n\r\n{body}"
                )
            }
        };
        let mut stream = TcpStream::connect(authority).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        self.read(&answer)
    }

    fn read(&mut self, answer: &str) -> Page {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let mut location = None;
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            match name.to_ascii_lowercase().as_str() {
                "location" => location = Some(value.to_owned()),
                "set-cookie" => {
                    let (name, value) = value.split(';').next().unwrap().split_once('=').unwrap();
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
                _ => {}
            }
        }
        Page { status, location, body: body.to_owned() }
    }
}

fn called_back(to: &str) -> Returned {
    let (address, query) = to.split_once('?').unwrap_or((to, ""));
    let parameters = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    Returned { to: address.to_owned(), posted: false, parameters }
}

/// Where the first form of a page goes, and its fields.
fn form(page: &str) -> Option<(String, Vec<(String, String)>)> {
    let tags = || page.split('<').map(|tag| tag.split('>').next().unwrap_or_default());
    let action = attribute(tags().find(|tag| tag.to_ascii_lowercase().starts_with("form"))?, "action")?;
    let inputs = tags().filter(|tag| tag.to_ascii_lowercase().starts_with("input"));
    let fields = inputs.filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default())));
    Some((action, fields.collect()))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let lower = tag.to_ascii_lowercase();
    let start = lower.find(&format!(" {name}=\""))? + name.len() + 3;
    let value = &tag[start..start + tag[start..].find('"')?];
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    Some(entities.iter().fold(value.to_owned(), |text, (entity, character)| text.replace(entity, character)))
}
