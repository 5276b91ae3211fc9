//! Codes without a password.

use domain::{Clock, Factor};
use secrecy::SecretString;
use simulators::keycloak::totp;
use simulators::{Endpoint, Misbehaviour, Standing};

use super::*;
use crate::bench::{EMAIL, IN_TIME, PHONE, SEED, ada};
use crate::refusals::tests::meaning_in;
use crate::{Check, Progress, Stage};

async fn bench(over: Value) -> Bench {
    let bench = Bench::at(&SIMULATOR, Method::Totp, Reach::Local, over).await;
    bench.subject.enrol(ada(true).factor(Factor::Totp, SEED));
    bench
}

fn code_now(bench: &Bench) -> String {
    totp(SEED, bench.clock.now())
}

async fn refusal(bench: &Bench, name: &str, code: &str) -> Option<ProviderError> {
    bench.attempt_totp(name, code).await.err()
}

/// A state with these forms, and other members.
fn state(bench: &Bench, forms: &[&str], members: Value) -> Value {
    let form = |name: &&str| {
        let address = format!("{}/idp/idx/{name}", bench.url);
        json!({ "name": name, "href": address, "method": "POST", "value": [{ "name": "stateHandle" }] })
    };
    let forms: Vec<_> = forms.iter().map(form).collect();
    let mut state = json!({ "stateHandle": "02t", "remediation": { "type": "array", "value": forms } });
    state.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    state
}

fn at(path: &'static str, answer: Value) -> Option<Misbehaviour> {
    Some(Misbehaviour::At(path, Box::new(Misbehaviour::Answer(200, answer))))
}

#[tokio::test]
async fn an_account_that_may_not_sign_in_says_why() {
    for (flow, standings) in [
        (
            "interaction_code",
            [
                (Standing::Active, None),
                (Standing::Locked, Some(Rejection::AccountLocked)),
                (Standing::Disabled, Some(Rejection::InvalidCredentials)),
                (Standing::NotAssigned, Some(Rejection::Declined)),
                (Standing::PasswordExpired, Some(Rejection::PasswordExpired)),
                (Standing::MustEnrol, Some(Rejection::InteractionRequired)),
            ],
        ),
        (
            "otp_grant",
            [
                (Standing::Active, None),
                (Standing::Locked, Some(Rejection::OtpInvalid)),
                (Standing::Disabled, Some(Rejection::AccountDisabled)),
                (Standing::NotAssigned, Some(Rejection::Declined)),
                (Standing::PasswordExpired, None),
                (Standing::MustEnrol, None),
            ],
        ),
    ] {
        let bench = bench(json!({ "settings": { "totp_flow": flow } })).await;
        for (standing, rejection) in standings {
            for name in ["ada", EMAIL] {
                bench.subject.enrol(ada(true).factor(Factor::Totp, SEED).standing(standing));
                let error = refusal(&bench, name, &code_now(&bench)).await;
                assert_eq!(error, rejection.and_then(rejected), "{flow}: {standing:?}");
            }
        }
        bench.subject.enrol(ada(true));
        let code = code_now(&bench);
        assert_eq!(refusal(&bench, "ada", &code).await, rejected(Rejection::InteractionRequired), "{flow}");
        assert_eq!(refusal(&bench, "unknown", &code).await, rejected(Rejection::InvalidCredentials), "{flow}");
    }
}

#[tokio::test]
async fn a_code_counts_once_and_a_wrong_one_costs_nothing() {
    for flow in ["interaction_code", "otp_grant"] {
        let bench = bench(json!({ "settings": { "totp_flow": flow } })).await;
        let code = code_now(&bench);
        for wrong in ["000000", "", "\"}\u{0}"] {
            assert_eq!(refusal(&bench, "ada", wrong).await, rejected(Rejection::OtpInvalid), "{flow}");
        }
        let identity = bench.attempt_totp("ada", &code).await.unwrap();
        assert_eq!(Some(identity.subject_key), bench.subject.subject("ada"));
        assert_eq!(refusal(&bench, "ada", &code).await, rejected(Rejection::OtpInvalid), "{flow}");
    }
}

