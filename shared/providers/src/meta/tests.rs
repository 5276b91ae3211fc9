use chrono::TimeDelta;
use domain::ExternalIdentity;
use egress::Reach;
use serde_json::json;
use simulators::meta::{SIMULATOR, id_at, refusing};
use simulators::{Endpoint, Misbehaviour, Person, Registration};

use super::*;
use crate::bench::{Bench, CALLBACK, PASSWORD, SECRET};
use crate::oidc::complaint_about;
use crate::refusals::tests::assert_each_row_counts;

const PROFILE_ONLY: &str = "email,public_profile";

async fn bench(over: Value) -> Bench {
    Bench::at(&SIMULATOR, Method::Oidc, Reach::Local, over).await
}

/// Without an ID token: the profile says who it is.
async fn by_profile() -> Bench {
    bench(json!({ "settings": { "scopes": PROFILE_ONLY } })).await
}

fn claims(identity: &ExternalIdentity) -> Value {
    Value::Object(identity.claims.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect())
}

#[tokio::test]
async fn a_user_is_the_same_by_id_token_and_by_profile() {
    let (token, profile) = (bench(json!({})).await, by_profile().await);
    let (one, other) = (token.login().await.unwrap(), profile.login().await.unwrap());
    assert_eq!((token.calls(), profile.calls()), ([0, 1, 1, 0], [0, 0, 1, 1]));
    assert_eq!(one.key(), other.key());
    assert_eq!(other.key(), profile.login().await.unwrap().key());
    // Where an ID token was asked for and none has come.
    token.subject.misbehave(Some(Misbehaviour::NoIdToken));
    assert_eq!(token.login().await.unwrap().key(), one.key());
    assert_eq!(
        claims(&other),
        json!({
            "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "email": "ada@example.org",
            "email_verified": false, "picture": "https://platform-lookaside.fbsbx.com/ada.jpg",
        })
    );
    assert_eq!(one.claims.verified_email(), None);
}

#[tokio::test]
async fn an_id_belongs_to_its_app() {
    let bench = by_profile().await;
    let user = bench.subject.subject("ada").unwrap();
    let here = bench.login().await.unwrap();
    assert_eq!((here.issuer_key.as_str(), here.subject_key.clone()), ("meta:landfall", id_at("landfall", &user)));
    let client = json!({ "id": "other", "secret": "staff" });
    let other = self::bench(json!({ "client": client, "settings": { "scopes": PROFILE_ONLY } })).await;
    other.register(Registration::confidential("other", SECRET, CALLBACK));
    let there = other.login().await.unwrap();
    assert_eq!((there.issuer_key.as_str(), there.subject_key.clone()), ("meta:other", id_at("other", &user)));
    assert_eq!(other.adapter().issuer_key(), Some("meta:other"));
}

#[tokio::test]
async fn a_user_without_an_email_signs_in() {
    for bench in [bench(json!({})).await, by_profile().await] {
        bench.subject.enrol(Person::new("ada", PASSWORD).name("Ada", "Lovelace"));
        let identity = bench.login().await.unwrap();
        assert_eq!((identity.claims.text("email"), identity.claims.text("name")), (None, Some("Ada Lovelace")));
    }
}

#[tokio::test]
async fn the_profile_needs_the_proof_of_the_apps_secret() {
    let bench = by_profile().await;
    bench.login().await.unwrap();
    // The secret is rotated after the code was redeemed: the proof is another app's.
    let pending = bench.begin().await.unwrap();
    let returned = bench.visit(&pending).await.unwrap();
    let message = "Invalid appsecret_proof provided in the API argument";
    let error = json!({ "error": { "message": message, "type": "GraphMethodException", "code": 100 } });
    bench.subject.misbehave_at(Endpoint::Userinfo, Some(Misbehaviour::Answer(400, error)));
    let refused = bench.answer(&pending, &returned).await.unwrap_err();
    assert!(matches!(refused, ProviderError::Misconfigured { stage: Stage::Userinfo, .. }), "{refused}");
    assert!(refused.to_string().contains("App settings > Basic > App secret"));
    // A public client can prove nothing, which an app that demands no proof takes.
    let open = self::bench(json!({
        "client": { "id": "open", "secret": null, "token_endpoint_auth_method": "none" },
        "settings": { "scopes": PROFILE_ONLY },
    }));
    let open = open.await;
    open.register(Registration::public("open", CALLBACK));
    open.login().await.unwrap();
}

