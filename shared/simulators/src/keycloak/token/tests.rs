//! The error table of Keycloak 26.7.3, row by row.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::FlowEnd;
use super::super::bench::{Bench, LOGIN, SEED, TOKEN, ada, demo, landfall};
use super::*;
use crate::{ClientAuth, Subject};

const BAD_CREDENTIALS: &str = "400 invalid_grant: Invalid user credentials";
const NOT_SET_UP: &str = "400 invalid_grant: Account is not fully set up";
const UNKNOWN_CLIENT: &str = "401 invalid_client: Invalid client or Invalid client credentials";
const WRONG_SECRET: &str = "401 unauthorized_client: Invalid client or Invalid client credentials";
const FORM: &str = "application/x-www-form-urlencoded";

/// The login of `bench`'s user with another password.
fn with_password(password: &str) -> String {
    LOGIN.replace("correct+horse", password)
}

#[tokio::test]
async fn whatever_is_wrong_with_the_credentials_the_answer_is_the_same() {
    let bench = Bench::new(demo().user(User::new("nopass").email("n@example.org", true).name("No", "Pass")));
    for form in [
        with_password("wrong"),
        with_password("Correct+horse"),
        with_password("correct+horse+"),
        with_password(""),
        LOGIN.replace("&password=correct+horse", ""),
        LOGIN.replace("username=ada", "username=nobody"),
        LOGIN.replace("username=ada", "username="),
        LOGIN.replace("username=ada", "username=+ada"),
        LOGIN.replace("username=ada", "username=nopass"),
        LOGIN.replace("username=ada&password=correct+horse", "username=nopass&password="),
    ] {
        assert_eq!(bench.refusal(&form).await, BAD_CREDENTIALS, "{form}");
    }
}

#[tokio::test]
async fn the_username_may_be_the_email_and_its_case_does_not_matter() {
    let bench = Bench::new(demo());
    for username in ["ada", "ADA", "ada@example.org", "Ada%40Example.ORG"] {
        let form = LOGIN.replace("username=ada", &format!("username={username}"));
        assert_eq!(bench.post(TOKEN, &form).await.status, 200, "{username}");
    }
    let bench = Bench::new(demo().login_with_email(false));
    assert_eq!(bench.refusal(&LOGIN.replace("=ada", "=ada@example.org")).await, BAD_CREDENTIALS);
}

#[tokio::test]
async fn a_locked_account_looks_like_a_wrong_password() {
    for enabled in [true, false] {
        let bench = Bench::new(demo().user(ada().locked(true).enabled(enabled)));
        assert_eq!(bench.refusal(LOGIN).await, BAD_CREDENTIALS);
        assert_eq!(bench.refusal(&with_password("wrong")).await, BAD_CREDENTIALS);
    }
}

#[tokio::test]
async fn a_disabled_account_shows_only_to_who_knows_its_password() {
    let bench = Bench::new(demo());
    bench.login().await;
    bench.keycloak.change_user("demo", "ada", |ada| ada.enabled(false)).unwrap();
    assert_eq!(bench.refusal(LOGIN).await, "400 invalid_grant: Account disabled");
    assert_eq!(bench.refusal(&with_password("wrong")).await, BAD_CREDENTIALS);
}

#[tokio::test]
async fn a_second_factor_that_is_missing_or_wrong_cannot_be_told_from_a_wrong_password() {
    let bench = Bench::new(demo().user(ada().totp(SEED)));
    let (code, next) = (bench.otp(0), bench.otp(1));
    for (more, password) in [
        (String::new(), "correct+horse"),
        ("&totp=".into(), "correct+horse"),
        ("&totp=abcdef".into(), "correct+horse"),
        (format!("&totp={}", bench.otp(2)), "correct+horse"),
        (format!("&totp={code}"), "wrong"),
    ] {
        assert_eq!(bench.refusal(&format!("{}{more}", with_password(password))).await, BAD_CREDENTIALS);
    }
    assert_eq!(bench.post(TOKEN, &format!("{LOGIN}&totp={code}")).await.status, 200);
    assert_eq!(bench.refusal(&format!("{LOGIN}&totp={code}")).await, BAD_CREDENTIALS, "a code works once");
    assert_eq!(bench.refusal(&format!("{LOGIN}&totp={next}&otp={code}")).await, BAD_CREDENTIALS, "`otp` is read first");
    assert_eq!(bench.post(TOKEN, &format!("{LOGIN}&totp={code}&otp={next}")).await.status, 200);

    bench.keycloak.change_user("demo", "ada", User::without_totp).unwrap();
    bench.login().await;
}

