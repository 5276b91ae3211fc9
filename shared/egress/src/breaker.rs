//! Leaves a host alone for a while that does not answer.
//!
//! A provider that is down takes from every user all the time a call may take, and on its way back up it is met by
//! everybody who waited. So after [`OUTAGES`] calls in a row without an answer, calls to that host fail at once for
//! [`REST`]; then one is let through, and its answer opens the way for all.
//!
//! What counts is that nobody answered: no connection, or none of the time was enough. What was answered never counts,
//! whatever it says: a wrong password, or a user for whom a provider runs into an error of its own, is something anybody
//! can send, and must not lock out everybody else. A connection that breaks counts neither way: one may have died while
//! the function was frozen, and a firewall in between may cut those whose content it does not like. Neither does a call
//! that had hardly any time.
//!
//! Kept by host and port, in each instance's memory: one provider's outage is nobody else's, and nothing is shared.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// How many calls in a row have to go unanswered.
pub(crate) const OUTAGES: u32 = 5;

/// How long a host is left alone.
pub(crate) const REST: TimeDelta = TimeDelta::seconds(10);

/// A host and a port.
pub(crate) type Peer = (String, u16);

/// Which hosts do not answer. One that does takes no room.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<BTreeMap<Peer, Failing>>);

#[derive(Debug, Default)]
struct Failing {
    outages: u32,
    /// Left alone since.
    open: Option<DateTime<Utc>>,
    /// The one call that is let through has not ended.
    probed: bool,
}

/// Leave to call a host. Whoever drops it without a word has learnt nothing about the host.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    breaker: &'a Breaker,
    peer: Peer,
    probe: bool,
}

impl Breaker {
    /// Leave to call `peer`; `None` while it is left alone.
    pub(crate) fn admit(&self, now: DateTime<Utc>, peer: Peer) -> Option<Pass<'_>> {
        let mut hosts = self.hosts();
        let probe = match hosts.get_mut(&peer) {
            Some(Failing { open: Some(since), probed, .. }) => {
                // A clock that went back must not leave it alone for ever.
                if *probed || (now - *since).abs() < REST {
                    return None;
                }
                *probed = true;
                true
            }
            _ => false,
        };
        drop(hosts);
        Some(Pass { breaker: self, peer, probe })
    }

    fn hosts(&self) -> MutexGuard<'_, BTreeMap<Peer, Failing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pass<'_> {
    /// The host has answered.
    pub(crate) fn answered(self) {
        let was = self.breaker.hosts().remove(&self.peer);
        if was.is_some_and(|host| host.open.is_some()) {
            let (host, port) = &self.peer;
            tracing::info!(event = "circuit_closed", host, port);
        }
    }

    /// Nobody has answered.
    pub(crate) fn unanswered(self, now: DateTime<Utc>) {
        let mut hosts = self.breaker.hosts();
        let host = hosts.entry(self.peer.clone()).or_default();
        host.outages = host.outages.saturating_add(1);
        let opens = host.open.is_none() && host.outages >= OUTAGES;
        // Calls that were under way when it was opened do not prolong it; a probe does.
        if opens || (self.probe && host.open.is_some()) {
            host.open = Some(now);
        }
        drop(hosts);
        if opens {
            let (host, port) = &self.peer;
            tracing::warn!(event = "circuit_opened", host, port);
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.probe
            && let Some(host) = self.breaker.hosts().get_mut(&self.peer)
        {
            host.probed = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn acme() -> Peer {
        ("acme.example".to_owned(), 443)
    }

    fn opened_at(second: i64) -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..OUTAGES {
            breaker.admit(at(second), acme()).unwrap().unanswered(at(second));
        }
        breaker
    }

    #[test]
    fn a_host_is_left_alone_after_outages_in_a_row_and_no_other_host_is() {
        let breaker = Breaker::default();
        for _ in 0..3 {
            for _ in 1..OUTAGES {
                breaker.admit(at(0), acme()).unwrap().unanswered(at(0));
            }
            breaker.admit(at(0), acme()).unwrap().answered();
        }
        for _ in 0..OUTAGES {
            breaker.admit(at(0), acme()).unwrap().unanswered(at(0));
        }
        for second in [0, 9, -9] {
            assert!(breaker.admit(at(second), acme()).is_none(), "{second}");
        }
        for other in [("other.example".to_owned(), 443), ("acme.example".to_owned(), 8443)] {
            assert!(breaker.admit(at(0), other).is_some());
        }
    }

    #[test]
    fn one_call_is_let_through_and_its_answer_opens_the_way() {
        let breaker = opened_at(0);
        let probe = breaker.admit(at(10), acme()).unwrap();
        assert!(breaker.admit(at(10), acme()).is_none());
        assert!(breaker.admit(at(60), acme()).is_none());
        probe.answered();
        let passes = [breaker.admit(at(10), acme()), breaker.admit(at(10), acme())];
        assert!(passes.iter().all(Option::is_some));
        assert!(breaker.hosts().is_empty());
    }

    #[test]
    fn a_probe_without_an_answer_leaves_the_host_alone_again() {
        let breaker = opened_at(0);
        breaker.admit(at(10), acme()).unwrap().unanswered(at(15));
        assert!(breaker.admit(at(24), acme()).is_none());
        assert!(breaker.admit(at(25), acme()).is_some());
    }

    #[test]
    fn a_probe_that_says_nothing_lets_the_next_try() {
        let breaker = opened_at(0);
        drop(breaker.admit(at(10), acme()).unwrap());
        breaker.admit(at(10), acme()).unwrap().answered();
        assert!(breaker.admit(at(10), acme()).is_some());
    }

    #[test]
    fn what_was_under_way_neither_prolongs_the_rest_nor_is_the_probe() {
        let breaker = Breaker::default();
        let mut under_way: Vec<_> = (0..8).map(|_| breaker.admit(at(0), acme()).unwrap()).collect();
        for pass in under_way.drain(..6) {
            pass.unanswered(at(5));
        }
        under_way.pop().unwrap().unanswered(at(14));
        let probe = breaker.admit(at(15), acme()).unwrap();
        drop(under_way);
        assert!(breaker.admit(at(15), acme()).is_none());
        drop(probe);
    }

    #[test]
    fn a_clock_that_goes_back_does_not_close_a_host_for_ever() {
        let breaker = opened_at(1_000_000);
        assert!(breaker.admit(at(0), acme()).is_some());
    }
}
