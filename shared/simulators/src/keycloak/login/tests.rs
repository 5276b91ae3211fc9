//! The forms of Keycloak 26.7.3, as they were seen.

use super::super::bench::{ADA, Bench, CALLBACK, SEED, ada, demo};
use super::super::{Client, Realm};
use super::*;

/// What the page says after these credentials.
async fn told(realm: Realm, form: &str) -> String {
    let person = Bench::new(realm).person();
    let page = person.authorize("").await;
    let answer = person.submit(&page, form).await;
    assert_eq!(answer.status, 200);
    answer.error().to_owned()
}

#[tokio::test]
async fn the_form_says_the_same_to_all_wrong_credentials() {
    for form in ["username=ada&password=wrong", "username=ada", "username=unknown&password=correct+horse", ""] {
        assert_eq!(told(demo(), form).await, WRONG_CREDENTIALS, "{form}");
    }
    for user in [ada().locked(true), ada().without_password()] {
        assert_eq!(told(demo().user(user), ADA).await, WRONG_CREDENTIALS);
    }
    let disabled = || demo().user(ada().enabled(false));
    assert_eq!(told(disabled(), ADA).await, DISABLED);
    assert_eq!(told(disabled(), "username=ada&password=wrong").await, WRONG_CREDENTIALS);
}

#[tokio::test]
async fn the_form_comes_again_with_the_name_that_was_typed() {
    for username in ["+ada+", "ADA", "Ada%40Example.ORG"] {
        let person = Bench::new(demo()).person();
        let page = person.authorize("").await;
        let again = person.submit(&page, "username=Ada&password=wrong").await;
        assert!(
            again.body.contains(r#"aria-invalid="true" aria-describedby="input-error-username""#),
            "{}",
            again.body
        );
        assert!(again.body.contains(r#"name="username" value="Ada""#));
        let form = ADA.replace("=ada", &format!("={username}"));
        assert!(person.submit(&again, &form).await.callback().contains_key("code"), "{username}");
        // Each form is good for one answer.
        assert_eq!(person.submit(&again, &form).await.error(), OVER);
    }
}

#[tokio::test]
async fn a_second_factor_is_asked_for_on_a_page_of_its_own() {
    let bench = Bench::new(demo().user(ada().totp(SEED)));
    let (right, person) = (format!("otp={}", bench.otp(0)), bench.person());
    let mut page = person.log_in("").await;
    assert!(page.body.contains(r#"<form id="kc-otp-login-form""#) && page.body.contains(r#"name="otp""#));
    for wrong in [format!("otp={}", bench.otp(2)), "otp=".to_owned()] {
        page = person.submit(&page, &wrong).await;
        assert_eq!(page.error(), WRONG_OTP);
    }
    assert!(person.submit(&page, &right).await.callback().contains_key("code"));

    let person = bench.person();
    let page = person.log_in("").await;
    assert_eq!(person.submit(&page, &right).await.error(), WRONG_OTP, "a code works once");
}

#[tokio::test]
async fn a_pending_action_is_asked_for_and_no_code_is_given() {
    let nameless = User::new("ada").email("ada@example.org", true).password("correct horse");
    for (user, text) in [
        (ada().required_action("UPDATE_PASSWORD"), "You need to change your password"),
        (ada().required_action("CONFIGURE_TOTP"), "You need to set up Mobile Authen"),
        (ada().required_action("VERIFY_EMAIL"), "You need to verify"),
        (nameless, "You need to update your user profile"),
    ] {
        let person = Bench::new(demo().user(user)).person();
        let page = person.log_in("").await;
        assert!(page.error().starts_with(text), "{}", page.error());
        assert_eq!(person.authorize("prompt=none").await.callback_error(), "login_required: -");
    }
}

#[tokio::test]
async fn consent_can_be_given_and_refused() {
    let bench = Bench::new(demo().client(Client::public("shy").redirect_uri(CALLBACK).consent_required(true)));
    let person = bench.person();
    let page = person.log_in("client_id=shy").await;
    assert!(page.body.contains("Grant Access to shy") && page.body.contains("<li>profile</li>"), "{}", page.body);
    assert_eq!(person.submit(&page, "cancel=No").await.callback_error(), "access_denied: -");
    assert_eq!(person.authorize("prompt=none").await.callback_error(), "login_required: -");
    let page = person.log_in("client_id=shy").await;
    assert!(person.submit(&page, "accept=Yes").await.callback().contains_key("code"));
}

#[tokio::test]
async fn a_form_that_was_left_open_for_long_is_over() {
    let bench = Bench::new(demo());
    let person = bench.person();
    let page = person.authorize("").await;
    bench.wait(30 * 60);
    assert_eq!(person.submit(&page, ADA).await.error(), OVER);
}
