//! The error table of Keycloak 26.7.3, row by row.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::bench::{BAD_CREDENTIALS, Bench, EXCHANGE, LOGIN, SEED, TOKEN, ada, demo, landfall};
use super::super::{FlowEnd, User};
use super::*;
use crate::{ClientAuth, Subject};

const UNKNOWN_CLIENT: &str = "401 invalid_client: Invalid client or Invalid client credentials";
const WRONG_SECRET: &str = "401 unauthorized_client: Invalid client or Invalid client credentials";
const FORM: &str = "application/x-www-form-urlencoded";

/// The login of `bench`'s user with another password.
fn with_password(password: &str) -> String {
    LOGIN.replace("correct+horse", password)
}

#[tokio::test]
async fn all_wrong_credentials_have_one_answer() {
    let bench = Bench::new(demo().user(User::new("nopass").email("n@example.org", true).name("No", "Pass")));
    for form in [
        with_password("wrong"),
        with_password("Correct+horse"),
        with_password("correct+horse+"),
        with_password(""),
        LOGIN.replace("&password=correct+horse", ""),
        LOGIN.replace("username=ada", "username=unknown"),
        LOGIN.replace("username=ada", "username="),
        LOGIN.replace("username=ada", "username=+ada"),
        LOGIN.replace("username=ada", "username=nopass"),
        LOGIN.replace("username=ada&password=correct+horse", "username=nopass&password="),
    ] {
        assert_eq!(bench.refusal(&form).await, BAD_CREDENTIALS, "{form}");
    }
    for username in ["ada", "ADA", "ada@example.org", "Ada%40Example.ORG"] {
        assert!(bench.lets_in(&LOGIN.replace("=ada", &format!("={username}"))).await, "{username}");
    }
}

#[tokio::test]
async fn only_the_right_password_reveals_the_state_of_an_account() {
    let actions = ["UPDATE_PASSWORD", "VERIFY_EMAIL", "CONFIGURE_TOTP", "UPDATE_PROFILE", "TERMS_AND_CONDITIONS"];
    let nameless = User::new("ada").email("ada@example.org", true).password("correct horse");
    let not_set_up = actions.map(|action| ada().required_action(action)).into_iter().chain([nameless]);
    for (user, refusal) in not_set_up.map(|user| (user, "400 invalid_grant: Account is not fully set up")).chain([
        (ada().enabled(false), "400 invalid_grant: Account disabled"),
        (ada().locked(true), BAD_CREDENTIALS),
        (ada().locked(true).enabled(false), BAD_CREDENTIALS),
    ]) {
        let bench = Bench::new(demo().user(user));
        assert_eq!(bench.refusal(LOGIN).await, refusal);
        assert_eq!(bench.refusal(&with_password("wrong")).await, BAD_CREDENTIALS);
    }
}

#[tokio::test]
async fn a_missing_or_wrong_second_factor_looks_like_a_wrong_password() {
    let bench = Bench::new(demo().user(ada().totp(SEED)));
    let (code, next) = (bench.otp(0), bench.otp(1));
    for form in [
        LOGIN.to_owned(),
        format!("{LOGIN}&totp="),
        format!("{LOGIN}&totp=abcdef"),
        format!("{LOGIN}&totp={}", bench.otp(2)),
        format!("{}&totp={code}", with_password("wrong")),
    ] {
        assert_eq!(bench.refusal(&form).await, BAD_CREDENTIALS, "{form}");
    }
    assert!(bench.lets_in(&format!("{LOGIN}&totp={code}")).await);
    assert!(!bench.lets_in(&format!("{LOGIN}&totp={code}")).await, "a code works once");
    assert!(!bench.lets_in(&format!("{LOGIN}&totp={next}&otp={code}")).await, "`otp` is read first");
    assert!(bench.lets_in(&format!("{LOGIN}&totp={code}&otp={next}")).await);

    bench.keycloak.change_user("demo", "ada", User::without_totp).unwrap();
    assert!(bench.lets_in(&format!("{LOGIN}&totp=999999")).await, "without a second factor any code will do");
}

#[tokio::test]
async fn a_forbidden_grant_is_refused_before_the_password_is_checked() {
    for (client, refusal) in [
        (landfall().direct_grants(false), "400 unauthorized_client: Client not allowed for direct access grants"),
        (landfall().consent_required(true), "400 invalid_client: Client requires user consent"),
        (
            landfall().password_grant_prohibited(true),
            "400 invalid_grant: resource owner password credentials grant is prohibited.",
        ),
        (Client::signed_jwt("landfall"), "400 invalid_client: Parameter client_assertion_type is missing"),
        (Client::saml("landfall"), "400 invalid_client: Wrong client protocol."),
        (landfall().enabled(false), UNKNOWN_CLIENT),
        (landfall().secret("rotated"), WRONG_SECRET),
    ] {
        let bench = Bench::new(demo().client(client));
        assert_eq!(bench.refusal(LOGIN).await, refusal);
        assert_eq!(bench.refusal(&with_password("wrong")).await, refusal);
    }
    let public = Bench::new(demo().client(Client::public("landfall").direct_grants(true)));
    for secret in ["&client_secret=whatever", ""] {
        assert!(public.lets_in(&LOGIN.replace("&client_secret=secret", secret)).await, "any secret will do");
    }
}

