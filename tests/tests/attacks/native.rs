//! Redirect URIs of native applications (RFC 8252): the port of a loopback address is free, and nothing else is.

use axum::http::header::LOCATION;
use domain::{ApplicationType, Client};
use landfall::demo::EMAIL;
use landfall_tests::witness::Witness;
use landfall_tests::{Answer, Away, Login, TestApp, TestSession};
use serde_json::json;

const SCHEME: &str = "com.example.demo:/after";

fn with_redirect_uris(client: Client) -> Client {
    let uris = ["http://127.0.0.1/after", "http://[::1]:8000/after?app=demo", "http://localhost/after", SCHEME];
    Client { redirect_uris: uris.map(str::to_owned).into(), ..client }
}

fn native(client: Client) -> Client {
    Client { application_type: ApplicationType::Native, ..with_redirect_uris(client) }
}

async fn start_to(app: &TestApp, uri: &str) -> Answer {
    let mut body = TestApp::start_body();
    body["request"]["redirect_uri"] = json!(uri);
    app.try_start(&app.redirect_journey(), &body).await
}

#[tokio::test]
async fn only_a_native_applications_loopback_port_is_free() {
    let app = TestApp::with(|setup| setup.client = with_redirect_uris).await;
    start_to(&app, "http://127.0.0.1/after").await.expect(201);
    let mut witness = Witness::of(&app, &[]).await;
    for uri in ["http://127.0.0.1:49152/after", "http://[::1]:49152/after?app=demo", "http://localhost:49152/after"] {
        let answer = start_to(&app, uri).await;
        witness.refused(&answer, 400, "invalid_redirect_uri").await;
    }

    let app = TestApp::with(|setup| setup.client = native).await;
    for uri in [
        "http://127.0.0.1/after",
        "http://127.0.0.1:1/after",
        "http://127.0.0.1:65535/after",
        // Whichever port it was registered with.
        "http://[::1]:49152/after?app=demo",
        "http://[::1]/after?app=demo",
        SCHEME,
    ] {
        start_to(&app, uri).await.expect(201);
    }
    let mut witness = Witness::of(&app, &[]).await;
    for uri in [
        // A name may be answered for elsewhere (RFC 8252 section 8.3); other addresses were not registered.
        "http://localhost:49152/after",
        "http://localhost./after",
        "http://127.0.0.2:49152/after",
        "http://127.1:49152/after",
        "http://2130706433:49152/after",
        "http://0x7f000001/after",
        "http://0.0.0.0:49152/after",
        "http://[::ffff:127.0.0.1]:49152/after",
        "http://[0:0:0:0:0:0:0:1]:49152/after?app=demo",
        "http://192.168.0.1:49152/after",
        // What looks like a port, and is not one.
        "http://127.0.0.1:/after",
        "http://127.0.0.1:0/after",
        "http://127.0.0.1:080/after",
        "http://127.0.0.1:+80/after",
        "http://127.0.0.1:-1/after",
        "http://127.0.0.1:65536/after",
        "http://127.0.0.1:4294967376/after",
        "http://127.0.0.1:80:80/after",
        "http://127.0.0.1: 80/after",
        "http://127.0.0.1:\u{0668}\u{0660}/after",
        "http://127.0.0.1:*/after",
        "http://127.0.0.1:80@evil.example/after",
        "http://127.0.0.1:@evil.example/after",
        "http://127.0.0.1@evil.example:80/after",
        "http://evil.example@127.0.0.1:80/after",
        "http://127.0.0.1:80\\@evil.example/after",
        "http://127.0.0.1.evil.example:80/after",
        "http://127.0.0.1:80.evil.example/after",
        // Anything but the port.
        "https://127.0.0.1:49152/after",
        "HTTP://127.0.0.1:49152/after",
        "http:/127.0.0.1:49152/after",
        "http://127.0.0.1:49152/after/",
        "http://127.0.0.1:49152/After",
        "http://127.0.0.1:49152//after",
        "http://127.0.0.1:49152/x/../after",
        "http://127.0.0.1:49152/%61fter",
        "http://127.0.0.1:49152/after?app=demo",
        "http://127.0.0.1:49152/after?",
        "http://127.0.0.1:49152/after#",
        "http://127.0.0.1:49152/",
        "http://127.0.0.1:49152",
        "http://[::1]:49152/after",
        // A scheme of one's own has no port to be free.
        "com.example.demo://after",
        "com.example.demo:after",
        "com.example.demo:/after/",
        "com.example.demo:/after?",
        "com.example.demo:80/after",
        "com.example.demo://127.0.0.1:80/after",
        "COM.EXAMPLE.DEMO:/after",
        "com.example.demo.evil:/after",
        "evil.com.example.demo:/after",
    ] {
        println!("{uri:?}");
        let answer = start_to(&app, uri).await;
        witness.refused(&answer, 400, "invalid_redirect_uri").await;
        assert!(!answer.headers.contains_key(LOCATION));
    }
}

#[tokio::test]
async fn a_code_for_one_loopback_port_is_refused_at_another() {
    let app = TestApp::with(|setup| setup.client = native).await;
    for (uri, others) in [
        ("http://127.0.0.1:49152/after", ["http://127.0.0.1:49153/after", "http://127.0.0.1/after"]),
        (SCHEME, ["http://127.0.0.1/after", "com.example.demo:/after?"]),
    ] {
        let start = start_to(&app, uri).await.expect(201);
        let away = Away::after(&TestSession::of(&start.body), &start);
        let arrived = app.arrive(&away.back().await).await;
        // The browser goes to that very port, and to whatever scheme the application has.
        let (id, resume) = arrived.carried();

        assert_eq!(arrived.header("location"), format!("{uri}?session={id}&resume={resume}#"));
        let login = Login::of(&away.session, &away.session.resume(&app, &resume).await.expect(200));

        let mut witness = Witness::of(&app, &[&login.code]).await;
        for other in others {
            let answer = app.redeem_with(&[("code", &login.code), ("redirect_uri", other)]).await;
            witness.refused(&answer, 400, "invalid_grant").await;
        }
        let tokens = app.redeem_with(&[("code", &login.code), ("redirect_uri", uri)]).await.expect(200);
        assert_eq!(app.claims_of(&tokens)["email"], EMAIL);
    }
    assert_eq!(app.users().await, 1);
}
