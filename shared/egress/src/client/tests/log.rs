//! The log line of a call.

use listener::Log;

use super::*;

#[tokio::test]
async fn a_call_is_one_log_line_without_contents() {
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
