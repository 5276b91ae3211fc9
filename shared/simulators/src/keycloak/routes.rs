//! From a path to what answers it.

use axum::http::header::ACCEPT;
use axum::http::{Method, StatusCode};
use serde_json::json;

use super::login_action::{self, Action};
use super::visit::Visit;
use super::{Realm, State, authorize, discovery, pages, server_error, token, userinfo};
use crate::core::Endpoint;
use crate::core::server::{Asked, Book, Call, Provider};
use crate::core::wire::{Reply, decode_segment};

impl Provider for State {
    /// The realm, and at [`Endpoint::Login`] what is done.
    type Place = (String, Option<Action>);

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

fn obey(state: &mut State, asked: &Asked<'_, (String, Option<Action>)>, call: &Call<'_>) -> Reply {
    let allowed: &[Method] = match asked.endpoint {
        Endpoint::Discovery | Endpoint::Keys => &[Method::GET],
        Endpoint::Token => &[Method::POST],
        Endpoint::Userinfo => &[Method::GET, Method::POST],
        Endpoint::Authorize | Endpoint::Login => &[Method::HEAD, Method::POST, Method::GET],
    };
    if !allowed.contains(asked.method) {
        let body = json!({ "error": "HTTP 405 Method Not Allowed" });
        return Reply::json(StatusCode::METHOD_NOT_ALLOWED, &body);
    }
    let (name, action) = &asked.place;
    let Some(realm) = state.realms.get(name) else { return no_such_realm(call) };
    if matches!(asked.endpoint, Endpoint::Authorize | Endpoint::Login) {
        let visit = Visit::of(state, realm, call);
        return visited(state, &visit, asked.method, *action);
    }
    if realm.https_required {
        let body = json!({ "error": "invalid_request", "error_description": "HTTPS required" });
        return Reply::json(StatusCode::FORBIDDEN, &body);
    }
    match asked.endpoint {
        Endpoint::Discovery => discovery::document(state, realm, call),
        Endpoint::Keys => discovery::keys(state, realm),
        Endpoint::Token => token::answer(state, name, call),
        Endpoint::Userinfo => userinfo::answer(state, realm, call),
        Endpoint::Authorize | Endpoint::Login => nothing_here(),
    }
}

/// Answers a browser.
fn visited(state: &mut State, visit: &Visit<'_>, method: &Method, action: Option<Action>) -> Reply {
    let Realm { https_required, enabled, .. } = visit.realm;
    if https_required {
        return visit.error_page(StatusCode::BAD_REQUEST, "HTTPS required");
    }
    if !enabled {
        return visit.error_page(StatusCode::BAD_REQUEST, "Realm not enabled");
    }
    match action {
        Some(action) => login_action::answer(state, visit, action),
        None if *method == Method::POST => authorize::answer(state, visit, &visit.call.form),
        None => authorize::answer(state, visit, &visit.call.query),
    }
}

/// Which realm's endpoint a path names: `/realms/{realm}/protocol/openid-connect/token`.
fn resolve(path: &str) -> Option<(Endpoint, (String, Option<Action>))> {
    let (realm, rest) = path.strip_prefix("/realms/")?.split_once('/')?;
    let realm = decode_segment(realm)?;
    let endpoint = match rest {
        ".well-known/openid-configuration" => Endpoint::Discovery,
        "protocol/openid-connect/certs" => Endpoint::Keys,
        "protocol/openid-connect/token" => Endpoint::Token,
        "protocol/openid-connect/userinfo" => Endpoint::Userinfo,
        "protocol/openid-connect/auth" => Endpoint::Authorize,
        _ => {
            let action = Action::named(rest.strip_prefix("login-actions/")?)?;
            return Some((Endpoint::Login, (realm, Some(action))));
        }
    };
    Some((endpoint, (realm, None)))
}

/// Said in HTML to those who understand it.
fn no_such_realm(call: &Call<'_>) -> Reply {
    let accepted = call.headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if accepted.contains("text/html") {
        let page = pages::error("Page not found").render("");
        return pages::framed(Reply::text(StatusCode::NOT_FOUND, "text/html;charset=utf-8", page));
    }
    Reply::json(StatusCode::NOT_FOUND, &json!({ "error": "Realm does not exist" }))
}

fn nothing_here() -> Reply {
    Reply::json(StatusCode::NOT_FOUND, &json!({ "error": "Unable to find matching target resource method" }))
}

#[cfg(test)]
mod tests {
    use super::super::Keycloak;
    use super::super::bench::{Bench, demo};
    use super::*;

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
            ("device_authorization_endpoint", "auth/device"),
        ] {
            assert_eq!(document[field], format!("{issuer}/protocol/openid-connect/{path}"));
        }
        assert_eq!(document["mtls_endpoint_aliases"]["token_endpoint"], document["token_endpoint"]);
        assert_eq!(document["response_modes_supported"][2], "form_post");
        assert_eq!(document["code_challenge_methods_supported"], json!(["plain", "S256"]));
        assert_eq!(document["authorization_response_iss_parameter_supported"], true);
        assert!(!document.to_string().contains("{public}") && !document.to_string().contains("{internal}"));
        assert!(document["id_token_signing_alg_values_supported"].to_string().contains("HS256"));
        assert!(!document["token_endpoint_auth_methods_supported"].to_string().contains("none"));
    }

    #[tokio::test]
    async fn a_fixed_hostname_wins_over_the_host_header_but_for_a_dynamic_backchannel() {
        let of = |name: &str, host: &str| (name.to_owned(), format!("{host}/realms/demo"));
        let (fixed, internal) = ("https://id.example.com/auth", "http://internal:8080");
        type Change = fn(Keycloak) -> Keycloak;
        let rows: [(&str, Change, [&str; 3]); 3] = [
            ("sso.test:80", |keycloak| keycloak, ["http://sso.test"; 3]),
            ("internal:8080", |keycloak| keycloak.hostname("https://id.example.com/auth/"), [fixed; 3]),
            (
                "internal:8080",
                |keycloak| keycloak.hostname("https://id.example.com/auth").hostname_backchannel_dynamic(true),
                [fixed, internal, internal],
            ),
        ];
        for (host, configure, [issuer, token, keys]) in rows {
            let document = Bench::with(demo(), configure).get(host, DISCOVERY).await.json();
            for (name, at) in [of("issuer", issuer), of("token_endpoint", token), of("jwks_uri", keys)] {
                assert!(document[&name].as_str().unwrap().starts_with(&at), "{host}: {name} in {document}");
            }
        }
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
}
