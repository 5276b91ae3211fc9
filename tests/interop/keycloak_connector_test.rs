//! Connector tests against a real Keycloak: a right connector, and connectors with one error each.

use serde_json::json;

use crate::connector_test::{Tested, test};
use crate::keycloak::{CLIENT_SECRET, CONSENT_CLIENT_ID, Connector, Keycloak, NO_GRANTS_CLIENT_ID, PKCE_CLIENT_ID};
use crate::keycloak_otp::{self, CONDITIONAL_CLIENT, OTP_CLIENT, PASSWORD, Person, UNBOUND_CLIENT};
use crate::keycloak_password;
use crate::landfall::assert_kept_secret;

/// The report of a connector with redirect and password.
async fn tested(connector: Connector<'_>) -> Tested {
    let app = connector.landfall().await;
    let tested = test(&app, "real", None).await;
    assert_kept_secret(&app, &[CLIENT_SECRET, connector.secret]).await;
    assert_eq!(app.users().await, 0);
    tested
}

/// The report of a connector with this client.
async fn tested_through(client: &str) -> Tested {
    tested(Connector { client, ..connector() }).await
}

fn connector() -> Connector<'static> {
    Connector::to(Keycloak::shared())
}

/// The report of a connector with this client for codes.
async fn tested_with_codes(otp_client: &str, test_user: Option<&str>) -> Tested {
    let realm = keycloak_otp::shared().await;
    test(&keycloak_otp::connector(realm, otp_client).landfall().await, "real", test_user).await
}

#[tokio::test]
async fn a_right_connector_passes() {
    let realm = keycloak_otp::shared().await;
    let bare = Person::without_app(realm, "test-user", json!({})).await;

    let tested = tested_with_codes(OTP_CLIENT, Some(&bare.email)).await;

    tested.assert_failed(&[]);
    assert_eq!(
        tested.ids("passed"),
        [
            "discovery",
            "issuer",
            "endpoints",
            "keys",
            "client_credentials",
            "client_credentials",
            "redirect_uri",
            "password_grant",
            "totp_grant",
            "totp_flow",
        ]
    );
    assert_eq!(tested.ids("unverifiable"), ["tls", "totp_amr"]);
    // Without a test user, the flow cannot be verified.
    let tested = tested_with_codes(OTP_CLIENT, None).await;
    tested.assert_failed(&[]);
    assert_eq!(tested.ids("unverifiable"), ["tls", "totp_flow", "totp_amr"]);
}

#[tokio::test]
async fn a_test_does_not_count_as_failed_login() {
    let realm = keycloak_otp::counting().await;
    let app = keycloak_otp::connector(realm, OTP_CLIENT).landfall().await;
    let bare = Person::without_app(realm, "test-user", json!({})).await;

    for _ in 0..3 {
        test(&app, "real", Some(&bare.email)).await.assert_failed(&[]);
    }

    app.log_in_through(keycloak_password::JOURNEY, &bare.email, PASSWORD).await;
}

#[tokio::test]
async fn a_wrong_client_secret_is_found() {
    let tested = tested(Connector { secret: "not-the-client-secret", ..connector() }).await;

    tested.assert_failed(&[("client_credentials", "Clients > the client > Credentials > Client secret")]);
    assert_eq!(tested.ids("unverifiable"), ["tls", "password_grant"]);
}

#[tokio::test]
async fn a_wrong_realm_is_found() {
    let tested = tested(Connector { realm: "Landfall-Test", ..connector() }).await;

    tested.assert_failed(&[(
        "discovery",
        "check the server's URL, with its path if it has one, and the name of the realm",
    )]);
    assert_eq!(tested.ids("passed"), [""; 0]);
}

#[tokio::test]
async fn a_client_that_is_unknown_or_disabled_is_found() {
    tested_through("unknown").await.assert_failed(&[
        ("client_credentials", "check client.id and Clients > the client"),
        ("redirect_uri", "the realm has no client of this id: check client.id"),
    ]);
    tested_through("disabled").await.assert_failed(&[
        ("client_credentials", "check client.id and Clients > the client"),
        ("redirect_uri", "the client is disabled: Clients > the client > Enabled"),
    ]);
}

