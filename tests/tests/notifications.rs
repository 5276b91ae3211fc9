//! What providers send unasked, and what becomes of the users' logins.

use chrono::TimeDelta;
use domain::Clock;
use landfall::demo::{self, Provider};
use landfall_tests::proxy::{Fault, Lasting, Trap};
use landfall_tests::witness::ended;
use landfall_tests::{Answer, Away, ISSUER, TestApp};
use serde_json::{Value, json};

fn provider(id: &str) -> &'static Provider {
    demo::PROVIDERS.iter().find(|provider| provider.id == id).unwrap()
}

/// With Ada's account linked to a user.
async fn app(id: &str) -> TestApp {
    let app = TestApp::over(provider(id), |_| {}).await;
    log_in(&app).await;
    app
}

/// Ada signs in, some time after all that was before.
async fn log_in(app: &TestApp) {
    app.clock.advance(TimeDelta::seconds(1));
    let login = Away::new(app).await.log_in(app).await;
    app.redeem(&login.code).await.expect(200);
}

/// What is kept of notices with Ada's account.
async fn told(app: &TestApp) -> Vec<String> {
    let links = app.items_of("LINK#").await;
    assert_eq!(links.len(), 1);
    let latest = links[0]["notices"]["M"]["latest"]["L"].as_array().cloned().unwrap_or_default();
    latest.iter().map(|notice| notice["M"]["kind"]["S"].as_str().unwrap().to_owned()).collect()
}

/// The provider's word for each event, how it is answered, and what is kept of it.
const ENDING: &[(&str, &str, u16, &str)] = &[
    ("apple", "account-delete", 200, "account_deleted"),
    ("apple", "account-deleted", 200, "account_deleted"),
    ("apple", "consent-revoked", 200, "consent_revoked"),
    ("google", "account-disabled", 202, "account_disabled"),
    ("google", "sessions-revoked", 202, "sessions_revoked"),
    ("google", "tokens-revoked", 202, "consent_revoked"),
    ("meta", "deauthorisation", 200, "consent_revoked"),
    ("meta", "deletion", 200, "deletion_requested"),
];

#[tokio::test]
async fn a_notification_ends_logins_that_the_provider_confirmed_before() {
    for (id, event, status, kept) in ENDING {
        let app = app(id).await;
        let completed = Away::new(&app).await.log_in(&app).await;
        let returned = Away::new(&app).await;
        let resume = returned.resume(&app).await;
        let away = Away::new(&app).await;

        app.notify(event, "ada").await.expect(*status);

        assert_eq!(told(&app).await, [*kept], "{id} {event}");
        assert_eq!(app.redeem(&completed.code).await.expect(400).code(), "invalid_grant", "{id} {event}");
        ended(&app, &returned.session.resume(&app, &resume).await, "access_denied");
        assert_eq!((app.events("login_ended").len(), app.events("user_refused").len()), (1, 1));
        // Whom the provider signs in afterwards is signed in, as the same user.
        app.clock.advance(TimeDelta::seconds(1));
        app.redeem(&away.log_in(&app).await.code).await.expect(200);
        log_in(&app).await;
        assert_eq!((app.users().await, told(&app).await), (1, vec![(*kept).to_owned()]));
    }
}

#[tokio::test]
async fn a_notification_that_ends_nothing_is_kept_or_only_answered() {
    for (id, event, status, kept) in [
        ("apple", "email-disabled", 200, &["email_disabled"][..]),
        ("apple", "email-enabled", 200, &["email_enabled"]),
        ("apple", "account-transferred", 200, &[]),
        ("google", "account-enabled", 202, &["account_enabled"]),
        ("google", "account-credential-change-required", 202, &["credentials_at_risk"]),
        ("google", "verification", 202, &[]),
        ("google", "token-revoked", 202, &[]),
        ("google", "account-purged", 202, &[]),
    ] {
        let app = app(id).await;
        let login = Away::new(&app).await.log_in(&app).await;
        app.notify(event, "ada").await.expect(status);
        assert_eq!(told(&app).await, kept, "{id} {event}");
        app.redeem(&login.code).await.expect(200);
        let lines = app.events("account_changed");
        let logged: Vec<_> = lines.iter().map(|line| line["notice"].as_str().unwrap()).collect();
        assert_eq!(logged, kept, "{id} {event}");
        assert!(lines.iter().all(|line| line["user"].is_string()));
    }
}

#[tokio::test]
async fn an_account_that_is_enabled_again_is_unmarked() {
    let app = app("google").await;
    let login = Away::new(&app).await.log_in(&app).await;
    let late = app.notification("account-disabled", "ada");
    app.notify("account-disabled sessions-revoked", "ada").await.expect(202);
    assert_eq!(told(&app).await, ["account_disabled", "sessions_revoked"]);
    app.clock.advance(TimeDelta::seconds(1));
    app.notify("account-enabled", "ada").await.expect(202);
    assert_eq!(told(&app).await, ["sessions_revoked", "account_enabled"]);
    // What ended stays so, and what happened before does not come back by arriving late.
    app.deliver(&late).await.expect(202);
    assert_eq!(told(&app).await, ["sessions_revoked", "account_enabled"]);
    app.redeem(&login.code).await.expect(400);
    log_in(&app).await;
}

#[tokio::test]
async fn a_notification_of_one_user_leaves_others_alone() {
    for (id, event, ..) in ENDING {
        let app = app(id).await;
        let login = Away::new(&app).await.log_in(&app).await;
        let grace = Away::new(&app).await;
        let back = grace.back_as("grace").await;
        grace.go_on(&app, &back).await.expect(200);
        assert_eq!(app.users().await, 2);

        app.notify(event, "grace").await.expect_success();

        app.redeem(&login.code).await.expect(200);
    }
}

