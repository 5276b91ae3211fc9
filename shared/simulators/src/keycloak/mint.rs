//! The answer to a successful grant, and the claims in its tokens.

use axum::http::StatusCode;
use axum::http::header::PRAGMA;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::client::{self, Client, ClientKind};
use super::{Realm, User};
use crate::core::Misbehaviour;
use crate::core::server::Call;
use crate::core::signer::{self, SignError};
use crate::core::wire::Reply;

/// Lifespans of a fresh realm, in seconds.
const ACCESS_TOKEN: i64 = 300;
const REFRESH_TOKEN: i64 = 1_800;

/// A user who has just logged in, and where.
pub(super) struct Login<'a> {
    pub(super) realm: &'a Realm,
    pub(super) client: &'a Client,
    pub(super) user: &'a User,
    pub(super) scopes: &'a [String],
    pub(super) issuer: &'a str,
    pub(super) misbehaviour: Option<&'a Misbehaviour>,
    pub(super) call: &'a Call<'a>,
    /// The session's id.
    pub(super) sid: &'a str,
    /// What `amr` says of the login, where the client has a mapper for it.
    pub(super) amr: &'a [String],
    /// What only the browser login knows; a direct grant has none of it.
    pub(super) browser: Option<BrowserLogin<'a>>,
}

/// What the tokens say of a login in a browser.
pub(super) struct BrowserLogin<'a> {
    pub(super) nonce: Option<&'a str>,
    /// When the password was given.
    pub(super) authenticated: DateTime<Utc>,
    /// Whether nothing was asked, because the browser was signed in already.
    pub(super) by_session: bool,
}

/// The token response (RFC 6749 section 5.1).
pub(super) fn answer(login: &Login<'_>) -> Result<Reply, SignError> {
    let entropy = login.call.entropy;
    let key = login.realm.keys.newest();
    let access_token = key.sign(&Value::Object(access_claims(login)).to_string())?;
    let offline = granted(login.scopes, "offline_access");

    let mut body = json!({
        "access_token": access_token,
        "expires_in": ACCESS_TOKEN,
        "refresh_expires_in": if offline { 0 } else { REFRESH_TOKEN },
        "refresh_token": URL_SAFE_NO_PAD.encode(entropy.bytes::<48>()),
        "token_type": "Bearer",
        "not-before-policy": 0,
        "session_state": login.sid,
        "scope": client::shown(login.scopes),
    });
    if granted(login.scopes, "openid") && login.misbehaviour != Some(&Misbehaviour::NoIdToken) {
        body["id_token"] = json!(id_token(login, &access_token)?);
    }
    Ok(Reply::json(StatusCode::OK, &body).header(PRAGMA, "no-cache"))
}

/// An ID token. A direct grant's has no `nonce` and no `auth_time`.
fn id_token(login: &Login<'_>, access_token: &str) -> Result<String, SignError> {
    let keys = &login.realm.keys;
    let mut claims = common_claims(login, "ID");
    if login.client.claims_in_id_token {
        claims.extend(user_claims(login.user, login.scopes));
    }
    claims.extend(login.browser.as_ref().and_then(|browser| browser.nonce).map(|nonce| ("nonce".into(), json!(nonce))));
    if login.client.amr_mapper {
        claims.insert("amr".into(), json!(login.amr));
    }
    claims.insert("aud".into(), json!(login.client.id));
    claims.insert("sub".into(), json!(login.user.subject_in(&login.realm.name)));
    claims.insert("at_hash".into(), json!(keys.newest().algorithm().at_hash(access_token)));

    let secret = match &login.client.kind {
        ClientKind::Confidential { secret } => secret.as_str(),
        _ => "",
    };
    keys.id_token(login.misbehaviour, claims, secret, login.call.now.timestamp())
}

fn access_claims(login: &Login<'_>) -> Map<String, Value> {
    let mut claims = common_claims(login, "Bearer");
    claims.extend(user_claims(login.user, login.scopes));
    claims.insert("scope".into(), json!(client::shown(login.scopes)));
    if granted(login.scopes, "roles") {
        claims.insert("aud".into(), json!("account"));
        claims.insert("realm_access".into(), json!({ "roles": ["offline_access", "uma_authorization"] }));
    }
    if granted(login.scopes, "basic") {
        claims.insert("sub".into(), json!(login.user.subject_in(&login.realm.name)));
    }
    claims
}

fn common_claims(login: &Login<'_>, typ: &str) -> Map<String, Value> {
    let now = login.call.now.timestamp();
    let mut claims = Map::from_iter([
        ("exp".to_owned(), json!(now + ACCESS_TOKEN)),
        ("iat".to_owned(), json!(now)),
        ("jti".to_owned(), json!(signer::uuid(login.call.entropy.bytes()))),
        ("iss".to_owned(), json!(login.issuer)),
        ("typ".to_owned(), json!(typ)),
        ("azp".to_owned(), json!(login.client.id)),
        ("sid".to_owned(), json!(login.sid)),
    ]);
    if let Some(browser) = &login.browser {
        claims.insert("auth_time".into(), json!(browser.authenticated.timestamp()));
    }
    if granted(login.scopes, "acr") {
        let by_session = login.browser.as_ref().is_some_and(|browser| browser.by_session);
        claims.insert("acr".into(), json!(if by_session { "0" } else { "1" }));
    }
    claims
}

