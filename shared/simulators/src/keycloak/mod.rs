//! Keycloak 26.7.3 as it answers over HTTP, seen on real servers: discovery, keys, the authorization
//! code flow with its pages, the password grant, userinfo.
//! <https://www.keycloak.org/docs/latest/server_admin/>
//!
//! What differs from a textbook provider and is here on purpose: a wrong password is 400 (it was 401 before 26.6.0);
//! a locked account looks like a wrong password, and so does a missing second factor; a flow that wants a one-time code
//! of a user who has no second factor breaks the server (500); a public client may send any secret; the form's client
//! credentials win over Basic's; `password` is advertised where no client may use it, and HS256 is advertised too; issuer
//! and endpoints follow the Host header.
//!
//! What is left out because no relying party meets it: the implicit and hybrid flows, wildcards in redirect URIs, refresh
//! tokens, what a second use of a code ends, and how pages are bound to a browser before the login.
//!
//! ```
//! # use std::sync::Arc;
//! # use domain::{FixedClock, SeededEntropy};
//! use simulators::{Misbehaviour, Subject};
//! use simulators::keycloak::{Client, Keycloak, Realm, User};
//!
//! # let clock = Arc::new(FixedClock::at(chrono::DateTime::UNIX_EPOCH));
//! # let entropy = Arc::new(SeededEntropy::new(1));
//! let keycloak = Keycloak::new(clock, entropy).realm(
//!     Realm::new("demo")
//!         .client(Client::confidential("landfall", "secret").direct_grants(true).redirect_uri("https://app.example/back"))
//!         .user(User::new("ada").email("ada@example.org", true).name("Ada", "Lovelace").password("correct horse")),
//! );
//! let router = keycloak.router(); // for axum::serve, or for oneshot
//!
//! keycloak.change_user("demo", "ada", |ada| ada.enabled(false)).unwrap();
//! keycloak.misbehave(Some(Misbehaviour::WrongIssuer));
//! assert!(keycloak.requests().is_empty());
//! ```

mod authorize;
mod brute_force;
mod client;
mod code;
mod direct_grant;
mod discovery;
mod login;
mod mint;
mod pages;
mod realm;
mod routes;
mod subject;
mod token;
mod totp;
mod user;
mod userinfo;
mod visit;

#[cfg(test)]
mod bench;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, MutexGuard};

use axum::http::StatusCode;
use domain::{Clock, Entropy};
use serde_json::json;

pub use client::Client;
pub use direct_grant::{DirectGrantFlow, Requirement};
pub use realm::{FlowEnd, Realm};
pub use subject::SIMULATOR;
pub use totp::totp;
pub use user::User;

use crate::core::client_key::Seen;
use crate::core::server::{Book, Server};
use crate::core::wire::{Reply, encode_segment};
use code::Code;
use login::{Form, Session};

/// A simulated server. Clones are the same server.
#[derive(Clone)]
pub struct Keycloak {
    server: Server<State>,
}

#[derive(Default)]
struct State {
    book: Book,
    relative_path: String,
    realms: BTreeMap<String, Realm>,
    /// By `sid`.
    sessions: BTreeMap<String, Session>,
    /// By their session code.
    forms: BTreeMap<String, Form>,
    codes: BTreeMap<String, Code>,
    assertions: Seen,
}

/// There is nothing of that name to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// No such realm.
    #[error("the simulated Keycloak has no such realm")]
    Realm,
    /// No such client in the realm.
    #[error("the simulated realm has no such client")]
    Client,
    /// No such user in the realm.
    #[error("the simulated realm has no such user")]
    User,
}

impl Keycloak {
    /// A server without realms. Tokens are dated and expire by `clock`; session ids and codes come from `entropy`.
    pub fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { server: Server::new(clock, entropy, State::default()) }
    }

    /// Adds a realm, or replaces the one of that name.
    pub fn realm(self, realm: Realm) -> Self {
        self.state().realms.insert(realm.name.clone(), realm);
        self
    }

    /// Serves everything below a path such as `/auth` (`--http-relative-path`).
    pub fn relative_path(self, path: &str) -> Self {
        self.state().relative_path = path.trim_end_matches('/').into();
        self
    }

    /// The `sub` of a user; `None` if there is no such realm or user.
    pub fn subject_in(&self, realm: &str, username: &str) -> Option<String> {
        Some(self.state().realms.get(realm)?.users.get(&username.to_lowercase())?.subject_in(realm))
    }

    /// Changes a realm while the server runs: `|realm| realm.enabled(false)`. Requests wait meanwhile, so
    /// `change` must not ask the server anything.
    pub fn change_realm(&self, realm: &str, change: impl FnOnce(Realm) -> Realm) -> Result<(), Unknown> {
        let mut state = self.state();
        let realm = state.realms.get_mut(realm).ok_or(Unknown::Realm)?;
        *realm = change(realm.clone());
        Ok(())
    }

    /// Changes a client while the server runs, likewise: `|client| client.secret("new")`.
    pub fn change_client(&self, realm: &str, id: &str, change: impl FnOnce(Client) -> Client) -> Result<(), Unknown> {
        let mut state = self.state();
        let realm = state.realms.get_mut(realm).ok_or(Unknown::Realm)?;
        let client = realm.clients.get_mut(id).ok_or(Unknown::Client)?;
        *client = change(client.clone());
        Ok(())
    }

    /// Changes a user while the server runs, likewise: `|ada| ada.enabled(false)`,
    /// `|ada| ada.email("new@example.org", false)`.
    pub fn change_user(&self, realm: &str, username: &str, change: impl FnOnce(User) -> User) -> Result<(), Unknown> {
        let mut state = self.state();
        let realm = state.realms.get_mut(realm).ok_or(Unknown::Realm)?;
        let user = realm.users.get_mut(&username.to_lowercase()).ok_or(Unknown::User)?;
        *user = change(user.clone());
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.server.state()
    }
}

impl State {
    /// How a realm's tokens name it to whom asked this host.
    fn issuer(&self, host: &str, realm: &str) -> String {
        let host = host.strip_suffix(":80").unwrap_or(host);
        format!("http://{host}{}/realms/{}", self.relative_path, encode_segment(realm))
    }
}

/// How Keycloak describes what went wrong inside.
const SEE_THE_LOG: &str = "For more on this error consult the server log.";

/// What Keycloak answers when something went wrong inside.
fn server_error() -> Reply {
    let body = json!({ "error": "unknown_error", "error_description": SEE_THE_LOG });
    Reply::json(StatusCode::INTERNAL_SERVER_ERROR, &body)
}

impl fmt::Debug for Keycloak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keycloak").finish_non_exhaustive()
    }
}
