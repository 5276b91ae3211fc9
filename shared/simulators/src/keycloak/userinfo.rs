//! The userinfo endpoint (OIDC Core section 5.3; refusals as RFC 6750 section 3 has them).

use axum::http::StatusCode;
use axum::http::header::WWW_AUTHENTICATE;
use serde_json::{Value, json};

use super::server_error;
use super::{Realm, State, mint};
use crate::core::Endpoint;
use crate::core::server::Call;
use crate::core::wire::{self, Reply};

pub(super) fn answer(state: &State, realm: &Realm, call: &Call<'_>) -> Reply {
    let challenge = format!("Bearer realm=\"{}\"", realm.name);
    let Some(token) = wire::bearer(call.headers) else {
        return Reply::empty(StatusCode::UNAUTHORIZED).header(WWW_AUTHENTICATE, challenge);
    };
    let issuer = state.issuer(call.host, &realm.name);
    let Some(claims) = realm.keys.open(token).filter(|claims| is_in_force(claims, &issuer, call)) else {
        let error = r#"error="invalid_token", error_description="Token verification failed""#;
        return Reply::empty(StatusCode::UNAUTHORIZED).header(WWW_AUTHENTICATE, format!("{challenge}, {error}"));
    };
    let scopes: Vec<String> = claims["scope"].as_str().unwrap_or_default().split(' ').map(str::to_owned).collect();
    if !scopes.iter().any(|scope| scope == "openid") {
        let error = r#"error="insufficient_scope", error_description="Missing openid scope""#;
        return Reply::empty(StatusCode::FORBIDDEN).header(WWW_AUTHENTICATE, format!("{challenge}, {error}"));
    }
    // The session, not the token, says who it is: without the scope `basic` the token has no `sub`.
    let session = claims["sid"].as_str().and_then(|sid| state.sessions.get(sid));
    let client = claims["azp"].as_str().unwrap_or_default();
    let session = session.filter(|session| session.realm == realm.name);
    let user = session.and_then(|session| realm.users.get(&session.username)).filter(|user| user.enabled);
    let Some(user) = user else {
        let error = r#"error="invalid_token", error_description="user_session_not_found""#;
        return Reply::empty(StatusCode::UNAUTHORIZED).header(WWW_AUTHENTICATE, format!("{challenge}, {error}"));
    };

    let mut info = mint::user_claims(user, &scopes);
    info.insert("sub".into(), json!(user.subject_in(&realm.name)));
    if let Some(misbehaviour) = state.book.at(Endpoint::Userinfo) {
        misbehaviour.spoil_userinfo(&mut info);
    }
    if !realm.clients.get(client).is_some_and(|client| client.signed_userinfo) {
        return Reply::json(StatusCode::OK, &Value::Object(info));
    }
    info.insert("iss".into(), json!(issuer));
    info.insert("aud".into(), json!(client));
    match realm.keys.newest().sign(&Value::Object(info).to_string()) {
        Ok(token) => Reply::text(StatusCode::OK, "application/jwt", token),
        Err(_) => server_error(),
    }
}

fn is_in_force(claims: &Value, issuer: &str, call: &Call<'_>) -> bool {
    let unexpired = claims["exp"].as_i64().is_some_and(|exp| exp > call.now.timestamp());
    unexpired && claims["typ"] == "Bearer" && claims["iss"] == issuer
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::super::bench::{Bench, LOGIN, USERINFO, demo};
    use super::*;
    use crate::{OldKey, Subject};

    async fn access_token(bench: &Bench) -> String {
        bench.tokens(LOGIN).await["access_token"].as_str().unwrap().to_owned()
    }

    async fn ask(bench: &Bench, token: &str) -> (u16, String) {
        let answer = bench.bearer(Method::GET, USERINFO, token).await;
        (answer.status, format!("{}{}", answer.header("www-authenticate"), answer.body))
    }

    const REFUSED: &str =
        r#"Bearer realm="demo", error="invalid_token", error_description="Token verification failed""#;

    #[tokio::test]
    async fn get_and_post_answer_who_the_token_is_for() {
        let bench = Bench::new(demo());
        let token = access_token(&bench).await;
        for method in [Method::GET, Method::POST] {
            let answer = bench.bearer(method, USERINFO, &token).await;
            assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
            assert_eq!(
                answer.json(),
                json!({
                    "sub": bench.keycloak.subject_in("demo", "ada"),
                    "email": "ada@example.org", "email_verified": true,
                    "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "preferred_username": "ada",
                })
            );
        }
    }

    #[tokio::test]
    async fn a_missing_broken_or_expired_token_is_refused() {
        let bench = Bench::new(demo());
        let none = bench.get("sso.test", USERINFO).await;
        assert_eq!(
            (none.status, none.header("www-authenticate"), none.body.as_str()),
            (401, r#"Bearer realm="demo""#, "")
        );

        let token = access_token(&bench).await;
        let id_token = bench.tokens(LOGIN).await["id_token"].as_str().unwrap().to_owned();
        for bad in ["nonsense", &id_token, &token[..token.len() - 2]] {
            assert_eq!(ask(&bench, bad).await, (401, REFUSED.into()));
        }
        bench.wait(299);
        assert_eq!(ask(&bench, &token).await.0, 200);
        bench.wait(1);
        assert_eq!(ask(&bench, &token).await, (401, REFUSED.into()));
    }

    #[tokio::test]
    async fn a_token_without_the_scope_openid_is_not_enough() {
        let bench = Bench::new(demo());
        let body = bench.tokens(&LOGIN.replace("&scope=openid", "")).await;
        let (status, challenge) = ask(&bench, body["access_token"].as_str().unwrap()).await;
        assert_eq!(status, 403);
        assert!(challenge.contains(r#"error="insufficient_scope""#));
    }

    #[tokio::test]
    async fn tokens_of_a_removed_key_fail() {
        let bench = Bench::new(demo());
        let token = access_token(&bench).await;
        bench.keycloak.rotate_key(OldKey::Kept);
        assert_eq!(ask(&bench, &token).await.0, 200);
        bench.keycloak.rotate_key(OldKey::Removed);
        assert_eq!(ask(&bench, &token).await, (401, REFUSED.into()));
    }

    #[tokio::test]
    async fn userinfo_shows_the_user_as_they_are_now_unless_disabled() {
        let bench = Bench::new(demo());
        let token = access_token(&bench).await;
        bench.keycloak.change_user("demo", "ada", |ada| ada.email("new@example.org", false)).unwrap();
        let info = bench.bearer(Method::GET, USERINFO, &token).await.json();
        assert_eq!((&info["email"], &info["email_verified"]), (&json!("new@example.org"), &json!(false)));

        bench.keycloak.change_user("demo", "ada", |ada| ada.enabled(false)).unwrap();
        assert_eq!(ask(&bench, &token).await.0, 401);
    }
}
