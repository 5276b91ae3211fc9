//! Realms: the clients, users and keys that belong together.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use super::client::Client;
use super::user::User;
use crate::core::key_ring::KeyRing;

/// A realm as an administrator would make one: enabled, plain HTTP allowed.
#[derive(Debug, Clone)]
pub struct Realm {
    pub(super) name: String,
    pub(super) enabled: bool,
    pub(super) https_required: bool,
    pub(super) profile_optional: bool,
    pub(super) flow_end: Option<FlowEnd>,
    /// How many failures lock a user; `None`: any number.
    pub(super) failure_factor: Option<NonZeroU32>,
    pub(super) clients: BTreeMap<String, Client>,
    pub(super) users: BTreeMap<String, User>,
    pub(super) keys: KeyRing,
}

/// A last step of a customised direct-grant flow that stops every login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowEnd {
    /// *Deny access*: 401 with an HTML page.
    DenyAccess,
    /// *User session limits* reached: 403 with an HTML page.
    UserSessionLimits,
}

impl Realm {
    /// A realm of that name; it may hold blanks, and case matters.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            enabled: true,
            https_required: false,
            profile_optional: false,
            flow_end: None,
            failure_factor: None,
            clients: BTreeMap::new(),
            users: BTreeMap::new(),
            keys: KeyRing::new(name),
        }
    }

    /// Adds a client, or replaces the one of that id.
    pub fn client(mut self, client: Client) -> Self {
        self.clients.insert(client.id.clone(), client);
        self
    }

    /// Adds a user, or replaces the one of that name.
    pub fn user(mut self, user: User) -> Self {
        self.users.insert(user.username.clone(), user);
        self
    }

    /// Whether the realm is enabled. Discovery answers either way.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Whether HTTPS is required ("Require SSL: all requests"). The simulator only speaks plain HTTP, so
    /// it then refuses everything.
    pub fn https_required(mut self, required: bool) -> Self {
        self.https_required = required;
        self
    }

    /// Whether the user profile does without names and e-mail.
    pub fn profile_optional(mut self, optional: bool) -> Self {
        self.profile_optional = optional;
        self
    }

    /// Ends the direct-grant flow, after the right credentials, in a step that refuses.
    pub fn flow_end(mut self, end: Option<FlowEnd>) -> Self {
        self.flow_end = end;
        self
    }

    /// "Brute force detection > Lockout temporarily", which a fresh realm has off; 0 turns it off again. The
    /// `failure_factor`-th failure since the last login locks a user for a minute, and so does each one after that; from
    /// every multiple on it is a minute more, 15 at most.
    ///
    /// Failures are wrong passwords, and one-time codes that are wrong or missing. The time between them makes no
    /// difference, as with a "Quick login check" of 0: a fresh realm would lock after two within a second.
    pub fn brute_force_detection(mut self, failure_factor: u32) -> Self {
        self.failure_factor = NonZeroU32::new(failure_factor);
        self
    }

    /// The user of this name or e-mail, blanks and all; an e-mail first.
    pub(super) fn find_user(&self, login: &str) -> Option<&User> {
        let login = login.to_lowercase();
        let by_email = || {
            let same = |user: &&User| user.email.as_deref().is_some_and(|email| email.to_lowercase() == login);
            self.users.values().find(same)
        };
        login.contains('@').then(by_email).flatten().or_else(|| self.users.get(&login))
    }

    /// What the user still has to do, which a direct grant cannot show.
    pub(super) fn pending_action<'a>(&self, user: &'a User) -> Option<&'a str> {
        let asked = user.required_actions.first().map(String::as_str);
        asked.or((!self.profile_optional && user.lacks_profile()).then_some("VERIFY_PROFILE"))
    }
}