#[tokio::test]
async fn the_authenticator_is_found_or_named() {
    let (google, verify) = ("autgo000000000000002", "autov000000000000003");
    let phone = (Factor::SmsOtp, PHONE);
    let app = (Factor::Totp, SEED);
    let push = (Factor::Push, "phone");
    for (factors, named, signs_in) in [
        (vec![phone, app], None, true),
        (vec![phone, app, push], None, true),
        (vec![app], Some(google), true),
        (vec![app, push], Some(verify), true),
        (vec![app, push], Some(google), false),
        (vec![phone], None, false),
        (vec![push], None, false),
    ] {
        let bench = bench(json!({ "settings": { "totp_authenticator": named } })).await;
        bench.subject.give_factors("ada", &factors);
        let error = refusal(&bench, "ada", &code_now(&bench)).await;
        let expected = if signs_in { None } else { rejected(Rejection::InteractionRequired) };
        assert_eq!(error, expected, "{factors:?} {named:?}");
        if signs_in {
            assert_eq!(bench.calls()[2], 6);
            // A wrong code of Okta Verify is answered otherwise than one of Google Authenticator.
            assert_eq!(refusal(&bench, "ada", "000000").await, rejected(Rejection::OtpInvalid));
        }
    }
}

#[tokio::test]
async fn the_users_address_goes_along_where_okta_takes_it() {
    for (client, flow, address) in [
        (json!({}), "interaction_code", Some("192.0.2.7")),
        (json!({ "id": "open", "secret": null }), "interaction_code", None),
        (json!({}), "otp_grant", None),
    ] {
        let bench = bench(json!({ "client": client, "settings": { "totp_flow": flow } })).await;
        bench.register(simulators::Registration::public("open", crate::bench::CALLBACK));
        let (request, code) = (bench.request(IN_TIME), SecretString::from(code_now(&bench)));
        let cx = bench.cx(&request).for_user(Some("192.0.2.7".parse().unwrap()));
        bench.adapter().begin(&cx, Attempt::Totp { username: "ada", code: &code }).await.unwrap();
        let received = bench.subject.received();
        assert_eq!(received[0].header("x-forwarded-for"), address, "{flow}");
        assert!(received[1..].iter().all(|request| request.header("x-forwarded-for").is_none()));
    }
}

#[tokio::test]
async fn a_form_of_another_host_gets_no_code() {
    let bench = bench(json!({})).await;
    for address in [
        "https://attacker.example/idp/idx/identify".to_owned(),
        format!("{}/elsewhere", bench.url),
        format!("{}/idp/idx/../../elsewhere", bench.url),
        "no address".to_owned(),
        String::new(),
    ] {
        let form = json!({ "name": "identify", "href": address, "value": [{ "name": "identifier" }] });
        let introspected = json!({ "stateHandle": "02t", "remediation": { "value": [form] } });
        bench.subject.misbehave(at("/introspect", introspected));
        let before = bench.calls()[2];
        let error = refusal(&bench, "ada", &code_now(&bench)).await;
        assert_eq!(error, Some(Stage::Token.refused(Check::Format)), "{address}");
        assert_eq!(bench.calls()[2], before + 2, "{address}");
    }
}