#[tokio::test]
async fn a_user_without_a_second_factor_may_send_any_code() {
    assert_eq!(Bench::new(demo()).post(TOKEN, &format!("{LOGIN}&totp=999999")).await.status, 200);
}

#[tokio::test]
async fn an_account_that_is_not_set_up_shows_only_to_who_knows_its_password() {
    let actions = ["UPDATE_PASSWORD", "VERIFY_EMAIL", "CONFIGURE_TOTP", "UPDATE_PROFILE", "TERMS_AND_CONDITIONS"];
    let pending = actions.map(|action| demo().user(ada().required_action(action)));
    let unverified = demo().verify_email(true).user(ada().email("ada@example.org", false));
    let nameless = demo().user(User::new("ada").email("ada@example.org", true).password("correct horse"));
    let mailless = demo().user(ada().without_email());
    for realm in pending.into_iter().chain([unverified, nameless, mailless]) {
        let bench = Bench::new(realm);
        assert_eq!(bench.refusal(LOGIN).await, NOT_SET_UP);
        assert_eq!(bench.refusal(&with_password("wrong")).await, BAD_CREDENTIALS);
    }
}

#[tokio::test]
async fn what_the_client_may_not_do_is_said_before_the_password_is_looked_at() {
    for (client, refusal) in [
        (landfall().direct_grants(false), "400 unauthorized_client: Client not allowed for direct access grants"),
        (landfall().consent_required(true), "400 invalid_client: Client requires user consent"),
        (
            landfall().password_grant_prohibited(true),
            "400 invalid_grant: resource owner password credentials grant is prohibited.",
        ),
        (Client::signed_jwt("landfall"), "400 invalid_client: Parameter client_assertion_type is missing"),
        (Client::saml("landfall"), "400 invalid_client: Wrong client protocol."),
        (Client::bearer_only("landfall"), "400 invalid_client: Bearer-only not allowed"),
        (landfall().enabled(false), UNKNOWN_CLIENT),
    ] {
        let bench = Bench::new(demo().client(client));
        assert_eq!(bench.refusal(LOGIN).await, refusal);
        assert_eq!(bench.refusal(&with_password("wrong")).await, refusal);
    }
}

#[tokio::test]
async fn a_wrong_secret_and_an_unknown_client_differ_only_in_the_error_code() {
    let bench = Bench::new(demo());
    assert_eq!(bench.refusal(&LOGIN.replace("=secret", "=wrong")).await, WRONG_SECRET);
    assert_eq!(bench.refusal(&LOGIN.replace("&client_secret=secret", "")).await, WRONG_SECRET);
    assert_eq!(bench.refusal(&LOGIN.replace("=landfall", "=nobody")).await, UNKNOWN_CLIENT);
    assert_eq!(bench.refusal(&LOGIN.replace("&client_id=landfall", "")).await, UNKNOWN_CLIENT);

    bench.keycloak.change_client("demo", "landfall", |client| client.secret("rotated")).unwrap();
    assert_eq!(bench.refusal(LOGIN).await, WRONG_SECRET);
    assert_eq!(bench.post(TOKEN, &LOGIN.replace("=secret", "=rotated")).await.status, 200);
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
    assert_eq!(seen, [ClientAuth::Basic, ClientAuth::Basic, ClientAuth::Both, ClientAuth::Both]);
}

