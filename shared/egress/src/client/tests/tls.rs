//! Whoever answers with a certificate that nobody vouches for.

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::breaker::OUTAGES;

const CERTIFICATE: &[u8] = include_bytes!("../../../../simulators/src/core/keys/foreign.crt.pem");
const KEY: &[u8] = include_bytes!("../../../../simulators/src/core/keys/foreign.pem");

/// An authority of a company's own, and a server of 127.0.0.1 that it vouches for.
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
async fn a_certificate_that_is_not_trusted_is_told_apart_nothing_is_sent_and_it_is_an_outage() {
    let (listener, url) = listen().await;
    let url = Url::parse(&url.as_str().replace("http://", "https://")).unwrap();
    let (egress, server) = (Egress::new(Reach::Local).unwrap(), self_signed());
    for _ in 0..OUTAGES {
        let cx = request(LATER);
        let form = Request::post_form(url.clone(), [("password", "secret")]);
        let peer = async { server.accept(listener.accept().await.unwrap().0).await };
        let (refused, handshake) = tokio::join!(egress.send(&cx, form), peer);
        assert_eq!(refused.unwrap_err(), EgressError::Tls);
        assert!(handshake.is_err());
    }
    assert_eq!(egress.send(&request(LATER), Request::get(url)).await.unwrap_err(), EgressError::LeftAlone);
    assert!(tokio::time::timeout(SOON, listener.accept()).await.is_err());
}

#[tokio::test]
async fn whoever_does_not_speak_tls_has_no_certificate_to_distrust() {
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
async fn an_authority_of_the_companys_own_is_trusted_where_it_is_named_and_nowhere_else() {
    let (listener, url) = listen().await;
    let url = Url::parse(&url.as_str().replace("http://", "https://")).unwrap();
    let (public, server) = (Egress::new(Reach::Local).unwrap(), acceptor(COMPANY.0, COMPANY.1));
    let company = public.trusting(CA).unwrap();
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
fn only_certificates_are_certificates() {
    assert!(crate::are_certificates(CA) && crate::are_certificates(&CA.repeat(2)));
    let key = String::from_utf8(COMPANY.1.to_vec()).unwrap();
    let broken = CA.replacen("MII", "NII", 1);
    for bad in ["", "no PEM", &key, &broken, &format!("{CA}{broken}"), &format!("{CA}{key}")] {
        assert!(!crate::are_certificates(bad), "{bad}");
    }
}
