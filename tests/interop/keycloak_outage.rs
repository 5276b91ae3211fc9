//! A real Keycloak stops.

use landfall_tests::Browser;

use crate::connector_test;
use crate::keycloak::{ADA, Connector, GRACE, Keycloak};
use crate::keycloak_password::{self, assert_unavailable};
use crate::keycloak_redirect::JOURNEY;
use crate::landfall::{away, reasons, resumed};

#[tokio::test]
async fn a_stopped_keycloak_ends_with_try_later() {
    let mut keycloak = Keycloak::start();
    let warm = Connector::to(&keycloak).landfall().await;
    // Grace claims no identifier, so that `assert_unavailable` can tell that Ada has not been provisioned.
    warm.log_in_through(keycloak_password::JOURNEY, GRACE.email, GRACE.password).await;
    let (session, url) = away(&warm, JOURNEY).await;
    let back = Browser::default().come_back(&url, ADA.email, ADA.password).await;

    keycloak.stop();

    // The user has logged in already, but the code cannot be redeemed.
    let answer = resumed(&warm, &session, &back).await;
    assert_eq!(answer.body["rejection"]["code"], "try_later", "{:#}", answer.body);
    assert_eq!(session.after(&answer).view(&warm).await.expect(200).body["rejection"]["code"], "try_later");
    assert!(reasons(&warm).iter().any(|reason| reason.contains("unavailable at token: connect")));
    assert_unavailable(&warm, "unavailable at token: connect").await;

    // Drop the first app: a thread logs to the app that was created last.
    drop(warm);
    let cold = Connector::to(&keycloak).landfall().await;
    assert_unavailable(&cold, "unavailable at discovery: connect").await;
    let start = cold.try_start(JOURNEY, &landfall_tests::TestApp::start_body()).await.expect(201);
    assert_eq!((&start.body["rejection"]["code"], &start.body["redirect"]), (&"try_later".into(), &().into()));

    let tested = connector_test::test(&cold, "real", None).await;
    tested.assert_failed(&[("discovery", "no connection: check the name of the host, its port")]);
    assert_eq!(tested.ids("passed"), [""; 0]);
}
