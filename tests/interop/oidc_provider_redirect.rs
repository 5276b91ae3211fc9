//! Logins to a certified OpenID Provider by redirect, through a generic `oidc` connector that is given only the issuer.

use landfall_tests::proxy::{Calls, before};
use landfall_tests::{Login, Shown, TestApp, TestSession, key};
use serde_json::{Value, json};

use crate::landfall::{assert_ended, assert_kept_secret, away, operations, resumed};
use crate::oidc_provider::{
    BASIC, Client, Connector, EDDSA, ES256, FULL, LEAN, OidcProvider, POST, PUBLIC, ROTATING, SIGNED_USERINFO, abort,
    come_back,
};

const JOURNEY: &str = "sign-in-with-certified";

fn to(issuer: &str) -> Connector {
    Connector::to(OidcProvider::shared(), issuer)
}

/// Signs an account in, and returns the claims of our ID token.
async fn signed_in(app: &TestApp, account: &str) -> Value {
    let (session, url) = away(app, JOURNEY).await;
    let back = come_back(&url, account).await;
    let answer = resumed(app, &session, &back).await;
    app.id_token(&Login::of(&session, &answer).code).await
}

/// Asserts that Ada is provisioned with all her claims, and is recognised the next time.
async fn assert_provisions(connector: Connector) {
    let app = connector.landfall().await;

    let first = signed_in(&app, "ada").await;
    let second = signed_in(&app, "ada").await;

    assert_eq!((&first["email"], &first["email_verified"]), (&json!("ada@example.org"), &json!(true)));
    assert_eq!((&first["given_name"], &first["family_name"]), (&json!("Ada"), &json!("Lovelace")));
    assert_eq!(first["sub"], second["sub"]);
    assert_eq!((app.users().await, app.items_of("LINK#").await.len()), (1, 1));
    assert_eq!(app.items_of("IDENTIFIER#").await.len(), 1);
    assert_eq!((app.events("user_provisioned").len(), app.events("user_recognised").len()), (1, 1));
}

#[tokio::test]
async fn a_user_is_created_once_and_then_recognised() {
    assert_provisions(to(FULL)).await;
}

#[tokio::test]
async fn claims_from_userinfo_are_used() {
    assert_provisions(to(LEAN)).await;
}

#[tokio::test]
async fn signed_userinfo_is_accepted() {
    assert_provisions(Connector { client: SIGNED_USERINFO, ..to(LEAN) }).await;
}

#[tokio::test]
async fn userinfo_with_a_wrong_algorithm_is_refused() {
    let settings = ", algorithms: [RS256]".to_owned();
    let app = Connector { client: SIGNED_USERINFO, settings, ..to(LEAN) }.landfall().await;
    let (session, url) = away(&app, JOURNEY).await;
    let back = come_back(&url, "ada").await;

    let answer = resumed(&app, &session, &back).await;

    assert_ended(&app, &answer, "identity_refused", "refused at userinfo: algorithm").await;
}

#[tokio::test]
async fn basic_credentials_may_have_any_characters() {
    assert_provisions(Connector { client: BASIC, ..to(FULL) }).await;
}

#[tokio::test]
async fn a_public_client_works() {
    assert_provisions(Connector { client: PUBLIC, ..to(FULL) }).await;
}

#[tokio::test]
async fn id_tokens_with_es256_and_eddsa_are_accepted() {
    for (client, algorithm) in [(ES256, "ES256"), (EDDSA, "EdDSA")] {
        let settings = format!(", algorithms: [{algorithm}]");
        assert_provisions(Connector { client, settings, ..to(FULL) }).await;
    }
}

#[tokio::test]
async fn a_form_post_callback_is_accepted() {
    assert_provisions(Connector { settings: ", response_mode: form_post".to_owned(), ..to(FULL) }).await;

    let app = Connector { settings: ", response_mode: form_post".to_owned(), ..to(FULL) }.landfall().await;
    let (_, url) = away(&app, JOURNEY).await;
    let back = come_back(&url, "ada").await;
    assert_eq!((back.path.as_str(), back.form.is_some()), ("/v1/callback/certified", true));
}

