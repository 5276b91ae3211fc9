//! OneLogin: a password, and the same user by redirect.

use domain::Factor;
use landfall::demo::{self, EMAIL, PASSWORD, Provider};
use landfall_tests::{Away, TestApp, data, key};

const JOURNEY: &str = "migrate-from-onelogin";

fn onelogin() -> &'static Provider {
    demo::PROVIDERS.iter().find(|provider| provider.id == "onelogin").unwrap()
}

#[tokio::test]
async fn a_user_is_one_by_password_and_by_redirect() {
    let app = TestApp::over(onelogin(), |_| {}).await;
    let mut subjects = Vec::new();
    for by_redirect in [false, true, false] {
        let login = match by_redirect {
            true => Away::new(&app).await.log_in(&app).await,
            false => app.log_in_through(JOURNEY, EMAIL, PASSWORD).await,
        };
        subjects.push(app.id_token(&login.code).await["sub"].clone());
    }
    assert!(subjects.windows(2).all(|pair| pair[0] == pair[1]), "{subjects:?}");
    assert_eq!((app.events("user_provisioned").len(), app.users().await), (1, 1));
}

#[tokio::test]
async fn a_user_who_needs_a_second_factor_is_sent_to_onelogin() {
    let app = TestApp::over(onelogin(), |setup| setup.subject.give_factors("ada", &[(Factor::Totp, "seed")])).await;
    let start = app.start(JOURNEY).await;
    let answer = start.submit(&app, &key(1), &data(EMAIL, PASSWORD)).await.expect(200);
    assert_eq!(answer.body["step"]["type"], "authenticate_redirect", "{:#}", answer.body);
    assert_eq!(app.users().await, 0);
}
