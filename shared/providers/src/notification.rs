//! What providers send unasked.

use chrono::{DateTime, TimeDelta, Utc};
use domain::{ConfirmationCode, Notice, NotificationId};
use serde_json::{Map, Value};

use crate::oidc::{LEEWAY, time};
use crate::{Check, ProviderError, Stage};

/// How old a notification may be: a provider whose notification got no answer may send it again later. Its id is kept as long.
const MAX_AGE: TimeDelta = TimeDelta::days(3);

/// A request that a provider sends unasked. It may be anybody's, and a copy of an earlier one.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// The parameter `about` of its address, for a provider that sends each kind to an address of its own.
    pub about: Option<&'a str>,
    /// Its body.
    pub body: &'a [u8],
}

/// The answer to a notification that was received.
#[derive(Debug, Clone)]
pub enum Acknowledgement {
    /// 200.
    Ok,
    /// 202 (RFC 8935 section 2.2).
    Accepted,
    /// 200 with this code of a request to delete data, and the address of a page about the request.
    Confirmed(ConfirmationCode),
}

/// A notification that was verified.
#[derive(Debug, Clone)]
pub struct Notification {
    /// The same for each copy of it.
    pub id: NotificationId,
    /// Until when it is kept that it was received: no copy of it passes verification after that.
    pub until: DateTime<Utc>,
    /// How the provider wants to be answered.
    pub answer: Acknowledgement,
    /// What it tells. None if it only tests the way, or tells of what is not known here.
    pub notices: Vec<Notice>,
}

/// When a notification was issued according to the member `name`, in seconds since 1970. Refused if that is
/// in the future or too long ago.
pub(crate) fn issued_at(
    members: &Map<String, Value>,
    name: &str,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, ProviderError> {
    let refused = |check| Stage::Notification.refused(check);
    let seconds = time(members, name, f64::floor).flatten();
    let issued_at = seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let issued_at = issued_at.ok_or_else(|| refused(Check::Format))?;
    match issued_at {
        _ if issued_at > now + LEEWAY => Err(refused(Check::NotYetValid)),
        _ if issued_at < now - MAX_AGE => Err(refused(Check::Expired)),
        _ => Ok(issued_at),
    }
}

/// Until when [`issued_at`] accepts a copy of a notification that was issued then.
pub(crate) fn accepted_until(issued_at: DateTime<Utc>) -> DateTime<Utc> {
    issued_at + MAX_AGE + LEEWAY
}
