//! A flow without a password, as Keycloak 26.7.3 goes through it.

use serde_json::json;

use super::super::bench::{BAD_CREDENTIALS, Bench, LOGIN, NAME, SEED, TOKEN, ada, demo, landfall, part};
use super::*;

/// A realm with another flow, and an Ada with an authenticator app.
fn username_otp(otp: Requirement) -> Realm {
    demo().client(landfall().direct_grant_flow(DirectGrantFlow::username_otp(otp))).user(ada().totp(SEED))
}

/// A login by that code.
fn with(code: &str) -> String {
    format!("{NAME}&totp={code}")
}

#[tokio::test]
async fn a_flow_may_ask_for_a_name_and_a_code_only() {
    let bench = Bench::new(username_otp(Requirement::Required));
    let code = bench.otp(0);
    for form in [
        NAME.to_owned(),
        with(""),
        with("abcdef"),
        with(&bench.otp(2)),
        LOGIN.to_owned(),
        with(&code).replace("=ada", "=unknown"),
        with(&code).replace("=ada", "="),
    ] {
        assert_eq!(bench.refusal(&form).await, BAD_CREDENTIALS, "{form}");
    }
    let form = with(&code).replace("=ada", "=Ada%40Example.org&password=wrong");
    assert!(bench.lets_in(&form).await, "a password is not looked at");
    assert_eq!(bench.refusal(&with(&code)).await, BAD_CREDENTIALS, "a code works once");
    assert!(bench.lets_in(&with(&bench.otp(1))).await);
    let probe = NAME.replace("&username=ada", "");
    assert_eq!(bench.refusal(&probe).await, "401 invalid_request: Missing parameter: username");

    let built_in = Bench::new(demo().user(ada().totp(SEED)));
    assert_eq!(built_in.refusal(&with(&built_in.otp(0))).await, BAD_CREDENTIALS);
    assert!(built_in.lets_in(&format!("{LOGIN}&totp={}", built_in.otp(0))).await, "the code is not used up");
}

#[tokio::test]
async fn a_required_code_that_a_user_lacks_is_a_server_error() {
    let bench = Bench::new(username_otp(Requirement::Required).user(ada()));
    for form in [NAME.to_owned(), with("123456")] {
        let answer = bench.post(TOKEN, &form).await;
        let body = r#"{"error":"unknown_error","error_description":"For more on this error consult the server log."}"#;
        assert_eq!((answer.status, answer.body.as_str()), (500, body));
    }
}

#[tokio::test]
async fn a_conditional_code_is_asked_only_of_users_with_an_app() {
    let bench = Bench::new(username_otp(Requirement::Conditional));
    assert_eq!(bench.refusal(NAME).await, BAD_CREDENTIALS);
    assert!(bench.lets_in(&with(&bench.otp(0))).await);
    bench.keycloak.change_user("demo", "ada", User::without_totp).unwrap();
    assert!(bench.lets_in(NAME).await);

    let bench = Bench::new(username_otp(Requirement::Disabled));
    assert!(bench.lets_in(NAME).await && bench.lets_in(&with("123456")).await);
}

#[tokio::test]
async fn only_a_right_code_reveals_the_state_of_an_account() {
    for user in [ada().locked(true), ada().enabled(false)] {
        for otp in [Requirement::Required, Requirement::Conditional, Requirement::Disabled] {
            let bench = Bench::new(username_otp(otp).user(user.clone().totp(SEED)));
            for form in [NAME.to_owned(), with("abcdef"), with(&bench.otp(0))] {
                assert_eq!(bench.refusal(&form).await, BAD_CREDENTIALS, "{otp:?}: {form}");
            }
        }
    }
    let user = ada().totp(SEED).required_action("UPDATE_PASSWORD");
    let bench = Bench::new(username_otp(Requirement::Required).user(user));
    assert_eq!(bench.refusal(&with("abcdef")).await, BAD_CREDENTIALS);
    assert_eq!(bench.refusal(&with(&bench.otp(0))).await, "400 invalid_grant: Account is not fully set up");
}

#[tokio::test]
async fn amr_names_what_was_checked_given_the_mapper_and_the_reference() {
    let otp = DirectGrantFlow::username_otp;
    let referring = |flow: DirectGrantFlow| flow.otp_reference("otp");
    let (name, password) = (NAME, LOGIN);
    let (app, none) = (ada().totp(SEED), ada());
    for (flow, mapped, user, form, amr) in [
        (otp(Requirement::Required), false, &app, name, None),
        (referring(otp(Requirement::Required)), false, &app, name, None),
        (otp(Requirement::Required), true, &app, name, Some(json!([]))),
        (referring(otp(Requirement::Required)), true, &app, name, Some(json!(["otp"]))),
        (referring(otp(Requirement::Disabled)), true, &app, name, Some(json!([]))),
        (referring(otp(Requirement::Conditional)), true, &none, name, Some(json!([]))),
        (referring(DirectGrantFlow::password()), true, &none, password, Some(json!([]))),
        (referring(DirectGrantFlow::password()), true, &app, password, Some(json!(["otp"]))),
    ] {
        let client = landfall().direct_grant_flow(flow.clone()).amr_mapper(mapped);
        let bench = Bench::new(demo().client(client).user(user.clone()));
        let token = bench.tokens(&format!("{form}&totp={}", bench.otp(0))).await["id_token"].clone();
        assert_eq!(part(&token, 1).get("amr").cloned(), amr, "{flow:?} {mapped}");
    }
    // The flow of direct grants has no say in the browser.
    let client = landfall().direct_grant_flow(referring(otp(Requirement::Required))).amr_mapper(true);
    let bench = Bench::new(demo().client(client).user(app));
    let person = bench.person();
    let page = person.log_in("").await;
    let answer = person.submit(&page, &format!("otp={}", bench.otp(0))).await;
    let body = bench.exchange(&answer.callback()["code"]).await;
    assert_eq!(part(&body["id_token"], 1)["amr"], json!([]));
}