#[tokio::test]
async fn an_unverified_address_is_not_reserved() {
    for issuer in [FULL, LEAN] {
        let app = to(issuer).landfall().await;
        let claims = signed_in(&app, "grace").await;
        assert_eq!((&claims["email"], &claims["email_verified"]), (&json!("grace@example.org"), &json!(false)));
        assert_eq!((app.users().await, app.items_of("IDENTIFIER#").await.len()), (1, 0));
    }
}

#[tokio::test]
async fn userinfo_is_called_only_without_email_in_the_token() {
    let provider = OidcProvider::shared();
    for (issuer, asked) in [(FULL, None), (LEAN, Some("GET /lean/me"))] {
        let (connector, calls) = counted(provider, issuer).await;
        let app = connector.landfall().await;
        signed_in(&app, "ada").await;
        calls.take();

        signed_in(&app, "ada").await;

        let token = format!("POST /{issuer}/token");
        let expected: Vec<_> = [token.as_str()].into_iter().chain(asked).collect();
        assert_eq!(operations(&calls), expected);
    }
}

/// A connector whose calls go through a counting proxy. Only the endpoints change; the issuer stays the same.
async fn counted(provider: &OidcProvider, issuer: &str) -> (Connector, Calls) {
    let calls = Calls::default();
    let proxy = before(provider.address(), "provider", calls.clone()).await;
    let settings = format!(
        r#", authorization_endpoint: "{direct}/auth", token_endpoint: "{proxied}/token",
             userinfo_endpoint: "{proxied}/me", jwks_uri: "{proxied}/jwks""#,
        direct = provider.issuer(issuer),
        proxied = format_args!("http://{proxy}/{issuer}"),
    );
    (Connector { settings, ..Connector::to(provider, issuer) }, calls)
}

#[tokio::test]
async fn a_key_rotated_during_a_login_is_fetched_once() {
    let provider = OidcProvider::shared();
    let (connector, calls) = counted(provider, ROTATING).await;
    let app = connector.landfall().await;
    signed_in(&app, "grace").await;
    let (session, url) = away(&app, JOURNEY).await;
    let back = come_back(&url, "ada").await;

    provider.rotate_keys(ROTATING).await;
    calls.take();
    let answer = resumed(&app, &session, &back).await;

    assert_eq!(operations(&calls), ["POST /rotating/token", "GET /rotating/jwks"]);
    assert_eq!(app.id_token(&Login::of(&session, &answer).code).await["email"], "ada@example.org");
    signed_in(&app, "grace").await;
    assert_eq!(operations(&calls), ["POST /rotating/token"]);
    assert_eq!(app.users().await, 2);
}

#[tokio::test]
async fn a_user_who_aborts_is_not_signed_in() {
    let app = to(FULL).landfall().await;
    let (session, url) = away(&app, JOURNEY).await;

    let back = abort(&url).await;

    assert_eq!(back.parameter("error").as_deref(), Some("access_denied"));
    assert_eq!(back.parameter("iss"), Some(OidcProvider::shared().issuer(FULL)));
    let answer = resumed(&app, &session, &back).await;
    assert_ended(&app, &answer, "access_denied", "rejected the attempt: declined").await;
}

#[tokio::test]
async fn a_callback_with_a_wrong_issuer_is_refused() {
    let app = to(FULL).landfall().await;
    // One of them is another real issuer, as in a mix-up attack.
    for issuer in ["", &OidcProvider::shared().issuer(LEAN)] {
        let (session, url) = away(&app, JOURNEY).await;
        let back = come_back(&url, "ada").await;
        assert_eq!(back.parameter("iss"), Some(OidcProvider::shared().issuer(FULL)));

        let answer = resumed(&app, &session, &back.with(&[("iss", issuer)])).await;

        assert_ended(&app, &answer, "identity_refused", "refused at callback: issuer").await;
    }
}

#[tokio::test]
async fn a_repeated_callback_is_refused() {
    let app = to(FULL).landfall().await;
    let (session, url) = away(&app, JOURNEY).await;
    let back = come_back(&url, "ada").await;
    let (_, resume) = app.arrive(&back).await.carried();

    assert_eq!(app.arrive(&back).await.expect(400).code(), "redirect_expired");

    assert_eq!(session.resume(&app, &resume).await.expect(200).body["status"], "completed");
    assert_eq!(app.users().await, 1);
}

