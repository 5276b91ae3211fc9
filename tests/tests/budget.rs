//! What a login costs once the function is warm: calls and write units, counted between Landfall and what it calls.

use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::{Away, Login, Setup, TestApp, data, key};

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
async fn a_login_by_password_costs_twelve_units_and_then_five() {
    let app = warm().await;
    for (commit, units) in [("TransactWriteItems", 2.0 + 8.0), ("PutItem", 2.0 + 1.0)] {
        let session = app.start("migrate-from-keycloak").await;
        assert_eq!(spent(&app), (calls(&["PutItem"]), 1.0));

        let answer = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
        let submitted = calls(&["UpdateItem", "UpdateItem", TOKEN_ENDPOINT, "GetItem", commit]);
        assert_eq!(spent(&app), (submitted, units));

        app.redeem(&Login::of(&session, &answer).code).await.expect(200);
        assert_eq!(spent(&app), (calls(&["UpdateItem"]), 1.0));
        // The bucket is full again, and what is read every minute has been.
        app.clock.advance(chrono::TimeDelta::minutes(1));
        app.log_in("warm@example.org", "w").await;
        app.calls.take();
    }
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

/// Signs Ada in by redirect; what the start, the callback, the second half and the token cost.
async fn by_redirect(app: &TestApp) -> [(Vec<String>, f64); 4] {
    let away = Away::new(app).await;
    let started = spent(app);
    let back = away.back().await;
    app.calls.take();
    let (_, resume) = app.arrive(&back).await.carried();
    let returned = spent(app);
    let answer = away.session.resume(app, &resume).await.expect(200);
    let resumed = spent(app);
    app.redeem(&Login::of(&away.session, &answer).code).await.expect(200);
    [started, returned, resumed, spent(app)]
}

fn calls(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn units(costs: &[(Vec<String>, f64)]) -> f64 {
    costs.iter().map(|(_, units)| units).sum()
}

#[tokio::test]
async fn a_session_over_a_kilobyte_costs_nine_units_at_most() {
    let app = warm().await;
    let long = "Maria ".repeat(10);
    app.keycloak().change_user("demo", "ada", |user| user.name(&long, &long)).unwrap();
    app.log_in(EMAIL, PASSWORD).await;
    app.calls.take();

    let costs = by_redirect(&app).await;

    assert!((7.0..=9.0).contains(&units(&costs)), "{costs:?}");
}

#[tokio::test]
async fn userinfo_is_asked_only_for_what_the_id_token_lacks() {
    let app = warm().await;
    app.keycloak().change_client("demo", "landfall", |client| client.claims_in_id_token(false)).unwrap();

    let [_, (returned, _), ..] = by_redirect(&app).await;

    let userinfo = "GET /demo/keycloak/realms/demo/protocol/openid-connect/userinfo";
    assert_eq!(returned, calls(&["UpdateItem", TOKEN_ENDPOINT, userinfo, "UpdateItem"]));
}

#[tokio::test]
async fn a_choice_before_the_redirect_costs_two_units_more() {
    let app = TestApp::with(Setup::offer_a_choice).await;
    for round in 0..2 {
        app.calls.take();
        let session = app.start("choose").await;
        let answer = session.choose_connector(&app, "keycloak").await.expect(200);
        let before = spent(&app);
        let away = Away::after(&session, &answer);
        let back = away.back().await;
        app.calls.take();
        let answer = away.go_on(&app, &back).await.expect(200);
        app.redeem(&Login::of(&away.session, &answer).code).await.expect(200);
        let after = spent(&app);
        if round > 0 {
            assert_eq!(before, (calls(&["PutItem", "UpdateItem", "PutItem"]), 3.0));
            assert_eq!(after.1, 5.0);
        }
    }
}

#[tokio::test]
async fn a_login_by_redirect_costs_thirteen_units_and_then_six() {
    let app = warm().await;
    for (commit, units) in [("TransactWriteItems", 1.0 + 8.0), ("PutItem", 2.0)] {
        let [started, returned, resumed, redeemed] = by_redirect(&app).await;
        assert_eq!(started, (calls(&["PutItem"]), 1.0));
        assert_eq!(returned, (calls(&["UpdateItem", TOKEN_ENDPOINT, "UpdateItem"]), 2.0));
        assert_eq!(resumed, (calls(&["UpdateItem", "GetItem", commit]), units));
        assert_eq!(redeemed, (calls(&["UpdateItem"]), 1.0));
    }
}
