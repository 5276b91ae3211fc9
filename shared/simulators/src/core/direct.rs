//! Logins without a browser: passwords, codes and other factors, at a token endpoint or an API of the provider's own.
//!
//! What providers share is here: who people are, which questions are open, which codes were sent. Words, shapes and order are
//! the provider's ([`Quirks::direct`](super::Quirks::direct)).

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Entropy, Factor};
use serde_json::Value;

use super::wire::{Form, cookie};
use super::{Person, Registration};
use crate::keycloak::totp;

/// A factor that a user has enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// What it is.
    pub factor: Factor,
    /// The destination; of an authenticator app, the seed; of a recovery code, the code.
    pub to: String,
}

impl Enrolled {
    pub(crate) fn new(factor: Factor, to: &str) -> Self {
        Self { factor, to: to.to_owned() }
    }
}

/// What a provider makes of a user's account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// The user may sign in.
    #[default]
    Active,
    /// Too many failures have locked it.
    Locked,
    /// An administrator has disabled it.
    Disabled,
    /// The password has expired, or was set for the first sign-in only.
    PasswordExpired,
    /// The user may not use this application.
    NotAssigned,
    /// A second factor is demanded, and the user has none.
    MustEnrol,
    /// The user has to prove the e-mail first, by a code that is sent there.
    MustVerify,
}

/// A code that a provider has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentCode {
    /// To which user.
    pub username: String,
    /// By which way.
    pub factor: Factor,
    /// Where to.
    pub to: String,
    /// The code.
    pub code: String,
}

/// A login that waits for the user's next answer.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    /// Who signs in; `None`: a name that nobody has, which is asked all the same.
    pub(crate) username: Option<String>,
    /// At which client.
    pub(crate) client: String,
    /// The code, where one was sent.
    pub(crate) code: Option<String>,
    /// Since when.
    pub(crate) at: DateTime<Utc>,
    /// What the provider remembers besides.
    pub(crate) data: Value,
}

/// What a provider knows of logins without a browser.
#[derive(Default)]
pub(crate) struct Desk {
    open: BTreeMap<String, Open>,
    pub(crate) sent: Vec<SentCode>,
    used: BTreeSet<(String, String)>,
    pub(crate) confirmations: BTreeMap<String, bool>,
    pub(crate) cases: BTreeMap<&'static str, Value>,
}

/// A call that may sign a user in.
pub struct DirectCall<'a> {
    /// The path below the server.
    pub path: &'a str,
    /// Whether it is a POST.
    pub is_post: bool,
    /// At the token endpoint: `grant_type`.
    pub grant_type: Option<&'a str>,
    /// At the token endpoint, and where the API authenticates clients: the client, which has shown its credentials.
    pub client: Option<&'a Registration>,
    /// The body, if it is JSON.
    pub json: &'a Value,
    pub(crate) query: &'a Form,
    pub(crate) form: &'a Form,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) host: &'a str,
    /// The path of the server.
    pub(crate) root: &'a str,
    pub(crate) now: DateTime<Utc>,
    pub(crate) entropy: &'a dyn Entropy,
    pub(crate) people: &'a mut BTreeMap<String, Person>,
    pub(crate) clients: &'a BTreeMap<String, Registration>,
    pub(crate) desk: &'a mut Desk,
}

/// What a call that may sign a user in is answered.
#[derive(Debug)]
pub enum Direct {
    /// The user has signed in at the client: with tokens for these scopes, put into whatever the provider answers with.
    Tokens {
        /// The user.
        username: String,
        /// The `client_id`.
        client: String,
        /// What they were asked for.
        scopes: Vec<String>,
        /// What the answer is, for a token answer of the standard's.
        put_into: fn(Value) -> Value,
    },
    /// The user has signed in by the authorization request of this handle ([`Quirks::begun`](super::Quirks::begun)).
    Code {
        /// The user.
        username: String,
        /// The handle, which stands for nothing from now on.
        handle: String,
        /// What the answer is, for a code and the `state` of the request.
        put_into: fn(&str, &str) -> Value,
    },
    /// Something else.
    Answer {
        /// The status.
        status: StatusCode,
        /// The body.
        body: Value,
        /// Headers, by name.
        headers: Vec<(&'static str, String)>,
    },
}

impl Direct {
    /// An answer without headers of its own.
    pub fn answer(status: u16, body: Value) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or_default();
        Self::Answer { status, body, headers: Vec::new() }
    }
}

