mod probe;
mod totp;

use std::time::Duration;

use domain::{Clock, Method, Pending, SecretError};
use egress::Reach;
use secrecy::SecretString;
use serde_json::json;
use simulators::ClientAuth;
use simulators::keycloak::{Client, FlowEnd, Realm, User, totp};
use simulators::{Endpoint, Misbehaviour};

use crate::bench::{Bench, PASSWORD, SECRET};
use crate::{Answer, Check, Outage, ProviderError, Rejection, Stage};

const SOON: Duration = Duration::from_millis(50);

fn as_is(realm: Realm) -> Realm {
    realm
}

fn rejected(rejection: Rejection) -> Option<ProviderError> {
    Some(ProviderError::Rejected(rejection))
}

#[tokio::test]
async fn a_right_password_says_who_somebody_is() {
    let bench = Bench::start().await;
    let identity = bench.login().await.unwrap();

    let issuer = bench.issuer();
    let subject = bench.subject.subject("ada").unwrap();
    assert_eq!((identity.issuer_key, identity.raw_issuer), (issuer, None));
    assert_eq!((identity.subject_key, identity.raw_subject), (subject, None));
    assert_eq!((identity.connector.as_str(), identity.source.as_str()), ("staff", "people"));
    assert_eq!((identity.provider.as_str(), identity.method), ("keycloak", Method::Password));
    assert_eq!(identity.claims.verified_email(), Some("ada@example.org"));
    assert_eq!(identity.claims.text("name"), Some("Ada Lovelace"));
    assert_eq!(identity.upstream_session.as_deref().map(str::len), Some(24));
    assert_eq!(identity.authenticated_at, bench.request(SOON).now);
}

#[tokio::test]
async fn a_login_is_one_call_once_discovery_and_keys_are_known() {
    let bench = Bench::start().await;
    bench.login().await.unwrap();
    assert_eq!(bench.calls(), [1, 1, 1, 0]);
    bench.login().await.unwrap();
    assert_eq!(bench.calls(), [1, 1, 2, 0]);
}

#[tokio::test]
async fn one_user_is_one_key_by_name_and_by_email_in_any_case() {
    let bench = Bench::start().await;
    let key = bench.login().await.unwrap().key();
    for name in ["ADA", "ada@example.org", "Ada@Example.Org"] {
        assert_eq!(bench.login_as(name, PASSWORD).await.unwrap().key(), key, "{name}");
    }
}

#[tokio::test]
async fn whoever_keycloak_rejects_is_rejected_for_its_reason() {
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
    let bench = Bench::with(Reach::Local, people, json!({})).await;

    for (username, password, rejection) in [
        ("ada", "wrong", Rejection::InvalidCredentials),
        ("ada", "", Rejection::InvalidCredentials),
        ("", PASSWORD, Rejection::InvalidCredentials),
        (" ada ", PASSWORD, Rejection::InvalidCredentials),
        ("nobody", PASSWORD, Rejection::InvalidCredentials),
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
        let bench = Bench::with(Reach::Local, |realm| realm.flow_end(Some(end)), json!({})).await;
        assert_eq!(bench.login().await.err(), rejected(Rejection::Declined), "{end:?}");
    }
}

