//! What happens once the command serves.

use super::*;

#[test]
fn users_and_keys_outlive_a_restart_but_not_a_reset() {
    let (place, server) = started(&[]);
    let keys = server.get("/oauth2/jwks");
    let first = server.verify(&place, &server.log_in());
    // The demo's provider is known by its address, which has the port in it: another would be another provider.
    let port = server.port;
    server.stop();

    let server = serve(&place, port, &[]);
    assert_eq!(server.get("/oauth2/jwks"), keys);
    let again = server.verify(&place, &server.log_in());
    assert_eq!(again["sub"], first["sub"]);
    server.stop();

    let server = serve(&place, port, &["--reset"]);
    assert_ne!(server.get("/oauth2/jwks"), keys);
    let anew = server.verify(&place, &server.log_in());
    assert_ne!(anew["sub"], first["sub"]);
    server.stop();
}

#[test]
fn verify_refuses_tokens_that_are_not_this_issuers() {
    let (place, server) = started(&[]);
    let issuer = server.issuer();
    let verify = |more: &[&str]| place.fails(&[&["verify", "--issuer", &issuer], more].concat());
    let token = server.log_in();
    let (signed, _) = token.rsplit_once('.').unwrap();

    assert_snapshot!(verify(&["garbage"]), @"landfall: refused: this is not a signed JWT");
    assert_snapshot!(verify(&["a.b.c"]), @"landfall: refused: this is not a signed JWT");
    assert_snapshot!(verify(&[&format!("{signed}.{}", "A".repeat(86))]), @"landfall: refused: the signature is wrong");
    assert_snapshot!(verify(&["--audience", "another", &token]), @"landfall: refused: the token is for another audience");
    assert_snapshot!(verify(&["--access-token", &token]), @"landfall: refused: this is a token of another type");
    server.stop();
}

#[test]
fn connectors_from_a_file_replace_the_demo() {
    let place = Place::with("connectors.yaml", CONNECTORS);
    place.write("secrets.yaml", "keycloak: hunter2");
    let server = serve(&place, free_port(), &["--connectors", "connectors.yaml", "--secrets", "secrets.yaml"]);

    let (status, problem) =
        server.send("GET /demo/keycloak/realms/demo/.well-known/openid-configuration HTTP/1.1", "text/plain", "");

    assert_eq!((status, &problem["code"]), (404, &json!("unknown_route")));
    assert!(!place.read("data/keys.json").contains("hunter2"));
    server.stop();
}

#[test]
fn a_client_from_a_file_authenticates_and_starts_the_demos_journeys() {
    let place = Place::with("clients.yaml", CLIENTS);
    place.write("secrets.yaml", "of-shop: hunter2");
    let server = serve(&place, free_port(), &["--clients", "clients.yaml", "--secrets", "secrets.yaml"]);
    let start = |authorization: &str| {
        let request = json!({ "client_id": "shop", "redirect_uri": "https://shop.example/after",
                              "code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256" });
        let head = format!("/v1/journeys/migrate-from-keycloak/start HTTP/1.1{authorization}");
        server.post(&head, &json!({ "request": request, "params": { "plan": "gold" } })).0
    };
    // shop:hunter2, and the same with another secret.
    assert_eq!(start("\r\nauthorization: Basic c2hvcDpodW50ZXIy"), 201);
    assert_eq!(start("\r\nauthorization: Basic c2hvcDpodW50ZXIz"), 401);
    assert_eq!(start(""), 401);
    assert_eq!(server.verify(&place, &server.log_in())["aud"], CLIENT_ID);
    assert!(!place.read("data/keys.json").contains("hunter2"));
    server.stop();
}

/// The journey by password that the demo's connector has, under another id.
fn own_journey() -> String {
    include_str!("../../demo/password.yaml").replace("{connector}", "keycloak").replace("migrate-from", "own-for")
}

#[test]
fn journeys_clients_and_secrets_of_several_files_are_served() {
    let place = Place::with("clients.yaml", include_str!("../../../../tests/examples/clients.yaml"));
    place.write("secrets.yaml", include_str!("../../../../tests/examples/secrets.yaml"));
    place.write("shop.yaml", CLIENTS);
    place.write("shop-secrets.yaml", "{ of-shop: hunter2, keycloak: hunter2 }");
    place.write("connectors.yaml", CONNECTORS);
    place.write("journey.yaml", own_journey());
    let arguments = "--connectors connectors.yaml --journey journey.yaml --clients clients.yaml --clients shop.yaml \
                     --secrets secrets.yaml --secrets shop-secrets.yaml";
    let server = serve(&place, free_port(), &arguments.split_whitespace().collect::<Vec<_>>());
    let start = |journey: &str, client: &str, redirect_uri: &str| {
        let request = json!({ "client_id": client, "redirect_uri": redirect_uri,
                              "code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256" });
        server.post(&format!("/v1/journeys/{journey}/start HTTP/1.1"), &json!({ "request": request })).0
    };
    // A client that names no journeys may start all of them.
    assert_eq!(start("own-for-keycloak", "native", "http://127.0.0.1:9/after"), 201);
    assert_eq!(start("migrate-from-keycloak", "native", "http://127.0.0.1:9/after"), 201);
    // It is there, and has to authenticate.
    assert_eq!(start("migrate-from-keycloak", "shop", "https://shop.example/after"), 401);
    assert_eq!(start("own-for-keycloak", CLIENT_ID, REDIRECT_URI), 201);
    server.stop();
}

