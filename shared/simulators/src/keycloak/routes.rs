//! From a path to what answers it; discovery and keys.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::header::{ALLOW, CACHE_CONTROL, HOST};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::misbehaviour::server_error;
use super::{Attempt, Call, Endpoint, Keycloak, Misbehaviour, Realm, State, realm_url, token, userinfo};
use crate::signer::SigningKey;
use crate::wire::{Form, Reply, decode_segment};

/// One handler for all paths: the relative path is configuration, and axum's own answers are not Keycloak's.
pub(super) fn router(keycloak: Keycloak) -> Router {
    Router::new().fallback(answer).with_state(keycloak)
}

async fn answer(
    Shared(keycloak): Shared<Keycloak>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match respond(&keycloak, &method, &uri, &headers, &body) {
        Some(reply) => reply.into_response(),
        None => std::future::pending().await,
    }
}

/// The answer to a request; `None` if it is never to get one.
fn respond(keycloak: &Keycloak, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Option<Reply> {
    let mut state = keycloak.state();
    let Some(path) = uri.path().strip_prefix(state.relative_path.as_str()) else {
        return Some(Reply::html(StatusCode::NOT_FOUND, "<h1>Resource not found</h1>"));
    };
    let Some((realm, endpoint)) = resolve(path) else { return Some(nothing_here()) };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).or(uri.authority().map(|host| host.as_str()));
    let call = Call {
        host: host.unwrap_or("localhost"),
        headers,
        form: Form::read(headers, body),
        now: keycloak.shared.clock.now(),
        entropy: keycloak.shared.entropy.as_ref(),
    };

    *state.calls.entry(endpoint).or_default() += 1;
    if endpoint == Endpoint::Token {
        state.attempts.extend(Attempt::of(&realm, &call));
    }
    let misbehaviour = state.misbehaviours.get(&endpoint).cloned();
    if misbehaviour == Some(Misbehaviour::Silence) {
        return None;
    }
    if let Some(reply) = misbehaviour.as_ref().and_then(Misbehaviour::canned) {
        return Some(reply);
    }

    let mut reply = obey(&mut state, method, &realm, endpoint, &call);
    if let Some(misbehaviour) = misbehaviour {
        misbehaviour.spoil_reply(endpoint, &mut reply);
    }
    Some(reply)
}

fn obey(state: &mut State, method: &Method, realm: &str, endpoint: Endpoint, call: &Call<'_>) -> Reply {
    let allowed: &[Method] = match endpoint {
        Endpoint::Discovery | Endpoint::Certs => &[Method::GET],
        Endpoint::Token => &[Method::POST],
        Endpoint::Userinfo => &[Method::GET, Method::POST],
    };
    if !allowed.contains(method) {
        let allowed: Vec<&str> = allowed.iter().map(Method::as_str).collect();
        return Reply::empty(StatusCode::METHOD_NOT_ALLOWED).header(ALLOW, allowed.join(", "));
    }
    let Some(found) = state.realms.get(realm) else {
        return Reply::json(StatusCode::NOT_FOUND, &json!({ "error": "Realm does not exist" }));
    };
    if found.https_required {
        let body = json!({ "error": "invalid_request", "error_description": "HTTPS required" });
        return Reply::json(StatusCode::FORBIDDEN, &body);
    }
    match endpoint {
        Endpoint::Discovery => discovery(state, found, call),
        Endpoint::Certs => certs(found),
        Endpoint::Token => token::answer(state, realm, call),
        Endpoint::Userinfo => userinfo::answer(state, found, call),
    }
}

/// Which realm's endpoint a path names: `/realms/{realm}/protocol/openid-connect/token`.
fn resolve(path: &str) -> Option<(String, Endpoint)> {
    let (realm, rest) = path.strip_prefix("/realms/")?.split_once('/')?;
    let endpoint = match rest {
        ".well-known/openid-configuration" => Endpoint::Discovery,
        "protocol/openid-connect/certs" => Endpoint::Certs,
        "protocol/openid-connect/token" => Endpoint::Token,
        "protocol/openid-connect/userinfo" => Endpoint::Userinfo,
        _ => return None,
    };
    Some((decode_segment(realm)?, endpoint))
}

fn nothing_here() -> Reply {
    Reply::json(StatusCode::NOT_FOUND, &json!({ "error": "Unable to find matching target resource method" }))
}

