//! The one HTTP client.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use domain::RequestContext;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};

use crate::address::{Reach, RefusedName, VettingResolver};
use crate::{EgressError, Refusal, Request, Response};

/// How long one call may take, connection and body included, where the request itself has more time left.
pub const CALL_LIMIT: Duration = Duration::from_secs(5);

/// How many bytes of an answer are read.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// Calls out. Cheap to clone; connections are kept between calls and opened by the first that needs one.
#[derive(Clone)]
pub struct Egress {
    reach: Reach,
    http: reqwest::Client,
}

impl Egress {
    /// Sets the client up; dials nobody.
    ///
    /// # Errors
    /// [`EgressError::Setup`], which no environment can cause.
    pub fn new(reach: Reach) -> Result<Self, EgressError> {
        #[expect(clippy::disallowed_methods, reason = "this is the room that dials out")]
        let builder = reqwest::Client::builder();
        let http = builder
            .tls_backend_preconfigured(tls()?)
            .dns_resolver(VettingResolver(reach))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            // The client would send again what an HTTP/2 server says it did not process. Whether a password goes out a
            // second time is for the user to say.
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| EgressError::Setup)?;
        Ok(Self { reach, http })
    }

    /// Sends `request` once and reads the whole answer, within [`CALL_LIMIT`] and what remains of `cx`. Any status is an
    /// answer.
    pub async fn send(&self, cx: &RequestContext, request: Request) -> Result<Response, EgressError> {
        let stopwatch = cx.stopwatch();
        let (method, url) = (request.method.clone(), request.url.clone());

        let limit = CALL_LIMIT.min(cx.remaining());
        let outcome = match tokio::time::timeout(limit, self.exchange(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(EgressError::Timeout),
        };

        tracing::info!(
            target: "outbound",
            service = "provider",
            method = method.as_str(),
            host = url.host_str(),
            path = url.path(),
            status = outcome.as_ref().ok().map(|response| response.status.as_u16()),
            error = outcome.as_ref().err().map(|error| error.as_str()),
            duration_ms = stopwatch.millis(),
        );
        outcome
    }

    async fn exchange(&self, request: Request) -> Result<Response, EgressError> {
        self.reach.vet(&request.url)?;
        let mut outgoing = self.http.request(request.method, request.url).headers(request.headers);
        if let Some(body) = request.body {
            outgoing = outgoing.body(body);
        }
        let mut answer = outgoing.send().await.map_err(|error| classify(&error))?;

        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        let mut body = Vec::new();
        // Counted as it comes: Content-Length may be absent or a lie.
        while let Some(chunk) = answer.chunk().await.map_err(|_| EgressError::Interrupted)? {
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(EgressError::BodyTooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status, headers, body })
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").field("reach", &self.reach).finish_non_exhaustive()
    }
}

fn classify(error: &reqwest::Error) -> EgressError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<RefusedName>() {
            return EgressError::Refused(Refusal::Address);
        }
        cause = error.source();
    }
    // A builder error is a request that could not be written down: nothing left either.
    if error.is_connect() || error.is_builder() { EgressError::Connect } else { EgressError::Interrupted }
}

