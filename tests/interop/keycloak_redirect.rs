//! Logins to a real Keycloak by redirect, on its own pages.

use landfall_tests::proxy::{Calls, before};
use landfall_tests::{Browser, Login, Shown, TestApp, data, key};
use serde_json::json;

use crate::keycloak::{
    ADA, CLIENT_ID, CLIENT_SECRET, CONSENT_CLIENT_ID, Connector, DUTIFUL, ES256_CLIENT_ID, GRACE, HS256_CLIENT_ID,
    Keycloak, PKCE_CLIENT_ID, REALM, TODO,
};
use crate::keycloak_password;
use crate::landfall::{assert_ended, assert_kept_secret, away, landfall, operations, reasons, resumed};

pub(crate) const JOURNEY: &str = "sign-in-with-real";

fn connector() -> Connector<'static> {
    Connector::to(Keycloak::shared())
}

/// Signs Ada in, and asserts her claims.
async fn assert_signed_in(app: &TestApp) {
    let login = app.sign_in_by_redirect(JOURNEY, ADA.email, ADA.password).await;

    let claims = app.id_token(&login.code).await;
    assert_eq!((&claims["email"], &claims["email_verified"]), (&json!(ADA.email), &json!(true)));
    assert_eq!((&claims["given_name"], &claims["family_name"]), (&json!("Ada"), &json!("Lovelace")));
    assert_eq!((app.users().await, app.items_of("LINK#").await.len()), (1, 1));
}

#[tokio::test]
async fn password_and_redirect_give_one_user() {
    let app = connector().landfall().await;

    let first = app.log_in_through(keycloak_password::JOURNEY, ADA.email, ADA.password).await;
    let second = app.sign_in_by_redirect(JOURNEY, ADA.email, ADA.password).await;
    let third = app.log_in_through(keycloak_password::JOURNEY, ADA.email, ADA.password).await;

    let first = app.id_token(&first.code).await;
    for login in [second, third] {
        let claims = app.id_token(&login.code).await;
        for claim in ["sub", "email", "email_verified", "given_name", "family_name"] {
            assert_eq!(claims[claim], first[claim], "{claim}");
        }
    }
    assert_eq!((app.users().await, app.items_of("LINK#").await.len()), (1, 1));
    assert_eq!((app.events("user_provisioned").len(), app.events("user_recognised").len()), (1, 2));
    assert_kept_secret(&app, &[ADA.password, CLIENT_SECRET]).await;
}

#[tokio::test]
async fn a_generic_oidc_connector_gives_the_same_user() {
    let (url, shared) = (Keycloak::shared().base_url(), "    source: staff\n");
    let generic = format!(
        r#"
  - id: generic
    provider: oidc
    name: Some provider
{shared}    client: {{ id: {CLIENT_ID}, secret: of-the-client, token_endpoint_auth_method: client_secret_basic }}
    methods: {{ oidc: {{}} }}
    settings: {{ issuer: "{url}/realms/{REALM}" }}
"#
    );
    let own = format!("{}{shared}", connector().document());
    let app = landfall(&format!("{own}{generic}"), CLIENT_SECRET).await;

    let generic = app.sign_in_by_redirect("sign-in-with-generic", ADA.email, ADA.password).await;
    let own = app.sign_in_by_redirect(JOURNEY, ADA.email, ADA.password).await;
    let password = app.log_in_through(keycloak_password::JOURNEY, ADA.email, ADA.password).await;

    let subject = app.id_token(&generic.code).await["sub"].clone();
    assert_eq!(app.id_token(&own.code).await["sub"], subject);
    assert_eq!(app.id_token(&password.code).await["sub"], subject);
    assert_eq!((app.users().await, app.items_of("LINK#").await.len()), (1, 1));
}

