mod mfa;
mod password;

use domain::Method;
use egress::Reach;
use serde_json::json;
use simulators::Misbehaviour;

use crate::bench::Bench;
use crate::oidc::complaint_about;
use crate::{Check, ProviderError, Rejection, Stage};

/// A connector that sends passwords.
async fn by_password(over: serde_json::Value) -> Bench {
    Bench::at(&simulators::auth0::SIMULATOR, Method::Password, Reach::Local, over).await
}

#[tokio::test]
async fn a_login_to_another_organization_is_refused() {
    let over = json!({ "settings": { "organization": "org_acme", "connection": "staff" } });
    let bench = Bench::at(&simulators::auth0::SIMULATOR, Method::Oidc, Reach::Local, over).await;
    let url = bench.hop(&bench.begin().await.unwrap()).await.unwrap();
    assert!(url.as_str().ends_with("&connection=staff&organization=org_acme"), "{url}");
    let refused = Some(Stage::IdToken.refused(Check::Tenant));
    for (claims, expected) in [
        (json!({}), refused),
        (json!({ "org_id": "org_evil" }), refused),
        (json!({ "org_id": ["org_acme"] }), refused),
        (json!({ "org_id": "org_acme" }), None),
        (json!({ "org_id": "org_1", "org_name": "org_acme" }), None),
    ] {
        bench.subject.misbehave(claims.as_object().cloned().map(Misbehaviour::Claims));
        assert_eq!(bench.login().await.err(), expected, "{claims}");
    }
}

#[tokio::test]
async fn a_blocked_user_differs_from_a_user_refused_by_a_rule() {
    let bench = Bench::at(&simulators::auth0::SIMULATOR, Method::Oidc, Reach::Local, json!({})).await;
    let pending = bench.begin().await.unwrap();
    let returned = bench.visit(&pending).await.unwrap();
    for (description, rejection) in
        [("user is blocked", Rejection::AccountDisabled), ("not on Sundays", Rejection::Declined)]
    {
        let error = returned.with(&[("code", ""), ("error", "unauthorized"), ("error_description", description)]);
        assert_eq!(bench.answer(&pending, &error).await.err(), Some(ProviderError::Rejected(rejection)));
    }
}

#[test]
fn a_wrong_setting_names_itself_and_what_is_right() {
    let not_the_tenant = |domain: &str| {
        format!(
            "settings.domain: {domain:?} is not the tenant's own domain, such as acme.eu.auth0.com, without https:// and \
             path: domains of your own are custom_domains"
        )
    };
    for (settings, expected) in [
        (json!({ "domain": "acme.eu.auth0.com" }), "none".to_owned()),
        (
            json!({ "domain": "acme.auth0.com", "custom_domains": ["login.acme.com"], "organization": "org_1" }),
            "none".to_owned(),
        ),
        (json!({}), "settings: missing field `domain`".to_owned()),
        (json!({ "domain": "https://acme.eu.auth0.com/" }), not_the_tenant("https://acme.eu.auth0.com/")),
        (json!({ "domain": "login.acme.com" }), not_the_tenant("login.acme.com")),
        (json!({ "domain": "acme.auth0.com.evil.example" }), not_the_tenant("acme.auth0.com.evil.example")),
        (
            json!({ "domain": "acme.auth0.com", "custom_domains": ["login.acme.com", "https://a.example"] }),
            "settings.custom_domains[1]: \"https://a.example\" is not a domain of your own, such as login.acme.com"
                .to_owned(),
        ),
        (
            json!({ "domain": "acme.auth0.com", "connection": "" }),
            "settings.connection: is empty: leave it out".to_owned(),
        ),
    ] {
        assert_eq!(complaint_about("auth0", settings), expected);
    }
}
