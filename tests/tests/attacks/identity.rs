//! Accounts that want to be somebody else's.

use std::pin::pin;

use landfall::demo::{EMAIL, PASSWORD, SECRET};
use landfall_tests::{Answer, Browser, Login, Setup, TestApp, data, key};
use serde_json::json;
use simulators::keycloak::{Client, Realm, User};

use crate::held::until_the_provider_is_asked;
use crate::witness::{directory, ended};

/// One entry of a file of connectors: a realm of the simulated Keycloak, as a pool of accounts called `source`.
fn connector(id: &str, realm: &str, source: &str) -> String {
    format!(
        r#"
  - id: {id}
    provider: keycloak
    name: {id}
    source: {source}
    client: {{ id: landfall, secret: keycloak }}
    methods: {{ password: {{}} }}
    settings: {{ url: "{{keycloak}}/demo/keycloak", realm: {realm} }}
"#
    )
}

/// A realm beside the demo's, with these users.
fn realm(name: &str, users: impl IntoIterator<Item = User>) -> Realm {
    let client = Client::confidential("landfall", SECRET).direct_grants(true);
    users.into_iter().fold(Realm::new(name).client(client), Realm::user)
}

/// Somebody with the demo's password, who logs in with `login` whatever their e-mail is.
fn user(login: &str) -> User {
    User::new(login).name("Mallory", "M").password(PASSWORD)
}

/// The demo's realm as `keycloak`, and a realm with these users as `acme`.
fn with_acme(setup: &mut Setup, users: impl IntoIterator<Item = User>) {
    setup.keycloak().clone().realm(realm("acme", users));
    setup.connectors =
        format!("connectors:{}{}", connector("keycloak", "demo", "keycloak"), connector("acme", "acme", "acme"));
}

async fn try_log_in(app: &TestApp, connector: &str, login: &str) -> Answer {
    let session = app.start(&format!("migrate-from-{connector}")).await;
    session.submit(app, &key(1), &data(login, PASSWORD)).await
}

/// Whom the tokens of a login name.
async fn subject(app: &TestApp, connector: &str, login: &str) -> String {
    let login = app.log_in_through(&format!("migrate-from-{connector}"), login, PASSWORD).await;
    app.id_token(&login.code).await["sub"].as_str().expect("an ID token has a subject").to_owned()
}

#[tokio::test]
async fn somebody_elses_email_at_another_provider_does_not_open_their_account() {
    for (email, verified) in [(EMAIL, false), (EMAIL, true), ("ADA@Example.ORG", true), ("ADA@Example.ORG", false)] {
        let mallory = user("mallory@evil.example").email(email, verified);
        let app = TestApp::with(|setup| with_acme(setup, [mallory])).await;
        app.log_in(EMAIL, PASSWORD).await;
        let before = directory(&app).await;

        let answer = try_log_in(&app, "acme", "mallory@evil.example").await;

        ended(&app, &answer, "proof_required");
        assert_eq!(app.events("proof_required").len(), 1, "{email:?}, verified: {verified}");
        assert_eq!(directory(&app).await, before, "{email:?}, verified: {verified}");
    }
}

#[tokio::test]
async fn an_email_nobody_verified_does_not_keep_its_owner_out_or_let_its_user_in_later() {
    let mallory = user("mallory@evil.example").email(EMAIL, false);
    let app = TestApp::with(|setup| with_acme(setup, [mallory])).await;

    let squatter = subject(&app, "acme", "mallory@evil.example").await;
    let owner = subject(&app, "keycloak", EMAIL).await;

    assert_ne!(squatter, owner);
    assert_eq!(app.users().await, 2);
    assert_eq!(subject(&app, "acme", "mallory@evil.example").await, squatter);
    assert_eq!(subject(&app, "keycloak", EMAIL).await, owner);
}

#[tokio::test]
async fn the_same_subject_from_another_source_is_another_user() {
    let same = |login, email| user(login).email(email, false).subject("f:1:mallory");
    let app = TestApp::with(|setup| {
        with_acme(setup, [same("mallory@acme.example", "m@acme.example")]);
        setup.keycloak().clone().realm(realm("demo", [same("victim@example.org", "v@example.org")]));
        // The same realm, issuer and all, as a pool of its own.
        setup.connectors += &connector("again", "demo", "again");
    })
    .await;

    let victim = subject(&app, "keycloak", "victim@example.org").await;
    let mallory = subject(&app, "acme", "mallory@acme.example").await;
    let again = subject(&app, "again", "victim@example.org").await;

    assert_eq!(app.users().await, 3);
    assert!(victim != mallory && victim != again && mallory != again);
}

#[tokio::test]
async fn the_same_account_through_another_connector_of_its_source_is_the_same_user() {
    let app = TestApp::with(|setup| {
        setup.connectors =
            format!("connectors:{}{}", connector("keycloak", "demo", "staff"), connector("second", "demo", "staff"));
    })
    .await;

    let first = subject(&app, "keycloak", EMAIL).await;
    let second = subject(&app, "second", EMAIL).await;

    assert_eq!(first, second);
    assert_eq!((app.users().await, app.items_of("LINK#").await.len()), (1, 1));
}