#[tokio::test]
async fn two_copies_at_once_are_kept_once() {
    for (id, event, status, kept) in ENDING {
        let app = app(id).await;
        let delivery = app.notification(event, "ada");
        let (one, other) = tokio::join!(app.deliver(&delivery), app.deliver(&delivery));
        assert_eq!([one.status.as_u16(), other.status.as_u16()], [*status; 2]);
        assert_eq!(told(&app).await, [*kept]);
        let link = &app.items_of("LINK#").await[0];
        assert_eq!(link["notices"]["M"]["version"], json!({ "N": "1" }));
        assert_eq!(app.events("account_changed").len(), 1);
    }
}

/// The page and the code that a deletion request is answered with.
fn confirmed(answer: &Answer) -> (String, String) {
    let text = |name: &str| answer.body[name].as_str().unwrap().to_owned();
    assert_eq!(answer.body.as_object().unwrap().len(), 2);
    (text("url"), text("confirmation_code"))
}

#[tokio::test]
async fn a_deletion_request_has_a_page_that_says_when_it_came() {
    let app = app("meta").await;
    let delivery = app.notification("deletion", "ada");
    let answer = app.deliver(&delivery).await.expect(200);
    assert_eq!(answer.header("content-type"), "application/json");
    let (url, code) = confirmed(&answer);
    // <https://developers.facebook.com/docs/development/create-an-app/app-dashboard/data-deletion-callback>: https, alphanumeric.
    assert!(code.len() == 32 && code.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{code}");
    assert_eq!(url, format!("{ISSUER}/v1/connectors/meta/notifications/{code}"));

    let received = app.clock.now().format("%-d %B %Y at %H:%M UTC").to_string();
    let page = app.open(&url).await.expect(200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'none';"), "{:?}", page.headers);
    assert_eq!((page.header("cache-control"), page.header("referrer-policy")), ("no-store", "no-referrer"));
    assert!(page.text.contains(&received) && page.text.contains(&code), "{}", page.text);

    // A copy is answered alike, and the page stays as it is when the user signs in again.
    app.clock.advance(TimeDelta::hours(1));
    assert_eq!(confirmed(&app.deliver(&delivery).await.expect(200)), (url.clone(), code));
    log_in(&app).await;
    assert_eq!(app.open(&url).await.expect(200).text, page.text);
    // Meta may test the way with a user of whom nothing is known.
    let (other, _) = confirmed(&app.notify("deletion", "nobody").await.expect(200));
    assert_ne!(other, url);
    app.open(&other).await.expect(200);

    // It outlasts the three months that the law gives.
    app.clock.advance(TimeDelta::days(183));
    assert_eq!(app.open(&url).await.expect(200).text, page.text);
    app.clock.advance(TimeDelta::days(1));
    let gone = app.open(&url).await.expect(404);
    assert_eq!(gone.header("content-type"), "text/html; charset=utf-8");
    assert!(gone.text.contains("Deletion request") && !gone.text.contains("ign-in"), "{}", gone.text);
}

#[tokio::test]
async fn a_notification_that_could_not_be_kept_is_kept_when_it_comes_again() {
    for call in 0..=1 {
        let app = app("google").await;
        let delivery = app.notification("account-disabled", "ada");
        // What is published about notifications is known then.
        app.notify("verification", "ada").await.expect(202);
        let trap = Trap { request: 0, call, service: "dynamodb", fault: Fault::ServerError, lasting: Lasting::Request };
        app.calls.set(Some(trap));
        app.deliver(&delivery).await.expect(503);
        assert!(app.calls.has_struck(), "{call}");
        app.calls.set(None);
        assert!(told(&app).await.is_empty());
        app.deliver(&delivery).await.expect(202);
        assert_eq!(told(&app).await, ["account_disabled"]);
    }
}

#[tokio::test]
async fn a_notification_costs_two_calls_and_a_login_one_read_more() {
    for (id, event, ..) in ENDING {
        let app = app(id).await;
        app.notify(event, "nobody").await.expect_success();
        app.clock.advance(TimeDelta::seconds(1));
        let login = Away::new(&app).await.log_in(&app).await;
        let operations = || app.calls.take().into_iter().map(|call| call.operation).collect::<Vec<_>>();
        operations();
        app.redeem(&login.code).await.expect(200);
        assert_eq!(operations(), ["UpdateItem", "GetItem"], "{id}");
        app.notify(event, "ada").await.expect_success();
        assert_eq!(operations(), ["GetItem", "TransactWriteItems"], "{id}");
        let copied: Value = app.events("request").pop().unwrap();
        assert_eq!((&copied["provider"], &copied["notices"]), (&json!(id), &json!(1)));
    }
}

#[tokio::test]
async fn the_page_of_a_deletion_request_costs_one_read() {
    let app = app("meta").await;
    let (url, _) = confirmed(&app.notify("deletion", "ada").await.expect(200));
    app.calls.take();
    app.open(&url).await.expect(200);
    let operations: Vec<_> = app.calls.take().into_iter().map(|call| call.operation).collect();
    assert_eq!(operations, ["GetItem"]);

    let trap = Trap { request: 0, call: 0, service: "dynamodb", fault: Fault::ServerError, lasting: Lasting::Request };
    app.calls.set(Some(trap));
    let page = app.open(&url).await.expect(503);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.text.contains("again later") && !page.text.contains("ign-in"), "{}", page.text);
}