#[tokio::test]
async fn a_public_client_may_send_any_secret() {
    let bench = Bench::new(demo().client(Client::public("landfall").direct_grants(true)));
    assert_eq!(bench.post(TOKEN, &LOGIN.replace("=secret", "=whatever")).await.status, 200);
    assert_eq!(bench.post(TOKEN, &LOGIN.replace("&client_secret=secret", "")).await.status, 200);
}

#[tokio::test]
async fn an_unknown_scope_is_named_with_all_that_was_asked_for() {
    let bench = Bench::new(demo());
    let form = LOGIN.replace("scope=openid", "scope=openid+nope");
    assert_eq!(bench.refusal(&form).await, "400 invalid_scope: Invalid scopes: openid nope");
    assert_eq!(bench.post(TOKEN, &LOGIN.replace("scope=openid", "scope=openid+profile+email+phone")).await.status, 200);
}

#[tokio::test]
async fn offline_access_needs_the_role_for_it() {
    let form = LOGIN.replace("scope=openid", "scope=openid+offline_access");
    assert_eq!(Bench::new(demo()).post(TOKEN, &form).await.json()["refresh_expires_in"], 0);
    let bench = Bench::new(demo().user(ada().offline_access(false)));
    assert_eq!(bench.refusal(&form).await, "400 not_allowed: Offline tokens not allowed for the user or client");
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
async fn a_missing_username_shows_that_client_consent_and_scope_are_right() {
    let bench = Bench::new(demo());
    let probe = LOGIN.replace("&username=ada&password=correct+horse", "");
    assert_eq!(bench.refusal(&probe).await, "401 invalid_request: Missing parameter: username");
    assert_eq!(bench.refusal(&probe.replace("=secret", "=wrong")).await, WRONG_SECRET);
    assert!(bench.refusal(&probe.replace("scope=openid", "scope=nope")).await.contains("invalid_scope"));
}

#[tokio::test]
async fn a_request_of_the_wrong_form_is_refused_before_the_client_is_looked_at() {
    let bench = Bench::new(demo());
    assert_eq!(bench.refusal(&format!("{LOGIN}&scope=openid")).await, "400 invalid_request: duplicated parameter");
    assert_eq!(bench.refusal("client_id=nobody").await, "400 invalid_request: Missing form parameter: grant_type");
    assert_eq!(bench.refusal("grant_type=magic").await, "400 unsupported_grant_type: Unsupported grant_type");
    let json = bench.post_as(TOKEN, "application/json", "", r#"{"grant_type":"password"}"#).await;
    assert_eq!(json.refusal(), "400 invalid_request: Missing form parameter: grant_type");
    assert_eq!(json.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_made_up_code_tells_a_right_client_secret_from_a_wrong_one() {
    let bench = Bench::new(demo());
    let probe = "grant_type=authorization_code&client_id=landfall&client_secret=secret&code=made-up";
    assert_eq!(bench.refusal(probe).await, "400 invalid_grant: Code not valid");
    assert_eq!(bench.refusal(&probe.replace("=secret", "=wrong")).await, WRONG_SECRET);
}

#[tokio::test]
async fn a_realm_that_is_unknown_or_disabled_says_so() {
    let bench = Bench::new(demo());
    let answer = bench.post("/realms/Demo/protocol/openid-connect/token", LOGIN).await;
    assert_eq!((answer.status, answer.body.as_str()), (404, r#"{"error":"Realm does not exist"}"#));

    bench.keycloak.change_realm("demo", |realm| realm.enabled(false)).unwrap();
    assert_eq!(bench.refusal(LOGIN).await, "403 access_denied: Realm not enabled");
    bench.keycloak.change_realm("demo", |realm| realm.https_required(true)).unwrap();
    assert_eq!(bench.refusal(LOGIN).await, "403 invalid_request: HTTPS required");
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
