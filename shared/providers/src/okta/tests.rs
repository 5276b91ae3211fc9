mod password;
mod probe;
mod totp;

use egress::Reach;
use serde_json::json;
use simulators::okta::SIMULATOR;

use super::*;
use crate::Rejection;
use crate::bench::Bench;
use crate::oidc::complaint_about;

fn rejected(rejection: Rejection) -> Option<ProviderError> {
    Some(ProviderError::Rejected(rejection))
}

#[tokio::test]
async fn a_thin_id_token_is_completed_by_userinfo() {
    let bench = Bench::at(&SIMULATOR, Method::Oidc, Reach::Local, json!({})).await;
    assert_eq!(bench.login().await.unwrap().claims.verified_email(), Some("ada@example.org"));
    assert_eq!(bench.calls(), [1, 1, 1, 1]);
}

#[tokio::test]
async fn a_missing_access_policy_is_the_administrators_to_mend() {
    let bench = Bench::at(&SIMULATOR, Method::Oidc, Reach::Local, json!({})).await;
    let pending = bench.begin().await.unwrap();
    let returned = bench.visit(&pending).await.unwrap();
    let policy = "Policy evaluation failed for this request, please check the policy configurations.";
    for (description, outcome) in [
        (policy, "unavailable.misconfigured"),
        ("User is not assigned to the client application.", "rejected.declined"),
    ] {
        let error = returned.with(&[("code", ""), ("error", "access_denied"), ("error_description", description)]);
        assert_eq!(bench.answer(&pending, &error).await.unwrap_err().outcome(), Some(outcome));
    }
}

#[test]
fn a_wrong_setting_names_itself_and_what_is_right() {
    let wrong =
        |name: &str, value: &str, reason: &str| (json!({ "domain": "acme.okta.com", name: value }), reason.to_owned());
    let nowhere = |domain: &str| {
        format!("settings.domain: {domain:?} is not the org's domain, such as acme.okta.com, without https:// and path")
    };
    for (settings, expected) in [
        (json!({ "domain": "acme.okta.com" }), "none".to_owned()),
        (json!({ "domain": "acme.oktapreview.com", "authorization_server": "" }), "none".to_owned()),
        (json!({ "domain": "acme.okta.com", "custom_domain": "login.acme.com" }), "none".to_owned()),
        (json!({ "domain": "acme.okta.com", "mfa": ["push", "totp"], "totp_flow": "otp_grant" }), "none".to_owned()),
        (json!({ "domain": "acme.okta.com", "totp_authenticator": "aut11ceMaP0B0EzMI0g4" }), "none".to_owned()),
        wrong(
            "totp_authenticator",
            "google_otp",
            "settings.totp_authenticator: \"google_otp\" is not the id of an authenticator (aut...)",
        ),
        (json!({}), "settings: missing field `domain`".to_owned()),
        wrong("domain", "https://acme.okta.com", &nowhere("https://acme.okta.com")),
        wrong("domain", "acme.okta.com/oauth2/default", &nowhere("acme.okta.com/oauth2/default")),
        wrong(
            "domain",
            "login.acme.com",
            "settings.domain: \"login.acme.com\" is not a domain of Okta's own: put acme.okta.com here, and a domain of \
             your own into custom_domain",
        ),
        wrong(
            "domain",
            "acme-admin.okta.com",
            "settings.domain: \"acme-admin.okta.com\" is the address of the admin console: leave out -admin",
        ),
        wrong(
            "authorization_server",
            "oauth2/default",
            "settings.authorization_server: \"oauth2/default\" is neither default, nor the id of an authorization server \
             (aus...), nor empty for the org's own",
        ),
        wrong(
            "custom_domain",
            "acme.okta.com",
            "settings.custom_domain: \"acme.okta.com\" is not a domain of your own, such as login.acme.com",
        ),
    ] {
        assert_eq!(complaint_about("okta", settings), expected);
    }
}

#[test]
fn one_org_is_one_authority_whatever_server_and_domain() {
    for settings in [
        json!({ "domain": "acme.okta.com" }),
        json!({ "domain": "acme.okta.com", "authorization_server": "" }),
        json!({ "domain": "acme.okta.com", "authorization_server": "aus9o8wzkhckw9TLa0h7", "custom_domain": "id.acme.com" }),
    ] {
        let Value::Object(settings) = settings else { panic!("an object") };
        let okta = Okta::read(settings).unwrap();
        assert_eq!(okta.profile().issuer.key(), "https://acme.okta.com");
    }
}
