//! Routers on real sockets.

use axum::Router;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A free port, and the URL of whoever serves it.
pub(crate) async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// Serves until it is dropped; then nobody listens any more, and every connection is broken.
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
