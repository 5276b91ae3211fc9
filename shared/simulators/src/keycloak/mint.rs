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

/// The lifespan of a fresh realm, in seconds.
const ACCESS_TOKEN: i64 = 300;

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
    let mut body = json!({
        "access_token": access_token,
        "expires_in": ACCESS_TOKEN,
        "refresh_expires_in": 1800,
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
    use super::super::bench::{Bench, ISSUER, LOGIN, NOW, demo, landfall, part};
    use super::*;

    fn names(claims: &Value) -> String {
        let mut names: Vec<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
        names.sort_unstable();
        names.join(" ")
    }

    #[tokio::test]
    async fn a_direct_grants_tokens_say_this_and_no_more() {
        let bench = Bench::new(demo());
        let body = bench.tokens(LOGIN).await;
        let claims = part(&body["id_token"], 1);
        assert_eq!(
            names(&claims),
            "acr at_hash aud azp email email_verified exp family_name given_name iat iss jti name preferred_username sid sub typ"
        );
        assert_eq!(claims["sub"], json!(bench.keycloak.subject_in("demo", "ada").unwrap()));
        for (name, value) in [
            ("iss", json!(ISSUER)),
            ("aud", json!("landfall")),
            ("azp", json!("landfall")),
            ("typ", json!("ID")),
            ("acr", json!("1")),
            ("iat", json!(NOW)),
            ("exp", json!(NOW + 300)),
            ("email_verified", json!(true)),
            ("name", json!("Ada Lovelace")),
        ] {
            assert_eq!(claims[name], value, "{name}");
        }
        assert_eq!(
            names(&body),
            "access_token expires_in id_token not-before-policy refresh_expires_in refresh_token scope session_state token_type"
        );
        assert_eq!((&body["scope"], &body["expires_in"]), (&json!("openid profile email"), &json!(300)));
        assert_eq!((&body["session_state"], claims["sid"].as_str().map(str::len)), (&claims["sid"], Some(24)));
    }

    #[tokio::test]
    async fn a_scope_that_a_client_lacks_is_missing_in_its_tokens() {
        let realm = demo().client(landfall().without_scope("profile").without_scope("email").without_scope("basic"));
        let body = Bench::new(realm).tokens(LOGIN).await;
        assert_eq!(body["scope"], "openid");
        assert_eq!(names(&part(&body["id_token"], 1)), "acr at_hash aud azp exp iat iss jti sid sub typ");
        assert!(part(&body["access_token"], 1).get("sub").is_none());

        let realm = demo().profile_optional(true).user(User::new("ada").password("correct horse"));
        let claims = part(&Bench::new(realm).tokens(LOGIN).await["id_token"], 1);
        assert_eq!((claims.get("name"), claims.get("email")), (None, None));
        assert_eq!((&claims["preferred_username"], &claims["email_verified"]), (&json!("ada"), &json!(false)));
    }

    #[tokio::test]
    async fn a_subject_survives_a_restart_and_differs_between_realms() {
        let (one, again) = (Bench::new(demo()), Bench::new(demo()));
        assert_eq!(one.keycloak.subject_in("demo", "ada"), again.keycloak.subject_in("demo", "ada"));
        let other = Bench::new(Realm::new("other").user(User::new("ada")));
        assert_ne!(one.keycloak.subject_in("demo", "ada"), other.keycloak.subject_in("other", "ada"));

        let named = Bench::new(demo().user(User::new("ada").subject("f:1:ada")));
        assert_eq!(named.keycloak.subject_in("demo", "Ada").as_deref(), Some("f:1:ada"));
    }
}