#[tokio::test]
async fn what_is_no_profile_signs_in_no_user() {
    let bench = by_profile().await;
    bench.login().await.unwrap();
    let (stage, protocol) = (Stage::Userinfo, Stage::Userinfo.unavailable(Outage::Protocol));
    let graph = |code: u32| json!({ "error": { "message": "m", "type": "OAuthException", "code": code } });
    for (answer, expected) in [
        (Misbehaviour::Answer(200, Value::Null), protocol),
        (Misbehaviour::Answer(200, json!(false)), protocol),
        (Misbehaviour::Html, protocol),
        (Misbehaviour::Garbage, protocol),
        (Misbehaviour::Unavailable, stage.unavailable(Outage::ServerError)),
        (Misbehaviour::Answer(200, json!({ "name": "Ada" })), stage.refused(Check::Subject)),
        (Misbehaviour::Answer(200, json!({ "id": 10158.5 })), stage.refused(Check::Subject)),
        (Misbehaviour::Answer(200, json!({ "id": null })), stage.refused(Check::Subject)),
        (Misbehaviour::Answer(200, json!({ "id": "" })), stage.refused(Check::Subject)),
        (Misbehaviour::Answer(200, json!({ "id": "1".repeat(256) })), stage.refused(Check::Subject)),
        (
            Misbehaviour::Answer(200, json!({ "id": "1", "error": graph(190)["error"] })),
            stage.refused(Check::AccessToken),
        ),
        (Misbehaviour::Answer(200, json!({ "id": "1", "error": "invalid_token" })), protocol),
        (Misbehaviour::TooManyRequests { retry_after: None }, THROTTLED),
        (refusing(190, None), stage.refused(Check::AccessToken)),
        (refusing(190, Some(463)), stage.refused(Check::AccessToken)),
        (refusing(190, Some(460)), ProviderError::Rejected(Rejection::InteractionRequired)),
        (refusing(190, Some(459)), REJECTED_DISABLED),
        (refusing(10, None), ProviderError::Rejected(Rejection::Declined)),
        (refusing(4, None), THROTTLED),
        (refusing(2, None), stage.unavailable(Outage::ServerError)),
        (refusing(2500, None), stage.misconfigured(VERSION)),
        (refusing(12345, None), protocol),
    ] {
        bench.subject.misbehave_at(Endpoint::Userinfo, Some(answer.clone()));
        let tokens = bench.calls()[2];
        assert_eq!(bench.login().await.err(), Some(expected), "{answer:?}");
        assert_eq!(bench.calls()[2], tokens + 1, "{answer:?}");
    }
}

#[tokio::test]
async fn a_code_is_refused_in_the_words_of_the_graph_api() {
    let bench = by_profile().await;
    let client_secret =
        json!({ "error": { "message": "Error validating client secret.", "type": "OAuthException", "code": 1 } });
    for (answer, expected) in [
        (Misbehaviour::Answer(400, client_secret), CLIENT),
        (refusing(101, None), CLIENT),
        (refusing(1, None), Stage::Token.unavailable(Outage::ServerError)),
        (refusing(100, None), ProviderError::Rejected(Rejection::InteractionRequired)),
        (refusing(4, None), THROTTLED),
        (refusing(368, None), REJECTED_DISABLED),
    ] {
        bench.subject.misbehave(Some(answer.clone()));
        assert_eq!(bench.login().await.err(), Some(expected), "{answer:?}");
    }
    assert_eq!(bench.calls()[3], 0);
    // Expired, and used.
    bench.subject.misbehave(None);
    let pending = bench.begin().await.unwrap();
    let returned = bench.visit(&pending).await.unwrap();
    bench.pass(TimeDelta::minutes(10));
    let again = Some(ProviderError::Rejected(Rejection::InteractionRequired));
    assert_eq!(bench.answer(&pending, &returned).await.err(), again);
    assert_eq!(bench.answer(&pending, &returned).await.err(), again);
}