#[tokio::test]
async fn a_request_is_checked_in_the_servers_order() {
    let bench = Bench::new(demo());
    let probe = LOGIN.replace("&username=ada&password=correct+horse", "");
    for (form, refusal) in [
        (format!("{LOGIN}&scope=openid"), "400 invalid_request: duplicated parameter"),
        ("client_id=unknown".to_owned(), "400 invalid_request: Missing form parameter: grant_type"),
        ("grant_type=magic".to_owned(), "400 unsupported_grant_type: Unsupported grant_type"),
        (LOGIN.replace("&client_secret=secret", ""), WRONG_SECRET),
        (LOGIN.replace("=landfall", "=unknown"), UNKNOWN_CLIENT),
        (LOGIN.replace("&client_id=landfall", ""), UNKNOWN_CLIENT),
        (LOGIN.replace("=openid", "=openid+nope"), "400 invalid_scope: Invalid scopes: openid nope"),
        // What the connector test asks.
        (probe.replace("=secret", "=wrong"), WRONG_SECRET),
        (probe.replace("=openid", "=nope"), "400 invalid_scope: Invalid scopes: nope"),
        (probe, "401 invalid_request: Missing parameter: username"),
        (format!("{EXCHANGE}&code=made-up"), "400 invalid_grant: Code not valid"),
        (format!("{EXCHANGE}&code=made-up").replace("=secret", "=wrong"), WRONG_SECRET),
    ] {
        assert_eq!(bench.refusal(&form).await, refusal, "{form}");
    }
    assert!(bench.lets_in(&LOGIN.replace("=openid", "=openid+profile+email+phone")).await);
    let json = bench.post_as(TOKEN, "application/json", "", r#"{"grant_type":"password"}"#).await;
    assert_eq!(json.refusal(), "400 invalid_request: Missing form parameter: grant_type");
    assert_eq!(json.header("cache-control"), "no-store");

    bench.keycloak.change_realm("demo", |realm| realm.enabled(false)).unwrap();
    assert_eq!(bench.refusal(LOGIN).await, "403 access_denied: Realm not enabled");
    bench.keycloak.change_realm("demo", |realm| realm.https_required(true)).unwrap();
    assert_eq!(bench.refusal(LOGIN).await, "403 invalid_request: HTTPS required");
}

#[tokio::test]
async fn basic_credentials_are_form_urlencoded_and_the_form_wins() {
    let bench = Bench::new(demo().client(Client::confidential("landfall", "a+b%c:d").direct_grants(true)));
    let bare = LOGIN.replace("&client_id=landfall&client_secret=secret", "");
    let basic = |credentials: &str| format!("Basic {}", STANDARD.encode(credentials));

    let encoded = bench.post_as(TOKEN, FORM, &basic("landfall:a%2Bb%25c%3Ad"), &bare).await;
    assert_eq!(encoded.status, 200, "{}", encoded.body);
    let raw = bench.post_as(TOKEN, FORM, &basic("landfall:a+b%c:d"), &bare).await;
    assert_eq!(raw.refusal(), WRONG_SECRET);
    let both = bench.post_as(TOKEN, FORM, &basic("landfall:a%2Bb%25c%3Ad"), LOGIN).await;
    assert_eq!(both.refusal(), WRONG_SECRET, "the form's secret is the wrong one");
    let form = bench.post_as(TOKEN, FORM, &basic("x:y"), &LOGIN.replace("=secret", "=a%2Bb%25c:d")).await;
    assert_eq!(form.status, 200);

    let seen: Vec<ClientAuth> = bench.keycloak.requests().iter().map(|attempt| attempt.client_auth()).collect();
    assert_eq!(seen, [ClientAuth::Basic, ClientAuth::Basic, ClientAuth::Several, ClientAuth::Several]);
}

#[tokio::test]
async fn a_flow_that_ends_in_a_refusing_step_answers_with_a_page() {
    for (end, status) in [(FlowEnd::DenyAccess, 401), (FlowEnd::UserSessionLimits, 403)] {
        let bench = Bench::new(demo().flow_end(Some(end)));
        let answer = bench.post(TOKEN, LOGIN).await;
        assert_eq!((answer.status, answer.header("content-type")), (status, "text/html;charset=utf-8"));
    }
}

#[tokio::test]
async fn every_password_is_kept_as_it_was_sent_and_none_is_printed() {
    let bench = Bench::new(demo());
    bench.post(TOKEN, &with_password("+p%C3%A4ss%00%FF%20")).await;
    bench.post(TOKEN, &LOGIN.replace("username=ada", "username=+Ada")).await;
    bench.refusal("grant_type=magic").await;

    let seen = bench.keycloak.requests();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].password(), Some(b" p\xc3\xa4ss\0\xff ".as_slice()));
    assert_eq!((seen[1].username(), seen[1].password()), (Some(b" Ada".as_slice()), Some(b"correct horse".as_slice())));
    assert_eq!((seen[0].client_id(), seen[0].scope()), (Some("landfall"), Some("openid")));

    let printed = format!("{seen:?} {:?} {:?}", bench.keycloak, demo().user(ada().totp("base of all codes")));
    for secret in ["correct", "horse", "secret", "base of"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[tokio::test]
async fn a_change_of_what_is_not_there_is_an_error() {
    let keycloak = Bench::new(demo()).keycloak;
    assert!(keycloak.change_realm("nope", |realm| realm).is_err());
    assert!(keycloak.change_client("demo", "nope", |client| client).is_err());
    assert!(keycloak.change_user("demo", "nope", |user| user).is_err());
}
