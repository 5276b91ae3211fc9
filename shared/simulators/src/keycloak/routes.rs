//! From a path to what answers it.

use axum::http::{Method, StatusCode};
use serde_json::json;

use super::visit::Visit;
use super::{State, authorize, discovery, login, server_error, token, userinfo};
use crate::core::Endpoint;
use crate::core::server::{Asked, Book, Call, Provider};
use crate::core::wire::{Reply, decode_segment};

impl Provider for State {
    /// The realm.
    type Place = String;

    fn book(&mut self) -> &mut Book {
        &mut self.book
    }

    fn find(&self, path: &str) -> Result<(Endpoint, Self::Place), Reply> {
        let Some(path) = path.strip_prefix(self.relative_path.as_str()) else {
            return Err(Reply::html(StatusCode::NOT_FOUND, "<h1>Resource not found</h1>"));
        };
        resolve(path).ok_or_else(nothing_here)
    }

    fn answer(&mut self, asked: &Asked<'_, Self::Place>, call: &Call<'_>) -> Reply {
        obey(self, asked, call)
    }

    fn server_error() -> Reply {
        server_error()
    }
}

fn obey(state: &mut State, asked: &Asked<'_, String>, call: &Call<'_>) -> Reply {
    let allowed: &[Method] = match asked.endpoint {
        Endpoint::Discovery | Endpoint::Keys => &[Method::GET],
        Endpoint::Token | Endpoint::Login => &[Method::POST],
        Endpoint::Userinfo | Endpoint::Authorize => &[Method::GET, Method::POST],
    };
    if !allowed.contains(asked.method) {
        return Reply::json(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "HTTP 405 Method Not Allowed" }));
    }
    let name = &asked.place;
    let Some(realm) = state.realms.get(name) else {
        return Reply::json(StatusCode::NOT_FOUND, &json!({ "error": "Realm does not exist" }));
    };
    if matches!(asked.endpoint, Endpoint::Authorize | Endpoint::Login) {
        let visit = Visit::of(state, realm, call);
        return match asked.endpoint {
            _ if visit.realm.https_required => visit.error_page(StatusCode::BAD_REQUEST, "HTTPS required"),
            _ if !visit.realm.enabled => visit.error_page(StatusCode::BAD_REQUEST, "Realm not enabled"),
            Endpoint::Login => login::answer(state, &visit),
            _ if *asked.method == Method::POST => authorize::answer(state, &visit, &call.form),
            _ => authorize::answer(state, &visit, &call.query),
        };
    }
    if realm.https_required {
        let body = json!({ "error": "invalid_request", "error_description": "HTTPS required" });
        return Reply::json(StatusCode::FORBIDDEN, &body);
    }
    match asked.endpoint {
        Endpoint::Discovery => discovery::document(state, realm, call),
        Endpoint::Keys => discovery::keys(state, realm),
        Endpoint::Token => token::answer(state, name, call),
        _ => userinfo::answer(state, realm, call),
    }
}

/// Which realm's endpoint a path names: `/realms/{realm}/protocol/openid-connect/token`.
fn resolve(path: &str) -> Option<(Endpoint, String)> {
    let (realm, rest) = path.strip_prefix("/realms/")?.split_once('/')?;
    let endpoint = match rest {
        ".well-known/openid-configuration" => Endpoint::Discovery,
        "protocol/openid-connect/certs" => Endpoint::Keys,
        "protocol/openid-connect/token" => Endpoint::Token,
        "protocol/openid-connect/userinfo" => Endpoint::Userinfo,
        "protocol/openid-connect/auth" => Endpoint::Authorize,
        "login-actions/authenticate" => Endpoint::Login,
        _ => return None,
    };
    Some((endpoint, decode_segment(realm)?))
}

fn nothing_here() -> Reply {
    Reply::json(StatusCode::NOT_FOUND, &json!({ "error": "Unable to find matching target resource method" }))
}

#[cfg(test)]
mod tests {
    use super::super::Realm;
    use super::super::bench::{Bench, ISSUER, demo};
    use super::*;

    const DISCOVERY: &str = "/realms/demo/.well-known/openid-configuration";

    #[tokio::test]
    async fn the_issuer_and_every_endpoint_follow_the_host_header() {
        let bench = Bench::new(demo());
        assert_eq!(bench.get("sso.test:80", DISCOVERY).await.json()["issuer"], ISSUER);
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
            ("device_authorization_endpoint", "auth/device"),
        ] {
            assert_eq!(document[field], format!("{issuer}/protocol/openid-connect/{path}"));
        }
        assert_eq!(document["mtls_endpoint_aliases"]["token_endpoint"], document["token_endpoint"]);
        assert_eq!(document["response_modes_supported"][2], "form_post");
        assert_eq!(document["code_challenge_methods_supported"], json!(["plain", "S256"]));
        assert_eq!(document["authorization_response_iss_parameter_supported"], true);
        assert!(!document.to_string().contains("{public}"));
        assert!(document["id_token_signing_alg_values_supported"].to_string().contains("HS256"));
        assert!(!document["token_endpoint_auth_methods_supported"].to_string().contains("none"));
    }

    #[tokio::test]
    async fn an_unknown_path_has_the_servers_own_answer() {
        let bench = Bench::new(demo());
        let bench = Bench { keycloak: bench.keycloak.realm(Realm::new("my realm")), ..bench };
        let document = bench.get("sso.test", "/realms/my%20realm/.well-known/openid-configuration").await.json();
        assert_eq!(document["issuer"], "http://sso.test/realms/my%20realm");
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
    async fn a_disabled_realm_has_discovery_but_not_over_plain_http() {
        let bench = Bench::new(demo().enabled(false));
        assert_eq!(bench.get("sso.test", DISCOVERY).await.status, 200);

        let bench = Bench::new(demo().https_required(true));
        let answer = bench.get("sso.test", DISCOVERY).await;
        assert_eq!((answer.status, &answer.json()["error_description"]), (403, &json!("HTTPS required")));
    }
}
