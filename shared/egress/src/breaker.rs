//! A circuit breaker per host.
//!
//! If a provider is down, every user would wait for the full time limit of a call, and all of them would call it again
//! when it recovers. So after [`FAILURE_THRESHOLD`] consecutive calls without an answer, calls to that host fail at
//! once for [`OPEN_TIME`]. Then one call is let through. If it gets an answer, the circuit closes.
//!
//! Only a missing answer counts: no connection, or a timeout. An answer never counts, also not an error: an attacker
//! can cause error answers (a wrong password, an account that makes the provider fail) and must not lock out all other
//! users that way. A broken connection counts neither way: it may have died while the function was frozen, and a
//! firewall may cut connections because of their content. A call with too little time does not count either.
//!
//! The state is kept per host and port, in the memory of each instance.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// The number of consecutive calls without an answer that opens the circuit.
pub(crate) const FAILURE_THRESHOLD: u32 = 5;

/// How long the circuit stays open.
pub(crate) const OPEN_TIME: TimeDelta = TimeDelta::seconds(10);

/// A host and a port.
pub(crate) type Peer = (String, u16);

/// The hosts that do not answer. A host that answers is removed.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<BTreeMap<Peer, Failing>>);

#[derive(Debug, Default)]
struct Failing {
    failures: u32,
    /// When the circuit opened.
    open_since: Option<DateTime<Utc>>,
    /// The probe call is still running.
    probing: bool,
}

/// The permission to call a host. Dropping it without a result does not change the state.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    breaker: &'a Breaker,
    peer: Peer,
    probe: bool,
}

impl Breaker {
    /// The permission to call `peer`; `None` while the circuit is open.
    pub(crate) fn permit(&self, now: DateTime<Utc>, peer: Peer) -> Option<Permit<'_>> {
        let mut hosts = self.hosts();
        let probe = match hosts.get_mut(&peer) {
            Some(Failing { open_since: Some(since), probing, .. }) => {
                // If the clock was set back, the circuit must not stay open forever.
                if *probing || (now - *since).abs() < OPEN_TIME {
                    return None;
                }
                *probing = true;
                true
            }
            _ => false,
        };
        drop(hosts);
        Some(Permit { breaker: self, peer, probe })
    }

    fn hosts(&self) -> MutexGuard<'_, BTreeMap<Peer, Failing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// The host has answered.
    pub(crate) fn answered(self) {
        let was = self.breaker.hosts().remove(&self.peer);
        if was.is_some_and(|host| host.open_since.is_some()) {
            let (host, port) = &self.peer;
            tracing::info!(event = "circuit_closed", host, port);
        }
    }

    /// The host has not answered.
    pub(crate) fn unanswered(self, now: DateTime<Utc>) {
        let mut hosts = self.breaker.hosts();
        let host = hosts.entry(self.peer.clone()).or_default();
        host.failures = host.failures.saturating_add(1);
        let opens = host.open_since.is_none() && host.failures >= FAILURE_THRESHOLD;
        // Calls that were running when the circuit opened do not keep it open longer; a failed probe does.
        if opens || (self.probe && host.open_since.is_some()) {
            host.open_since = Some(now);
        }
        drop(hosts);
        if opens {
            let (host, port) = &self.peer;
            tracing::warn!(event = "circuit_opened", host, port);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.probe
            && let Some(host) = self.breaker.hosts().get_mut(&self.peer)
        {
            host.probing = false;
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
        for _ in 0..FAILURE_THRESHOLD {
            breaker.permit(at(second), acme()).unwrap().unanswered(at(second));
        }
        breaker
    }

    #[test]
    fn consecutive_failures_open_the_circuit_of_that_host_only() {
        let breaker = Breaker::default();
        for _ in 0..3 {
            for _ in 1..FAILURE_THRESHOLD {
                breaker.permit(at(0), acme()).unwrap().unanswered(at(0));
            }
            breaker.permit(at(0), acme()).unwrap().answered();
        }
        for _ in 0..FAILURE_THRESHOLD {
            breaker.permit(at(0), acme()).unwrap().unanswered(at(0));
        }
        for second in [0, 9, -9] {
            assert!(breaker.permit(at(second), acme()).is_none(), "{second}");
        }
        for other in [("other.example".to_owned(), 443), ("acme.example".to_owned(), 8443)] {
            assert!(breaker.permit(at(0), other).is_some());
        }
    }

    #[test]
    fn one_probe_is_let_through_and_its_answer_closes_the_circuit() {
        let breaker = opened_at(0);
        let probe = breaker.permit(at(10), acme()).unwrap();
        assert!(breaker.permit(at(10), acme()).is_none());
        assert!(breaker.permit(at(60), acme()).is_none());
        probe.answered();
        let permits = [breaker.permit(at(10), acme()), breaker.permit(at(10), acme())];
        assert!(permits.iter().all(Option::is_some));
        assert!(breaker.hosts().is_empty());
    }

    #[test]
    fn a_failed_probe_keeps_the_circuit_open() {
        let breaker = opened_at(0);
        breaker.permit(at(10), acme()).unwrap().unanswered(at(15));
        assert!(breaker.permit(at(24), acme()).is_none());
        assert!(breaker.permit(at(25), acme()).is_some());
    }

    #[test]
    fn a_probe_without_a_result_allows_another_probe() {
        let breaker = opened_at(0);
        drop(breaker.permit(at(10), acme()).unwrap());
        breaker.permit(at(10), acme()).unwrap().answered();
        assert!(breaker.permit(at(10), acme()).is_some());
    }

    #[test]
    fn calls_already_running_do_not_affect_the_open_circuit() {
        let breaker = Breaker::default();
        let mut running: Vec<_> = (0..8).map(|_| breaker.permit(at(0), acme()).unwrap()).collect();
        for permit in running.drain(..6) {
            permit.unanswered(at(5));
        }
        running.pop().unwrap().unanswered(at(14));
        let probe = breaker.permit(at(15), acme()).unwrap();
        drop(running);
        assert!(breaker.permit(at(15), acme()).is_none());
        drop(probe);
    }

    #[test]
    fn a_clock_set_back_does_not_keep_the_circuit_open() {
        let breaker = opened_at(1_000_000);
        assert!(breaker.permit(at(0), acme()).is_some());
    }
}
