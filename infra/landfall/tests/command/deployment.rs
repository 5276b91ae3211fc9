//! What is done to a deployment, with a server on this machine in its place.

use super::*;

const FUNCTIONS: &str = "http://127.0.0.1:9";

impl Place {
    /// Runs the command in the environment of a deployment, as the server has written it down.
    fn run_there(&self, arguments: &[&str]) -> Output {
        let environment = self.read("data/functions.env");
        let variables = environment.lines().map(|line| line.split_once('=').unwrap());
        self.command(arguments).envs(variables).output().unwrap()
    }

    fn does(&self, arguments: &[&str]) -> String {
        let output = self.run_there(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn is_refused(&self, arguments: &[&str]) -> String {
        let output = self.run_there(arguments);
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

fn kids(server: &Server) -> Vec<String> {
    let keys = server.get("/oauth2/jwks")["keys"].clone();
    keys.as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_new_key_is_announced_once_and_a_compromised_one_is_gone_at_once() {
    let (place, server) = started(&["--functions", FUNCTIONS]);
    let before = kids(&server);
    assert_snapshot!(place.does(&["keys", "create"]), @"
    landfall/keys/signing: is there already
    landfall/keys/session: is there already
    ");

    let said = place.does(&["keys", "rotate", "--kind", "signing"]);
    assert!(
        said.starts_with("landfall/keys/signing: a new key is known everywhere in 5 minutes, and in force from "),
        "{said}"
    );
    let both = kids(&server);
    assert_eq!((both.len(), &both[0]), (2, &before[0]));
    let said = place.is_refused(&["keys", "rotate"]);
    assert!(
        said.starts_with("landfall: landfall/keys/signing: a new key is already announced, and becomes active at "),
        "{said}"
    );
    assert_eq!(kids(&server), both);

    assert_snapshot!(place.does(&["keys", "rotate", "--compromised"]), @"
    landfall/keys/signing: a new key alone, in use everywhere in 5 minutes
    landfall/keys/session: a new key alone, in use everywhere in 5 minutes
    ");
    let after = kids(&server);
    assert!(after.len() == 1 && !both.contains(&after[0]), "{after:?}");

    // What is stored outlives a restart.
    let port = server.port;
    server.stop();
    assert_eq!(kids(&serve(&place, port, &[])), after);
}

#[test]
fn what_cannot_be_rotated_whole_is_not_rotated_at_all() {
    let (place, server) = started(&["--functions", FUNCTIONS]);
    let before = kids(&server);
    place.does(&["keys", "rotate", "--kind", "session"]);

    let said = place.is_refused(&["keys", "rotate"]);

    let why = "landfall: landfall/keys/session: a new key is already announced, and becomes active at ";
    assert!(said.starts_with(why), "{said}");
    assert_eq!(kids(&server), before);
}

#[test]
fn a_secret_that_cannot_be_read_is_named_with_the_reason() {
    let (place, _server) = started(&["--functions", FUNCTIONS]);
    place.write("connectors.yaml", CONNECTORS);
    let environment = place.read("data/functions.env");
    let environment = environment.lines().filter(|line| !line.starts_with("AWS_ACCESS_KEY_ID="));
    let environment: String = environment.map(|line| format!("{line}\n")).collect();
    place.write("data/functions.env", format!("{environment}AWS_ACCESS_KEY_ID=another\n"));

    let said = place.is_refused(&["apply", "--connectors", "connectors.yaml"]);
    assert!(said.starts_with("landfall: landfall/connectors/keycloak cannot be read: "), "{said}");
    let said = place.is_refused(&["keys", "rotate"]);
    assert!(said.starts_with("landfall: landfall/keys/signing cannot be read: "), "{said}");
}

#[test]
fn documents_are_checked_whole_before_one_is_saved() {
    let (place, server) = started(&["--functions", FUNCTIONS]);
    let journey = include_str!("../../demo/password.yaml").replace("{connector}", "keycloak");
    place.write("connectors.yaml", CONNECTORS);
    place.write("journey.yaml", journey.replace("id: migrate-from-keycloak", "id: migrate"));
    let clients = "clients:
  - id: shop
    first_party: true
    direct_api: public
    name: Shop
    journeys: [migrate]
    redirect_uris: [\"https://shop.example/after\"]
";
    place.write("clients.yaml", clients);
    place.write("backend.yaml", clients.replace("direct_api: public", "direct_api: confidential\n    secret: shop"));
    place.write("elsewhere.yaml", CONNECTORS.replace("secret: keycloak", "secret: other"));
    let shop = json!({
        "request": { "client_id": "shop", "redirect_uri": "https://shop.example/after", "scope": "openid",
                     "code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256" },
        "params": { "plan": "gold" },
    });

    assert_snapshot!(place.is_refused(&["apply", "--clients", "clients.yaml"]), @r#"landfall: client shop names the journey "migrate", which is not saved: give its file with --journey"#);
    assert_snapshot!(place.is_refused(&["apply", "--journey", "journey.yaml", "--clients", "backend.yaml"]), @"landfall: client shop has no secret: store it first, as landfall/clients/shop (aws secretsmanager create-secret --name landfall/clients/shop ...)");
    assert_snapshot!(place.is_refused(&["apply", "--journey", "journey.yaml", "--connectors", "elsewhere.yaml"]), @"landfall: connector keycloak has no secret: store it first, as landfall/connectors/other (aws secretsmanager create-secret --name landfall/connectors/other ...)");
    place.write("none.yaml", clients.replace("    journeys: [migrate]\n", ""));
    assert_snapshot!(place.is_refused(&["apply", "--clients", "none.yaml"]), @"landfall: client shop names no journey, so it could start none: name them under `journeys`");
    place.write("lost.yaml", place.read("journey.yaml").replace("connector: \"keycloak\"", "connector: \"okta\""));
    assert_snapshot!(place.is_refused(&["apply", "--journey", "lost.yaml"]), @r#"landfall: journey migrate names the connector "okta", which does not exist (there are: keycloak): correct the name, or give the file that has it with --connectors"#);
    assert_eq!(server.post("/v1/journeys/migrate/start HTTP/1.1", &shop).0, 404);

    let all = ["apply", "--connectors", "connectors.yaml", "--journey", "journey.yaml", "--clients", "clients.yaml"];
    assert_snapshot!(place.does(&all), @"
    connector keycloak is saved; its issuer: https://id.example.com/realms/demo; its redirect URI, where it has one: http://127.0.0.1:9/v1/callback/keycloak
    journey migrate is live
    client shop is saved
    ");
    // Under another id it has the same users, but for one of another source.
    place.write("connectors.yaml", CONNECTORS.replace("id: keycloak", "id: renamed"));
    assert!(!place.does(&["apply", "--connectors", "connectors.yaml"]).contains("note:"));
    place.write("connectors.yaml", CONNECTORS.replace("id: keycloak", "id: twin\n    source: twin"));
    let said = place.does(&["apply", "--connectors", "connectors.yaml"]);
    assert_snapshot!(said.lines().next().unwrap(), @"note: connector twin has the source twin, and connector keycloak, which leads to the same issuer, has issuer-68305c9d3f15b51efe23: a user of the one is a stranger to the other. Give both one source, unless that is meant");
    assert_eq!(server.post("/v1/journeys/migrate/start HTTP/1.1", &shop).0, 201);
}

#[test]
fn providers_are_told_apart_across_files() {
    let (place, _server) = started(&["--functions", FUNCTIONS]);
    let with_callback = |id: &str, callback: &str| {
        let redirect =
            CONNECTORS.replace("{ password: {} }", "{ oidc: {} }").replace("id: keycloak", &format!("id: {id}"));
        redirect.replace("realm: demo", &format!("realm: demo, redirect_uri: \"https://shop.example/{callback}\""))
    };
    let apply = ["apply", "--connectors", "connectors.yaml"];
    place.write("connectors.yaml", with_callback("one", "back"));
    place.does(&apply);
    // The same connector again is no conflict.
    place.does(&apply);

    place.write("connectors.yaml", with_callback("two", "back"));
    assert_snapshot!(place.is_refused(&apply), @"landfall: connectors.yaml: connectors one and two have the same settings.redirect_uri: give each its own, or an answer cannot be told apart");

    // As soon as the first is at another address, the second may have this one.
    place.write("connectors.yaml", with_callback("one", "elsewhere"));
    place.does(&apply);
    place.write("connectors.yaml", with_callback("two", "back"));
    place.does(&apply);
}

#[test]
fn a_deployment_that_is_not_named_is_refused() {
    let place = Place::new();
    let said = place.fails(&["keys", "create"]);
    assert!(said.starts_with("landfall: these environment variables are missing: LANDFALL_ISSUER, "), "{said}");
}
