//! Connector tests against npm's oidc-provider: right connectors, and connectors with one error each.

use crate::connector_test::{Tested, test};
use crate::landfall::assert_kept_secret;
use crate::oidc_provider::{BASIC, Client, Connector, FULL, OidcProvider, POST, PUBLIC};

fn connector() -> Connector {
    Connector::to(OidcProvider::shared(), FULL)
}

async fn tested(connector: Connector) -> Tested {
    let secret = connector.client.secret;
    let app = connector.landfall().await;
    let tested = test(&app, "certified", None).await;
    assert_kept_secret(&app, secret.as_slice()).await;
    tested
}

#[tokio::test]
async fn a_right_connector_passes_with_every_client_authentication() {
    for client in [POST, BASIC, PUBLIC] {
        let tested = tested(Connector { client, ..connector() }).await;

        tested.assert_failed(&[]);
        assert_eq!(
            tested.ids("passed"),
            ["discovery", "issuer", "endpoints", "keys", "client_credentials", "redirect_uri"]
        );
        assert_eq!(tested.ids("unverifiable"), ["tls"]);
    }
}

#[tokio::test]
async fn a_wrong_client_secret_is_found() {
    for client in [POST, BASIC] {
        let client = Client { secret: Some("not-the-secret"), ..client };
        let tested = tested(Connector { client, ..connector() }).await;
        tested.assert_failed(&[("client_credentials", "secret")]);
    }
}

#[tokio::test]
async fn an_unregistered_client_is_found() {
    let tested = tested(Connector { client: Client { id: "unknown", ..POST }, ..connector() }).await;
    tested.assert_failed(&[("client_credentials", "client.id"), ("redirect_uri", "check client.id")]);
}

#[tokio::test]
async fn an_unregistered_redirect_uri_is_found() {
    let settings = ", redirect_uri: \"https://id.example.com/v1/callback/another\"".to_owned();
    let tested = tested(Connector { settings, ..connector() }).await;
    tested.assert_failed(&[("redirect_uri", "register the redirect URI there")]);
}

#[tokio::test]
async fn a_wrong_issuer_is_found() {
    let mut connector = connector();
    connector.issuer.push_str("/elsewhere");
    let tested = tested(connector).await;
    tested.assert_failed(&[("discovery", "there is no discovery document at this address: check the server's URL")]);
}

#[tokio::test]
async fn a_stopped_provider_is_found() {
    let mut provider = OidcProvider::start();
    let connector = Connector::to(&provider, FULL);
    provider.stop();
    tested(connector).await.assert_failed(&[("discovery", "no connection: check the name of the host, its port")]);
}
