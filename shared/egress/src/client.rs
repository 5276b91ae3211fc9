//! The one HTTP client.

use std::error::Error;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use domain::RequestContext;
use flate2::read::MultiGzDecoder;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, StatusCode};
use reqwest::dns::Resolve;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use url::Url;

use crate::address::vet;
use crate::breaker::{Breaker, Pass};
use crate::resolver::{self, RefusedName, VettingResolver};
use crate::{EgressError, Reach, Refusal, Request, Response};

/// How long one call may take, connection and body included, where the request itself has more time left and the call
/// says nothing else ([`Request::within`]).
pub const CALL_LIMIT: Duration = Duration::from_secs(5);

/// How many bytes of an answer are read.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// Calls out. Cheap to clone; connections are kept between calls and opened by the first that needs one, and so is what
/// is known of hosts that do not answer.
#[derive(Clone)]
pub struct Egress {
    reach: Reach,
    resolver: Arc<dyn Resolve>,
    http: reqwest::Client,
    breaker: Arc<Breaker>,
}

impl Egress {
    /// Sets the client up; dials nobody.
    ///
    /// # Errors
    /// [`EgressError::Setup`], which no environment can cause.
    pub fn new(reach: Reach) -> Result<Self, EgressError> {
        Self::resolving(reach, resolver::system)
    }

    fn resolving<L, F>(reach: Reach, lookup: L) -> Result<Self, EgressError>
    where
        L: Fn(String) -> F + Send + Sync + 'static,
        F: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        let resolver: Arc<dyn Resolve> = Arc::new(VettingResolver::new(reach, lookup));
        let http = Self::client(&resolver, public_roots())?;
        Ok(Self { reach, resolver, http, breaker: Arc::default() })
    }

    fn client(resolver: &Arc<dyn Resolve>, roots: RootCertStore) -> Result<reqwest::Client, EgressError> {
        #[expect(clippy::disallowed_methods, reason = "this is the room that dials out")]
        let builder = reqwest::Client::builder();
        builder
            .tls_backend_preconfigured(tls(roots)?)
            .dns_resolver(Arc::clone(resolver))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            // The client would send again what an HTTP/2 server says it did not process. Whether a password goes out a
            // second time is for the user to say.
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| EgressError::Setup)
    }

    /// The same way out, on which authorities of a company's own (certificates in PEM) are trusted beside the public ones.
    /// Connections are its own: those of others were made without them.
    ///
    /// # Errors
    /// [`EgressError::Setup`] for what [`are_certificates`] does not take.
    pub fn trusting(&self, pem: &str) -> Result<Self, EgressError> {
        let mut roots = public_roots();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|_| EgressError::Setup)?;
            roots.add(certificate).map_err(|_| EgressError::Setup)?;
        }
        // What fails without these certificates says nothing of a call with them.
        Ok(Self { http: Self::client(&self.resolver, roots)?, breaker: Arc::default(), ..self.clone() })
    }

    /// The same way out for somebody who wants to see for themselves: what is known of hosts that do not answer is not
    /// known here, and what is found out is not known elsewhere.
    pub fn afresh(&self) -> Self {
        Self { breaker: Arc::default(), ..self.clone() }
    }

    /// Whether a call to `url` would be dialled: what the URL itself says, and the addresses its name has now. Sends
    /// nothing to it. A call is vetted again, whatever this said.
    ///
    /// # Errors
    /// [`EgressError::Refused`]; [`EgressError::Connect`] for a name without an address, [`EgressError::Timeout`] when
    /// nobody could say in time.
    pub async fn vet(&self, cx: &RequestContext, url: &Url) -> Result<(), EgressError> {
        vet(self.reach, url)?;
        let Some(name) = url.domain() else { return Ok(()) };
        let name = name.parse().map_err(|_| EgressError::Connect)?;
        match tokio::time::timeout(CALL_LIMIT.min(cx.remaining()), self.resolver.resolve(name)).await {
            Ok(Ok(mut addresses)) => addresses.next().map(|_| ()).ok_or(EgressError::Connect),
            Ok(Err(error)) => Err(cause_of(error.as_ref()).unwrap_or(EgressError::Connect)),
            Err(_) => Err(EgressError::Timeout),
        }
    }

    /// Sends `request` once and reads the whole answer, within its own limit ([`CALL_LIMIT`] unless it has another) and
    /// what remains of `cx`. Any status is an answer.
    ///
    /// # Errors
    /// What [`EgressError`] lists. A host that has not answered several calls in a row is left alone for some seconds:
    /// [`EgressError::LeftAlone`] at once.
    pub async fn send(&self, cx: &RequestContext, request: Request) -> Result<Response, EgressError> {
        let stopwatch = cx.stopwatch();
        let (method, url) = (request.method.clone(), request.url.clone());

        let limit = request.limit.min(cx.remaining());
        let outcome = match self.admit(cx, &request, limit) {
            Ok(pass) => self.call(cx, request, limit, pass).await,
            Err(error) => Err(error),
        };

        let duration_ms = stopwatch.millis();
        let failed =
            |response: &Response| response.status.is_server_error() || response.status == StatusCode::TOO_MANY_REQUESTS;
        cx.count(|counts| {
            counts.provider_calls += 1;
            counts.provider_ms += duration_ms;
            counts.provider_failures += u64::from(outcome.as_ref().map_or(true, failed));
        });
        tracing::info!(
            target: "outbound",
            service = "provider",
            method = method.as_str(),
            host = url.host_str(),
            path = shown(url.path()),
            status = outcome.as_ref().ok().map(|response| response.status.as_u16()),
            error = outcome.as_ref().err().map(|error| error.as_str()),
            circuit = matches!(outcome, Err(EgressError::LeftAlone)).then_some("open"),
            duration_ms,
        );
        outcome
    }

    /// Whether the call may be made at all, with so much time.
    fn admit(&self, cx: &RequestContext, request: &Request, limit: Duration) -> Result<Pass<'_>, EgressError> {
        // An open connection would carry the request out before anybody looks at the time.
        if limit.is_zero() {
            return Err(EgressError::Timeout);
        }
        vet(self.reach, &request.url)?;
        let peer = |url: &Url| Some((url.host_str()?.to_owned(), url.port_or_known_default()?));
        let peer = peer(&request.url).ok_or(EgressError::Refused(Refusal::Address))?;
        self.breaker.admit(cx.time(), peer).ok_or(EgressError::LeftAlone)
    }

    async fn call(
        &self,
        cx: &RequestContext,
        request: Request,
        limit: Duration,
        pass: Pass<'_>,
    ) -> Result<Response, EgressError> {
        let wanted = request.limit;
        let outcome = match tokio::time::timeout(limit, self.exchange(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(EgressError::Timeout),
        };
        match &outcome {
            Ok(_) | Err(EgressError::BodyTooLarge) => pass.answered(),
            Err(EgressError::Connect | EgressError::Tls) => pass.unanswered(cx.time()),
            // With less, it says more about the request than about the host.
            Err(EgressError::Timeout) if limit >= wanted / 4 => pass.unanswered(cx.time()),
            Err(_) => drop(pass),
        }
        outcome
    }

    async fn exchange(&self, request: Request) -> Result<Response, EgressError> {
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
        let body = if is_gzip(&headers) { decompress(&body)? } else { body };
        Ok(Response { status, headers, body })
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").field("reach", &self.reach).finish_non_exhaustive()
    }
}