#[tokio::test]
async fn a_wrong_client_secret_is_reported_as_misconfigured() {
    for client in [POST, BASIC] {
        let app =
            Connector { client: Client { secret: Some("not-the-secret"), ..client }, ..to(FULL) }.landfall().await;
        let (session, url) = away(&app, JOURNEY).await;
        let back = come_back(&url, "ada").await;

        let answer = resumed(&app, &session, &back).await;

        let reason = "misconfigured at client_authentication: the provider does not accept the client's credentials: check \
                      client.id, the secret";
        assert_ended(&app, &answer, "try_later", reason).await;
        assert_kept_secret(&app, &["not-the-secret", &back.parameter("code").unwrap()]).await;
    }
}

#[tokio::test]
async fn missing_pkce_is_reported_as_misconfigured() {
    let app = Connector { settings: ", pkce: false".to_owned(), ..to(FULL) }.landfall().await;
    let (session, url) = away(&app, JOURNEY).await;
    let Shown::Back(back) = landfall_tests::Browser::default().open(&url).await else { panic!("not sent back") };

    let answer = resumed(&app, &session, &back).await;

    assert_ended(&app, &answer, "try_later", "misconfigured at callback").await;
}

/// A journey that returns to the choice of a provider after a failure.
const PATIENT: &str = "
format: 1
id: patient
params: { plan: { type: string } }
start: which
steps:
  which:
    type: choose_provider
    with: { connectors: [certified] }
    next: { chosen: go, cancelled: no_access, unavailable: no_access }
  go:
    type: authenticate_redirect
    with: { connector: certified }
    as: who
    next: { authenticated: provision, rejected: which, unavailable: which, cancelled: which }
  provision:
    type: provision_user
    with: { identity: who }
    next: { created: done, linked: done, recognised: done, proof_required: no_access, refused: no_access }
  done: { type: complete }
  no_access: { type: reject, with: { code: access_denied } }
";

/// Chooses the provider, and returns the session and the redirect's URL.
async fn choose(app: &TestApp, session: &TestSession, number: u32) -> (TestSession, String) {
    let body = json!({
        "turn": session.turn, "key": key(number), "option": "submit", "data": { "connector": "certified" },
    });
    let answer = session.submit_to(app, "which", &body).await.expect(200);
    (session.after(&answer), answer.redirect_url().to_owned())
}

#[tokio::test]
async fn a_session_survives_an_outage_during_the_login() {
    let mut provider = OidcProvider::start();
    let app = Connector { journeys: &[PATIENT], ..Connector::to(&provider, FULL) }.landfall().await;
    let (session, url) = choose(&app, &app.start("patient").await, 1).await;
    let back = come_back(&url, "ada").await;

    provider.stop();
    let answer = resumed(&app, &session, &back).await;
    assert_eq!((&answer.body["status"], &answer.body["step"]["id"]), (&json!("input_required"), &json!("which")));
    assert_eq!(answer.body["step"]["error"]["code"], "provider_unavailable");
    assert_eq!(app.events("login_failed").len(), 1);

    // The restarted provider has new keys.
    provider.start_over();
    let (session, url) = choose(&app, &session.after(&answer), 2).await;
    let back = come_back(&url, "ada").await;
    let answer = resumed(&app, &session, &back).await;
    assert_eq!(app.id_token(&Login::of(&session, &answer).code).await["email"], "ada@example.org");
    assert_eq!(app.users().await, 1);
}

#[tokio::test]
async fn an_outage_at_start_or_callback_ends_with_try_later() {
    let mut provider = OidcProvider::start();
    let warm = Connector::to(&provider, FULL).landfall().await;
    let (session, url) = away(&warm, JOURNEY).await;
    let back = come_back(&url, "ada").await;

    provider.stop();

    // The keys are fetched first: without them the ID token could not be verified, so the code is not sent.
    let answer = resumed(&warm, &session, &back).await;
    assert_ended(&warm, &answer, "try_later", "unavailable at keys: connect").await;
    // Drop the first app: a thread logs to the app that was created last.
    drop(warm);
    let cold = Connector::to(&provider, FULL).landfall().await;
    let start = cold.try_start(JOURNEY, &TestApp::start_body()).await.expect(201);
    assert_eq!(start.body["redirect"], Value::Null);
    assert_ended(&cold, &start, "try_later", "unavailable at discovery: connect").await;
}
