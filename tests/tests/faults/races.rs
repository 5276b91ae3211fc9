//! Requests at the same moment, and requests that come twice.

use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::examples::{self, CODE, RESUME, SESSION, TOKEN};
use landfall_tests::{Answer, Browser, TestApp, TestSession, VERIFIER, data, event, event_with, key};
use serde_json::Value;
use simulators::keycloak::{Client, Realm, User};

fn status(answer: &Answer) -> &str {
    answer.body["status"].as_str().unwrap_or_else(|| panic!("no view: {}", answer.text))
}

#[tokio::test]
async fn first_logins_of_one_account_at_once_by_password_and_by_redirect_are_one_users() {
    let app = TestApp::new().await;
    let start = app.try_start("sign-in-with-keycloak", &TestApp::start_body()).await.expect(201);
    let away = TestSession::of(&start.body);
    let back = Browser::default().come_back(start.redirect_url(), "ada", PASSWORD).await;
    let (_, resume) = app.arrive(&back).await.carried();
    let (one, two) = (app.start("migrate-from-keycloak").await, app.start("migrate-from-keycloak").await);
    let (key, data) = (key(1), data(EMAIL, PASSWORD));

    let answers =
        tokio::join!(one.submit(&app, &key, &data), away.resume(&app, &resume), two.submit(&app, &key, &data));

    let mut subjects = Vec::new();
    for answer in [answers.0, answers.1, answers.2] {
        let code = answer.expect(200).body["completion"]["code"].as_str().unwrap().to_owned();
        subjects.push(app.id_token(&code).await["sub"].clone());
    }
    assert!(subjects.iter().all(|subject| *subject == subjects[0]), "{subjects:?}");
    assert_eq!(
        (app.users().await, app.items_of("LINK#").await.len(), app.items_of("IDENTIFIER#").await.len()),
        (1, 1, 1)
    );
    assert_eq!(app.events("user_provisioned").len(), 1);
}

#[tokio::test]
async fn first_logins_of_two_accounts_with_one_email_at_once_are_one_user_and_one_refusal() {
    let app = TestApp::with(|setup| {
        let client = Client::confidential("landfall", landfall::demo::SECRET).direct_grants(true);
        let namesake = User::new("ada").email(EMAIL, true).name("A", "A").password(PASSWORD);
        setup.keycloak().clone().realm(Realm::new("other").client(client).user(namesake));
        setup.connectors += "  - { id: other, provider: keycloak, name: O, client: { id: landfall, secret: keycloak }, \
                             methods: { password: {} }, settings: { url: \"{keycloak}/demo/keycloak\", realm: other } }\n";
    })
    .await;
    let (one, two) = (app.start("migrate-from-keycloak").await, app.start("migrate-from-other").await);
    let (key, data) = (key(1), data(EMAIL, PASSWORD));

    let (one, two) = tokio::join!(one.submit(&app, &key, &data), two.submit(&app, &key, &data));

    let mut statuses = [status(&one), status(&two)];
    statuses.sort_unstable();
    assert_eq!(statuses, ["completed", "rejected"]);
    assert_eq!(app.events("proof_required").len(), 1);
    assert_eq!(
        (app.users().await, app.items_of("LINK#").await.len(), app.items_of("IDENTIFIER#").await.len()),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn whatever_the_gateway_delivers_twice_is_done_once() {
    let app = TestApp::new().await;
    let session = app.start("migrate-from-keycloak").await;
    let (key, data) = (key(1), data(EMAIL, PASSWORD));

    // At once: one works, the other is told to wait; it gets the same answer when it comes again.
    let (one, two) = tokio::join!(session.submit(&app, &key, &data), session.submit(&app, &key, &data));
    let (one, two) = (one.expect(200), two.expect(200));
    let mut statuses = [status(&one), status(&two)];
    statuses.sort_unstable();
    assert_eq!(statuses, ["completed", "processing"]);
    let done = if status(&one) == "completed" { one } else { two };
    // One after the other.
    assert_eq!(session.submit(&app, &key, &data).await.expect(200).body, done.body);
    assert_eq!((app.subject.requests().len(), app.users().await), (1, 1));

    // A code is for one.
    let code = done.body["completion"]["code"].as_str().unwrap();
    let (one, two) = tokio::join!(app.redeem(code), app.redeem(code));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    assert_eq!(app.redeem(code).await.expect(400).code(), "invalid_grant");
}

#[tokio::test]
async fn an_event_that_is_delivered_to_two_instances_is_done_once() {
    let mut app = TestApp::new().await;
    app.every_request_is_the_first();
    let twice = async |function: &str, event: &Value| {
        let (one, two) = tokio::join!(app.invoke(function, event), app.invoke(function, event));
        let mut answers = [one, two];
        answers.sort_by_key(|answer| answer.status);
        answers
    };

    let session = app.start("migrate-from-keycloak").await;
    let submit = event_with("step-submit/submit.success.v2", &[(SESSION, &session.id), (TOKEN, &session.token)]);
    let [one, two] = twice("step-submit", &submit).await.map(|answer| answer.expect(200));
    let mut statuses = [status(&one), status(&two)];
    statuses.sort_unstable();
    assert_eq!(statuses, ["completed", "processing"]);
    let done = if status(&one) == "completed" { one } else { two };
    assert_eq!(app.invoke("step-submit", &submit).await.expect(200).body, done.body);
    assert_eq!((app.subject.requests().len(), app.users().await), (1, 1));

    let code = done.body["completion"]["code"].as_str().unwrap();
    let token = event_with("issuer/token.success.v2", &[(CODE, code), (examples::VERIFIER, VERIFIER)]);
    let [given, refused] = twice("issuer", &token).await;
    assert_eq!((given.status.as_u16(), refused.expect(400).code()), (200, "invalid_grant"));

    // A browser's half, and the other.
    let start = app.try_start("sign-in-with-keycloak", &TestApp::start_body()).await.expect(201);
    let away = TestSession::of(&start.body);
    let back = Browser::default().come_back(start.redirect_url(), "ada", PASSWORD).await;
    let mut callback = event("oidc-callback/query.success.v2");
    callback["rawQueryString"] = back.path.split_once('?').unwrap().1.into();
    let [onward, refused] = twice("oidc-callback", &callback).await;
    assert_eq!(refused.status.as_u16(), 400);
    let (_, resume) = onward.carried();
    let resume = [(RESUME, resume.as_str()), (SESSION, &away.id), (TOKEN, &away.token)];
    let resume = event_with("step-submit/resume.success.v2", &resume);
    let [one, two] = twice("step-submit", &resume).await.map(|answer| answer.expect(200));
    let mut statuses = [status(&one), status(&two)];
    statuses.sort_unstable();
    assert!(matches!(statuses, ["completed", "completed" | "processing"]), "{statuses:?}");
    let done = if status(&one) == "completed" { one } else { two };
    assert_eq!(app.invoke("step-submit", &resume).await.expect(200).body, done.body);
    assert_eq!(app.users().await, 1);
}