/// TLS by aws-lc-rs under Mozilla's roots, compiled in: reading the system's would be most of a cold start.
fn tls() -> Result<ClientConfig, EgressError> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| EgressError::Setup)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use domain::{ClientAddress, FixedClock, RequestId};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use url::Url;

    use super::*;

    const SOON: Duration = Duration::from_millis(50);
    const LATER: Duration = Duration::from_secs(30);

    fn request(budget: Duration) -> RequestContext {
        let id: RequestId = "req".parse().unwrap();
        let clock = Arc::new(FixedClock::at(chrono::DateTime::UNIX_EPOCH));
        RequestContext::new(id, clock, budget, ClientAddress::default(), None)
    }

    async fn listen() -> (TcpListener, Url) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/token?q=1", listener.local_addr().unwrap())).unwrap();
        (listener, url)
    }

    async fn read_request(listener: &TcpListener) -> (TcpStream, String) {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.windows(4).any(|window| window == b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        (stream, String::from_utf8(head).unwrap())
    }

    /// What becomes of a call whose peer answers its first request with `answer` and then closes.
    async fn answered(answer: Vec<u8>) -> Result<Response, EgressError> {
        let (listener, url) = listen().await;
        let egress = Egress::new(Reach::Local).unwrap();
        let cx = request(LATER);
        let peer = async {
            let (mut stream, _) = read_request(&listener).await;
            // Whoever stops reading early closes the connection under the writer.
            let _ = stream.write_all(&answer).await;
        };
        tokio::join!(egress.send(&cx, Request::get(url)), peer).0
    }

    #[tokio::test]
    async fn an_answer_of_any_status_is_an_answer() {
        let response =
            answered(b"HTTP/1.1 503 No\r\nContent-Type: text/HTML; x=y\r\nContent-Length: 2\r\n\r\nhi".to_vec()).await;
        let response = response.unwrap();
        assert_eq!((response.status.as_u16(), response.body.as_slice()), (503, b"hi".as_slice()));
        assert_eq!(response.media_type(), "text/html");
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let response = answered(b"HTTP/1.1 302 Found\r\nLocation: /evil\r\nContent-Length: 0\r\n\r\n".to_vec()).await;
        assert_eq!(response.unwrap().status.as_u16(), 302);
    }

    #[tokio::test]
    async fn a_body_ends_at_the_cap() {
        let body =
            |length: usize| [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec(), vec![b'x'; length]].concat();
        assert_eq!(answered(body(BODY_LIMIT)).await.unwrap().body.len(), BODY_LIMIT);
        assert_eq!(answered(body(BODY_LIMIT + 1)).await.unwrap_err(), EgressError::BodyTooLarge);
    }

    #[tokio::test]
    async fn compressed_bodies_stay_as_they_are() {
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
    async fn a_peer_that_never_answers_costs_what_the_request_has_left() {
        let (listener, url) = listen().await;
        let egress = Egress::new(Reach::Local).unwrap();
        // The system accepts connections for a listener that nobody asks.
        assert_eq!(egress.send(&request(SOON), Request::get(url.clone())).await.unwrap_err(), EgressError::Timeout);
        assert_eq!(egress.send(&request(Duration::ZERO), Request::get(url)).await.unwrap_err(), EgressError::Timeout);
        drop(listener);
    }

    #[tokio::test]
    async fn a_body_that_never_ends_costs_what_the_request_has_left() {
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
    async fn nothing_is_sent_where_nobody_listens() {
        let (listener, url) = listen().await;
        drop(listener);
        let egress = Egress::new(Reach::Local).unwrap();
        assert_eq!(egress.send(&request(LATER), Request::get(url)).await.unwrap_err(), EgressError::Connect);
    }

    #[tokio::test]
    async fn this_machine_is_refused_by_address_and_by_name() {
        let (listener, url) = listen().await;
        let port = listener.local_addr().unwrap().port();
        let egress = Egress::new(Reach::Public).unwrap();
        let refusal = |url: Url| async { egress.send(&request(LATER), Request::get(url)).await.unwrap_err() };

        assert_eq!(refusal(url).await, EgressError::Refused(Refusal::Scheme));
        for host in ["127.0.0.1", "[::1]", "2130706433", "localhost"] {
            let url = Url::parse(&format!("https://{host}:{port}/")).unwrap();
            assert_eq!(refusal(url).await, EgressError::Refused(Refusal::Address), "{host}");
        }
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_call_is_one_log_line_without_what_was_said() {
        let (listener, url) = listen().await;
        let (egress, cx, log) = (Egress::new(Reach::Local).unwrap(), request(LATER), Log::default());
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().json().without_time().with_writer(move || writer.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);

        let form = Request::post_form(url.join("/token?canary").unwrap(), [("password", "canary")]);
        let peer = async {
            let (mut stream, _) = read_request(&listener).await;
            let answer = b"HTTP/1.1 400 Bad\r\nX-A: canary\r\nContent-Length: 6\r\n\r\ncanary";
            stream.write_all(answer).await.unwrap();
        };
        tokio::join!(egress.send(&cx, form.bearer("canary").unwrap()), peer).0.unwrap();
        drop(listener);
        egress.send(&cx, Request::get(url)).await.unwrap_err();

        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        let expected = concat!(
            r#"{"level":"INFO","fields":{"service":"provider","method":"POST","host":"127.0.0.1","path":"/token","#,
            r#""status":400,"duration_ms":0},"target":"outbound"}"#,
            "\n",
            r#"{"level":"INFO","fields":{"service":"provider","method":"GET","host":"127.0.0.1","path":"/token","#,
            r#""error":"connect","duration_ms":0},"target":"outbound"}"#,
            "\n",
        );
        assert_eq!(log, expected);
    }
}
