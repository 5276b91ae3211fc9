//! What only administrators may do (attack 80), and what not even they are given.

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use lambda_http::request::RequestContext as Gateway;
use landfall::documents;
use landfall_tests::{ADMIN, Answer, TestApp};
use serde_json::{Value, json};

use landfall_tests::witness::Witness;

const ROUTES: [&str; 2] = ["/v1/connectors/keycloak/test", "/v1/connectors/test"];

fn request(path: &str) -> axum::http::request::Builder {
    Request::post(path).header(CONTENT_TYPE, "application/json")
}

async fn send(app: &TestApp, request: axum::http::request::Builder) -> Answer {
    app.send(request.body(Body::from("{}")).unwrap()).await
}

fn version_2(authorizer: &Value) -> Gateway {
    let http = json!({ "method": "POST", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1" });
    let context = json!({
        "http": http, "accountId": "1", "apiId": "a", "stage": "$default", "timeEpoch": 0, "authorizer": authorizer,
    });
    Gateway::ApiGatewayV2(serde_json::from_value(context).unwrap())
}

fn version_1(arn: &Value) -> Gateway {
    let context = json!({ "identity": { "userArn": arn }, "httpMethod": "POST", "requestTimeEpoch": 0 });
    Gateway::ApiGatewayV1(serde_json::from_value(context).unwrap())
}

#[tokio::test]
async fn only_an_administrator_has_a_connector_tested() {
    let app = TestApp::new().await;
    let session = app.start("migrate-from-keycloak").await;
    let mut witness = Witness::of(&app, &[ADMIN, &session.token]).await;
    app.calls.take();
    for path in ROUTES {
        for header in [
            None,
            Some("Bearer ".to_owned()),
            Some(format!("Bearer {}", &ADMIN[1..])),
            Some(format!("Bearer {}", session.token)),
            Some(format!("Basic {ADMIN}")),
            Some(format!("Bearer {ADMIN}, Bearer {ADMIN}")),
        ] {
            let request =
                header.into_iter().fold(request(path), |request, header| request.header(AUTHORIZATION, header));
            let answer = send(&app, request).await;
            witness.refused(&answer, 401, "invalid_token").await;
        }
        // Nor does a header of the caller's.
        let request = request(path)
            .header("x-amzn-request-context", r#"{"authorizer":{"iam":{"userArn":"arn:aws:iam::1:user/root"}}}"#)
            .header("x-amzn-oidc-identity", "root");
        witness.refused(&send(&app, request).await, 401, "invalid_token").await;
    }
    assert_eq!(app.calls.take(), []);
}

#[tokio::test]
async fn a_gateway_without_iam_makes_no_administrator() {
    let app = TestApp::new().await;
    let mut witness = Witness::of(&app, &[]).await;
    app.calls.take();
    for path in ROUTES {
        for context in [
            version_2(&Value::Null),
            version_2(&json!({})),
            version_2(&json!({ "jwt": { "claims": { "sub": "root" } } })),
            version_2(&json!({ "lambda": { "userArn": "arn:aws:iam::1:user/root" } })),
            version_2(&json!({ "iam": {} })),
            version_2(&json!({ "iam": { "userArn": "" } })),
            version_1(&Value::Null),
            version_1(&json!("")),
        ] {
            let answer = send(&app, request(path).extension(context)).await;
            witness.refused(&answer, 401, "invalid_token").await;
        }
    }
    assert_eq!(app.calls.take(), []);
}

#[tokio::test]
async fn iam_makes_an_administrator() {
    let app = TestApp::new().await;
    let arn = json!("arn:aws:iam::1:user/administrator");
    for context in [version_2(&json!({ "iam": { "userArn": arn } })), version_1(&arn)] {
        send(&app, request(ROUTES[0]).extension(context)).await.expect(200);
    }
}

const TESTERS_CA: &str = include_str!("../../../shared/egress/src/client/tests/company/ca.crt.pem");

async fn draft(app: &TestApp, change: impl FnOnce(&mut Value)) -> Answer {
    let mut draft = serde_json::to_value(app.saved_connector("keycloak").await).unwrap();
    change(&mut draft);
    app.calls.take();
    app.post(ROUTES[1], Some(ADMIN), &json!({ "connector": draft })).await
}

/// Otherwise an administrator of drafts could have the secret of any connector sent to an address of their own.
#[tokio::test]
async fn a_draft_does_not_take_a_connectors_secret_elsewhere() {
    let app = TestApp::new().await;
    for id in ["keycloak", "mine"] {
        let answer = draft(&app, |draft| {
            draft["id"] = json!(id);
            draft["settings"]["url"] = json!("https://evil.example");
        });
        let answer = answer.await.expect(422);
        assert_eq!(answer.code(), "invalid_connector");
        assert!(answer.body["detail"].as_str().unwrap().starts_with("client.secret: "), "{:#}", answer.body);
        // As the client of one method.
        let answer = draft(&app, |draft| {
            draft["id"] = json!(id);
            draft["settings"]["url"] = json!("https://evil.example");
            draft["methods"] = json!({ "password": { "client": draft["client"].clone() } });
            draft["client"] = json!({ "id": "a" });
        });
        answer.await.expect(422);
        assert!(app.calls.take().iter().all(|call| call.service == "dynamodb"));
    }
    // Nor to a server that shows a certificate of the tester's own.
    let answer = draft(&app, |draft| draft["ca_certificates"] = json!(TESTERS_CA)).await.expect(422);
    assert!(answer.body["detail"].as_str().unwrap().starts_with("client.secret: "), "{:#}", answer.body);
    // Where the connector itself goes, its secret may go.
    draft(&app, |draft| draft["id"] = json!("mine")).await.expect(200);
}

/// Of a client that a saved document names, though none of its methods uses it now.
#[tokio::test]
async fn a_draft_takes_no_secret_elsewhere_that_is_only_named() {
    let app = TestApp::with(|setup| {
        let own = "methods: { totp: { client: { id: landfall-otp, secret: keycloak-otp } } }";
        setup.connectors = setup.connectors.replace("methods: { oidc: {}, password: {} }", own);
    })
    .await;
    let answer = draft(&app, |draft| {
        draft["id"] = json!("mine");
        draft["settings"]["url"] = json!("https://evil.example");
        draft["methods"] = json!({ "password": {} });
    });
    assert_eq!(answer.await.expect(422).code(), "invalid_connector");
    assert!(app.calls.take().iter().all(|call| call.service == "dynamodb"));
}

#[tokio::test]
async fn a_draft_reaches_no_private_address() {
    let app = TestApp::new().await;
    for url in ["https://10.0.0.1", "https://169.254.169.254", "https://[fd00:ec2::254]", "https://[::ffff:10.0.0.1]"] {
        let answer = draft(&app, |draft| {
            draft["settings"]["url"] = json!(url);
            draft["client"] = json!({ "id": "a" });
        });
        let answer = answer.await.expect(200);
        let found = &answer.body["checks"][0];
        assert_eq!((&found["id"], &found["status"]), (&json!("discovery"), &json!("failed")), "{url}");
        assert!(found["hint"].as_str().unwrap().starts_with("the address is not a public"), "{url}: {found}");
        assert!(app.calls.take().iter().all(|call| call.service == "dynamodb"));
    }
}

/// Attack 121, without the pages that do not exist yet.
#[tokio::test]
async fn of_two_saves_at_once_one_wins() {
    let app = TestApp::new().await;
    let (cx, id) = (app.context(), "migrate-from-keycloak".parse().unwrap());
    let (connector, client) = (app.saved_connector("keycloak").await, app.saved_client("demo").await);
    let journey = app.store.get_journey(&cx, &id, 1).await.unwrap().unwrap();
    let name = |name: &str| domain::ConnectorDocument { name: name.to_owned(), ..connector.clone() }.into();
    let journeys = |start: &str| domain::JourneyDocument { start: start.parse().unwrap(), ..journey.clone() }.into();
    let origin = |origin: &str| domain::Client { origins: vec![origin.to_owned()], ..client.clone() }.into();
    let pairs: [[store::Document; 2]; 3] = [
        [name("one"), name("two")],
        [journeys("check"), journeys("done")],
        [origin("https://one.example"), origin("https://two.example")],
    ];
    for [one, two] in pairs {
        let read = app.store.revision(&cx, &one).await.unwrap();
        documents::save(&app.store, &cx, &one, read).await.unwrap();
        let revision = async || app.store.revision(&cx, &one).await.unwrap();
        let before = revision().await;

        let late = documents::save(&app.store, &cx, &two, read).await.unwrap_err().to_string();

        assert!(late.starts_with(&format!("{two} was changed by another administrator")), "{late}");
        // The winner's is stored: repeated because its answer was lost, it has not lost.
        documents::save(&app.store, &cx, &one, read).await.unwrap();
        assert_eq!(revision().await, before);
    }
}
