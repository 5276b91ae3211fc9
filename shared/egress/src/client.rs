//! The HTTP client.

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
use crate::breaker::{Breaker, Permit};
use crate::resolver::{self, RefusedName, VettingResolver};
use crate::{EgressError, Reach, Refusal, Request, Response};

/// The default time limit of one call, including connection and body. [`Request::within`] changes it; the deadline of
/// the incoming request also applies.
pub const CALL_LIMIT: Duration = Duration::from_secs(5);

/// The largest body that is read, in bytes.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// The client for outbound calls. Cheap to clone. Connections are opened on demand and kept between calls, as is the
/// state of the circuit breaker.
#[derive(Clone)]
pub struct Egress {
    reach: Reach,
    resolver: Arc<dyn Resolve>,
    http: reqwest::Client,
    breaker: Arc<Breaker>,
}

impl Egress {
    /// Creates the client, without opening a connection.
    ///
    /// # Errors
    /// / [`EgressError::Setup`]: an error in Landfall, independent of the environment.
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
        #[expect(clippy::disallowed_methods, reason = "this crate makes the outbound calls")]
        let builder = reqwest::Client::builder();
        builder
            .tls_backend_preconfigured(tls(roots)?)
            .dns_resolver(Arc::clone(resolver))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            // By default the client repeats requests that an HTTP/2 server did not process. A password must not be sent
            // a second time without the user.
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(concat!("landfall/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| EgressError::Setup)
    }

    /// The same client, which also trusts these CA certificates (PEM). It has its own connections: existing ones were
    /// opened without these certificates.
    ///
    /// # Errors
    /// / [`EgressError::Setup`] if [`are_certificates`] returns `false`.
    pub fn with_ca_certificates(&self, pem: &str) -> Result<Self, EgressError> {
        let mut roots = public_roots();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|_| EgressError::Setup)?;
            roots.add(certificate).map_err(|_| EgressError::Setup)?;
        }
        // A failure without these certificates says nothing about calls with them.
        Ok(Self { http: Self::client(&self.resolver, roots)?, breaker: Arc::default(), ..self.clone() })
    }

    /// The same client with a separate, empty circuit breaker. For connector tests, which must call the host
    /// themselves.
    pub fn with_new_breaker(&self) -> Self {
        Self { breaker: Arc::default(), ..self.clone() }
    }

    /// Checks whether `url` may be called: the URL itself and its current addresses. Sends nothing to it. Each call is
    /// checked again.
    ///
    /// # Errors
    /// [`EgressError::Refused`]; [`EgressError::Connect`] if the name has no address; [`EgressError::Timeout`] if the
    /// name was not resolved in time.
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

    /// Sends `request` once and reads the whole answer, within the request's limit (default [`CALL_LIMIT`]) and the
    /// remaining time of `cx`. Any status is an answer.
    ///
    /// # Errors
    /// See [`EgressError`]. After several consecutive calls without an answer, calls to the host fail at once for some
    /// seconds: [`EgressError::CircuitOpen`].
    pub async fn send(&self, cx: &RequestContext, request: Request) -> Result<Response, EgressError> {
        let stopwatch = cx.stopwatch();
        let (method, url) = (request.method.clone(), request.url.clone());

        let limit = request.limit.min(cx.remaining());
        let outcome = match self.permit(cx, &request, limit) {
            Ok(permit) => self.call(cx, request, limit, permit).await,
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
            path = shortened(url.path()),
            status = outcome.as_ref().ok().map(|response| response.status.as_u16()),
            error = outcome.as_ref().err().map(|error| error.as_str()),
            circuit = matches!(outcome, Err(EgressError::CircuitOpen)).then_some("open"),
            duration_ms,
        );
        outcome
    }

    /// Checks whether the call may be made, with this much time.
    fn permit(&self, cx: &RequestContext, request: &Request, limit: Duration) -> Result<Permit<'_>, EgressError> {
        // On an open connection the request would be sent before the timeout is checked.
        if limit.is_zero() {
            return Err(EgressError::Timeout);
        }
        vet(self.reach, &request.url)?;
        let peer = |url: &Url| Some((url.host_str()?.to_owned(), url.port_or_known_default()?));
        let peer = peer(&request.url).ok_or(EgressError::Refused(Refusal::Address))?;
        self.breaker.permit(cx.time(), peer).ok_or(EgressError::CircuitOpen)
    }

    async fn call(
        &self,
        cx: &RequestContext,
        request: Request,
        limit: Duration,
        permit: Permit<'_>,
    ) -> Result<Response, EgressError> {
        let wanted = request.limit;
        let outcome = match tokio::time::timeout(limit, self.exchange(request)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(EgressError::Timeout),
        };
        match &outcome {
            Ok(_) | Err(EgressError::BodyTooLarge) => permit.answered(),
            Err(EgressError::Connect | EgressError::Tls) => permit.unanswered(cx.time()),
            // With less time, the timeout says nothing about the host.
            Err(EgressError::Timeout) if limit >= wanted / 4 => permit.unanswered(cx.time()),
            Err(_) => drop(permit),
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
        // Counted while reading: Content-Length may be absent or wrong.
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
    // A builder error: the request could not be built, so nothing was sent.
    if error.is_connect() || error.is_builder() { EgressError::Connect } else { EgressError::Interrupted }
}

/// The exact cause of an error before anything was sent, from the chain of errors.
fn cause_of(error: &(dyn Error + 'static)) -> Option<EgressError> {
    if error.is::<RefusedName>() {
        return Some(EgressError::Refused(Refusal::Address));
    }
    if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
        return Some(EgressError::Tls);
    }
    // `source` of an I/O error skips the error that it wraps.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => cause_of(wrapped),
        None => error.source().and_then(cause_of),
    }
}

/// Whether `pem` consists of one or more certificates that can be trusted as CAs.
pub fn are_certificates(pem: &str) -> bool {
    let mut roots = RootCertStore::empty();
    // Refuse a private key beside the certificates: we must not store it.
    let other_blocks = pem.matches("-----BEGIN ").count() != pem.matches("-----BEGIN CERTIFICATE-----").count();
    let all = CertificateDer::pem_slice_iter(pem.as_bytes())
        .all(|certificate| certificate.is_ok_and(|certificate| roots.add(certificate).is_ok()));
    all && !other_blocks && !roots.is_empty()
}

/// The path for the log, shortened: a path from a discovery document may have any length.
fn shortened(path: &str) -> &str {
    path.get(..path.len().min(255)).unwrap_or_default()
}

/// Whether the body is compressed, although [`Request`] asks for an uncompressed one (RFC 9110 section 8.4.1.3).
fn is_gzip(headers: &HeaderMap) -> bool {
    let coding = headers.get(CONTENT_ENCODING).map(|value| value.as_bytes().trim_ascii());
    coding.is_some_and(|coding| coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip"))
}

/// Decompresses up to [`BODY_LIMIT`], which stops a decompression bomb. A body that is not gzip is returned unchanged.
fn decompress(body: &[u8]) -> Result<Vec<u8>, EgressError> {
    let (mut plain, limit) = (Vec::new(), u64::try_from(BODY_LIMIT + 1).unwrap_or(u64::MAX));
    match MultiGzDecoder::new(body).take(limit).read_to_end(&mut plain) {
        Ok(read) if read > BODY_LIMIT => Err(EgressError::BodyTooLarge),
        Ok(_) => Ok(plain),
        Err(_) => Ok(body.to_vec()),
    }
}

/// Mozilla's root certificates, compiled in. Reading the system's would be the largest part of a cold start.
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