#[tokio::test]
async fn whatever_the_administrator_got_wrong_is_named() {
    let misconfigured = async |configure: fn(Realm) -> Realm, over: serde_json::Value| {
        let bench = Bench::with(Reach::Local, configure, over).await;
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
        (as_is, json!({ "client": { "id": "unknown" } }), "client_authentication: the realm has no enabled client"),
        (as_is, json!({ "settings": { "scopes": ["openid", "nope"] } }), "token: one of settings.scopes"),
        (as_is, json!({ "settings": { "scopes": ["profile"] } }), "userinfo: userinfo is not granted: add openid"),
        (|realm| realm.enabled(false), json!({}), "token: the realm is disabled"),
        (|realm| realm.https_required(true), json!({}), "discovery: "),
        (
            |realm| realm.client(Client::confidential("landfall", "another").direct_grants(true)),
            json!({}),
            "client_authentication: the client secret is wrong",
        ),
        (
            |realm| realm.client(Client::confidential("landfall", SECRET)),
            json!({}),
            "token: switch on Direct access grants",
        ),
        (
            |realm| realm.client(Client::confidential("landfall", SECRET).direct_grants(true).consent_required(true)),
            json!({}),
            "token: switch off Consent required",
        ),
        (
            |realm| {
                let client = Client::confidential("landfall", SECRET).direct_grants(true);
                realm.client(client.password_grant_prohibited(true))
            },
            json!({}),
            "token: a client policy forbids",
        ),
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
async fn a_secret_that_cannot_be_had_sends_no_password() {
    let bench = Bench::start().await;
    bench.secrets.set(Err(SecretError::Unknown));
    let unknown = bench.login().await.unwrap_err();
    assert_eq!(unknown.outcome(), Some("unavailable.misconfigured"));
    bench.secrets.set(Err(SecretError::Unavailable));
    let unavailable = bench.login().await.unwrap_err();
    assert_eq!(unavailable, ProviderError::Unavailable { stage: Stage::ClientAuthentication, outage: Outage::Secret });
    assert!(bench.subject.requests().is_empty());
}

#[tokio::test]
async fn a_public_client_sends_no_secret_and_a_method_may_have_its_own_client() {
    let own = json!({ "methods": { "password": { "client": { "id": "direct" } } } });
    let bench =
        Bench::with(Reach::Local, |realm| realm.client(Client::public("direct").direct_grants(true)), own).await;
    bench.login().await.unwrap();

    let sent = bench.subject.requests().remove(0);
    assert_eq!((sent.client_id(), sent.client_auth()), (Some("direct"), ClientAuth::None));
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
async fn whatever_becomes_of_it_a_password_is_sent_once() {
    let bench = Bench::start().await;
    bench.login().await.unwrap();
    let redirect = Misbehaviour::Redirect(format!("{}/realms/demo/protocol/openid-connect/token", bench.url));
    let unavailable = |outage| Some(Stage::Token.unavailable(outage));
    for (misbehaviour, error) in [
        (Misbehaviour::ServerError, unavailable(Outage::ServerError)),
        (Misbehaviour::Unavailable, unavailable(Outage::ServerError)),
        (Misbehaviour::Html, unavailable(Outage::Protocol)),
        (Misbehaviour::Garbage, unavailable(Outage::Protocol)),
        (redirect, unavailable(Outage::Protocol)),
        (Misbehaviour::HugeBody(2 * 1024 * 1024), Some(Stage::Token.refused(Check::Size))),
        (Misbehaviour::DuplicateKeys, Some(Stage::Token.refused(Check::Json))),
        (
            Misbehaviour::TooManyRequests { retry_after: Some(7) },
            Some(ProviderError::Throttled { retry_after: Some(Duration::from_secs(7)) }),
        ),
        (
            Misbehaviour::TooManyRequests { retry_after: Some(u32::MAX) },
            Some(ProviderError::Throttled { retry_after: Some(ProviderError::MAX_RETRY_AFTER) }),
        ),
        (Misbehaviour::TooManyRequests { retry_after: None }, Some(ProviderError::Throttled { retry_after: None })),
    ] {
        let before = bench.subject.requests().len();
        bench.subject.misbehave(Some(misbehaviour.clone()));
        assert_eq!(bench.login().await.err(), error, "{misbehaviour:?}");
        assert_eq!(bench.subject.requests().len(), before + 1, "{misbehaviour:?}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_costs_what_the_request_has_left() {
    let bench = Bench::start().await;
    bench.login().await.unwrap();
    bench.subject.misbehave(Some(Misbehaviour::Silence));
    let error = bench.attempt("ada", PASSWORD, None, SOON).await.unwrap_err();
    assert_eq!(error, Stage::Token.unavailable(Outage::Timeout));
    assert_eq!(error.outcome(), Some("unavailable.timeout"));
}

#[tokio::test]
async fn this_machine_is_not_called_where_only_public_addresses_are() {
    let bench = Bench::with(Reach::Public, as_is, json!({})).await;
    let error = bench.login().await.unwrap_err();
    assert!(matches!(error, ProviderError::Misconfigured { stage: Stage::Discovery, .. }), "{error}");
    assert_eq!(bench.calls(), [0; 4]);
}

#[tokio::test]
async fn without_an_id_token_userinfo_says_who_it_is() {
    let bench = Bench::start().await;
    let key = bench.login().await.unwrap().key();
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

#[tokio::test]
async fn an_answer_to_a_question_that_was_not_asked_is_refused() {
    let bench = Bench::start().await;
    let request = bench.request(SOON);
    let code = SecretString::from("123456");
    let answer = bench.adapter().answer(&bench.cx(&request), &Pending(json!({})), Answer::Code(&code)).await;
    assert_eq!(answer.err(), Some(Stage::Attempt.refused(Check::Unasked)));
    assert_eq!(bench.calls(), [0; 4]);
}

#[tokio::test]
async fn nothing_secret_is_printed() {
    let bench = Bench::start().await;
    let identity = bench.login().await.unwrap();
    let error = bench.login_as("ada", "password-canary").await.unwrap_err();
    let request = bench.request(SOON);
    let printed = format!("{:?} {:?} {error:?} {error} {:?}", bench.adapter(), bench.cx(&request), identity.claims);
    for secret in [SECRET, "canary", "ada@example.org"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
