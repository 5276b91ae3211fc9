//! What a provider sends with a user's first callback only is not lost where that login fails: Apple's name.

use chrono::TimeDelta;
use domain::Method;
use landfall::demo::{self, EMAIL, Provider};
use landfall_tests::proxy::{Fault, Lasting, Trap};
use landfall_tests::{Answer, Away, OWN_CALLBACK, TestApp, TestSession, changed, key};
use serde_json::{Value, json};
use simulators::{Misbehaviour, Registration};

fn apple() -> &'static Provider {
    demo::PROVIDERS.iter().find(|provider| provider.id == "apple").unwrap()
}

/// With a journey that asks again, with whom to go on, where a login has failed.
async fn app() -> TestApp {
    let choose = changed(include_str!("../src/choose.yaml"), &[("[keycloak, keycloak-two]", "[apple]")]);
    TestApp::over(apple(), |setup| setup.journeys.push(choose)).await
}

async fn away(app: &TestApp) -> Away {
    let session = app.start("choose").await;
    let answer = session.choose_connector(app, "apple").await.expect(200);
    Away::after(&session, &answer)
}

/// Everything of DynamoDB fails in the next request, from this call of it on.
fn trap(call: usize) -> Option<Trap> {
    Some(Trap { request: 0, call, service: "dynamodb", fault: Fault::ServerError, lasting: Lasting::Request })
}

async fn restarted(app: &TestApp, session: &TestSession) -> Away {
    let session = session.after(&session.view(app).await.expect(200));
    let answer = session.choose(app, "go", "restart", &key(7)).await.expect(200);
    Away::after(&session, &answer)
}

/// The name in the tokens of a completed login.
async fn name(app: &TestApp, answer: &Answer) -> Value {
    let code = answer.body["completion"]["code"].as_str().unwrap_or_else(|| panic!("{:#}", answer.body));
    app.id_token(code).await["name"].clone()
}

/// Ada's first login at Apple fails: what she goes on with.
async fn failed(app: &TestApp, how: &str) -> Away {
    let away = away(app).await;
    let back = away.back().await;
    assert!(back.parameter("user").unwrap().contains("Lovelace"));
    match how {
        "the code is not redeemed" => {
            app.subject.misbehave(Some(Misbehaviour::Unavailable));
            let answer = away.go_on(app, &back).await.expect(200);
            app.subject.misbehave(None);
            assert_eq!(answer.body["step"]["id"], "which");
            let session = away.session.after(&answer);
            Away::after(&session, &session.choose_connector(app, "apple").await.expect(200))
        }
        "the outcome is not stored" => {
            // The state is taken with the first call to DynamoDB.
            app.calls.set(trap(1));
            app.arrive(&back).await.expect(503);
            assert!(app.calls.has_struck());
            app.calls.set(None);
            restarted(app, &away.session).await
        }
        _ => {
            let (_, resume) = app.arrive(&back).await.carried();
            app.calls.set(trap(1));
            away.session.resume(app, &resume).await.expect(503);
            assert!(app.calls.has_struck());
            app.calls.set(None);
            app.clock.advance(TimeDelta::minutes(2));
            restarted(app, &away.session).await
        }
    }
}

const WAYS: [&str; 3] = ["the code is not redeemed", "the outcome is not stored", "the user is not provisioned"];

#[tokio::test]
async fn a_name_outlives_a_login_that_fails() {
    for how in WAYS {
        let app = app().await;
        let away = failed(&app, how).await;
        assert_eq!(app.users().await, 0, "{how}");
        // It is kept, but for no reader of the table.
        let items = format!("{:?}", app.items().await);
        assert!(items.contains("first_only") && !items.contains("Lovelace"), "{how}");

        let back = away.back().await;
        assert_eq!(back.parameter("user"), None, "{how}");
        let answer = away.go_on(&app, &back).await.expect(200);

        assert_eq!(name(&app, &answer).await, "Ada Lovelace", "{how}");
        assert!(!format!("{:?}", app.items_of("SESSION#").await).contains("first_only"), "{how}");
        // And it stays the user's, with whom Apple never says it again.
        let again = self::away(&app).await;
        let answer = again.go_on(&app, &again.back().await).await.expect(200);
        let claims = app.id_token(answer.body["completion"]["code"].as_str().unwrap()).await;
        assert_eq!((&claims["name"], &claims["email"]), (&json!("Ada Lovelace"), &json!(EMAIL)), "{how}");
        assert_eq!((app.users().await, app.logs().contains("Lovelace")), (1, false), "{how}");
    }
}

#[tokio::test]
async fn a_name_that_an_application_hands_over_is_kept_likewise() {
    let choose = changed(include_str!("../src/choose.yaml"), &[("[keycloak, keycloak-two]", "[apple]")]);
    let app = TestApp::over(apple(), |setup| {
        setup.journeys.push(choose);
        let own = format!("settings: {{ redirect_uri: \"{OWN_CALLBACK}\",");
        setup.connectors = setup.connectors.replace("settings: {", &own);
        setup.subject.register(Method::Oidc, Registration::confidential("landfall", demo::SECRET, OWN_CALLBACK));
    })
    .await;
    let away = away(&app).await;
    let back = away.back().await;
    app.subject.misbehave(Some(Misbehaviour::Unavailable));
    let answer = away.session.hand_over(&app, &back).await.expect(200);
    app.subject.misbehave(None);
    let session = away.session.after(&answer);
    let away = Away::after(&session, &session.choose_connector(&app, "apple").await.expect(200));
    let back = away.back().await;
    assert_eq!(back.parameter("user"), None);
    let answer = away.session.hand_over(&app, &back).await.expect(200);
    assert_eq!(name(&app, &answer).await, "Ada Lovelace");
}

#[tokio::test]
async fn the_name_of_one_user_is_not_given_to_another() {
    for how in WAYS {
        let app = app().await;
        // Apple has said Grace's name to a callback that never arrived.
        away(&app).await.back_as("grace").await;

        let away = failed(&app, how).await;
        let back = away.back_as("grace").await;

        assert_eq!(back.parameter("user"), None, "{how}");
        let answer = away.go_on(&app, &back).await.expect(200);
        assert_eq!(name(&app, &answer).await, Value::Null, "{how}");
    }
}