fn classify(error: &reqwest::Error) -> EgressError {
    if let Some(cause) = cause_of(error) {
        return cause;
    }
    // A builder error is a request that could not be written down: nothing left either.
    if error.is_connect() || error.is_builder() { EgressError::Connect } else { EgressError::Interrupted }
}

/// What went wrong before anything was sent, where the chain of errors says it more exactly than its outermost does.
fn cause_of(error: &(dyn Error + 'static)) -> Option<EgressError> {
    if error.is::<RefusedName>() {
        return Some(EgressError::Refused(Refusal::Address));
    }
    if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
        return Some(EgressError::Tls);
    }
    // An I/O error leaves out what it wraps when it is asked for its source.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => cause_of(wrapped),
        None => error.source().and_then(cause_of),
    }
}

/// Whether `pem` is one or more certificates that can be trusted as authorities.
pub fn are_certificates(pem: &str) -> bool {
    let mut roots = RootCertStore::empty();
    // A private key beside them is not for us to keep.
    let others = pem.matches("-----BEGIN ").count() != pem.matches("-----BEGIN CERTIFICATE-----").count();
    let all = CertificateDer::pem_slice_iter(pem.as_bytes())
        .all(|certificate| certificate.is_ok_and(|certificate| roots.add(certificate).is_ok()));
    all && !others && !roots.is_empty()
}

/// As much of a path as a log line has: a discovery document may name one of any length.
fn shown(path: &str) -> &str {
    path.get(..path.len().min(255)).unwrap_or_default()
}

/// Compressed although [`Request`] asks for what is not (RFC 9110 section 8.4.1.3).
fn is_gzip(headers: &HeaderMap) -> bool {
    let coding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().trim_ascii());
    coding.is_some_and(|coding| coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip"))
}

/// Bounded, whatever it says it holds. What is no gzip stays as it is: its reader says what is wrong with it.
fn decompress(body: &[u8]) -> Result<Vec<u8>, EgressError> {
    let (mut plain, limit) = (Vec::new(), u64::try_from(BODY_LIMIT + 1).unwrap_or(u64::MAX));
    match MultiGzDecoder::new(body).take(limit).read_to_end(&mut plain) {
        Ok(read) if read > BODY_LIMIT => Err(EgressError::BodyTooLarge),
        Ok(_) => Ok(plain),
        Err(_) => Ok(body.to_vec()),
    }
}

/// Mozilla's, compiled in: reading the system's would be most of a cold start.
fn public_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

/// TLS by aws-lc-rs.
fn tls(roots: RootCertStore) -> Result<ClientConfig, EgressError> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| EgressError::Setup)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests;
