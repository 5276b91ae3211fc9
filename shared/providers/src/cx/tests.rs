use std::sync::atomic::{AtomicUsize, Ordering};

use domain::{ClientAddress, FixedClock, SeededEntropy};
use egress::{Reach, Refusal};
use http::{HeaderMap, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::bench::{IN_TIME, Secrets, listen};

/// What a provider does with a request: a status that it answers with, or that it breaks the connection.
type Deed = Option<u16>;

const BREAKS: Deed = None;

/// A provider that does these things, one after the other, and then none. Counts the requests.
async fn provider(listener: TcpListener, deeds: &[Deed], seen: &AtomicUsize) {
    for deed in deeds {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
        seen.fetch_add(1, Ordering::Relaxed);
        if let Some(status) = deed {
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }
    let _further = listener.accept().await.unwrap();
    seen.fetch_add(1, Ordering::Relaxed);
    std::future::pending().await
}

/// What is read from such a provider, and how often that asks it.
async fn read(
    deeds: &[Deed],
    request: impl FnOnce(Url) -> Request,
    pause: Duration,
) -> (Result<u16, ProviderError>, usize) {
    let (listener, url) = listen().await;
    let (egress, secrets, entropy) = (Egress::new(Reach::Local), Secrets::new(""), SeededEntropy::new(1));
    let providers = Providers::new(egress.unwrap(), Arc::new(secrets), Arc::new(entropy), "").pausing(pause..=pause);
    let clock = Arc::new(FixedClock::at(DateTime::UNIX_EPOCH));
    let served = RequestContext::new("req".parse().unwrap(), clock, IN_TIME, ClientAddress::default(), None);
    let (cx, seen) = (providers.cx(&served), AtomicUsize::new(0));
    let response = tokio::select! {
        response = cx.read(Stage::Keys, request(url.parse().unwrap())) => response,
        () = provider(listener, deeds, &seen) => unreachable!(),
    };
    (response.map(|response| response.status.as_u16()), seen.into_inner())
}

#[tokio::test]
async fn a_read_is_repeated_once() {
    let interrupted = || Err(Stage::Keys.unavailable(Outage::Interrupted));
    for (deeds, comes_to) in [
        (&[Some(500), Some(200)], Ok(200)),
        (&[Some(503), Some(200)], Ok(200)),
        (&[BREAKS, Some(200)], Ok(200)),
        (&[Some(502), BREAKS], interrupted()),
        (&[BREAKS, BREAKS], interrupted()),
        (&[BREAKS, Some(503)], Ok(503)),
        (&[Some(503), Some(504)], Ok(504)),
    ] {
        assert_eq!(read(deeds, Request::get, Duration::ZERO).await, (comes_to, 2), "{deeds:?}");
    }
}

#[tokio::test]
async fn whatever_else_is_answered_is_the_answer() {
    for status in [200, 302, 400, 401, 403, 404, 429] {
        assert_eq!(read(&[Some(status)], Request::get, Duration::ZERO).await, (Ok(status), 1));
    }
}

#[tokio::test]
async fn a_request_with_side_effects_is_sent_once() {
    let post = |url| Request::post_form(url, [("password", "right")]);
    assert_eq!(read(&[Some(503)], post, Duration::ZERO).await, (Ok(503), 1));
    let interrupted = Err(Stage::Keys.unavailable(Outage::Interrupted));
    assert_eq!(read(&[BREAKS], post, Duration::ZERO).await, (interrupted, 1));
}

#[tokio::test]
async fn nothing_is_sent_once_more_that_would_come_too_late() {
    // As long as one call may take.
    assert_eq!(read(&[Some(503)], Request::get, CALL_LIMIT).await, (Ok(503), 1));
}

#[test]
fn only_calls_that_may_be_repeated_are_tried_again() {
    let answer = |status| Ok(Response { status, headers: HeaderMap::new(), body: Vec::new() });
    for passing in [
        answer(StatusCode::INTERNAL_SERVER_ERROR),
        answer(StatusCode::BAD_GATEWAY),
        Err(EgressError::Connect),
        Err(EgressError::Interrupted),
    ] {
        assert!(may_pass(&passing), "{passing:?}");
    }
    for lasting in [
        answer(StatusCode::OK),
        answer(StatusCode::TOO_MANY_REQUESTS),
        Err(EgressError::CircuitOpen),
        Err(EgressError::Timeout),
        Err(EgressError::Tls),
        Err(EgressError::BodyTooLarge),
        Err(EgressError::Refused(Refusal::Address)),
        Err(EgressError::Setup),
    ] {
        assert!(!may_pass(&lasting), "{lasting:?}");
    }
}

#[test]
fn what_came_over_other_certificates_is_kept_apart() {
    let egress = Egress::new(Reach::Local).unwrap();
    let providers = Providers::new(egress, Arc::new(Secrets::new("")), Arc::new(SeededEntropy::new(1)), "");
    let clock = Arc::new(FixedClock::at(DateTime::UNIX_EPOCH));
    let request = RequestContext::new("req".parse().unwrap(), clock, IN_TIME, ClientAddress::default(), None);
    let cx = providers.cx(&request);
    let trusting = |pem| Cx { ca_certificates: pem, ..cx }.trusted("https://id.example");
    assert_ne!(trusting(None), trusting(Some("one")));
    assert_ne!(trusting(Some("one")), trusting(Some("another")));
}
