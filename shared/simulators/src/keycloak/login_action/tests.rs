//! The forms of Keycloak 26.7.3, as they were seen.

use super::super::bench::{ADA, Bench, CALLBACK, Person, SEED, ada, landfall, web};
use super::super::{Client, Realm};
use super::*;

/// What the page says after these credentials.
async fn told(realm: Realm, form: &str) -> String {
    let bench = Bench::new(realm);
    let person = bench.person();
    let page = person.authorize("").await;
    let answer = person.submit(&page, form).await;
    assert_eq!(answer.status, 200);
    answer.error().to_owned()
}

async fn follow(person: &Person, answer: super::super::bench::Answer) -> super::super::bench::Answer {
    assert_eq!(answer.status, 302, "{}", answer.body);
    person.visit(answer.header("location"), None).await
}

#[tokio::test]
async fn whatever_is_wrong_with_the_credentials_the_form_says_the_same() {
    for form in [
        "username=ada&password=wrong",
        "username=ada&password=",
        "username=ada",
        "username=nobody&password=correct+horse",
        "username=&password=",
        "",
    ] {
        assert_eq!(told(web(), form).await, WRONG_CREDENTIALS, "{form}");
    }
    for realm in [web().user(ada().locked(true)), web().user(ada().without_password())] {
        assert_eq!(told(realm, ADA).await, WRONG_CREDENTIALS);
    }
}

