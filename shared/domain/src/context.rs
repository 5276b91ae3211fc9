//! What every call needs to know of the request it serves.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use serde::{Deserialize, Serialize};

use crate::tally::Tally;
use crate::{Client, Clock, Counts, RequestId};

/// Who is calling, as far as the front door vouches for it: API Gateway's context, never `X-Forwarded-*`, which anybody
/// can send.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientAddress {
    /// The caller's address.
    pub ip: Option<IpAddr>,
    /// The caller's `User-Agent`.
    pub user_agent: Option<String>,
}

/// The person behind an application's backend: only an authenticated client may say so.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndUser {
    /// Their address.
    pub ip: IpAddr,
    /// Their browser's `User-Agent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

impl fmt::Debug for EndUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EndUser")
    }
}

/// One request: made at the front door, handed down to every outbound call.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// For logs and error answers.
    pub id: RequestId,
    /// The time the request came in: one request sees one time.
    pub now: DateTime<Utc>,
    /// When the function has to have answered.
    pub deadline: DateTime<Utc>,
    /// Who is calling.
    pub client: ClientAddress,
    /// The languages the caller reads, as `Accept-Language` has them.
    pub locale: Option<String>,
    /// The origin of the page that calls, if a browser says so (`Origin`).
    pub origin: Option<String>,
    application: Arc<OnceLock<Arc<Client>>>,
    tally: Tally,
    clock: Arc<dyn Clock>,
}

impl RequestContext {
    /// A request that has just come in and has to be answered within `budget`.
    pub fn new(
        id: RequestId,
        clock: Arc<dyn Clock>,
        budget: Duration,
        client: ClientAddress,
        locale: Option<String>,
    ) -> Self {
        let now = clock.now();
        let budget = TimeDelta::from_std(budget).unwrap_or(TimeDelta::MAX);
        let deadline = now.checked_add_signed(budget).unwrap_or(DateTime::<Utc>::MAX_UTC);
        Self {
            id,
            now,
            deadline,
            client,
            locale,
            origin: None,
            application: Arc::default(),
            tally: Tally::default(),
            clock,
        }
    }

    /// Notes whose request this has turned out to be. The first to know is believed.
    pub fn serves(&self, client: &Arc<Client>) {
        let _already_known = self.application.set(Arc::clone(client));
    }

    /// Whose request this is, as far as it has turned out.
    pub fn application(&self) -> Option<&Arc<Client>> {
        self.application.get()
    }

    /// Counts something that has been done for this request.
    pub fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.tally.counts());
    }

    /// What has been counted so far.
    pub fn counts(&self) -> Counts {
        self.tally.counts().clone()
    }

    /// The same request on behalf of the person behind it.
    pub fn on_behalf_of(&self, end_user: Option<&EndUser>) -> Self {
        let client = end_user.map(|user| ClientAddress { ip: Some(user.ip), user_agent: user.user_agent.clone() });
        Self { client: client.unwrap_or_else(|| self.client.clone()), ..self.clone() }
    }

    /// The time as it is by now, for what a call took; whatever decides about the request goes by [`RequestContext::now`].
    pub fn time(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// What is left until the deadline; zero when it has passed.
    pub fn remaining(&self) -> Duration {
        (self.deadline - self.time()).to_std().unwrap_or_default()
    }

    /// The same request with so many quarters of its remaining time: for a call that is not the last thing to be done,
    /// so that there is time left for the rest when it takes all it has.
    pub fn within_quarters(&self, quarters: u32) -> Self {
        let kept_back = self.remaining() / 4 * 4_u32.saturating_sub(quarters);
        Self { deadline: self.deadline - TimeDelta::from_std(kept_back).unwrap_or_default(), ..self.clone() }
    }

    /// The same request with no more than `limit` of its remaining time.
    pub fn within(&self, limit: Duration) -> Self {
        let surplus = self.remaining().saturating_sub(limit);
        Self { deadline: self.deadline - TimeDelta::from_std(surplus).unwrap_or_default(), ..self.clone() }
    }

    /// Measures how long something takes.
    pub fn stopwatch(&self) -> Stopwatch {
        Stopwatch { clock: Arc::clone(&self.clock), started: self.clock.now() }
    }
}

/// Measures one outbound call, for its log line.
#[derive(Debug)]
pub struct Stopwatch {
    clock: Arc<dyn Clock>,
    started: DateTime<Utc>,
}

impl Stopwatch {
    /// Milliseconds since it was started.
    pub fn millis(&self) -> u64 {
        u64::try_from((self.clock.now() - self.started).num_milliseconds()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FixedClock;

    #[test]
    fn nothing_remains_after_the_deadline_and_what_is_counted_within_a_part_of_it_counts() {
        let clock = Arc::new(FixedClock::at(DateTime::UNIX_EPOCH));
        let id = "req".parse().unwrap();
        let cx = RequestContext::new(id, clock.clone(), Duration::from_secs(3), ClientAddress::default(), None);

        assert_eq!(cx.within_quarters(3).remaining(), Duration::from_millis(2250));
        let short = cx.within(Duration::from_millis(2500));
        short.count(|counts| counts.dynamodb_calls += 1);
        assert_eq!(cx.counts().dynamodb_calls, 1);
        clock.advance(TimeDelta::seconds(2));
        assert_eq!(cx.remaining(), Duration::from_secs(1));
        assert_eq!(short.remaining(), Duration::from_millis(500));
        assert_eq!(cx.within(Duration::from_secs(2)).remaining(), Duration::from_secs(1));
        clock.advance(TimeDelta::seconds(2));
        assert_eq!(cx.remaining(), Duration::ZERO);
    }
}