#[tokio::test]
async fn a_linked_users_new_email_moves_neither_them_nor_anybody_else() {
    let app = TestApp::new().await;
    let grace = subject(&app, "keycloak", "grace@example.org").await;
    let ada = subject(&app, "keycloak", EMAIL).await;
    let before = directory(&app).await;

    // Grace's provider now says that hers is the address that Ada proved; and Ada's, that she has another.
    let change = |name: &str, email: &'static str| {
        app.keycloak().change_user("demo", name, |user| user.email(email, true)).unwrap();
    };
    change("ada", "countess@example.org");
    change("grace", EMAIL);

    assert_eq!(subject(&app, "keycloak", EMAIL).await, grace);
    assert_eq!(subject(&app, "keycloak", "countess@example.org").await, ada);
    assert_eq!(directory(&app).await, before);
}

/// Signs two people in, one after the other, in one session: the second with the connector `SECOND`.
const TWO_LOGINS: &str = r#"
format: 1
id: two-logins
params: { plan: { type: string } }
start: ask
steps:
  ask:
    type: collect_information
    with:
      fields:
        - { name: email, type: email, label: field.email, required: true }
        - { name: password, type: password, label: field.password, required: true }
    next: { submitted: check, cancelled: no_access }
  check:
    type: authenticate_password
    with: { connector: keycloak, username: "${ask.email}", password: "${ask.password}" }
    as: who
    next: { authenticated: provision, challenged: no_access, rejected: ask, unavailable: no_access }
  provision:
    type: provision_user
    with: { identity: who }
    next: { created: ask_again, linked: ask_again, recognised: ask_again, proof_required: no_access, refused: no_access }
  ask_again:
    type: collect_information
    with:
      fields:
        - { name: email, type: email, label: field.email, required: true }
        - { name: password, type: password, label: field.password, required: true }
    next: { submitted: check_again, cancelled: no_access }
  check_again:
    type: authenticate_password
    with: { connector: SECOND, username: "${ask_again.email}", password: "${ask_again.password}" }
    as: other
    next: { authenticated: provision_again, challenged: no_access, rejected: ask_again, unavailable: no_access }
  provision_again:
    type: provision_user
    with: { identity: other }
    next: { created: done, linked: done, recognised: done, proof_required: no_access, refused: no_access }
  done: { type: complete }
  no_access: { type: reject, with: { code: access_denied } }
"#;

#[tokio::test]
async fn an_account_that_is_another_users_is_not_merged_into_this_one() {
    // Of the same source it is another person's factor; of another it may be the same person's, and is another user's.
    for (second, known) in [("keycloak", true), ("keycloak", false), ("acme", true), ("acme", false)] {
        let app = TestApp::with(|setup| {
            with_acme(setup, [user(EMAIL).email("elsewhere@example.org", true)]);
            setup.journeys.push(TWO_LOGINS.replace("SECOND", second));
        })
        .await;
        if known {
            app.log_in_through(&format!("migrate-from-{second}"), EMAIL, PASSWORD).await;
        }
        let session = app.start("two-logins").await;
        let answer = session.submit(&app, &key(1), &data("grace@example.org", PASSWORD)).await.expect(200);
        assert_eq!(answer.body["step"]["id"], "ask_again");
        let session = session.after(&answer);
        let before = directory(&app).await;

        let body = json!({ "turn": session.turn, "key": key(2), "option": "submit", "data": data(EMAIL, PASSWORD) });
        let answer = session.submit_to(&app, "ask_again", &body).await;

        ended(&app, &answer, "identity_refused");
        assert_eq!(directory(&app).await, before, "the other account at {second} is known: {known}");
    }
}

#[tokio::test]
async fn two_first_logins_of_one_account_at_once_make_one_user() {
    let app = TestApp::new().await;
    let (one, two) = (app.start("migrate-from-keycloak").await, app.start("migrate-from-keycloak").await);
    let (entered, key) = (data(EMAIL, PASSWORD), key(1));
    let mut late = pin!(one.submit(&app, &key, &entered));
    until_the_provider_is_asked(&app, late.as_mut()).await;

    let early = two.submit(&app, &key, &entered).await.expect(200);
    let late = late.await.expect(200);

    assert_eq!((early.body["status"].as_str(), late.body["status"].as_str()), (Some("completed"), Some("completed")));
    let code = |answer: &Answer| answer.body["completion"]["code"].as_str().unwrap().to_owned();
    assert_eq!(app.id_token(&code(&early)).await["sub"], app.id_token(&code(&late)).await["sub"]);
    assert_eq!((app.users().await, app.items_of("LINK#").await.len()), (1, 1));
    assert_eq!(app.subject.requests().len(), 2);
}