#[tokio::test]
async fn a_step_that_needs_more_than_a_code_ends_the_login() {
    let bench = bench(json!({})).await;
    let misconfigured = Some("unavailable.misconfigured");
    let interaction = Some("rejected.interaction_required");
    let credentials = json!({ "remediation": { "value": [{
        "name": "identify", "href": format!("{}/idp/idx/identify", bench.url), "value": [{ "name": "credentials" }],
    }] } });
    let success = json!({ "successWithInteractionCode": { "value": [{ "name": "interaction_code", "value": "c" }] } });
    for (path, forms, members, outcome) in [
        ("/introspect", vec![], json!({}), misconfigured),
        ("/introspect", vec!["redirect-idp"], json!({}), misconfigured),
        ("/introspect", vec![], credentials, misconfigured),
        ("/identify", vec![], success, misconfigured),
        ("/identify", vec!["device-challenge-poll"], json!({}), misconfigured),
        ("/identify", vec!["identify"], json!({ "captcha": {} }), misconfigured),
        ("/identify", vec!["enroll-authenticator"], json!({}), interaction),
        ("/challenge", vec!["challenge-authenticator"], json!({}), interaction),
        ("/challenge/answer", vec!["consent"], json!({}), misconfigured),
        ("/challenge/answer", vec!["keep-me-signed-in"], json!({}), misconfigured),
        ("/challenge/answer", vec![], json!({}), misconfigured),
        ("/challenge/answer", vec!["select-authenticator-authenticate"], json!({}), interaction),
        ("/challenge/answer", vec!["select-authenticator-enroll"], json!({}), interaction),
        ("/challenge/answer", vec!["reenroll-authenticator"], json!({}), Some("rejected.password_expired")),
    ] {
        bench.subject.misbehave(at(path, state(&bench, &forms, members)));
        let error = refusal(&bench, "ada", &code_now(&bench)).await.unwrap();
        assert_eq!(error.outcome(), outcome, "{path} {forms:?}: {error}");
    }
}

#[tokio::test]
async fn what_may_be_set_up_later_is_skipped() {
    let bench = bench(json!({})).await;
    let mut offer = state(&bench, &["select-authenticator-enroll", "skip"], json!({}));
    // The handle is none of the simulator's, which therefore calls the login over.
    offer["remediation"]["value"][1]["href"] = json!(format!("{}/idp/idx/cancel", bench.url));
    bench.subject.misbehave(at("/challenge/answer", offer));
    assert_eq!(refusal(&bench, "ada", &code_now(&bench)).await, rejected(Rejection::OtpExpired));
    assert_eq!(bench.calls()[2], 6);
}

#[tokio::test]
async fn a_wrong_code_may_come_without_a_reason() {
    let bench = bench(json!({})).await;
    let said = json!({ "messages": { "value": [{ "message": "Authentication failed", "class": "ERROR" }] } });
    let again = state(&bench, &["challenge-authenticator"], said);
    let how = Misbehaviour::At("/challenge/answer", Box::new(Misbehaviour::Answer(401, again)));
    bench.subject.misbehave(Some(how));
    assert_eq!(refusal(&bench, "ada", &code_now(&bench)).await, rejected(Rejection::OtpInvalid));
}

#[tokio::test]
async fn every_refusal_of_the_otp_grant_means_what_its_row_says() {
    let bench = bench(json!({ "settings": { "totp_flow": "otp_grant" } })).await;
    for row in errors::TO_A_CODE_ALONE.iter().flat_map(|table| table.rows) {
        let (error, description) = row.said().unwrap();
        let (status, body) = (row.a_status(), bench.subject.error_body(error, description, 0));
        let expected = meaning_in(errors::TO_A_CODE_ALONE, status, "application/json", &body.to_string());
        bench.subject.misbehave_at(Endpoint::Token, Some(Misbehaviour::Answer(status, body)));
        assert_eq!(refusal(&bench, "ada", &code_now(&bench)).await, Some(expected), "{row:?}");
    }
    bench.subject.misbehave(None);
    let before = bench.calls()[2];
    bench.attempt_totp("ada", &code_now(&bench)).await.unwrap();
    assert_eq!(bench.calls()[2], before + 1);
}

#[tokio::test]
async fn a_code_alone_leaves_nothing_to_answer() {
    let bench = bench(json!({})).await;
    let (request, code) = (bench.request(IN_TIME), SecretString::from(code_now(&bench)));
    let progress = bench.adapter().begin(&bench.cx(&request), Attempt::Totp { username: "ada", code: &code }).await;
    assert!(matches!(progress, Ok(Progress::Done(_))));
}
