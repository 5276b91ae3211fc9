//! What is written down of a call.

use std::io::{Result, Write};
use std::sync::Mutex;

use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber};

use super::*;

/// What has been logged.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Log {
    /// Takes down what this thread logs, as JSON, as long as the guard lives.
    pub(super) fn listen(&self) -> (DefaultGuard, Dispatch) {
        // With one subscriber alone, whatever logs first in a test beside, to nobody, would for ever log to nobody.
        let other = Dispatch::new(NoSubscriber::default());
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt().json().without_time().with_writer(move || writer.clone()).finish();
        (tracing::subscriber::set_default(subscriber), other)
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test]
async fn a_call_is_one_log_line_without_what_was_said() {
    let (listener, url) = listen().await;
    let (egress, cx, log) = (Egress::new(Reach::Local).unwrap(), request(LATER), Log::default());
    let _guard = log.listen();

    let form = Request::post_form(url.join("/token?canary").unwrap(), [("password", "canary")]);
    let peer = async {
        let (mut stream, _) = read_request(&listener).await;
        let answer = b"HTTP/1.1 400 Bad\r\nX-A: canary\r\nContent-Length: 6\r\n\r\ncanary";
        stream.write_all(answer).await.unwrap();
    };
    tokio::join!(egress.send(&cx, form.bearer("canary").unwrap()), peer).0.unwrap();
    drop(listener);
    egress.send(&cx, Request::get(url)).await.unwrap_err();

    let expected = concat!(
        r#"{"level":"INFO","fields":{"service":"provider","method":"POST","host":"127.0.0.1","path":"/token","#,
        r#""status":400,"duration_ms":0},"target":"outbound"}"#,
        "\n",
        r#"{"level":"INFO","fields":{"service":"provider","method":"GET","host":"127.0.0.1","path":"/token","#,
        r#""error":"connect","duration_ms":0},"target":"outbound"}"#,
        "\n",
    );
    assert_eq!(log.text(), expected);
}
