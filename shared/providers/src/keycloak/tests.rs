mod probe;
mod totp;

use std::time::Duration;

use domain::Clock;
use serde_json::json;
use simulators::keycloak::{Client, FlowEnd, Realm, User, totp};
use simulators::{ClientAuth, Endpoint, Misbehaviour};

use crate::bench::{Bench, PASSWORD};
use crate::{Check, Outage, ProviderError, Rejection, Stage};

fn as_is(realm: Realm) -> Realm {
    realm
}

fn rejected(rejection: Rejection) -> Option<ProviderError> {
    Some(ProviderError::Rejected(rejection))
}

#[tokio::test]
async fn a_user_has_the_same_key_by_name_and_by_email() {
    let bench = Bench::start().await;
    let key = bench.login().await.unwrap().key();
    for name in ["ADA", "ada@example.org", "Ada@Example.Org"] {
        assert_eq!(bench.login_as(name, PASSWORD).await.unwrap().key(), key, "{name}");
    }
}

#[tokio::test]
async fn a_user_whom_keycloak_rejects_is_rejected_for_its_reason() {
    let person =
        |name: &str| User::new(name).email(&format!("{name}@example.org"), true).name("A", "B").password(PASSWORD);
    let people = move |realm: Realm| {
        realm
            .user(person("disabled").enabled(false))
            .user(person("locked").locked(true))
            .user(person("expired").required_action("UPDATE_PASSWORD"))
            .user(person("federated").without_password())
            .user(person("factor").totp("seed of an app"))
    };
    let bench = Bench::with(people, json!({})).await;

    for (username, password, rejection) in [
        ("ada", "wrong", Rejection::InvalidCredentials),
        ("ada", "", Rejection::InvalidCredentials),
        ("", PASSWORD, Rejection::InvalidCredentials),
        (" ada ", PASSWORD, Rejection::InvalidCredentials),
        ("unknown", PASSWORD, Rejection::InvalidCredentials),
        ("locked", PASSWORD, Rejection::InvalidCredentials),
        ("federated", PASSWORD, Rejection::InvalidCredentials),
        ("factor", PASSWORD, Rejection::InvalidCredentials),
        ("disabled", PASSWORD, Rejection::AccountDisabled),
        ("disabled", "wrong", Rejection::InvalidCredentials),
        ("expired", PASSWORD, Rejection::PasswordExpired),
        ("expired", "wrong", Rejection::InvalidCredentials),
    ] {
        assert_eq!(bench.login_as(username, password).await.err(), rejected(rejection), "{username}: {password}");
    }
    let late = Duration::from_secs(30);
    let code = totp("seed of an app", bench.clock.now());
    assert!(bench.attempt("factor", PASSWORD, Some(&code), late).await.is_ok());
    assert_eq!(
        bench.attempt("factor", PASSWORD, Some(&code), late).await.err(),
        rejected(Rejection::InvalidCredentials)
    );
}

#[tokio::test]
async fn a_flow_that_ends_in_a_page_declines() {
    for end in [FlowEnd::DenyAccess, FlowEnd::UserSessionLimits] {
        let bench = Bench::with(|realm| realm.flow_end(Some(end)), json!({})).await;
        assert_eq!(bench.login().await.err(), rejected(Rejection::Declined), "{end:?}");
    }
}

#[tokio::test]
async fn a_mistake_of_the_administrator_is_named() {
    let misconfigured = async |configure: fn(Realm) -> Realm, over: serde_json::Value| {
        let bench = Bench::with(configure, over).await;
        match bench.login().await {
            Err(ProviderError::Misconfigured { stage, hint }) => format!("{stage}: {hint}"),
            other => panic!("{other:?}"),
        }
    };
    for (configure, over, hint) in [
        (
            as_is as fn(Realm) -> Realm,
            json!({ "settings": { "realm": "Demo" } }),
            "discovery: there is no discovery document",
        ),
        (as_is, json!({ "settings": { "scopes": ["profile"] } }), "userinfo: userinfo is not granted: add openid"),
        (|realm| realm.enabled(false), json!({}), "token: the realm is disabled"),
        (|realm| realm.https_required(true), json!({}), "discovery: "),
        (
            |realm| realm.client(Client::signed_jwt("landfall")),
            json!({}),
            "client_authentication: the client authenticates",
        ),
        (|realm| realm.client(Client::saml("landfall")), json!({}), "client_authentication: the client is no OpenID"),
    ] {
        let found = misconfigured(configure, over).await;
        assert!(found.starts_with(hint), "{found}");
    }
}

#[tokio::test]
async fn passwords_of_any_bytes_arrive_as_they_were_typed() {
    let bench = Bench::start().await;
    let long = "ä".repeat(200);
    for password in [long.as_str(), "nul\0byte", " blanks ", "a+b&c=d%e", "\u{feff}\u{1f511}e\u{301}", "line\r\nbreak"]
    {
        bench.attempt(" Ada ", password, Some(" 1 "), Duration::from_secs(30)).await.unwrap_err();
        let sent = bench.subject.requests().pop().unwrap();
        assert_eq!(sent.password(), Some(password.as_bytes()));
        assert_eq!((sent.username(), sent.otp()), (Some(b" Ada ".as_slice()), Some(b" 1 ".as_slice())));
        assert_eq!((sent.client_auth(), sent.scope()), (ClientAuth::Post, Some("openid profile email")));
    }
}

#[tokio::test]
async fn without_an_id_token_userinfo_says_who_it_is() {
    let bench = Bench::start().await;
    let identity = bench.login().await.unwrap();
    let key = identity.key();
    assert_eq!(identity.upstream_session.as_deref().map(str::len), Some(24));
    bench.subject.misbehave(Some(Misbehaviour::NoIdToken));

    let identity = bench.login().await.unwrap();
    assert_eq!(identity.key(), key);
    assert_eq!(identity.claims.verified_email(), Some("ada@example.org"));
    assert_eq!(identity.upstream_session.as_deref().map(str::len), Some(24));
    assert_eq!(bench.calls()[3], 1);

    for (misbehaviour, error) in [
        (Misbehaviour::DuplicateKeys, Stage::Userinfo.refused(Check::Json)),
        (Misbehaviour::Html, Stage::Userinfo.unavailable(Outage::Protocol)),
        (Misbehaviour::Unavailable, Stage::Userinfo.unavailable(Outage::ServerError)),
    ] {
        bench.subject.misbehave_at(Endpoint::Userinfo, Some(misbehaviour));
        assert_eq!(bench.login().await.err(), Some(error));
    }
    bench.subject.misbehave_at(Endpoint::Userinfo, None);
    bench.keycloak().change_client("demo", "landfall", |client| client.signed_userinfo(true)).unwrap();
    assert_eq!(bench.login().await.unwrap().key(), key);
}
