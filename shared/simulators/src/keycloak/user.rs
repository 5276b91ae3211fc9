//! Users of a realm.

use std::fmt;

use chrono::{DateTime, Utc};

use super::brute_force::Failures;
use super::totp::Totp;
use crate::core::signer;

/// A user as an administrator would make one: enabled, without a password until one is set.
///
/// Like a fresh realm's user profile, the simulator wants a first name, a last name and an e-mail: a user who lacks one
/// cannot log in (`Account is not fully set up`) unless the realm says [`profile_optional`](super::Realm::profile_optional).
#[derive(Clone)]
pub struct User {
    pub(super) username: String,
    pub(super) subject: Option<String>,
    pub(super) enabled: bool,
    pub(super) locked: bool,
    pub(super) failures: Failures,
    pub(super) email: Option<String>,
    pub(super) email_verified: bool,
    pub(super) given_name: Option<String>,
    pub(super) family_name: Option<String>,
    pub(super) password: Option<String>,
    pub(super) totp: Option<Totp>,
    pub(super) required_actions: Vec<String>,
}

impl User {
    /// A user of that name, which Keycloak keeps in lower case.
    pub fn new(username: &str) -> Self {
        Self {
            username: username.to_lowercase(),
            subject: None,
            enabled: true,
            locked: false,
            failures: Failures::default(),
            email: None,
            email_verified: false,
            given_name: None,
            family_name: None,
            password: None,
            totp: None,
            required_actions: Vec::new(),
        }
    }

    /// `sub`, where it is not the UUID made from the names of realm and user. Users from LDAP have others.
    pub fn subject(mut self, subject: &str) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// The e-mail, and whether it is verified.
    pub fn email(mut self, address: &str, verified: bool) -> Self {
        self.email = Some(address.into());
        self.email_verified = verified;
        self
    }

    /// First and last name.
    pub fn name(mut self, given: &str, family: &str) -> Self {
        self.given_name = Some(given.into());
        self.family_name = Some(family.into());
        self
    }

    /// The password.
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.into());
        self
    }

    /// No password: one who comes from another provider, or has only a passkey.
    pub fn without_password(mut self) -> Self {
        self.password = None;
        self
    }

    /// Whether the account is enabled.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Whether brute-force detection has locked the account, until it is unlocked here; that also forgets what the
    /// realm's own [detection](super::Realm::brute_force_detection) has counted. A permanent lock on the real server
    /// also disables the account.
    pub fn locked(mut self, locked: bool) -> Self {
        self.locked = locked;
        self.failures = Failures::default();
        self
    }

    /// A second factor: an authenticator app that shows [`totp`](super::totp()) of this secret, whose bytes are the key.
    pub fn totp(mut self, secret: &str) -> Self {
        self.totp = Some(Totp::new(secret));
        self
    }

    /// No second factor.
    pub fn without_totp(mut self) -> Self {
        self.totp = None;
        self
    }

    /// What the user has to do at the next browser login: `UPDATE_PASSWORD`, `VERIFY_EMAIL`, `CONFIGURE_TOTP`,
    /// `UPDATE_PROFILE`, `TERMS_AND_CONDITIONS`. A temporary password is `UPDATE_PASSWORD`.
    pub fn required_action(mut self, action: &str) -> Self {
        self.required_actions.push(action.into());
        self
    }

    /// Nothing left to do at the next login.
    pub fn no_required_actions(mut self) -> Self {
        self.required_actions.clear();
        self
    }

    pub(super) fn subject_in(&self, realm: &str) -> String {
        self.subject.clone().unwrap_or_else(|| signer::uuid(signer::derive(&["keycloak", realm, &self.username])))
    }

    pub(super) fn lacks_profile(&self) -> bool {
        self.email.is_none() || self.given_name.is_none() || self.family_name.is_none()
    }

    pub(super) fn is_locked(&self, now: DateTime<Utc>) -> bool {
        self.locked || self.failures.lock(now)
    }

    /// Whether that is the user's password. An empty one never is.
    pub(super) fn has_password(&self, sent: Option<&[u8]>) -> bool {
        self.password.as_deref().is_some_and(|password| !password.is_empty() && sent == Some(password.as_bytes()))
    }

    /// Uses up a one-time code.
    pub(super) fn redeem_totp(&mut self, code: Option<&[u8]>, now: DateTime<Utc>) -> bool {
        let (Some(totp), Some(code)) = (&mut self.totp, code) else { return false };
        totp.redeem(code, now)
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("username", &self.username).field("enabled", &self.enabled).finish_non_exhaustive()
    }
}
