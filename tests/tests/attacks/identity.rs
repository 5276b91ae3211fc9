//! Accounts that want to be another user's.

use landfall::demo::{EMAIL, PASSWORD, SECRET};
use landfall_tests::journeys::{form, journey, password, provision, redirect};
use landfall_tests::witness::{directory, ended};
use landfall_tests::{Answer, Away, Login, Setup, TestApp, data, key};
use serde_json::json;
use simulators::keycloak::{Client, Realm, User};

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

/// A user with the demo's password, who logs in with `login` whatever their e-mail is.
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
async fn anothers_email_at_another_provider_opens_no_account() {
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
async fn an_unverified_email_neither_keeps_out_nor_lets_in() {
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
async fn the_same_account_through_another_connector_is_one_user() {
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
async fn a_linked_users_new_email_moves_no_link() {
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

/// Signs two people in, one after the other, in one session: the second with this connector.
fn two_logins(second: &str) -> String {
    journey(
        "two-logins",
        &[
            form("ask", &["email", "password"], "check"),
            password("check", "keycloak", "ask", "who", "provision"),
            provision("provision", "who", "ask_again"),
            form("ask_again", &["email", "password"], "check_again"),
            password("check_again", second, "ask_again", "other", "provision_again"),
            provision("provision_again", "other", "done"),
        ],
    )
}

#[tokio::test]
async fn an_account_of_another_user_is_not_merged() {
    // Of the same source it is another person's factor; of another it may be the same person's, and is another user's.
    for (second, known) in [("keycloak", true), ("keycloak", false), ("acme", true), ("acme", false)] {
        let app = TestApp::with(|setup| {
            with_acme(setup, [user(EMAIL).email("elsewhere@example.org", true)]);
            setup.journeys.push(two_logins(second));
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

        let answer = session.fill_in(&app, "ask_again", &key(2), &data(EMAIL, PASSWORD)).await;

        ended(&app, &answer, "identity_refused");
        assert_eq!(directory(&app).await, before, "the other account at {second} is known: {known}");
    }
}

/// Checks a password, and then wants to see the same person at the provider's own page.
fn two_factors(second: &str, identity: &str) -> String {
    journey(
        "two-factors",
        &[
            form("ask", &["email", "password"], "check"),
            password("check", "keycloak", "ask", "who", "go"),
            redirect("go", "keycloak", second, "provision"),
            provision("provision", identity, "done"),
        ],
    )
}

#[tokio::test]
async fn the_password_of_one_and_redirect_of_another_are_refused() {
    // In one slot, or in one of their own; and whichever of the two the user is then made of.
    for (second, identity) in [("who", "who"), ("other", "who"), ("other", "other")] {
        let journey = two_factors(second, identity);
        let app = TestApp::with(|setup| setup.journeys.push(journey)).await;
        for (first, then, same) in [(EMAIL, "grace", false), ("grace@example.org", "ada", false), (EMAIL, "ada", true)]
        {
            println!("{first} and {then}, {second} and {identity}");
            let start = app.start("two-factors").await;
            let answer = start.submit(&app, &key(1), &data(first, PASSWORD)).await.expect(200);
            let session = start.after(&answer);
            assert_ne!(session.token, start.token, "the user has been authenticated");
            assert!(directory(&app).await.is_empty());

            let back = Away::after(&start, &answer).back_as(then).await;
            let (_, resume) = app.arrive(&back).await.carried();
            // The token from before the password has only the browser's half.
            assert_eq!(start.resume(&app, &resume).await.expect(404).code(), "unknown_session");
            let answer = session.resume(&app, &resume).await;

            if same {
                let claims = app.id_token(&Login::of(&session, &answer).code).await;
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
async fn another_try_does_not_take_another_persons_second_factor() {
    // With the password once more, or with that of the other.
    for (again, refused_at) in [(EMAIL, "go"), ("grace@example.org", "ask")] {
        let journey = two_factors("who", "who");
        let app = TestApp::with(|setup| setup.journeys.push(journey)).await;
        let start = app.start("two-factors").await;
        let answer = start.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
        let session = start.after(&answer);
        let answer = session.choose(&app, "go", "restart", &key(2)).await.expect(200);
        let away = Away::after(&session, &answer);
        let no = away.back_as("grace").await.with(&[("code", ""), ("error", "access_denied")]);
        let answer = away.go_on(&app, &no).await.expect(200);
        assert_eq!(
            (&answer.body["step"]["id"], &answer.body["step"]["error"]["code"]),
            (&json!("ask"), &json!("declined"))
        );
        let session = session.after(&answer);

        // The slot is empty by now; the proof of the password is not.
        let mut answer = session.submit(&app, &key(3), &data(again, PASSWORD)).await;
        if refused_at == "go" {
            let away = Away::after(&session, &answer);
            answer = away.go_on(&app, &away.back_as("grace").await).await;
        }

        ended(&app, &answer, "identity_refused");
        assert!(directory(&app).await.is_empty());
    }
}