/// The discovery document: complete in the fields a relying party reads, and as misleading in them as the real one.
fn discovery(state: &State, realm: &Realm, call: &Call<'_>) -> Reply {
    let public = format!("{}/protocol/openid-connect", state.issuer(call.host, &realm.name));
    let internal = format!("{}/protocol/openid-connect", realm_url(&state.backend(call.host), &realm.name));
    let signing = [
        "PS384", "RS384", "EdDSA", "ES384", "HS256", "HS512", "ES256", "RS256", "HS384", "ES512", "PS256", "PS512",
        "RS512",
    ];
    // `none` is missing although public clients work.
    let client_auth =
        ["private_key_jwt", "client_secret_basic", "client_secret_post", "tls_client_auth", "client_secret_jwt"];
    let mut document = json!({
        "issuer": state.issuer(call.host, &realm.name),
        "authorization_endpoint": format!("{public}/auth"),
        "token_endpoint": format!("{internal}/token"),
        "introspection_endpoint": format!("{internal}/token/introspect"),
        "userinfo_endpoint": format!("{internal}/userinfo"),
        "end_session_endpoint": format!("{public}/logout"),
        "jwks_uri": format!("{internal}/certs"),
        "revocation_endpoint": format!("{internal}/revoke"),
        "pushed_authorization_request_endpoint": format!("{internal}/ext/par/request"),
        "frontchannel_logout_session_supported": true,
        "frontchannel_logout_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        // `password` is listed even where no client may use it.
        "grant_types_supported": ["authorization_code", "client_credentials", "implicit", "password", "refresh_token"],
        "response_types_supported": ["code", "none", "id_token", "token", "id_token token", "code id_token",
            "code token", "code id_token token"],
        "response_modes_supported": ["query", "fragment", "form_post", "query.jwt", "fragment.jwt", "form_post.jwt",
            "jwt"],
        "prompt_values_supported": ["none", "login", "consent"],
        "subject_types_supported": ["public", "pairwise"],
        "id_token_signing_alg_values_supported": signing,
        "userinfo_signing_alg_values_supported": signing,
        "token_endpoint_auth_methods_supported": client_auth,
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "name", "given_name", "family_name",
            "preferred_username", "email", "acr", "azp", "nonce"],
        "claim_types_supported": ["normal"],
        "claims_parameter_supported": true,
        "scopes_supported": ["openid", "profile", "email", "address", "phone", "offline_access", "microprofile-jwt",
            "organization", "roles", "web-origins", "acr", "basic"],
        "request_parameter_supported": true,
        "request_uri_parameter_supported": true,
        "require_request_uri_registration": true,
        "code_challenge_methods_supported": ["plain", "S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    if let Some(misbehaviour) = state.misbehaviours.get(&Endpoint::Discovery) {
        misbehaviour.spoil_discovery(&mut document);
    }
    Reply::json(StatusCode::OK, &document).header(CACHE_CONTROL, "no-cache, must-revalidate, no-transform, no-store")
}

/// The key set. The encryption key stands first: who takes the first RSA key takes the wrong one.
fn certs(realm: &Realm) -> Reply {
    let signing = realm.keys.iter().map(|key| key.jwk("sig", "RS256"));
    let keys: Result<Vec<Value>, _> =
        std::iter::once(SigningKey::encryption(&realm.name).jwk("enc", "RSA-OAEP")).chain(signing).collect();
    match keys {
        Ok(keys) => Reply::json(StatusCode::OK, &json!({ "keys": keys })).header(CACHE_CONTROL, "no-cache"),
        Err(_) => server_error(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, demo};
    use super::*;
    use crate::keycloak::OldKey;

    const DISCOVERY: &str = "/realms/demo/.well-known/openid-configuration";

    #[tokio::test]
    async fn the_issuer_and_every_endpoint_follow_the_host_header() {
        let bench = Bench::new(demo());
        let document = bench.get("sso.test:8080", DISCOVERY).await;

        assert_eq!(document.status, 200);
        assert_eq!(document.header("cache-control"), "no-cache, must-revalidate, no-transform, no-store");
        let document = document.json();
        let issuer = "http://sso.test:8080/realms/demo";
        assert_eq!(document["issuer"], issuer);
        for (field, path) in [
            ("authorization_endpoint", "auth"),
            ("token_endpoint", "token"),
            ("jwks_uri", "certs"),
            ("userinfo_endpoint", "userinfo"),
        ] {
            assert_eq!(document[field], format!("{issuer}/protocol/openid-connect/{path}"));
        }
        assert!(document["id_token_signing_alg_values_supported"].to_string().contains("HS256"));
        assert!(!document["token_endpoint_auth_methods_supported"].to_string().contains("none"));
    }

    #[tokio::test]
    async fn a_fixed_hostname_wins_over_the_host_header() {
        let bench = Bench::with(demo(), |keycloak| keycloak.hostname("https://id.example.com/auth/"));
        let document = bench.get("internal:8080", DISCOVERY).await.json();
        assert_eq!(document["issuer"], "https://id.example.com/auth/realms/demo");
        assert_eq!(document["token_endpoint"], "https://id.example.com/auth/realms/demo/protocol/openid-connect/token");
    }

    #[tokio::test]
    async fn a_dynamic_backchannel_keeps_the_issuer_and_moves_token_and_keys() {
        let bench = Bench::with(demo(), |keycloak| {
            keycloak.hostname("https://id.example.com").hostname_backchannel_dynamic(true)
        });
        let document = bench.get("internal:8080", DISCOVERY).await.json();
        assert_eq!(document["issuer"], "https://id.example.com/realms/demo");
        assert_eq!(
            document["authorization_endpoint"],
            "https://id.example.com/realms/demo/protocol/openid-connect/auth"
        );
        assert_eq!(document["token_endpoint"], "http://internal:8080/realms/demo/protocol/openid-connect/token");
        assert_eq!(document["jwks_uri"], "http://internal:8080/realms/demo/protocol/openid-connect/certs");
    }

    #[tokio::test]
    async fn a_relative_path_belongs_to_the_issuer_and_nothing_is_served_beside_it() {
        let bench = Bench::with(demo(), |keycloak| keycloak.relative_path("/auth"));
        let document = bench.get("sso.test", &format!("/auth{DISCOVERY}")).await.json();
        assert_eq!(document["issuer"], "http://sso.test/auth/realms/demo");

        let beside = bench.get("sso.test", DISCOVERY).await;
        assert_eq!((beside.status, beside.body.contains("Resource not found")), (404, true));
        assert!(beside.header("content-type").starts_with("text/html"));
    }

    #[tokio::test]
    async fn what_is_not_there_is_answered_with_the_servers_own_words() {
        let bench = Bench::new(demo());
        for (path, error) in [
            ("/realms/Demo/.well-known/openid-configuration", "Realm does not exist"),
            ("/realms/nope/protocol/openid-connect/certs", "Realm does not exist"),
            ("/auth/realms/demo/.well-known/openid-configuration", "Unable to find matching target resource method"),
            ("/", "Unable to find matching target resource method"),
        ] {
            let answer = bench.get("sso.test", path).await;
            assert_eq!((answer.status, answer.json()), (404, json!({ "error": error })), "{path}");
        }
        assert_eq!(bench.get("sso.test", "/realms/demo/protocol/openid-connect/token").await.status, 405);
    }

    #[tokio::test]
    async fn a_blank_in_the_realms_name_is_percent_encoded_in_the_issuer() {
        let bench = Bench::new(Realm::new("my realm"));
        let document = bench.get("sso.test", "/realms/my%20realm/.well-known/openid-configuration").await.json();
        assert_eq!(document["issuer"], "http://sso.test/realms/my%20realm");
    }

    #[tokio::test]
    async fn discovery_answers_for_a_disabled_realm_and_not_without_required_https() {
        let bench = Bench::new(demo().enabled(false));
        assert_eq!(bench.get("sso.test", DISCOVERY).await.status, 200);

        let bench = Bench::new(demo().https_required(true));
        let answer = bench.get("sso.test", DISCOVERY).await;
        assert_eq!((answer.status, &answer.json()["error_description"]), (403, &json!("HTTPS required")));
    }

    #[tokio::test]
    async fn a_new_key_stands_before_the_old_one_and_a_removed_one_vanishes_at_once() {
        let bench = Bench::new(demo());
        let certs = async || {
            let answer = bench.get("sso.test", "/realms/demo/protocol/openid-connect/certs").await;
            assert_eq!(answer.header("cache-control"), "no-cache");
            let keys = answer.json()["keys"].as_array().unwrap().clone();
            assert!(keys.iter().all(|key| key["kty"] == "RSA" && key["n"].is_string() && key.get("d").is_none()));
            let kids = |usage: &str| -> Vec<String> {
                keys.iter().filter(|key| key["use"] == usage).map(|key| key["kid"].to_string()).collect()
            };
            assert_eq!(kids("enc").len(), 1);
            kids("sig")
        };

        let first = certs().await;
        bench.keycloak.change_realm("demo", |realm| realm.rotate_key(OldKey::Kept)).unwrap();
        let second = certs().await;
        bench.keycloak.change_realm("demo", |realm| realm.rotate_key(OldKey::Removed)).unwrap();
        let third = certs().await;

        assert_eq!((first.len(), second.len(), third.len()), (1, 2, 1));
        assert_eq!(second[1], first[0]);
        assert!(!second.contains(&third[0]));
        assert_eq!(bench.keycloak.calls(Endpoint::Certs), 3);
    }
}