impl DirectCall<'_> {
    /// A parameter of the form.
    pub fn field(&self, name: &str) -> Option<String> {
        self.form.text(name)
    }

    /// A parameter in the address.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.query.text(name)
    }

    /// A cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        cookie(self.headers, name)
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The address of a path below the server.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("http://{}{}{path}", self.host, self.root)
    }

    /// What a test has said of a case of the provider's ([`Subject::set_case`](super::Subject::set_case)).
    pub(crate) fn case(&self, case: &str) -> Option<&Value> {
        self.desk.cases.get(case)
    }

    /// What the client asks for.
    pub fn scopes(&self) -> Vec<String> {
        self.field("scope").unwrap_or_default().split(' ').map(str::to_owned).collect()
    }

    /// The user with this name, e-mail or phone number.
    pub(crate) fn person(&self, name: &str) -> Option<&Person> {
        let is_called = |person: &&Person| {
            person.email.as_ref().is_some_and(|(email, _)| email.eq_ignore_ascii_case(name))
                || person.factors.iter().any(|enrolled| enrolled.factor == Factor::SmsOtp && enrolled.to == name)
        };
        self.people.get(name).or_else(|| self.people.values().find(is_called))
    }

    /// An opaque, unguessable value.
    pub(crate) fn handle(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.entropy.bytes::<24>())
    }

    /// Opens a question, by a handle that the provider makes.
    pub(crate) fn open(&mut self, handle: &str, open: Open) {
        self.desk.open.insert(handle.to_owned(), open);
    }

    /// An open question that is not older than this.
    pub(crate) fn find(&self, handle: &str, life: TimeDelta) -> Option<Open> {
        self.desk.open.get(handle).filter(|open| self.now - open.at < life).cloned()
    }

    /// Closes a question.
    pub(crate) fn close(&mut self, handle: &str) {
        self.desk.open.remove(handle);
    }

    /// A new code of so many digits, sent to the user if there is one.
    pub(crate) fn send(&mut self, username: Option<&str>, factor: Factor, to: &str, digits: usize) -> String {
        let number = u64::from_be_bytes(self.entropy.bytes());
        let modulus = 10_u64.saturating_pow(digits.try_into().unwrap_or(8));
        let code = format!("{:0digits$}", number % modulus);
        if let Some(username) = username {
            let (username, to) = (username.to_owned(), to.to_owned());
            self.desk.sent.push(SentCode { username, factor, to, code: code.clone() });
        }
        code
    }

    /// Whether an authenticator app of the user's shows this code now; each counts once.
    pub(crate) fn redeem_totp(&mut self, username: &str, code: &str) -> bool {
        let now = self.now;
        let shows = |enrolled: &Enrolled| {
            let window = [-30, 0, 30].map(|seconds| totp(&enrolled.to, now + TimeDelta::seconds(seconds)));
            enrolled.factor == Factor::Totp && window.iter().any(|right| right == code)
        };
        let is_right = self.people.get(username).is_some_and(|person| person.factors.iter().any(shows));
        is_right && self.desk.used.insert((username.to_owned(), code.to_owned()))
    }

    /// What the user has answered to the last question of their app: `None` for nothing yet. The answer counts once.
    pub(crate) fn take_confirmation(&mut self, username: &str) -> Option<bool> {
        self.desk.confirmations.remove(username)
    }

    /// A registered client.
    pub fn registered(&self, client_id: &str) -> Option<&Registration> {
        self.clients.get(client_id)
    }

    /// Gives the user another password.
    pub fn change_password(&mut self, username: &str, password: &str) {
        if let Some(person) = self.people.get_mut(username) {
            person.password = password.to_owned();
            person.standing = Standing::Active;
        }
    }
}

impl Desk {
    /// A user was enrolled anew: their app has shown no code yet.
    pub(crate) fn forget(&mut self, username: &str) {
        self.used.retain(|(of, _)| of != username);
    }
}
