//! A flow without a password, as Keycloak 26.7.3 goes through it.

use serde_json::{Value, json};

use super::super::bench::{Bench, LOGIN, SEED, TOKEN, ada, demo, landfall, part, web};
use super::*;

const WRONG: &str = "400 invalid_grant: Invalid user credentials";
/// What a login sends that has no password, but for the code.
const NAME: &str = "grant_type=password&client_id=landfall&client_secret=secret&username=ada&scope=openid";

/// [`demo`] with another flow, and an Ada with an authenticator app.
fn bound(flow: DirectGrantFlow) -> Realm {
    demo().client(landfall().direct_grant_flow(flow)).user(ada().totp(SEED))
}

fn username_otp(otp: Requirement) -> Realm {
    bound(DirectGrantFlow::username_otp(otp))
}

/// A login by that code.
fn with(code: &str) -> String {
    format!("{NAME}&totp={code}")
}

impl Bench {
    async fn status(&self, form: &str) -> u16 {
        self.post(TOKEN, form).await.status
    }

    /// `amr` of the login by that form.
    async fn amr(&self, form: &str) -> Option<Value> {
        let answer = self.post(TOKEN, form).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        part(&answer.json()["id_token"], 1).get("amr").cloned()
    }
}

#[tokio::test]
async fn a_name_and_a_code_are_enough_where_the_flow_wants_no_more() {
    for (steps, good) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
        let bench = Bench::new(username_otp(Requirement::Required));
        assert_eq!(bench.status(&with(&bench.otp(steps))).await == 200, good, "{steps}");
    }
    let bench = Bench::new(username_otp(Requirement::Required));
    let form = with(&bench.otp(0)).replace("=ada", "=Ada%40Example.org&password=wrong");
    assert_eq!(bench.status(&form).await, 200, "a password is not looked at");
}

#[tokio::test]
async fn whatever_is_wrong_with_the_code_the_answer_is_the_same() {
    let bench = Bench::new(username_otp(Requirement::Required));
    let code = bench.otp(0);
    for form in [
        NAME.to_owned(),
        with(""),
        with("abcdef"),
        with(&bench.otp(2)),
        LOGIN.to_owned(),
        with(&code).replace("=ada", "=nobody"),
        with(&code).replace("=ada", "="),
    ] {
        assert_eq!(bench.refusal(&form).await, WRONG, "{form}");
    }
    assert_eq!(bench.status(&with(&code)).await, 200);
    assert_eq!(bench.refusal(&with(&code)).await, WRONG, "a code works once");
    assert_eq!(bench.status(&with(&bench.otp(1))).await, 200);
    let probe = NAME.replace("&username=ada", "");
    assert_eq!(bench.refusal(&probe).await, "401 invalid_request: Missing parameter: username");
}

#[tokio::test]
async fn the_built_in_flow_does_not_do_without_a_password() {
    let bench = Bench::new(demo().user(ada().totp(SEED)));
    assert_eq!(bench.refusal(&with(&bench.otp(0))).await, WRONG);
    assert_eq!(bench.status(&format!("{LOGIN}&totp={}", bench.otp(0))).await, 200, "the code is not used up");
}

#[tokio::test]
async fn a_required_code_that_a_user_cannot_have_breaks_the_server() {
    let bench = Bench::new(username_otp(Requirement::Required).user(ada()));
    for form in [NAME.to_owned(), with("123456")] {
        let answer = bench.post(TOKEN, &form).await;
        let body = r#"{"error":"unknown_error","error_description":"For more on this error consult the server log."}"#;
        assert_eq!((answer.status, answer.body.as_str()), (500, body));
    }
}

#[tokio::test]
async fn a_conditional_code_lets_in_by_name_who_has_none_and_a_disabled_one_everybody() {
    let bench = Bench::new(username_otp(Requirement::Conditional));
    assert_eq!(bench.refusal(NAME).await, WRONG);
    assert_eq!(bench.status(&with(&bench.otp(0))).await, 200);
    bench.keycloak.change_user("demo", "ada", User::without_totp).unwrap();
    assert_eq!(bench.status(NAME).await, 200);

    let bench = Bench::new(username_otp(Requirement::Disabled));
    assert_eq!(bench.status(NAME).await, 200);
    assert_eq!(bench.status(&with("123456")).await, 200);
}

