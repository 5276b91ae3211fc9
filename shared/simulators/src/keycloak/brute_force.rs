//! Brute-force detection: who has failed how often, and until when they are locked for it.
//! <https://www.keycloak.org/docs/latest/server_admin/#password-guess-brute-force-attacks>

use std::num::NonZeroU32;

use chrono::{DateTime, TimeDelta, Utc};

use super::{Realm, User};

/// "Wait increment" and "Max wait" of a fresh realm.
const WAIT: TimeDelta = TimeDelta::minutes(1);
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(15);

/// What is known of a user's failures since the last login.
#[derive(Clone, Default)]
pub(super) struct Failures {
    count: u32,
    locked_until: Option<DateTime<Utc>>,
}

impl Failures {
    /// Whether they lock the account.
    pub(super) fn lock(&self, now: DateTime<Utc>) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }

    /// One more. Once there are `factor` of them, each locks: for as many minutes as they are multiples of it.
    fn add(&mut self, factor: NonZeroU32, now: DateTime<Utc>) {
        self.count = self.count.saturating_add(1);
        let multiples = i32::try_from(self.count / factor).unwrap_or(i32::MAX);
        if multiples > 0 {
            self.locked_until = Some(now + (WAIT * multiples).min(LONGEST_WAIT));
        }
    }
}

impl Realm {
    /// Whether this is the user's password; if not, that is counted. Nothing is right, or counted, while they are locked.
    pub(super) fn check_password(&mut self, username: &str, sent: Option<&[u8]>, now: DateTime<Utc>) -> bool {
        self.check(username, now, |user| user.has_password(sent))
    }

    /// Whether this is a one-time code of the user's, which uses it up; otherwise likewise.
    pub(super) fn check_totp(&mut self, username: &str, code: Option<&[u8]>, now: DateTime<Utc>) -> bool {
        self.check(username, now, |user| user.redeem_totp(code, now))
    }

    fn check(&mut self, username: &str, now: DateTime<Utc>, right: impl FnOnce(&mut User) -> bool) -> bool {
        let Some(user) = self.users.get_mut(username).filter(|user| !user.is_locked(now)) else { return false };
        let right = right(user);
        if let Some(factor) = self.failure_factor.filter(|_| !right) {
            user.failures.add(factor, now);
        }
        right
    }

    /// Forgets the failures of a user who has logged in.
    pub(super) fn forget_failures(&mut self, username: &str) {
        if let Some(user) = self.users.get_mut(username) {
            user.failures = Failures::default();
        }
    }
}

#[cfg(test)]
mod tests;