#[tokio::test]
async fn the_right_password_works_after_a_wrong_one() {
    let app = connector().landfall().await;
    let (session, url) = away(&app, JOURNEY).await;
    let browser = Browser::default();

    let again = browser.log_in(&url, ADA.email, "not-the-password").await;
    assert!(matches!(&again, Shown::Page { status: 200, html, .. } if html.contains("Invalid username or password")));
    let right = browser.fill_in(again, &[("username", ADA.email), ("password", ADA.password)]).await;

    let Shown::Back(back) = right else { panic!("not sent back: {right:?}") };
    let answer = resumed(&app, &session, &back).await;
    assert_eq!(answer.body["status"], "completed", "{:#}", answer.body);
    assert!(reasons(&app).is_empty(), "a wrong password at Keycloak's own form is not our failure");
}

#[tokio::test]
async fn a_form_post_callback_is_accepted() {
    let app = Connector { settings: ", response_mode: form_post", ..connector() }.landfall().await;
    let (session, url) = away(&app, JOURNEY).await;

    let back = Browser::default().come_back(&url, ADA.email, ADA.password).await;

    assert_eq!((back.path.as_str(), back.form.is_some()), ("/v1/callback/real", true));
    let answer = resumed(&app, &session, &back).await;
    assert_eq!(app.id_token(&Login::of(&session, &answer).code).await["email"], ADA.email);
}

#[tokio::test]
async fn consent_decides_whether_the_user_is_signed_in() {
    let app = Connector { client: CONSENT_CLIENT_ID, ..connector() }.landfall().await;

    let (session, url) = away(&app, JOURNEY).await;
    let browser = Browser::default();
    let consent = browser.log_in(&url, ADA.email, ADA.password).await;
    let refused = browser.fill_in(consent, &[("cancel", "No")]).await;
    let Shown::Back(back) = refused else { panic!("not sent back: {refused:?}") };
    assert_eq!(back.parameter("error").as_deref(), Some("access_denied"));
    assert_ended(&app, &resumed(&app, &session, &back).await, "access_denied", "rejected the attempt: declined").await;

    let (session, url) = away(&app, JOURNEY).await;
    let consent = browser.log_in(&url, ADA.email, ADA.password).await;
    let agreed = browser.fill_in(consent, &[("accept", "Yes")]).await;
    let Shown::Back(back) = agreed else { panic!("not sent back: {agreed:?}") };
    assert_eq!(resumed(&app, &session, &back).await.body["status"], "completed");
}

#[tokio::test]
async fn a_repeated_callback_is_refused() {
    let app = connector().landfall().await;
    let (session, url) = away(&app, JOURNEY).await;
    let back = Browser::default().come_back(&url, ADA.email, ADA.password).await;
    let (_, resume) = app.arrive(&back).await.carried();

    assert_eq!(app.arrive(&back).await.expect(400).code(), "redirect_expired");

    assert_eq!(session.resume(&app, &resume).await.expect(200).body["status"], "completed");
    assert_eq!(app.arrive(&back).await.expect(400).code(), "redirect_expired");
    assert_eq!(app.users().await, 1);
}

#[tokio::test]
async fn a_callback_with_a_wrong_issuer_is_refused() {
    let app = connector().landfall().await;
    for issuer in ["", "https://id.example.com/realms/landfall-test"] {
        let (session, url) = away(&app, JOURNEY).await;
        let back = Browser::default().come_back(&url, ADA.email, ADA.password).await;
        assert_eq!(back.parameter("iss"), Some(format!("{}/realms/{REALM}", Keycloak::shared().base_url())));

        let answer = resumed(&app, &session, &back.with(&[("iss", issuer)])).await;

        assert_ended(&app, &answer, "identity_refused", "refused at callback: issuer").await;
    }
}

#[tokio::test]
async fn a_user_with_a_required_action_stays_on_keycloaks_pages() {
    let app = connector().landfall().await;
    let (session, url) = away(&app, JOURNEY).await;

    let page = Browser::default().log_in(&url, TODO.email, TODO.password).await;

    assert!(matches!(&page, Shown::Page { status: 200, html, .. } if html.contains("password-new")), "{page:?}");
    assert_eq!(session.view(&app).await.expect(200).redirect_url(), url);
    assert_eq!(app.users().await, 0);
}

