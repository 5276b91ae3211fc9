//! What a login costs once the function is warm: calls and write units, counted between Landfall and what it calls.

use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::{TestApp, data, key};

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
        let added = setup.keycloak.change_realm("demo", |realm| realm.user(user));
        assert!(added.is_ok());
    })
    .await;
    let login = app.log_in("warm@example.org", "w").await;
    app.redeem(&login.code).await.expect(200);
    app.calls.take();
    app
}

#[tokio::test]
async fn a_new_users_first_login_costs_eleven_write_units() {
    let app = warm().await;

    let session = app.start("migrate-from-keycloak").await;
    assert_eq!(spent(&app), (vec!["PutItem".into()], 1.0));

    let answer = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    let calls = ["UpdateItem", TOKEN_ENDPOINT, "GetItem", "TransactWriteItems"].map(String::from).to_vec();
    assert_eq!(spent(&app), (calls, 1.0 + 8.0));

    app.redeem(answer.body["completion"]["code"].as_str().unwrap()).await.expect(200);
    assert_eq!(spent(&app), (vec!["UpdateItem".into()], 1.0));
}

#[tokio::test]
async fn a_returning_users_login_costs_four_write_units() {
    let app = warm().await;
    app.log_in(EMAIL, PASSWORD).await;
    app.calls.take();

    let session = app.start("migrate-from-keycloak").await;
    assert_eq!(spent(&app), (vec!["PutItem".into()], 1.0));

    let answer = session.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    let calls = ["UpdateItem", TOKEN_ENDPOINT, "GetItem", "PutItem"].map(String::from).to_vec();
    assert_eq!(spent(&app), (calls, 1.0 + 1.0));

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
