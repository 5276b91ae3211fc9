//! Servers with untrusted certificates, and CAs of a company.

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::breaker::FAILURE_THRESHOLD;

const CERTIFICATE: &[u8] = include_bytes!("../../../../simulators/src/core/keys/foreign.crt.pem");
const KEY: &[u8] = include_bytes!("../../../../simulators/src/core/keys/foreign.pem");

/// A company's CA, and its certificate and key for a server at 127.0.0.1.
const CA: &str = include_str!("company/ca.crt.pem");
const COMPANY: (&[u8], &[u8]) = (include_bytes!("company/server.crt.pem"), include_bytes!("company/server.pem"));

fn self_signed() -> TlsAcceptor {
    acceptor(CERTIFICATE, KEY)
}

fn acceptor(certificate: &[u8], key: &[u8]) -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(certificate).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::from_pem_slice(key).unwrap());
    TlsAcceptor::from(Arc::new(config.unwrap()))
}

#[tokio::test]
async fn an_untrusted_certificate_stops_the_call_and_counts_as_failure() {
    let (listener, url) = listen().await;
    let url = Url::parse(&url.as_str().replace("http://", "https://")).unwrap();
    let (egress, server) = (Egress::new(Reach::Local).unwrap(), self_signed());
    for _ in 0..FAILURE_THRESHOLD {
        let cx = request(LATER);
        let form = Request::post_form(url.clone(), [("password", "secret")]);
        let peer = async { server.accept(listener.accept().await.unwrap().0).await };
        let (refused, handshake) = tokio::join!(egress.send(&cx, form), peer);
        assert_eq!(refused.unwrap_err(), EgressError::Tls);
        assert!(handshake.is_err());
    }
    assert_eq!(egress.send(&request(LATER), Request::get(url)).await.unwrap_err(), EgressError::CircuitOpen);
    assert!(tokio::time::timeout(SOON, listener.accept()).await.is_err());
}

#[tokio::test]
async fn a_server_without_tls_is_a_connection_error() {
    let (listener, url) = listen().await;
    let url = Url::parse(&url.as_str().replace("http://", "https://")).unwrap();
    let egress = Egress::new(Reach::Local).unwrap();
    let cx = request(LATER);
    let peer = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        stream
    };
    assert_eq!(tokio::join!(egress.send(&cx, Request::get(url)), peer).0.unwrap_err(), EgressError::Connect);
}

#[tokio::test]
async fn a_companys_ca_is_trusted_only_where_it_is_configured() {
    let (listener, url) = listen().await;
    let url = Url::parse(&url.as_str().replace("http://", "https://")).unwrap();
    let (public, server) = (Egress::new(Reach::Local).unwrap(), acceptor(COMPANY.0, COMPANY.1));
    let company = public.with_ca_certificates(CA).unwrap();
    let cx = request(LATER);
    for (egress, expected) in [(&company, Ok(StatusCode::OK)), (&public, Err(EgressError::Tls))] {
        let peer = async {
            let Ok(mut stream) = server.accept(listener.accept().await.unwrap().0).await else { return };
            while stream.read_u8().await.unwrap() != b'q' {}
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await.unwrap();
            stream.shutdown().await.unwrap();
        };
        let (answer, ()) = tokio::join!(egress.send(&cx, Request::get(url.clone())), peer);
        assert_eq!(answer.map(|answer| answer.status), expected);
    }
}

#[test]
fn only_valid_pem_certificates_are_accepted() {
    assert!(crate::are_certificates(CA) && crate::are_certificates(&CA.repeat(2)));
    let key = String::from_utf8(COMPANY.1.to_vec()).unwrap();
    let broken = CA.replacen("MII", "NII", 1);
    for bad in ["", "no PEM", &key, &broken, &format!("{CA}{broken}"), &format!("{CA}{key}")] {
        assert!(!crate::are_certificates(bad), "{bad}");
    }
}
