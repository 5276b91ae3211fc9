//! The context of a request, which every call gets.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use serde::{Deserialize, Serialize};

use crate::tally::Tally;
use crate::{Client, Clock, Counts, RequestId};

/// The caller's address, from API Gateway's request context. Never from `X-Forwarded-*`: any client can send that
/// header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientAddress {
    /// The caller's address.
    pub ip: Option<IpAddr>,
    /// The caller's `User-Agent`.
    pub user_agent: Option<String>,
}

/// The end user behind an application's backend. Only an authenticated client may set it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndUser {
    /// The user's IP address.
    pub ip: IpAddr,
    /// The `User-Agent` of the user's browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

impl fmt::Debug for EndUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EndUser")
    }
}

/// The context of one request: created when the request arrives, passed to every outbound call.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// The request id, for logs and error answers.
    pub id: RequestId,
    /// When the request arrived. All decisions about the request use this time.
    pub now: DateTime<Utc>,
    /// The time by which the function must have answered.
    pub deadline: DateTime<Utc>,
    /// The caller.
    pub client: ClientAddress,
    /// The caller's languages, from `Accept-Language`.
    pub locale: Option<String>,
    /// The origin of the calling page, if a browser sent one (`Origin`).
    pub origin: Option<String>,
    application: Arc<OnceLock<Arc<Client>>>,
    tally: Tally,
    clock: Arc<dyn Clock>,
}

impl RequestContext {
    /// A request that has just arrived and must be answered within `budget`.
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

    /// Sets the application that sent the request. Only the first call has an effect.
    pub fn set_application(&self, client: &Arc<Client>) {
        let _already_set = self.application.set(Arc::clone(client));
    }

    /// The application that sent the request, once it is known.
    pub fn application(&self) -> Option<&Arc<Client>> {
        self.application.get()
    }

    /// Changes the counts of this request.
    pub fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.tally.counts());
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.tally.counts().clone()
    }

    /// The same request, with the end user's address as the caller's.
    pub fn on_behalf_of(&self, end_user: Option<&EndUser>) -> Self {
        let client = end_user.map(|user| ClientAddress { ip: Some(user.ip), user_agent: user.user_agent.clone() });
        Self { client: client.unwrap_or_else(|| self.client.clone()), ..self.clone() }
    }

    /// The current time, to measure durations. Decisions about the request use [`RequestContext::now`].
    pub fn time(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The time left until the deadline; zero if it has passed.
    pub fn remaining(&self) -> Duration {
        (self.deadline - self.time()).to_std().unwrap_or_default()
    }

    /// The same request with this many quarters of its remaining time. For a call that is not the last one: if it takes
    /// all its time, the rest is left for the other calls.
    pub fn within_quarters(&self, quarters: u32) -> Self {
        let kept_back = self.remaining() / 4 * 4_u32.saturating_sub(quarters);
        Self { deadline: self.deadline - TimeDelta::from_std(kept_back).unwrap_or_default(), ..self.clone() }
    }

    /// The same request with at most `limit` of its remaining time.
    pub fn within(&self, limit: Duration) -> Self {
        let surplus = self.remaining().saturating_sub(limit);
        Self { deadline: self.deadline - TimeDelta::from_std(surplus).unwrap_or_default(), ..self.clone() }
    }

    /// Starts a stopwatch.
    pub fn stopwatch(&self) -> Stopwatch {
        Stopwatch { clock: Arc::clone(&self.clock), started: self.clock.now() }
    }
}

/// Measures the duration of one outbound call, for its log line.
#[derive(Debug)]
pub struct Stopwatch {
    clock: Arc<dyn Clock>,
    started: DateTime<Utc>,
}

impl Stopwatch {
    /// Milliseconds since the start.
    pub fn millis(&self) -> u64 {
        u64::try_from((self.clock.now() - self.started).num_milliseconds()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FixedClock;

    #[test]
    fn a_shortened_request_shares_counts_and_ends_at_its_deadline() {
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