/// What the scopes `profile` and `email` say of a user; what the user does not have is left out.
pub(super) fn user_claims(user: &User, scopes: &[String]) -> Map<String, Value> {
    let mut claims = Map::new();
    if granted(scopes, "profile") {
        let names: Vec<&str> =
            [&user.given_name, &user.family_name].into_iter().flatten().map(String::as_str).collect();
        if !names.is_empty() {
            claims.insert("name".into(), json!(names.join(" ")));
        }
        claims.insert("preferred_username".into(), json!(user.username));
        claims.extend(user.given_name.as_ref().map(|name| ("given_name".to_owned(), json!(name))));
        claims.extend(user.family_name.as_ref().map(|name| ("family_name".to_owned(), json!(name))));
    }
    if granted(scopes, "email") {
        claims.insert("email_verified".into(), json!(user.email_verified));
        claims.extend(user.email.as_ref().map(|email| ("email".to_owned(), json!(email))));
    }
    claims
}

fn granted(scopes: &[String], scope: &str) -> bool {
    scopes.iter().any(|granted| granted == scope)
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, demo, part};
    use super::*;

    fn names(claims: &Value) -> String {
        let mut names: Vec<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        names.join(" ")
    }

    #[tokio::test]
    async fn a_direct_grants_id_token_has_these_claims_and_no_others() {
        let bench = Bench::new(demo());
        let claims = part(&bench.login().await["id_token"], 1);

        assert_eq!(
            names(&claims),
            "acr at_hash aud azp email email_verified exp family_name given_name iat iss jti name preferred_username sid sub typ"
        );
        assert_eq!(claims["iss"], "http://sso.test/realms/demo");
        assert_eq!(claims["aud"], "landfall");
        assert_eq!(claims["azp"], "landfall");
        assert_eq!(claims["sub"], json!(bench.keycloak.subject_in("demo", "ada").unwrap()));
        assert_eq!((&claims["typ"], &claims["acr"]), (&json!("ID"), &json!("1")));
        assert_eq!((claims["iat"].as_i64(), claims["exp"].as_i64()), (Some(1_790_000_000), Some(1_790_000_300)));
        assert_eq!((&claims["email_verified"], &claims["name"]), (&json!(true), &json!("Ada Lovelace")));
    }

    #[tokio::test]
    async fn the_answer_names_the_session_and_the_scopes_that_were_granted() {
        let body = Bench::new(demo()).login().await;
        assert_eq!(
            names(&body),
            "access_token expires_in id_token not-before-policy refresh_expires_in refresh_token scope session_state token_type"
        );
        assert_eq!(body["scope"], "openid profile email");
        assert_eq!((&body["expires_in"], &body["refresh_expires_in"]), (&json!(300), &json!(1800)));
        assert_eq!(body["session_state"], part(&body["id_token"], 1)["sid"]);
        assert_eq!(body["session_state"].as_str().unwrap().len(), 24);
    }

    #[tokio::test]
    async fn a_client_without_the_scopes_profile_and_email_learns_only_the_subject() {
        let realm = demo().client(
            Client::confidential("landfall", "secret")
                .direct_grants(true)
                .without_scope("profile")
                .without_scope("email"),
        );
        let body = Bench::new(realm).login().await;
        assert_eq!(body["scope"], "openid");
        let claims = part(&body["id_token"], 1);
        assert_eq!(names(&claims), "acr at_hash aud azp exp iat iss jti sid sub typ");
    }

    #[tokio::test]
    async fn without_the_scope_basic_the_access_token_loses_its_subject_and_the_id_token_does_not() {
        let landfall = Client::confidential("landfall", "secret").direct_grants(true);
        let body = Bench::new(demo().client(landfall.without_scope("basic"))).login().await;
        assert!(part(&body["access_token"], 1).get("sub").is_none());
        assert!(part(&body["id_token"], 1)["sub"].is_string());
    }

    #[tokio::test]
    async fn a_user_without_names_or_email_has_no_claims_for_them() {
        let realm = demo().profile_optional(true).user(User::new("ada").password("correct horse"));
        let claims = part(&Bench::new(realm).login().await["id_token"], 1);
        assert_eq!((claims.get("name"), claims.get("email")), (None, None));
        assert_eq!((&claims["preferred_username"], &claims["email_verified"]), (&json!("ada"), &json!(false)));
    }

    #[tokio::test]
    async fn a_subject_is_the_same_after_a_restart_and_another_in_another_realm() {
        let (one, again) = (Bench::new(demo()), Bench::new(demo()));
        assert_eq!(one.keycloak.subject_in("demo", "ada"), again.keycloak.subject_in("demo", "ada"));
        let other = Bench::new(Realm::new("other").user(User::new("ada")));
        assert_ne!(one.keycloak.subject_in("demo", "ada"), other.keycloak.subject_in("other", "ada"));

        let named = Bench::new(demo().user(User::new("ada").subject("f:1:ada")));
        assert_eq!(named.keycloak.subject_in("demo", "Ada").as_deref(), Some("f:1:ada"));
    }
}
