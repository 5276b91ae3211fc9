//! What a provider tells of an account unasked.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::IdentityKey;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $word:literal,)*) => {
        /// A change of an account at its provider.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum NoticeKind { $($(#[$doc])* $kind,)* }

        impl NoticeKind {
            /// A stable name.
            pub fn as_str(self) -> &'static str {
                match self { $(NoticeKind::$kind => $word,)* }
            }
        }
    };
}

kinds! {
    /// The account was deleted.
    AccountDeleted = "account_deleted",
    /// The provider disabled the account.
    AccountDisabled = "account_disabled",
    /// The account is no longer disabled.
    AccountEnabled = "account_enabled",
    /// The user no longer lets the application in.
    ConsentRevoked = "consent_revoked",
    /// The provider demands a new password of the user: the old one may be known to others.
    CredentialsAtRisk = "credentials_at_risk",
    /// The user wants the application to delete their data.
    DeletionRequested = "deletion_requested",
    /// The provider's address that hides the user's own no longer forwards mails.
    EmailDisabled = "email_disabled",
    /// It forwards mails again.
    EmailEnabled = "email_enabled",
    /// The provider ended all the user's sessions.
    SessionsRevoked = "sessions_revoked",
}

impl NoticeKind {
    /// Whether logins end that the provider confirmed before.
    pub fn ends_logins(self) -> bool {
        match self {
            NoticeKind::AccountDeleted
            | NoticeKind::AccountDisabled
            | NoticeKind::ConsentRevoked
            | NoticeKind::DeletionRequested
            | NoticeKind::SessionsRevoked => true,
            NoticeKind::AccountEnabled
            | NoticeKind::CredentialsAtRisk
            | NoticeKind::EmailDisabled
            | NoticeKind::EmailEnabled => false,
        }
    }

    /// The kind that takes this one back, or that this one takes back.
    fn opposite(self) -> Option<Self> {
        match self {
            NoticeKind::AccountDisabled => Some(NoticeKind::AccountEnabled),
            NoticeKind::AccountEnabled => Some(NoticeKind::AccountDisabled),
            NoticeKind::EmailDisabled => Some(NoticeKind::EmailEnabled),
            NoticeKind::EmailEnabled => Some(NoticeKind::EmailDisabled),
            _ => None,
        }
    }
}

/// A change of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The account.
    pub account: IdentityKey,
    /// The change.
    pub kind: NoticeKind,
    /// When it happened, according to the provider.
    pub at: DateTime<Utc>,
}

/// What a provider has told of a linked account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notices {
    /// How often this has changed. Each change is conditional on it.
    pub version: u32,
    /// The latest notice of each kind, without those that a later one took back.
    pub latest: Vec<LatestNotice>,
    /// Logins are over that the provider confirmed at this time or before. Our time, so that the provider's clock does not
    /// matter. A login after it is valid whatever was told before: no provider signs in an account that it disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logins_ended_at: Option<DateTime<Utc>>,
}

/// The latest notice of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatestNotice {
    /// The kind.
    pub kind: NoticeKind,
    /// When it happened, according to the provider.
    pub at: DateTime<Utc>,
}

impl Notices {
    /// Whether nothing was ever told.
    pub fn is_empty(&self) -> bool {
        self.version == 0
    }

    /// Whether a login is over that the provider confirmed at `confirmed`.
    pub fn have_ended(&self, confirmed: DateTime<Utc>) -> bool {
        self.logins_ended_at.is_some_and(|ended| confirmed <= ended)
    }

    /// Adds a notice that arrived at `now`. Without effect if a later one of its kind, or one that takes it back, came first:
    /// no provider promises an order.
    pub fn add(&mut self, kind: NoticeKind, at: DateTime<Utc>, now: DateTime<Utc>) {
        let replaces = |latest: &LatestNotice| latest.kind == kind || Some(latest.kind) == kind.opposite();
        if self.latest.iter().any(|latest| replaces(latest) && latest.at > at) {
            return;
        }
        self.latest.retain(|latest| !replaces(latest));
        self.latest.push(LatestNotice { kind, at });
        if kind.ends_logins() {
            self.logins_ended_at = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use NoticeKind::{AccountDisabled, AccountEnabled, ConsentRevoked, EmailDisabled};

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds)
    }

    fn told(all: &[(NoticeKind, i64)]) -> (Vec<(NoticeKind, i64)>, Option<i64>) {
        let mut notices = Notices::default();
        for (now, (kind, happened)) in (100..).zip(all) {
            notices.add(*kind, at(*happened), at(now));
        }
        let latest = notices.latest.iter().map(|latest| (latest.kind, latest.at.timestamp())).collect();
        (latest, notices.logins_ended_at.map(|ended| ended.timestamp()))
    }

    #[test]
    fn the_latest_of_each_kind_is_kept_whatever_the_order() {
        for (all, latest, ended) in [
            (&[(AccountDisabled, 1)][..], &[(AccountDisabled, 1)][..], Some(100)),
            (&[(AccountDisabled, 1), (AccountEnabled, 2)], &[(AccountEnabled, 2)], Some(100)),
            (&[(AccountEnabled, 2), (AccountDisabled, 1)], &[(AccountEnabled, 2)], None),
            (&[(AccountDisabled, 1), (AccountDisabled, 3)], &[(AccountDisabled, 3)], Some(101)),
            (&[(EmailDisabled, 1), (ConsentRevoked, 1)], &[(EmailDisabled, 1), (ConsentRevoked, 1)], Some(101)),
        ] {
            assert_eq!(told(all), (latest.to_vec(), ended), "{all:?}");
        }
    }

    #[test]
    fn logins_from_before_are_over_and_later_ones_are_not() {
        let mut notices = Notices::default();
        assert!(!notices.have_ended(at(0)));
        notices.add(AccountDisabled, at(1), at(5));
        assert_eq!([4, 5, 6].map(|second| notices.have_ended(at(second))), [true, true, false]);
    }
}