#[tokio::test]
async fn after_the_required_action_both_methods_work() {
    let new = "dutiful-password-two";
    let app = connector().landfall().await;
    let sent = data(DUTIFUL.email, DUTIFUL.password);
    let refused = app.start(keycloak_password::JOURNEY).await.submit(&app, &key(1), &sent).await.expect(200);
    assert_eq!(refused.body["step"]["error"]["code"], "interaction_required");

    let (session, url) = away(&app, JOURNEY).await;
    let browser = Browser::default();
    let page = browser.log_in(&url, DUTIFUL.email, DUTIFUL.password).await;
    let done = browser.fill_in(page, &[("password-new", new), ("password-confirm", new)]).await;
    let Shown::Back(back) = done else { panic!("not sent back: {done:?}") };
    let redirect = Login::of(&session, &resumed(&app, &session, &back).await);
    let password = app.log_in_through(keycloak_password::JOURNEY, DUTIFUL.email, new).await;

    assert_eq!(app.id_token(&redirect.code).await["sub"], app.id_token(&password.code).await["sub"]);
    assert_eq!((app.users().await, app.items_of("LINK#").await.len()), (1, 1));
}

#[tokio::test]
async fn a_key_rotated_during_a_login_is_fetched_once() {
    let (keycloak, realm) = (Keycloak::shared(), "rotating");
    keycloak.add_realm(realm, &json!({})).await;
    let calls = Calls::default();
    let url = format!("http://{}", before(keycloak.address(), "provider", calls.clone()).await);
    let app = Connector { url, realm, ..connector() }.landfall().await;
    app.sign_in_by_redirect(JOURNEY, GRACE.email, GRACE.password).await;
    let (session, url) = away(&app, JOURNEY).await;
    let back = Browser::default().come_back(&url, ADA.email, ADA.password).await;

    keycloak.rotate_keys(realm).await;
    calls.take();
    let answer = resumed(&app, &session, &back).await;

    let protocol = format!("/realms/{realm}/protocol/openid-connect");
    assert_eq!(operations(&calls), [format!("POST {protocol}/token"), format!("GET {protocol}/certs")]);
    assert_eq!(app.id_token(&Login::of(&session, &answer).code).await["email"], ADA.email);

    app.sign_in_by_redirect(JOURNEY, GRACE.email, GRACE.password).await;
    assert!(!operations(&calls).contains(&format!("GET {protocol}/certs")), "the new key is known");
    assert_eq!(app.users().await, 2);
}

#[tokio::test]
async fn a_wrong_client_secret_is_reported_as_misconfigured() {
    let app = Connector { secret: "not-the-client-secret", ..connector() }.landfall().await;
    let (session, url) = away(&app, JOURNEY).await;
    let back = Browser::default().come_back(&url, ADA.email, ADA.password).await;

    let answer = resumed(&app, &session, &back).await;

    let reason = "misconfigured at client_authentication: the client secret is wrong or missing";
    assert_ended(&app, &answer, "try_later", reason).await;
    assert_kept_secret(&app, &[ADA.password, "not-the-client-secret", &back.parameter("code").unwrap()]).await;
}

#[tokio::test]
async fn a_client_that_requires_pkce_works() {
    assert_signed_in(&Connector { client: PKCE_CLIENT_ID, ..connector() }.landfall().await).await;

    let app = Connector { client: PKCE_CLIENT_ID, settings: ", pkce: false", ..connector() }.landfall().await;
    let (session, url) = away(&app, JOURNEY).await;
    let Shown::Back(back) = Browser::default().open(&url).await else { panic!("not sent back") };
    let answer = resumed(&app, &session, &back).await;
    assert_ended(&app, &answer, "try_later", "misconfigured at callback").await;
}

#[tokio::test]
async fn an_id_token_with_es256_is_accepted() {
    assert_signed_in(&Connector { client: ES256_CLIENT_ID, ..connector() }.landfall().await).await;
}

#[tokio::test]
async fn an_id_token_with_hs256_is_refused() {
    let app = Connector { client: HS256_CLIENT_ID, ..connector() }.landfall().await;
    let (session, url) = away(&app, JOURNEY).await;
    let back = Browser::default().come_back(&url, ADA.email, ADA.password).await;

    let answer = resumed(&app, &session, &back).await;

    assert_ended(&app, &answer, "identity_refused", "refused at id_token: algorithm").await;
}