#[tokio::test]
async fn a_client_that_accepts_any_secret_is_found() {
    let switch_on = "switch on Client authentication under Clients > the client > Settings > Capability config";
    tested_through("public").await.assert_failed(&[("client_credentials", switch_on)]);
}

#[tokio::test]
async fn disabled_direct_grants_and_required_consent_are_found() {
    let switch_on = "switch on Direct access grants: Clients > the client > Settings > Capability config";
    tested_through(NO_GRANTS_CLIENT_ID).await.assert_failed(&[("password_grant", switch_on)]);
    let switch_off = "switch off Consent required: Clients > the client > Settings > Login settings";
    tested_through(CONSENT_CLIENT_ID).await.assert_failed(&[("password_grant", switch_off)]);
}

#[tokio::test]
async fn an_unregistered_redirect_uri_is_found() {
    let register = "Clients > the client > Settings > Access settings > Valid redirect URIs";
    tested_through("elsewhere").await.assert_failed(&[("redirect_uri", register)]);
}

#[tokio::test]
async fn a_client_that_refuses_our_redirects_is_found() {
    let off = "the provider does not let this client use the authorization code flow: switch it on for the client";
    tested_through("no-redirects").await.assert_failed(&[("redirect_uri", off)]);
    let pkce = Connector { client: PKCE_CLIENT_ID, settings: ", pkce: false", ..connector() };
    tested(pkce).await.assert_failed(&[("redirect_uri", "check prompt, acr_values, authorize_params and pkce in the")]);
}

#[tokio::test]
async fn a_scope_that_the_client_lacks_is_found() {
    let tested = tested(Connector { settings: ", scopes: [openid, unassigned]", ..connector() }).await;

    tested.assert_failed(&[
        ("redirect_uri", "settings.scopes"),
        ("password_grant", "settings.scopes is not among the client's: Clients > the client > Client scopes"),
    ]);
}

#[tokio::test]
async fn a_missing_flow_override_is_found_only_with_test_user() {
    let realm = keycloak_otp::shared().await;
    let bare = Person::without_app(realm, "unbound-test-user", json!({})).await;

    let tested = tested_with_codes(UNBOUND_CLIENT, Some(&bare.email)).await;
    let choose = "Clients > the client of totp > Advanced > Authentication flow overrides > Direct grant flow";
    tested.assert_failed(&[("totp_flow", choose)]);

    let tested = tested_with_codes(UNBOUND_CLIENT, None).await;
    tested.assert_failed(&[]);
    assert_eq!(tested.ids("unverifiable"), ["tls", "totp_flow", "totp_amr"]);
}

#[tokio::test]
async fn a_flow_that_accepts_a_username_alone_is_found() {
    let realm = keycloak_otp::shared().await;
    let required = "set OTP to Required under Authentication > the direct grant flow of totp's client";
    for (name, more) in [("gets-through", json!({})), ("has-to-act", json!({ "requiredActions": ["VERIFY_EMAIL"] }))] {
        let bare = Person::without_app(realm, name, more).await;
        let tested = tested_with_codes(CONDITIONAL_CLIENT, Some(&bare.email)).await;
        tested.assert_failed(&[("totp_flow", required)]);
    }
}

#[tokio::test]
async fn an_unsuitable_test_user_is_reported() {
    let realm = keycloak_otp::shared().await;
    let off = Person::without_app(realm, "disabled-test-user", json!({ "enabled": false })).await;
    let app = Person::with_app(realm, "test-user-with-app", json!({})).await;
    let says_the_same = "if the test user does not exist, is disabled or locked, or has a one-time code";
    for user in ["unknown@example.org", &off.email, &app.email] {
        let tested = tested_with_codes(OTP_CLIENT, Some(user)).await;
        tested.assert_failed(&[("totp_flow", says_the_same)]);
    }
}
