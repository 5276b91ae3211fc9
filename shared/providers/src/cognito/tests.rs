mod password;
mod probe;
mod script;
mod sent_code;

use egress::Reach;
use serde_json::json;
use simulators::{Endpoint, Misbehaviour};

use super::*;
use crate::bench::Bench;
use crate::oidc::complaint_about;

const POOL: &str = "eu-central-1_AbCdEfGhI";

async fn bench(settings: Value) -> Bench {
    let over = json!({ "settings": settings });
    Bench::at(&simulators::cognito::SIMULATOR, Method::Oidc, Reach::Local, over).await
}

#[tokio::test]
async fn either_spelling_of_the_issuer_is_one_pool() {
    let bench = bench(json!({ "identity_provider": "COGNITO" })).await;
    let url = bench.hop(&bench.begin().await.unwrap()).await.unwrap();
    assert!(url.as_str().ends_with("&identity_provider=COGNITO"), "{url}");
    let key = bench.login().await.unwrap().key();
    for (host, is_the_pool) in [
        ("cognito-idp.eu-central-1", true),
        ("issuer-cognito-idp.eu-central-1", true),
        ("cognito-idp.eu-west-1", false),
        ("cognito-idp-fips.eu-central-1", false),
    ] {
        let issuer = json!({ "iss": format!("https://{host}.amazonaws.com/{POOL}") });
        bench.subject.misbehave(issuer.as_object().cloned().map(Misbehaviour::Claims));
        let identity = bench.login().await;
        assert_eq!(identity.is_ok(), is_the_pool, "{host}");
        assert!(identity.is_ok_and(|identity| identity.key() == key) || !is_the_pool, "{host}");
    }
}

#[tokio::test]
async fn an_access_token_is_no_id_token() {
    let bench = bench(json!({})).await;
    for (claims, expected) in [
        (json!({ "token_use": "access" }), Some(Stage::IdToken.refused(Check::Header))),
        (json!({ "token_use": null }), Some(Stage::IdToken.refused(Check::Header))),
        (json!({ "token_use": "id" }), None),
    ] {
        bench.subject.misbehave(claims.as_object().cloned().map(Misbehaviour::Claims));
        assert_eq!(bench.login().await.err(), expected, "{claims}");
    }
}

#[tokio::test]
async fn userinfo_says_in_text_that_an_email_is_verified() {
    for (told, is_verified) in
        [(json!("true"), true), (json!("false"), false), (json!("TRUE"), false), (json!(true), true)]
    {
        let bench = bench(json!({})).await;
        let thin = json!({ "email": null, "email_verified": null });
        bench.subject.misbehave(thin.as_object().cloned().map(Misbehaviour::Claims));
        let said = json!({ "email_verified": told });
        bench.subject.misbehave_at(Endpoint::Userinfo, said.as_object().cloned().map(Misbehaviour::Claims));
        let identity = bench.login().await.unwrap();
        assert_eq!(identity.claims.verified_email().is_some(), is_verified, "{told}");
    }
}

#[tokio::test]
async fn a_trigger_that_refuses_is_told_from_a_request_that_is_wrong() {
    let bench = bench(json!({})).await;
    let pending = bench.begin().await.unwrap();
    let returned = bench.visit(&pending).await.unwrap();
    for (description, outcome) in [
        ("PreSignUp failed with error not on Sundays.", "rejected.declined"),
        ("PreTokenGeneration failed with error. ", "rejected.declined"),
        ("LoginWithAmazon Error - 400 invalid_request", "unavailable.misconfigured"),
    ] {
        let error = returned.with(&[("code", ""), ("error", "invalid_request"), ("error_description", description)]);
        assert_eq!(bench.answer(&pending, &error).await.unwrap_err().outcome(), Some(outcome));
    }
}

#[tokio::test]
async fn a_federated_user_comes_by_redirect_alone() {
    for method in [Method::Oidc, Method::Password] {
        let bench = Bench::at(&simulators::cognito::SIMULATOR, method, Reach::Local, json!({})).await;
        let claims = json!({ "amr": ["fed"] });
        bench.subject.misbehave(Some(Misbehaviour::claims(&claims)));
        assert_eq!(bench.login().await.is_ok(), method == Method::Oidc, "{method:?}");
    }
}

#[test]
fn users_log_in_at_the_domain_and_keys_come_from_aws() {
    for (domain, host) in [("acme", "acme.auth.eu-central-1.amazoncognito.com"), ("login.acme.com", "login.acme.com")] {
        let settings = json!({ "region": "eu-central-1", "user_pool_id": POOL, "domain": domain });
        let cognito = Cognito::read(settings.as_object().cloned().unwrap()).unwrap();
        let Endpoints { authorization_endpoint, token_endpoint, userinfo_endpoint, jwks_uri, discovery_endpoint } =
            cognito.profile().endpoints.clone();
        let at = |path: &str| Url::parse(&format!("https://{host}/oauth2/{path}")).ok();
        assert_eq!(
            [authorization_endpoint, token_endpoint, userinfo_endpoint],
            ["authorize", "token", "userInfo"].map(at)
        );
        assert_eq!([jwks_uri, discovery_endpoint], [None, None]);
    }
}

#[test]
fn a_wrong_setting_names_itself_and_what_is_right() {
    let with = |name: &str, value: &str| {
        let mut settings = json!({ "region": "eu-central-1", "user_pool_id": POOL });
        settings[name] = json!(value);
        settings
    };
    let region = |text: &str| {
        let reason = format!("settings.region: {text:?} is not an AWS Region, such as eu-central-1");
        (with("region", text), reason)
    };
    let pool = |id: &str| {
        let reason = format!(
            "settings.user_pool_id: {id:?} is not the id of a user pool in eu-central-1, such as eu-central-1_AbCdEfGhI \
             (User pools > the pool > Overview > User pool ID)"
        );
        (with("user_pool_id", id), reason)
    };
    let domain = |text: &str| {
        let reason = format!(
            "settings.domain: {text:?} is neither the prefix of a Cognito domain, such as acme, nor a custom domain, such \
             as login.acme.com, without https:// and path"
        );
        (with("domain", text), reason)
    };
    for (settings, expected) in [
        (with("domain", "acme"), "none".to_owned()),
        (with("domain", "login.acme.com"), "none".to_owned()),
        (with("identity_provider", "COGNITO"), "none".to_owned()),
        (with("api_endpoint", "https://cognito-idp-fips.eu-central-1.amazonaws.com"), "none".to_owned()),
        (with("api_endpoint", "http://127.0.0.1:9229/"), "none".to_owned()),
        (with("api_endpoint", "http://cognito.example/"), "settings.api_endpoint: is not an https address".to_owned()),
        (json!({ "region": "eu-central-1" }), "settings: missing field `user_pool_id`".to_owned()),
        region("Frankfurt"),
        region("eu-central-1a"),
        region("eu-central-1.evil.example"),
        pool("AbCdEfGhI"),
        pool("eu-west-1_AbCdEfGhI"),
        pool("eu-central-1_"),
        pool("eu-central-1_AbC/../x"),
        domain("https://acme.auth.eu-central-1.amazoncognito.com"),
        domain("cognito-idp.eu-central-1.amazonaws.com"),
        domain(""),
        (with("identity_provider", ""), "settings.identity_provider: is empty: leave it out".to_owned()),
    ] {
        assert_eq!(complaint_about("cognito", settings), expected);
    }
}