#[tokio::test]
async fn a_locked_or_disabled_account_never_shows_where_no_password_is_asked() {
    for user in [ada().locked(true), ada().enabled(false)] {
        for otp in [Requirement::Required, Requirement::Conditional, Requirement::Disabled] {
            let bench = Bench::new(username_otp(otp).user(user.clone().totp(SEED)));
            for form in [NAME.to_owned(), with("abcdef"), with(&bench.otp(0))] {
                assert_eq!(bench.refusal(&form).await, WRONG, "{otp:?}: {form}");
            }
            bench.keycloak.change_user("demo", "ada", User::without_totp).unwrap();
            assert_eq!(bench.refusal(NAME).await, WRONG, "{otp:?}");
        }
    }
}

#[tokio::test]
async fn an_account_that_is_not_set_up_shows_only_to_who_has_a_right_code() {
    let user = ada().totp(SEED).required_action("UPDATE_PASSWORD");
    let bench = Bench::new(username_otp(Requirement::Required).user(user));
    assert_eq!(bench.refusal(&with("abcdef")).await, WRONG);
    assert_eq!(bench.refusal(&with(&bench.otp(0))).await, "400 invalid_grant: Account is not fully set up");
}

#[tokio::test]
async fn amr_needs_the_mapper_at_the_client_and_the_reference_at_the_execution() {
    let plain = DirectGrantFlow::username_otp(Requirement::Required);
    let referring = plain.clone().otp_reference("otp");
    for (flow, mapped, amr) in [
        (plain.clone(), false, None),
        (referring.clone(), false, None),
        (plain, true, Some(json!([]))),
        (referring, true, Some(json!(["otp"]))),
    ] {
        let client = landfall().direct_grant_flow(flow.clone()).amr_mapper(mapped);
        let bench = Bench::new(demo().client(client).user(ada().totp(SEED)));
        assert_eq!(bench.amr(&with(&bench.otp(0))).await, amr, "{flow:?} {mapped}");
    }
}

#[tokio::test]
async fn amr_names_only_what_this_login_has_checked() {
    let bench = |flow: DirectGrantFlow, user: User| {
        let client = landfall().direct_grant_flow(flow.otp_reference("otp")).amr_mapper(true);
        Bench::new(demo().client(client).user(user))
    };
    let disabled = bench(DirectGrantFlow::username_otp(Requirement::Disabled), ada().totp(SEED));
    assert_eq!(disabled.amr(&with(&disabled.otp(0))).await, Some(json!([])));
    let without = bench(DirectGrantFlow::username_otp(Requirement::Conditional), ada());
    assert_eq!(without.amr(&with("123456")).await, Some(json!([])));
    let password = bench(DirectGrantFlow::password(), ada());
    assert_eq!(password.amr(LOGIN).await, Some(json!([])));
    let both = bench(DirectGrantFlow::password(), ada().totp(SEED));
    assert_eq!(both.amr(&format!("{LOGIN}&totp={}", both.otp(0))).await, Some(json!(["otp"])));
}

#[tokio::test]
async fn the_flow_of_direct_grants_has_no_say_in_the_browser() {
    let flow = DirectGrantFlow::username_otp(Requirement::Required).otp_reference("otp");
    let client = landfall().direct_grant_flow(flow).amr_mapper(true);
    let bench = Bench::new(web().client(client).user(ada().totp(SEED)));
    let person = bench.person();
    let page = person.log_in("").await;
    let answer = person.submit(&page, &format!("otp={}", bench.otp(0))).await;
    let body = bench.exchange(&answer.callback()["code"]).await;
    assert_eq!(part(&body["id_token"], 1)["amr"], json!([]));
}