#[tokio::test]
async fn two_first_logins_with_one_email_at_once_end_with_the_second_asked_for_proof() {
    let namesake = user("namesake@evil.example").email(EMAIL, true);
    let app = TestApp::with(|setup| with_acme(setup, [namesake])).await;
    let (one, two) = (app.start("migrate-from-acme").await, app.start("migrate-from-keycloak").await);
    let (entered, key) = (data("namesake@evil.example", PASSWORD), key(1));
    let mut late = pin!(one.submit(&app, &key, &entered));
    until_the_provider_is_asked(&app, late.as_mut()).await;
    two.submit(&app, &key, &data(EMAIL, PASSWORD)).await.expect(200);
    let before = directory(&app).await;

    let late = late.await;

    ended(&app, &late, "proof_required");
    assert_eq!(app.events("proof_required").len(), 1);
    assert_eq!(directory(&app).await, before);
    assert_eq!(app.subject.requests().len(), 2, "the password was sent again");
}

/// Checks a password, and then wants to see the same person at the provider's own page.
const TWO_FACTORS: &str = r#"
format: 1
id: two-factors
params: { plan: { type: string } }
start: ask
steps:
  ask:
    type: collect_information
    with:
      fields:
        - { name: email, type: email, label: field.email, required: true }
        - { name: password, type: password, label: field.password, required: true }
    next: { submitted: check, cancelled: no_access }
  check:
    type: authenticate_password
    with: { connector: keycloak, username: "${ask.email}", password: "${ask.password}" }
    as: who
    next: { authenticated: go, challenged: no_access, rejected: ask, unavailable: no_access }
  go:
    type: authenticate_redirect
    with: { connector: keycloak, login_hint: "${ask.email}" }
    as: SECOND
    next: { authenticated: provision, rejected: ask, unavailable: no_access, cancelled: no_access }
  provision:
    type: provision_user
    with: { identity: IDENTITY }
    next: { created: done, linked: done, recognised: done, proof_required: no_access, refused: no_access }
  done: { type: complete }
  no_access: { type: reject, with: { code: access_denied } }
"#;

#[tokio::test]
async fn the_password_of_one_and_the_redirect_of_another_sign_neither_of_them_in() {
    // In one slot, or in one of their own; and whichever of the two the user is then made of.
    for (second, identity) in [("who", "who"), ("other", "who"), ("other", "other")] {
        let journey = TWO_FACTORS.replace("SECOND", second).replace("IDENTITY", identity);
        let app = TestApp::with(|setup| setup.journeys.push(journey)).await;
        for (first, then, same) in [(EMAIL, "grace", false), ("grace@example.org", "ada", false), (EMAIL, "ada", true)]
        {
            println!("{first} and {then}, {second} and {identity}");
            let start = app.start("two-factors").await;
            let answer = start.submit(&app, &key(1), &data(first, PASSWORD)).await.expect(200);
            let session = start.after(&answer);
            assert_ne!(session.token, start.token, "somebody has been authenticated");
            assert!(directory(&app).await.is_empty());

            let back = Browser::default().come_back(answer.redirect_url(), then, PASSWORD).await;
            let (_, resume) = app.arrive(&back).await.carried();
            // Whoever holds the token from before the password has only the browser's half.
            assert_eq!(start.resume(&app, &resume).await.expect(404).code(), "unknown_session");
            let answer = session.resume(&app, &resume).await;

            if same {
                let login = Login::of(&session, &answer);
                let claims = app.id_token(&login.code).await;
                assert_eq!((&claims["email"], app.users().await), (&json!(first), 1));
                continue;
            }
            ended(&app, &answer, "identity_refused");
            assert!(directory(&app).await.is_empty());
            let abandoned = app.events("session_abandoned").pop().unwrap();
            assert_eq!(abandoned["session"], json!(session.id));
        }
    }
}

#[tokio::test]
async fn another_try_after_a_no_of_the_provider_makes_no_second_person_of_the_first_factors() {
    // With the password once more, or with that of the other.
    for (again, refused_at) in [(EMAIL, "go"), ("grace@example.org", "ask")] {
        let journey = TWO_FACTORS.replace("SECOND", "who").replace("IDENTITY", "who");
        let app = TestApp::with(|setup| setup.journeys.push(journey)).await;
        let start = app.start("two-factors").await;
        let answer = start.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
        let session = start.after(&answer);
        let answer = session.choose(&app, "go", "restart", &key(2)).await.expect(200);
        let session = session.after(&answer);
        let back = Browser::default().come_back(answer.redirect_url(), "grace", PASSWORD).await;
        let no = back.with(&[("code", ""), ("error", "access_denied")]);
        let (_, resume) = app.arrive(&no).await.carried();
        let answer = session.resume(&app, &resume).await.expect(200);
        assert_eq!(
            (&answer.body["step"]["id"], &answer.body["step"]["error"]["code"]),
            (&json!("ask"), &json!("declined"))
        );
        let session = session.after(&answer);

        // The slot is empty by now; the proof of the password is not.
        let mut answer = session.submit(&app, &key(3), &data(again, PASSWORD)).await;
        if refused_at == "go" {
            let session = session.after(&answer);
            let back = Browser::default().come_back(answer.redirect_url(), "grace", PASSWORD).await;
            let (_, resume) = app.arrive(&back).await.carried();
            answer = session.resume(&app, &resume).await;
        }

        ended(&app, &answer, "identity_refused");
        assert!(directory(&app).await.is_empty());
    }
}
