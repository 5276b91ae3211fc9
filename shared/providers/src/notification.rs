//! What providers send unasked.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Notice, NotificationId};

/// How old a notification may be: a provider whose notification got no answer may send it again later. Its id is kept as long.
pub(crate) const MAX_AGE: TimeDelta = TimeDelta::days(3);

/// The answer to a notification that was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledgement {
    /// 200.
    Ok,
    /// 202 (RFC 8935 section 2.2).
    Accepted,
}

/// A notification that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The same for each copy of it.
    pub id: NotificationId,
    /// Until when a copy of it passes verification.
    pub until: DateTime<Utc>,
    /// How the provider wants to be answered.
    pub answer: Acknowledgement,
    /// What it tells. None if it only tests the way, or tells of what is not known here.
    pub notices: Vec<Notice>,
}
