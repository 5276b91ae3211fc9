//! The circuit breaker in calls.

use chrono::{DateTime, TimeDelta};

use super::*;
use crate::breaker::{FAILURE_THRESHOLD, OPEN_TIME};
use listener::Log;

/// A clock, and a client whose circuit for `url` is open, with a listener that now answers there.
async fn open_circuit() -> (Arc<FixedClock>, Egress, Url, TcpListener) {
    let (listener, url) = listen().await;
    let (clock, egress) = (Arc::new(FixedClock::at(DateTime::UNIX_EPOCH)), Egress::new(Reach::Local).unwrap());
    drop(listener);
    for _ in 0..FAILURE_THRESHOLD {
        let error = egress.send(&at(&clock, LATER), Request::get(url.clone())).await.unwrap_err();
        assert_eq!(error, EgressError::Connect);
    }
    let listener = TcpListener::bind((url.host_str().unwrap(), url.port().unwrap())).await.unwrap();
    (clock, egress, url, listener)
}

async fn answer(listener: &TcpListener, status: u16) {
    let (mut stream, _) = read_request(listener).await;
    let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn an_open_circuit_closes_when_a_probe_is_answered() {
    let log = Log::default();
    let _guard = log.listen();
    let (clock, egress, url, listener) = open_circuit().await;
    let get = || Request::get(url.clone());

    clock.advance(OPEN_TIME - TimeDelta::milliseconds(1));
    assert_eq!(egress.send(&at(&clock, LATER), get()).await.unwrap_err(), EgressError::CircuitOpen);
    assert!(tokio::time::timeout(SOON, listener.accept()).await.is_err());

    clock.advance(TimeDelta::milliseconds(1));
    let cx = at(&clock, LATER);
    // The first call is the probe, the second is refused. After the probe's answer all calls are made.
    let (first, second, ()) = tokio::join!(egress.send(&cx, get()), egress.send(&cx, get()), answer(&listener, 500));
    assert_eq!(first.unwrap().status.as_u16(), 500);
    assert_eq!(second.unwrap_err(), EgressError::CircuitOpen);
    let (third, ()) = tokio::join!(egress.send(&cx, get()), answer(&listener, 200));
    assert_eq!(third.unwrap().status.as_u16(), 200);

    let (log, port) = (log.text(), url.port().unwrap());
    let line = |level: &str, event: &str| {
        let fields = format!(r#"{{"event":"{event}","host":"127.0.0.1","port":{port}}}"#);
        format!(r#"{{"level":"{level}","fields":{fields},"target":"egress::breaker"}}"#)
    };
    assert_eq!(log.matches(&line("WARN", "circuit_opened")).count(), 1, "{log}");
    assert_eq!(log.matches(&line("INFO", "circuit_closed")).count(), 1, "{log}");
    assert_eq!(log.matches("circuit_").count(), 2, "{log}");
    assert_eq!(log.matches(r#""error":"connect","circuit":"open","#).count(), 2, "{log}");
}

#[tokio::test]
async fn an_open_circuit_does_not_affect_other_hosts() {
    let (clock, egress, url, _listener) = open_circuit().await;
    let (other, other_url) = listen().await;
    let cx = at(&clock, LATER);
    assert_eq!(egress.send(&cx, Request::get(url)).await.unwrap_err(), EgressError::CircuitOpen);
    let (answered, ()) = tokio::join!(egress.send(&cx, Request::get(other_url)), answer(&other, 200));
    assert_eq!(answered.unwrap().status.as_u16(), 200);
}

#[tokio::test]
async fn an_error_answer_does_not_open_the_circuit() {
    let (listener, url) = listen().await;
    let egress = Egress::new(Reach::Local).unwrap();
    for status in [400, 401, 403, 429, 500, 502, 503, 504] {
        for _ in 0..=FAILURE_THRESHOLD {
            let form = Request::post_form(url.clone(), [("password", "wrong")]);
            let cx = request(LATER);
            let (answered, ()) = tokio::join!(egress.send(&cx, form), answer(&listener, status));
            assert_eq!(answered.unwrap().status.as_u16(), status);
        }
    }
}

#[tokio::test]
async fn a_broken_connection_does_not_open_the_circuit() {
    let (listener, url) = listen().await;
    let egress = Egress::new(Reach::Local).unwrap();
    for _ in 0..=FAILURE_THRESHOLD {
        let cx = request(LATER);
        let breaking = async { drop(read_request(&listener).await) };
        let (broken, ()) = tokio::join!(egress.send(&cx, Request::get(url.clone())), breaking);
        assert_eq!(broken.unwrap_err(), EgressError::Interrupted);
    }
}

#[tokio::test]
async fn a_timeout_counts_only_with_enough_time() {
    let (listener, url) = listen().await;
    let egress = Egress::new(Reach::Local).unwrap();
    // Much less time than the call's limit.
    for _ in 0..=FAILURE_THRESHOLD {
        let short = egress.send(&request(SOON), Request::get(url.clone())).await;
        assert_eq!(short.unwrap_err(), EgressError::Timeout);
    }
    for _ in 0..FAILURE_THRESHOLD {
        let silent = egress.send(&request(LATER), Request::get(url.clone()).within(SOON)).await;
        assert_eq!(silent.unwrap_err(), EgressError::Timeout);
    }
    let refused = egress.send(&request(LATER), Request::get(url)).await;
    assert_eq!(refused.unwrap_err(), EgressError::CircuitOpen);
    drop(listener);
}