#[tokio::test]
async fn without_an_id_token_pkce_binds_the_code_to_the_login() {
    let bench = by_profile().await;
    let (victim, attacker) = (bench.begin().await.unwrap(), bench.begin().await.unwrap());
    let returned = bench.visit(&victim).await.unwrap();
    let injected = bench.answer(&attacker, &returned).await.err();
    assert_eq!(injected, Some(ProviderError::Rejected(Rejection::InteractionRequired)));
    let open = self::bench(json!({ "settings": { "scopes": PROFILE_ONLY, "pkce": false } })).await;
    let error = open.login().await.unwrap_err();
    assert!(error.to_string().contains("settings.pkce"), "{error}");
    assert_eq!(open.calls()[3], 0);
}

#[tokio::test]
async fn an_error_at_the_callback_may_be_a_number_alone() {
    let bench = bench(json!({})).await;
    let pending = bench.begin().await.unwrap();
    let returned = bench.visit(&pending).await.unwrap();
    let denied = [("error", "access_denied"), ("error_code", "200"), ("error_reason", "user_denied"), ("code", "")];
    let declined = Some(ProviderError::Rejected(Rejection::Declined));
    for (brought, expected) in [
        (&denied[..], declined),
        (&[("error_code", "901"), ("error_message", "This app is in sandbox mode"), ("code", "")], Some(UNPUBLISHED)),
        (&[("error_code", "1349"), ("code", "")], declined),
        (&[("error_code", "x"), ("code", "")], Some(Stage::Callback.refused(Check::Format))),
    ] {
        assert_eq!(bench.answer(&pending, &returned.with(brought)).await.err(), expected, "{brought:?}");
    }
    assert_eq!(bench.calls()[2..], [0, 0]);
    bench.answer(&pending, &returned).await.unwrap();
}

#[tokio::test]
async fn endpoints_are_those_of_the_version() {
    let document = json!({
        "id": "acme", "provider": "meta", "name": "Acme", "client": { "id": "1234567890" }, "methods": { "oidc": {} },
        "settings": { "api_version": "v25.0" },
    });
    let adapter = crate::Registry::default().adapter(&serde_json::from_value(document).unwrap()).unwrap();
    assert_eq!(adapter.issuer_key(), Some("meta:1234567890"));
    let mut bench = bench(json!({})).await;
    bench.use_adapter(adapter, Method::Oidc);
    let url = bench.hop(&bench.begin().await.unwrap()).await.unwrap();
    assert!(url.as_str().starts_with("https://www.facebook.com/v25.0/dialog/oauth?response_type=code&"), "{url}");
    assert_eq!(bench.calls(), [0; 4]);
}

#[test]
fn each_row_counts_among_the_tables_it_is_asked_with() {
    for tables in [&[&REFUSED_REDIRECT, &OF_A_REDIRECT][..], &[&OF_A_CODE], &[&OF_THE_PROFILE]] {
        assert_each_row_counts(tables);
    }
}

#[test]
fn a_wrong_setting_names_itself_and_what_is_right() {
    let wrong =
        |version: &str| format!("settings.api_version: {version:?} is no version of the Graph API, such as v24.0");
    for (settings, expected) in [
        (json!({ "api_version": "v24.0" }), "none".to_owned()),
        (json!({ "api_version": "v24.0", "scopes": PROFILE_ONLY }), "none".to_owned()),
        (json!({}), "settings: missing field `api_version`".to_owned()),
        (json!({ "api_version": "24.0" }), wrong("24.0")),
        (json!({ "api_version": "v24" }), wrong("v24")),
        (json!({ "api_version": "v24.0/../me" }), wrong("v24.0/../me")),
    ] {
        assert_eq!(complaint_about("meta", settings), expected);
    }
}
