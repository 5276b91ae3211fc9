mod circuit;
mod log;
mod names;
mod tls;

use chrono::DateTime;
use domain::{ClientAddress, FixedClock, RequestId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::*;

const SOON: Duration = Duration::from_millis(50);
const LATER: Duration = Duration::from_secs(30);

fn request(budget: Duration) -> RequestContext {
    at(&Arc::new(FixedClock::at(DateTime::UNIX_EPOCH)), budget)
}

/// A request that arrives at the clock's time.
fn at(clock: &Arc<FixedClock>, budget: Duration) -> RequestContext {
    let id: RequestId = "req".parse().unwrap();
    RequestContext::new(id, clock.clone(), budget, ClientAddress::default(), None)
}

async fn listen() -> (TcpListener, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/token?q=1", listener.local_addr().unwrap())).unwrap();
    (listener, url)
}

async fn read_request(listener: &TcpListener) -> (TcpStream, String) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let head = read_head(&mut stream).await;
    (stream, head)
}

async fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// The result of a call whose peer answers with `answer` and then closes the connection.
async fn answered(answer: Vec<u8>) -> Result<Response, EgressError> {
    let (listener, url) = listen().await;
    let egress = Egress::new(Reach::Local).unwrap();
    let cx = request(LATER);
    let peer = async {
        let (mut stream, _) = read_request(&listener).await;
        // The write fails if the client stops reading early.
        let _ = stream.write_all(&answer).await;
    };
    tokio::join!(egress.send(&cx, Request::get(url)), peer).0
}

#[tokio::test]
async fn any_status_is_an_answer() {
    let response =
        answered(b"HTTP/1.1 503 No\r\nContent-Type: text/HTML; x=y\r\nContent-Length: 2\r\n\r\nhi".to_vec()).await;
    let response = response.unwrap();
    assert_eq!((response.status.as_u16(), response.body.as_slice()), (503, b"hi".as_slice()));
    assert_eq!(response.media_type(), "text/html");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (elsewhere, target) = listen().await;
    for status in [301, 302, 303, 307, 308] {
        for location in [target.as_str(), "/evil", "https://169.254.169.254/latest/meta-data", "file:///etc/passwd"] {
            let answer = format!("HTTP/1.1 {status} Go\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n");
            assert_eq!(answered(answer.into_bytes()).await.unwrap().status.as_u16(), status, "{location}");
        }
    }
    assert!(tokio::time::timeout(SOON, elsewhere.accept()).await.is_err());
}

#[tokio::test]
async fn a_larger_body_than_the_limit_is_refused() {
    let body = |length: usize| [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec(), vec![b'x'; length]].concat();
    assert_eq!(answered(body(BODY_LIMIT)).await.unwrap().body.len(), BODY_LIMIT);
    assert_eq!(answered(body(BODY_LIMIT + 1)).await.unwrap_err(), EgressError::BodyTooLarge);
}

#[tokio::test]
async fn a_body_that_is_not_gzip_is_returned_unchanged() {
    let response =
        answered(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x08".to_vec());
    assert_eq!(response.await.unwrap().body, b"\x1f\x8b\x08");
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_leaves_the_outcome_unknown() {
    assert_eq!(answered(Vec::new()).await.unwrap_err(), EgressError::Interrupted);
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_vec();
    assert_eq!(answered(cut).await.unwrap_err(), EgressError::Interrupted);

    let (listener, url) = listen().await;
    let egress = Egress::new(Reach::Local).unwrap();
    let cx = request(LATER);
    let resetting = async {
        // Closed with the rest unread: the peer's system answers with a reset.
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u8().await.unwrap();
    };
    let form = Request::post_form(url, [("password", "secret")]);
    assert_eq!(tokio::join!(egress.send(&cx, form), resetting).0.unwrap_err(), EgressError::Interrupted);
}

#[tokio::test]
async fn a_call_ends_at_its_own_limit() {
    let (listener, url) = listen().await;
    let egress = Egress::new(Reach::Local).unwrap();
    let hurried = Request::get(url).within(SOON);
    assert_eq!(egress.send(&request(LATER), hurried).await.unwrap_err(), EgressError::Timeout);
    drop(listener);
}

#[tokio::test]
async fn nothing_is_sent_on_an_open_connection_without_time() {
    let (listener, url) = listen().await;
    let egress = Egress::new(Reach::Local).unwrap();
    let get = |path: &str| Request::get(url.join(path).unwrap());
    let peer = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut heads = Vec::new();
        for _ in 0..2 {
            heads.push(read_head(&mut stream).await);
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        }
        heads
    };
    let calls = async {
        egress.send(&request(LATER), get("/first")).await.unwrap();
        for _ in 0..3 {
            let late = egress.send(&request(Duration::ZERO), get("/late")).await;
            assert_eq!(late.unwrap_err(), EgressError::Timeout);
            let never = egress.send(&request(LATER), get("/late").within(Duration::ZERO)).await;
            assert_eq!(never.unwrap_err(), EgressError::Timeout);
        }
        egress.send(&request(LATER), get("/second")).await.unwrap();
    };
    let ((), heads) = tokio::join!(calls, peer);
    assert!(heads[0].starts_with("GET /first ") && heads[1].starts_with("GET /second "), "{heads:?}");
}

#[tokio::test]
async fn a_call_ends_at_the_requests_deadline() {
    let (listener, url) = listen().await;
    let egress = Egress::new(Reach::Local).unwrap();
    // The system accepts connections although the listener does not.
    assert_eq!(egress.send(&request(SOON), Request::get(url.clone())).await.unwrap_err(), EgressError::Timeout);
    assert_eq!(egress.send(&request(Duration::ZERO), Request::get(url)).await.unwrap_err(), EgressError::Timeout);
    drop(listener);
}

#[tokio::test]
async fn an_endless_body_ends_at_the_requests_deadline() {
    let (listener, url) = listen().await;
    let egress = Egress::new(Reach::Local).unwrap();
    let cx = request(SOON);
    let peer = async {
        let (mut stream, _) = read_request(&listener).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").await.unwrap();
        stream
    };
    assert_eq!(tokio::join!(egress.send(&cx, Request::get(url)), peer).0.unwrap_err(), EgressError::Timeout);
}

#[tokio::test]
async fn without_a_listener_there_is_no_connection() {
    let (listener, url) = listen().await;
    drop(listener);
    let egress = Egress::new(Reach::Local).unwrap();
    assert_eq!(egress.send(&request(LATER), Request::get(url)).await.unwrap_err(), EgressError::Connect);
}

#[tokio::test]
async fn an_unrequested_gzip_body_is_decompressed_up_to_the_limit() {
    let answer = |body: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len());
        answered([head.as_bytes(), body].concat())
    };
    let gzip = |plain: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut encoder, plain).unwrap();
        encoder.finish().unwrap()
    };
    assert_eq!(answer(&gzip(b"{}")).await.unwrap().body, b"{}");
    assert_eq!(answer(&gzip(&vec![0; BODY_LIMIT])).await.unwrap().body.len(), BODY_LIMIT);
    assert_eq!(answer(&gzip(&vec![0; 50 * BODY_LIMIT])).await.unwrap_err(), EgressError::BodyTooLarge);
    // Some servers send the header without compressing.
    assert_eq!(answer(b"{}").await.unwrap().body, b"{}");
}
