//! Routers on real sockets.

use std::sync::Arc;

use axum::Router;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

const CERTIFICATE: &[u8] = include_bytes!("../../../simulators/src/core/keys/foreign.crt.pem");
const KEY: &[u8] = include_bytes!("../../../simulators/src/core/keys/foreign.pem");

/// A listener on a free port, and its URL.
pub(crate) async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// Serves until it is dropped. Then the port is closed, and every connection is cut.
pub(crate) async fn serve(listener: TcpListener, router: Router) -> JoinSet<()> {
    let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = inner.local_addr().unwrap();
    let mut server = JoinSet::new();
    server.spawn(async move { axum::serve(inner, router).await.unwrap() });
    // What has been accepted outlives axum's listener, so it goes through a door that can be shut.
    server.spawn(async move {
        let mut visitors = JoinSet::new();
        loop {
            let (mut outside, _) = listener.accept().await.unwrap();
            visitors.spawn(async move {
                let mut inside = TcpStream::connect(address).await.unwrap();
                let _ended = copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    server
}

/// A server with a self-signed certificate, and its URL.
pub(crate) async fn self_signed() -> (JoinSet<()>, String) {
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::from_pem_slice(KEY).unwrap());
    let tls = TlsAcceptor::from(Arc::new(config.unwrap()));
    let (listener, url) = listen().await;
    let mut server = JoinSet::new();
    server.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            assert!(tls.accept(stream).await.is_err(), "the client has accepted a self-signed certificate");
        }
    });
    (server, url.replace("http://", "https://"))
}
