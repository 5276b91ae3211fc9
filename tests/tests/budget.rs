//! What a login costs once the function is warm: calls and write units, counted between Landfall and what it calls.

use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::{Browser, Login, TestApp, TestSession, data, key};
use serde_json::json;

use crate::redirect::with_choice;

/// Calls since the last time, and the write units they used.
fn spent(app: &TestApp) -> (Vec<String>, f64) {
    let calls = app.calls.take();
    let units = calls.iter().map(|call| call.write_units).sum();
    (calls.into_iter().map(|call| call.operation).collect(), units)
}

const TOKEN_ENDPOINT: &str = "POST /demo/keycloak/realms/demo/protocol/openid-connect/token";

async fn warm() -> TestApp {
    let app = TestApp::with(|setup| {
        let user = simulators::keycloak::User::new("warm").email("warm@example.org", true).name("W", "W").password("w");
        let added = setup.keycloak().change_realm("demo", |realm| realm.user(user));
        assert!(added.is_ok());
    })
    .await;
    let login = app.log_in("warm@example.org", "w").await;
    app.redeem(&login.code).await.expect(200);
    app.start("sign-in-with-keycloak").await;
    app.calls.take();
    app
}

#[tokio::test]
async fn a_new_users_first_login_costs_twelve_write_units() {
    let app = warm().await;

    let session = app.start("migrate-from-keycloak").await;
    assert_eq!(spent(&app), (vec!["PutItem".into()], 1.0));

    let answer = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    let calls =
        ["UpdateItem", "UpdateItem", TOKEN_ENDPOINT, "GetItem", "TransactWriteItems"].map(String::from).to_vec();
    assert_eq!(spent(&app), (calls, 2.0 + 8.0));

    app.redeem(answer.body["completion"]["code"].as_str().unwrap()).await.expect(200);
    assert_eq!(spent(&app), (vec!["UpdateItem".into()], 1.0));
}

#[tokio::test]
async fn a_returning_users_login_costs_five_write_units() {
    let app = warm().await;
    app.log_in(EMAIL, PASSWORD).await;
    // The bucket is full again, and what is read every minute has been.
    app.clock.advance(chrono::TimeDelta::minutes(1));
    app.log_in("warm@example.org", "w").await;
    app.calls.take();

    let session = app.start("migrate-from-keycloak").await;
    assert_eq!(spent(&app), (vec!["PutItem".into()], 1.0));

    let answer = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    let calls = ["UpdateItem", "UpdateItem", TOKEN_ENDPOINT, "GetItem", "PutItem"].map(String::from).to_vec();
    assert_eq!(spent(&app), (calls, 2.0 + 1.0));

    app.redeem(answer.body["completion"]["code"].as_str().unwrap()).await.expect(200);
    assert_eq!(spent(&app), (vec!["UpdateItem".into()], 1.0));
}

#[tokio::test]
async fn looking_at_a_session_or_the_keys_writes_nothing() {
    let app = warm().await;
    let session = app.start("migrate-from-keycloak").await;
    app.calls.take();

    session.view(&app).await.expect(200);
    assert_eq!(spent(&app), (vec!["GetItem".into()], 0.0));
    app.get("/oauth2/jwks", None).await.expect(200);
    assert_eq!(spent(&app), (vec![], 0.0));
}

/// Signs a user in by redirect; what the start, the callback, the second half and the token cost.
async fn by_redirect(app: &TestApp, username: &str) -> [(Vec<String>, f64); 4] {
    let start = app.try_start("sign-in-with-keycloak", &TestApp::start_body()).await.expect(201);
    let session = TestSession::of(&start.body);
    let started = spent(app);
    let back = Browser::default().come_back(start.redirect_url(), username, PASSWORD).await;
    app.calls.take();
    let (_, resume) = app.arrive(&back).await.carried();
    let returned = spent(app);
    let answer = session.resume(app, &resume).await.expect(200);
    let resumed = spent(app);
    app.redeem(&Login::of(&session, &answer).code).await.expect(200);
    [started, returned, resumed, spent(app)]
}

fn calls(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[tokio::test]
async fn a_returning_users_login_by_redirect_costs_six_write_units() {
    let app = warm().await;
    app.log_in(EMAIL, PASSWORD).await;
    app.calls.take();

    let [started, returned, resumed, redeemed] = by_redirect(&app, "ada").await;

    assert_eq!(started, (calls(&["PutItem"]), 1.0));
    assert_eq!(returned, (calls(&["UpdateItem", TOKEN_ENDPOINT, "UpdateItem"]), 2.0));
    assert_eq!(resumed, (calls(&["UpdateItem", "GetItem", "PutItem"]), 2.0));
    assert_eq!(redeemed, (calls(&["UpdateItem"]), 1.0));
}

fn units(costs: &[(Vec<String>, f64)]) -> f64 {
    costs.iter().map(|(_, units)| units).sum()
}

#[tokio::test]
async fn a_redirect_whose_session_outgrows_a_kilobyte_costs_nine_write_units_at_most() {
    let app = warm().await;
    let long = "Maria ".repeat(10);
    app.keycloak().change_user("demo", "ada", |user| user.name(&long, &long)).unwrap();
    app.log_in(EMAIL, PASSWORD).await;
    app.calls.take();

    let costs = by_redirect(&app, "ada").await;

    assert!((7.0..=9.0).contains(&units(&costs)), "{costs:?}");
}

#[tokio::test]
async fn userinfo_is_asked_only_for_what_the_id_token_lacks() {
    let app = warm().await;
    app.keycloak().change_client("demo", "landfall", |client| client.claims_in_id_token(false)).unwrap();

    let [_, (returned, _), ..] = by_redirect(&app, "ada").await;

    let userinfo = "GET /demo/keycloak/realms/demo/protocol/openid-connect/userinfo";
    assert_eq!(returned, calls(&["UpdateItem", TOKEN_ENDPOINT, userinfo, "UpdateItem"]));
}

#[tokio::test]
async fn a_choice_before_the_redirect_costs_two_write_units_more() {
    let app = with_choice().await;
    for round in 0..2 {
        app.calls.take();
        let session = app.start("choose").await;
        let body = json!({ "turn": 1, "key": key(1), "option": "submit", "data": { "connector": "keycloak" } });
        let answer = session.submit_to(&app, "which", &body).await.expect(200);
        let before = spent(&app);
        let session = session.after(&answer);
        let back = Browser::default().come_back(answer.redirect_url(), "ada", PASSWORD).await;
        app.calls.take();
        let (_, resume) = app.arrive(&back).await.carried();
        let answer = session.resume(&app, &resume).await.expect(200);
        app.redeem(&Login::of(&session, &answer).code).await.expect(200);
        let after = spent(&app);
        if round > 0 {
            assert_eq!(before, (calls(&["PutItem", "UpdateItem", "PutItem"]), 3.0));
            assert_eq!(after.1, 5.0);
        }
    }
}

#[tokio::test]
async fn a_new_users_login_by_redirect_costs_thirteen_write_units() {
    let app = warm().await;
    let costs = by_redirect(&app, "ada").await;
    assert_eq!(costs[2], (calls(&["UpdateItem", "GetItem", "TransactWriteItems"]), 1.0 + 8.0));
    assert_eq!(units(&costs), 13.0);
}