#[tokio::test]
async fn the_form_comes_again_with_the_name_that_was_typed_and_then_lets_in() {
    let bench = Bench::new(web());
    let person = bench.person();
    let page = person.authorize("").await;
    let again = person.submit(&page, "username=Ada&password=wrong").await;
    assert!(again.body.contains(r#"<div id="input-error-username" class="error""#), "{}", again.body);
    assert!(again.body.contains(r#"name="username" value="Ada""#) && again.body.contains(r#"aria-invalid="true""#));
    assert!(person.submit(&again, ADA).await.callback().contains_key("code"));
}

#[tokio::test]
async fn the_browser_login_trims_the_name_which_a_direct_grant_does_not() {
    for username in ["+ada+", "ADA", "Ada%40Example.ORG"] {
        let bench = Bench::new(web());
        let person = bench.person();
        let page = person.authorize("").await;
        let form = ADA.replace("=ada", &format!("={username}"));
        assert!(person.submit(&page, &form).await.callback().contains_key("code"), "{username}");
    }
}

#[tokio::test]
async fn a_disabled_account_shows_only_to_who_knows_its_password() {
    let realm = || web().user(ada().enabled(false));
    assert_eq!(told(realm(), ADA).await, "Account is disabled, contact your administrator.");
    assert_eq!(told(realm(), "username=ada&password=wrong").await, WRONG_CREDENTIALS);
}

#[tokio::test]
async fn a_second_factor_is_asked_for_on_a_page_of_its_own() {
    let bench = Bench::new(web().user(ada().totp(SEED)));
    let form = format!("otp={}", bench.otp(0));
    let person = bench.person();
    let page = person.log_in("").await;
    assert!(page.body.contains(r#"<form id="kc-otp-login-form""#) && page.body.contains(r#"name="otp""#));
    assert!(page.body.contains(r#"id="kc-attempted-username" value="ada" readonly"#));

    let wrong = person.submit(&page, &format!("otp={}", bench.otp(2))).await;
    assert_eq!(wrong.error(), "Invalid authenticator code.");
    assert!(wrong.body.contains(r#"id="input-error-otp""#));
    let empty = person.submit(&wrong, "otp=").await;
    assert_eq!(empty.error(), "Invalid authenticator code.");
    assert!(person.submit(&empty, &form).await.callback().contains_key("code"));

    let person = bench.person();
    let page = person.log_in("").await;
    let reused = person.submit(&page, &form).await;
    assert_eq!(reused.error(), "Invalid authenticator code.", "a code works once");
}

#[tokio::test]
async fn who_goes_back_from_the_second_factor_is_sent_forward_again() {
    let bench = Bench::new(web().user(ada().totp(SEED)));
    let person = bench.person();
    let first = person.authorize("").await;
    person.submit(&first, ADA).await;
    let back = person.submit(&first, ADA).await;
    let page = follow(&person, back).await;
    assert_eq!(page.error(), "Action expired. Please continue with login now.");
    assert!(page.body.contains("kc-otp-login-form"));

    let stray = page.action().replace("execution=", "execution=x");
    let page = person.visit(&stray, Some(&format!("otp={}", bench.otp(0)))).await;
    assert!(page.body.contains("Page has expired") && page.body.contains("loginRestartLink"));
}

#[tokio::test]
async fn a_pending_action_is_asked_for_and_no_code_is_given() {
    let nameless = User::new("ada").email("ada@example.org", true).password("correct horse");
    for (realm, execution, text) in [
        (web().user(ada().required_action("UPDATE_PASSWORD")), "UPDATE_PASSWORD", "You need to change your password"),
        (web().user(ada().required_action("CONFIGURE_TOTP")), "CONFIGURE_TOTP", "You need to set up Mobile Authen"),
        (web().verify_email(true).user(ada().email("ada@example.org", false)), "VERIFY_EMAIL", "You need to verify"),
        (web().user(nameless), "VERIFY_PROFILE", "You need to update your user profile"),
    ] {
        let bench = Bench::new(realm);
        let person = bench.person();
        let answer = person.log_in("").await;
        let expected = format!("/login-actions/required-action?execution={execution}&client_id=landfall&tab_id=");
        assert!(answer.header("location").contains(&expected), "{}", answer.header("location"));
        let page = follow(&person, answer).await;
        assert!(page.error().starts_with(text), "{}", page.error());
        assert!(person.authorize("prompt=none").await.callback_error().starts_with("login_required"));
    }
}

#[tokio::test]
async fn consent_is_asked_for_once_and_can_be_refused() {
    let shy = || Client::public("shy").redirect_uri(CALLBACK).consent_required(true);
    let bench = Bench::new(web().client(shy()));
    let person = bench.person();
    let ask = async || {
        let answer = person.log_in("client_id=shy").await;
        assert!(answer.header("location").contains("/login-actions/required-action?execution=OAUTH_GRANT&"));
        follow(&person, answer).await
    };
    let with_code = |page: &super::super::bench::Answer, button: &str| {
        let code = page.body.split(r#"name="code" value=""#).nth(1).unwrap().split('"').next().unwrap();
        format!("code={code}&{button}=x")
    };

    let page = ask().await;
    assert!(page.body.contains("Grant Access to shy") && page.body.contains("<li>User profile</li>"));
    assert!(page.body.contains(r#"<button name="accept""#) && page.body.contains(r#"<button name="cancel""#));
    let refused = person.submit(&page, &with_code(&page, "cancel")).await;
    assert_eq!(refused.callback_error(), "access_denied: -");
    assert_eq!(person.authorize("prompt=none").await.callback_error(), "login_required: -");

    let page = ask().await;
    let accepted = person.submit(&page, &with_code(&page, "accept")).await;
    assert!(accepted.callback().contains_key("code"));

    assert!(person.authorize("client_id=shy").await.callback().contains_key("code"));
    assert!(person.authorize("client_id=shy&scope=openid+phone").await.header("location").contains("OAUTH_GRANT"));
    assert!(person.authorize("client_id=shy&prompt=consent").await.header("location").contains("OAUTH_GRANT"));
}

#[tokio::test]
async fn a_form_without_its_browsers_cookie_signs_nobody_in() {
    let bench = Bench::new(web());
    let page = bench.person().authorize("").await;
    let stranger = bench.person().submit(&page, ADA).await;
    assert_eq!((stranger.status, stranger.error()), (400, NO_COOKIE));

    let other = bench.person();
    other.authorize("").await;
    let answer = other.submit(&page, ADA).await;
    assert!(answer.header("location").contains("/login-actions/authenticate?client_id=landfall&tab_id="));
    let page = follow(&other, answer).await;
    assert_eq!(page.error(), "Your login attempt timed out. Login will start from the beginning.");
    assert!(other.submit(&page, ADA).await.callback().contains_key("code"));
}

#[tokio::test]
async fn a_form_that_was_left_open_for_long_begins_anew() {
    let bench = Bench::new(web());
    let person = bench.person();
    let page = person.authorize("").await;
    bench.clock.advance(chrono::TimeDelta::minutes(30));
    let answer = person.submit(&page, ADA).await;
    let page = follow(&person, answer).await;
    assert_eq!(page.error(), "Your login attempt timed out. Login will start from the beginning.");
    assert_eq!(person.submit(&page, ADA).await.callback()["state"], "st");
}

#[tokio::test]
async fn a_form_that_is_sent_twice_gives_one_code() {
    let bench = Bench::new(web());
    let person = bench.person();
    let page = person.authorize("").await;
    assert!(person.submit(&page, ADA).await.callback().contains_key("code"));
    let again = person.submit(&page, ADA).await;
    assert_eq!(again.callback_error(), "temporarily_unavailable: authentication_expired");
    assert_eq!(again.callback()["state"], "st");

    let elsewhere = page.action().split("&client_data=").next().unwrap().to_owned();
    let elsewhere = format!("{elsewhere}&client_data=eyJydSI6Imh0dHBzOi8vYXR0YWNrZXIuZXhhbXBsZS8ifQ");
    let page = person.visit(&elsewhere, Some(ADA)).await;
    assert_eq!((page.status, page.error()), (400, "You are already logged in."));
}

#[tokio::test]
async fn two_tabs_log_in_to_one_session() {
    let bench = Bench::new(web());
    let person = bench.person();
    let (one, two) = (person.authorize("state=one").await, person.authorize("state=two").await);
    assert_eq!(two.set_cookies().len(), 1, "the browser's session is known already");
    let (one, two) = (person.submit(&one, ADA).await.callback(), person.submit(&two, ADA).await.callback());
    assert_eq!((one["state"].as_str(), two["state"].as_str()), ("one", "two"));
    assert_eq!(one["session_state"], two["session_state"]);
}

#[tokio::test]
async fn a_client_that_is_not_there_any_more_stops_the_login() {
    let bench = Bench::new(web());
    let person = bench.person();
    let page = person.authorize("").await;
    let nobody = page.action().replace("client_id=landfall", "client_id=nope");
    assert_eq!(person.visit(&nobody, Some(ADA)).await.error(), CANNOT_GO_ON);
    bench.keycloak.change_client("demo", "landfall", |client| client.enabled(false)).unwrap();
    assert_eq!(person.submit(&page, ADA).await.error(), CANNOT_GO_ON);
}

#[tokio::test]
async fn somebody_else_can_restart_the_login() {
    let grace = User::new("grace").email("grace@example.org", true).name("Grace", "Hopper").password("hopper");
    let bench = Bench::new(web().client(landfall()).user(grace));
    let person = bench.person();
    let ada = person.log_in("").await.callback();
    let page = person.authorize("prompt=login").await;
    let link = page.body.split(r#"id="reset-login" href=""#).nth(1).unwrap().split('"').next().unwrap();
    let answer = person.visit(&link.replace("&amp;", "&"), None).await;
    assert!(answer.set_cookies()[0].starts_with("KEYCLOAK_IDENTITY=;"));
    let page = follow(&person, answer).await;
    assert!(page.body.contains(r#"name="username""#));
    let grace = person.submit(&page, "username=grace&password=hopper").await.callback();
    assert_ne!(grace["session_state"], ada["session_state"]);
}