/// A connector to the simulated Keycloak of `server`.
pub(crate) fn demo_connector(server: &Server, realm: &str) -> String {
    CONNECTORS
        .replace("https://id.example.com", &format!("{}/demo/keycloak", server.issuer()))
        .replace("realm: demo", realm)
}

#[test]
fn each_check_of_a_connector_is_printed_with_what_to_do() {
    let (place, server) = started(&[]);
    place.write("connectors.yaml", demo_connector(&server, "realm: demo"));
    let test = |secret: &str| {
        place.write("secrets.yaml", format!("keycloak: {secret}"));
        let output = place.run(&["test-connector", "connectors.yaml", "--secrets", "secrets.yaml"]);
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!said.contains(secret));
        (output.status.success(), said.replace(&server.port.to_string(), "PORT"))
    };

    let (passed, said) = test(landfall::demo::SECRET);
    assert!(passed, "{said}");
    assert_snapshot!(said, @"
    keycloak (keycloak)
      passed        discovery
                    authorization_endpoint: http://127.0.0.1:PORT/demo/keycloak/realms/demo/protocol/openid-connect/auth
                    id_token_signing_alg_values_supported: PS384, RS384, EdDSA, ES384, HS256, HS512, ES256, RS256, HS384, ES512, PS256, PS512, RS512
                    issuer: http://127.0.0.1:PORT/demo/keycloak/realms/demo
                    jwks_uri: http://127.0.0.1:PORT/demo/keycloak/realms/demo/protocol/openid-connect/certs
                    token_endpoint: http://127.0.0.1:PORT/demo/keycloak/realms/demo/protocol/openid-connect/token
                    userinfo_endpoint: http://127.0.0.1:PORT/demo/keycloak/realms/demo/protocol/openid-connect/userinfo
      passed        issuer
      unverifiable  tls
                    plain http on this machine: there is no certificate to check
      passed        endpoints
                    jwks_uri: passed
                    token_endpoint: passed
                    userinfo_endpoint: passed
      passed        keys
                    algorithms: RS256
                    jwks_uri: http://127.0.0.1:PORT/demo/keycloak/realms/demo/protocol/openid-connect/certs
                    keys: 1
      passed        client_credentials
                    client_id: landfall
      passed        password_grant
      Nothing failed. Could not be checked: tls. Next, log in once

    No check failed. Next: cargo run -- --connectors connectors.yaml --secrets secrets.yaml, and log in once
    ");

    let (passed, said) = test("hunter2-hunter2");
    assert!(!passed);
    let failed = said.split_once("  FAILED").unwrap().1;
    assert_snapshot!(failed, @"
            client_credentials
                    the client secret is wrong or missing: Clients > the client > Credentials > Client secret
                    client_id: landfall
                    token_endpoint_auth_method: client_secret_post
                    token_endpoint_auth_methods_supported: private_key_jwt, client_secret_basic, client_secret_post, tls_client_auth, client_secret_jwt
      unverifiable  password_grant
                    the provider has not accepted the client's credentials: see client_credentials
      Failed: client_credentials. Fix this first, then test again: the client secret is wrong or missing: Clients > the client > Credentials > Client secret

    landfall: failed: keycloak (of 1 tested). Next: do what the last line about each says, then run this again
    ");
}

#[test]
fn a_wrong_realm_fails_the_first_check() {
    let (place, server) = started(&[]);
    place.write("connectors.yaml", demo_connector(&server, "realm: Demo"));
    place.write("secrets.yaml", "keycloak: a");
    let output = place.run(&["test-connector", "connectors.yaml", "--secrets", "secrets.yaml"]);
    assert!(!output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    assert_snapshot!(said.lines().take(3).collect::<Vec<_>>().join("\n"), @"
    keycloak (keycloak)
      FAILED        discovery
                    there is no discovery document at this address: check the server's URL, with its path if it has one, and the name of the realm or tenant
    ");
    let said = place.fails(&["test-connector", "connectors.yaml"]);
    assert_snapshot!(said, @r#"landfall: connector keycloak names the secret "keycloak", which is in no file of secrets: write `keycloak: ...` into a file, and give that with --secrets"#);
}

#[test]
fn the_printed_token_opens_the_administrators_routes() {
    let (_place, server) = started(&[]);
    let token = server.printed.lines().find_map(|line| line.trim().strip_prefix("admin ")).unwrap().trim();
    let token = token.split(' ').next().unwrap();
    let test = |token: &str| {
        let head = format!("/v1/connectors/keycloak/test HTTP/1.1\r\nauthorization: Bearer {token}");
        server.post(&head, &json!({}))
    };
    let (status, report) = test(token);
    assert_eq!((status, &report["ok"]), (200, &json!(true)), "{report:#}");
    assert_eq!(test("another").0, 401);
}
