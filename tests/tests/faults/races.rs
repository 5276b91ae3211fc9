//! Requests at the same moment, and requests that come twice.

use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::examples::{self, CODE, RESUME, SESSION, TOKEN};
use landfall_tests::{Answer, Away, TestApp, VERIFIER, data, event, event_with, key};
use serde_json::Value;
use simulators::keycloak::{Client, Realm, User};

fn status(answer: &Answer) -> &str {
    answer.body["status"].as_str().unwrap_or_else(|| panic!("no view: {}", answer.text))
}

#[tokio::test]
async fn first_logins_of_one_account_at_once_make_one_user() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    let resume = away.resume(&app).await;
    let (one, two) = (app.start("migrate-from-keycloak").await, app.start("migrate-from-keycloak").await);
    let (key, data) = (key(1), data(EMAIL, PASSWORD));

    let answers =
        tokio::join!(one.submit(&app, &key, &data), away.session.resume(&app, &resume), two.submit(&app, &key, &data));

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
async fn first_logins_with_one_email_at_once_make_one_user() {
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
async fn an_event_delivered_to_two_instances_is_done_once() {
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

    // The browser's half, and the application's.
    let out = Away::new(&app).await;
    let (back, away) = (out.back().await, out.session);
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
