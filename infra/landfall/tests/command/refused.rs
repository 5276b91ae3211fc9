//! What is refused before anything is written: each message says what is wrong, where, and what would be right.

use super::*;

#[test]
fn a_busy_port_is_named_before_anything_is_written() {
    let place = Place::new();
    let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = holder.local_addr().unwrap().port();

    let said = place.fails(&["--port", &port.to_string(), "--data", "data"]);

    assert_snapshot!(said.replace(&port.to_string(), "PORT"), @"landfall: port PORT of this machine is in use: stop the program that listens there, or choose another port with --port");
    assert!(!place.has("data"));
}

#[test]
fn wrong_arguments_are_named() {
    let place = Place::new();
    assert_snapshot!(place.fails(&["--port", "65536"]), @"
    error: invalid value '65536' for '--port <PORT>': 65536 is not in 0..=65535

    For more information, try '--help'.
    ");
    assert_snapshot!(place.fails(&["--prot", "8787"]), @"
    error: unexpected argument '--prot' found

      tip: a similar argument exists: '--port'

    Usage: landfall --port <PORT>

    For more information, try '--help'.
    ");
}

#[test]
fn a_file_that_cannot_be_read_is_named_with_what_to_do() {
    let place = Place::with("folder/file", "");
    place.write("image", b"\xff\xfe");
    place.write("clients.yaml", CLIENTS);
    for option in ["--connectors", "--journey", "--clients", "--clients=clients.yaml --secrets"] {
        for (file, expected) in [
            ("missing", "landfall: missing: there is no such file: correct the path\n"),
            ("folder", "landfall: folder: this is a folder: give the path of a file\n"),
            ("image", "landfall: image: this is not text: give a file in UTF-8\n"),
        ] {
            let arguments: Vec<_> = option.split(' ').chain([file]).collect();
            assert_eq!(place.refuses_untouched(&arguments), expected, "{option}");
        }
    }
}

#[test]
fn a_file_of_each_kind_with_the_wrong_content_is_named() {
    let place = Place::with("other.yaml", "greeting: hello");
    place.write("list.yaml", "- hello");
    place.write("clients.yaml", CLIENTS);
    let mut said = String::new();
    for option in ["--connectors", "--journey", "--clients", "--clients=clients.yaml --secrets"] {
        for file in ["other.yaml", "list.yaml"] {
            let arguments: Vec<_> = option.split(' ').chain([file]).collect();
            let refused = place.refuses_untouched(&arguments);
            // Without the snippet of the file.
            let snippet = |line: &&str| !line.starts_with([' ', '1']) && !line.is_empty();
            said.extend(refused.lines().filter(snippet).map(|line| format!("{line}\n")));
        }
    }
    assert_snapshot!(said, @r#"
    landfall: other.yaml:
    error: line 1 column 1: unknown field `greeting`, expected one of connectors
    A file of connectors has one list, `connectors`: see shared/journeys/README.md#connectors
    landfall: list.yaml:
    error: line 1 column 1: expected mapping start
    A file of connectors has one list, `connectors`: see shared/journeys/README.md#connectors
    landfall: other.yaml:
    error: line 1 column 1: unknown field `greeting`, expected one of format, id, params, start, steps
    A file of a journey has format, id, start and steps: see shared/journeys/README.md#journeys
    landfall: list.yaml:
    error: line 1 column 1: expected mapping start
    A file of a journey has format, id, start and steps: see shared/journeys/README.md#journeys
    landfall: other.yaml:
    error: line 1 column 1: unknown field `greeting`, expected one of clients
    A file of clients has one list, `clients`: see shared/journeys/README.md#clients
    landfall: list.yaml:
    error: line 1 column 1: expected mapping start
    A file of clients has one list, `clients`: see shared/journeys/README.md#clients
    landfall: client shop names the secret "of-shop", which is in no file of secrets: write `of-shop: ...` into a file, and give that with --secrets
    landfall: list.yaml: line 1 column 1: a file of secrets has lines `name: value`, each name once (its content is not shown here)
    "#);
}

#[test]
fn what_is_wrong_in_a_connectors_file_is_shown_where_it_is() {
    let place = Place::with("connectors.yaml", CONNECTORS.replace("name:", "title:"));
    assert_snapshot!(place.refuses_untouched(&["--connectors", "connectors.yaml"]), @"
    landfall: connectors.yaml:
    error: line 4 column 5: unknown field `title`, expected one of id, provider, name, description, button, enabled, source, timeout, ca_certificates, tokens, client, methods, settings
     --> <input>:4:5
      |
    2 |   - id: keycloak
    3 |     provider: keycloak
    4 |     title: Keycloak
      |     ^ unknown field `title`, expected one of id, provider, name, description, button, enabled, source, timeout, ca_certificates, tokens, client, methods, settings
    5 |     client: { id: landfall, secret: keycloak }
    6 |     methods: { password: {} }
      |
    A file of connectors has one list, `connectors`: see shared/journeys/README.md#connectors
    ");
}

#[test]
fn an_invalid_connector_is_named() {
    let place = Place::with("connectors.yaml", CONNECTORS.replace("realm: demo", "relm: demo"));
    let said = place.refuses_untouched(&["--connectors", "connectors.yaml"]);
    let (own, _of_all) = said.split_once(", or one of").unwrap();
    assert_snapshot!(own, @"landfall: connectors.yaml: connector keycloak: settings.relm: unknown field `relm`, expected `url` or `realm`");
}

#[test]
fn an_invalid_file_deletes_nothing() {
    let place = Place::with("data/dynamodb.sqlite", "users");
    place.write("data/keys.json", "keys");
    place.write("connectors.yaml", "connectors: 1");
    place.write("good.yaml", CONNECTORS);

    place.refuses_to_serve(&["--reset", "--connectors", "connectors.yaml"]);
    place.refuses_to_serve(&["--reset", "--connectors", "good.yaml", "--secrets", "secrets.yaml"]);

    assert_eq!((place.read("data/dynamodb.sqlite"), place.read("data/keys.json")), ("users".into(), "keys".into()));
}

#[test]
fn secrets_need_connectors_or_clients() {
    let place = Place::with("secrets.yaml", "keycloak: x");
    assert_snapshot!(place.refuses_untouched(&["--secrets", "secrets.yaml"]), @"
    error: the following required arguments were not provided:
      <--connectors <FILE>|--clients <FILE>>

    Usage: landfall --port <PORT> --data <FOLDER> --secrets <FILE> <--connectors <FILE>|--clients <FILE>>

    For more information, try '--help'.
    ");
}

#[test]
fn a_bad_secrets_file_is_named_and_no_secret_of_it_is_shown() {
    for bad in [
        "keycloak: hunter2\nokta: [hunter2",
        "- hunter2",
        "keycloak: { value: hunter2 }",
        "keycloak: hunter2\nkeycloak: hunter2",
    ] {
        let place = Place::with("connectors.yaml", CONNECTORS);
        place.write("secrets.yaml", bad);
        let said = place.refuses_untouched(&["--connectors", "connectors.yaml", "--secrets", "secrets.yaml"]);
        assert!(said.starts_with("landfall: secrets.yaml: line "), "{said}");
        assert!(
            said.ends_with(
                "a file of secrets has lines `name: value`, each name once (its content is not shown here)\n"
            ),
            "{said}"
        );
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn keys_that_cannot_be_read_are_named_and_not_shown() {
    let (place, server) = started(&[]);
    server.stop();
    let good = place.read("data/keys.json");
    let secrets: Value = serde_json::from_str(&good).unwrap();
    let ring = |secret: &Value| serde_json::from_str::<Value>(secret.as_str().unwrap()).unwrap();
    let rings = secrets.as_object().unwrap().values().map(ring);
    let keys: Vec<_> = rings.map(|ring| ring["keys"][0]["key"].as_str().unwrap().to_owned()).collect();
    let material = |text: &str| {
        let lines =
            keys.iter().flat_map(|key| key.lines()).filter(|line| line.len() > 20 && !line.starts_with("-----"));
        lines.filter(|line| text.contains(&line[..12])).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(!material(&good).is_empty());

    for bad in
        [&good[..good.len() / 2], &good[..good.len() - 4], &good.replace(',', ""), "", "{}", "[]", "not a file of keys"]
    {
        place.write("data/keys.json", bad);
        let said = place.refuses_to_serve(&[]);
        assert!(said.starts_with("landfall: data/keys.json:"), "{said}");
        assert_eq!(material(&said), Vec::<String>::new(), "{said}");
        assert_eq!(place.read("data/keys.json"), bad);
    }
}

#[test]
fn a_file_cannot_be_the_data_folder() {
    let place = Place::with("data", "");
    assert_snapshot!(place.refuses_to_serve(&[]), @"landfall: data: this is a file: give the path of a folder");
}

#[test]
fn a_data_folder_that_others_may_write_to_is_refused() {
    let place = Place::with("data/file", "");
    fs::set_permissions(place.0.path().join("data"), fs::Permissions::from_mode(0o777)).unwrap();
    assert_snapshot!(place.refuses_to_serve(&[]), @"landfall: data belongs to another user, or others may write to it: forbid that (chmod go-w data), or choose another folder with --data");
    assert!(!place.has("data/keys.json"));
}

/// A data folder with keys and this database.
fn with_database(name: &str, content: &str) -> Place {
    let place = Place::with(name, content);
    LocalSecrets::open(&place.0.path().join("data/keys.json"), &SeededEntropy::new(1)).unwrap();
    place
}

#[test]
fn an_invalid_database_is_named() {
    let text = "this is no database, and long enough to be looked at ".repeat(100);
    let said = with_database("data/dynamodb.sqlite", &text).refuses_to_serve(&[]);
    let expected = "landfall: data/dynamodb.sqlite: the embedded DynamoDB cannot use this file (";
    assert!(said.starts_with(expected), "{said}");
    let said = with_database("data/dynamodb.sqlite/file", "").refuses_to_serve(&[]);
    assert_snapshot!(said, @"landfall: data/dynamodb.sqlite: this is a folder: give the path of a file");
}

#[test]
fn lost_keys_are_not_replaced_while_there_are_users() {
    let place = Place::with("data/dynamodb.sqlite", "");
    assert_snapshot!(place.refuses_to_serve(&[]), @"landfall: data/keys.json: there is no secret keys/signing: put the file back, or start anew with --reset, which deletes users as well");
    assert!(!place.has("data/keys.json"));
}

#[test]
fn a_connectors_file_without_connectors_is_named() {
    let place = Place::with("connectors.yaml", "connectors: []");
    let said = place.refuses_untouched(&["--connectors", "connectors.yaml"]);
    assert_snapshot!(said, @"landfall: connectors.yaml: there is no connector in this file: add one under `connectors`, with id, provider, name, client, methods and settings");
}

#[test]
fn a_connectors_missing_secret_is_named() {
    let connectors = "connectors:
  - id: old
    provider: keycloak
    name: Old
    client: { id: landfall, secret: of-old }
    methods: { password: {} }
    settings: { url: https://id.example.com, realm: acme }
";
    let place = Place::with("connectors.yaml", connectors);
    let said = place.refuses_untouched(&["--connectors", "connectors.yaml"]);
    assert_snapshot!(said, @"landfall: connector old names the secret \"of-old\", which is in no file of secrets: write `of-old: ...` into a file, and give that with --secrets");
}

#[test]
fn an_invalid_client_is_named() {
    let refused = |from: &str, to: &str| {
        assert_eq!(CLIENTS.matches(from).count(), 1);
        let place = Place::with("clients.yaml", CLIENTS.replace(from, to));
        place.write("secrets.yaml", "of-shop: hunter2");
        place.refuses_untouched(&["--clients", "clients.yaml", "--secrets", "secrets.yaml"])
    };
    assert_snapshot!(refused("    secret: of-shop\n", ""), @"landfall: clients.yaml: client shop: direct_api: confidential needs secret: the name of its client secret");
    assert_snapshot!(refused("https://shop", "http://shop"), @r#"landfall: clients.yaml: client shop: redirect_uris: "http://shop.example/after" is not allowed: use https://, or http:// on this machine (127.0.0.1, [::1], localhost), or, with application_type: native, a private-use scheme with a dot in it (com.example.app:/)"#);
    assert_snapshot!(refused("[migrate-from-keycloak]", "[sign-in]"), @r#"landfall: client shop names the journey "sign-in", which is not served (there are: sign-in-with-keycloak, migrate-from-keycloak): correct the name, or give the journey's file with --journey"#);
    assert_snapshot!(refused("of-shop", "of-other"), @r#"landfall: client shop names the secret "of-other", which is in no file of secrets: write `of-other: ...` into a file, and give that with --secrets"#);
    assert_snapshot!(refused("  - id", &format!("{}  - id", CLIENTS.strip_prefix("clients:\n").unwrap())), @"landfall: clients.yaml: client shop is there already, in this file, in another, or as one of Landfall's own: remove one of the two, or rename it");
    let said = refused("first_party: true", "first_party: yes");
    assert!(said.starts_with("landfall: clients.yaml:\nerror: line 4 column 18: "), "{said}");
}

#[test]
fn verifying_without_a_server_names_where_it_was_looked_for() {
    let port = free_port().to_string();
    let issuer = format!("http://127.0.0.1:{port}");
    let said = Place::new().fails(&["verify", "--issuer", &issuer, "a.b.c"]);
    assert_snapshot!(said.replace(&port, "PORT"), @"landfall: http://127.0.0.1:PORT/oauth2/jwks: no connection: is `cargo run` running there?");
    assert_snapshot!(Place::new().fails(&["verify", "--issuer", "landfall", "a.b.c"]), @"landfall: landfall/oauth2/jwks does not answer with a set of keys: is this Landfall's issuer?");
    assert_snapshot!(Place::new().fails(&["verify"]), @"
    error: the following required arguments were not provided:
      <TOKEN>

    Usage: landfall verify <TOKEN>

    For more information, try '--help'.
    ");
}

#[test]
fn conflicts_between_files_are_named() {
    let place = Place::with("clients.yaml", CLIENTS);
    place.write("secrets.yaml", "of-shop: hunter2");
    let journey = include_str!("../../demo/password.yaml");
    place.write("same.yaml", journey.replace("{connector}", "keycloak"));
    place.write("lost.yaml", journey.replace("{connector}", "okta"));
    place.write("broken.yaml", journey.replace("{connector}", "keycloak").replace("start: ask", "start: as"));
    place.write("demo.yaml", CLIENTS.replace("id: shop", "id: demo"));
    let said: String = [
        "--journey same.yaml",
        "--journey lost.yaml",
        "--journey broken.yaml",
        "--journey missing.yaml",
        "--clients clients.yaml --clients clients.yaml --secrets secrets.yaml",
        "--clients demo.yaml --secrets secrets.yaml",
        "--clients clients.yaml --secrets secrets.yaml --secrets secrets.yaml",
    ]
    .map(|arguments| place.refuses_untouched(&arguments.split(' ').collect::<Vec<_>>()))
    .concat();
    assert!(!said.contains("hunter2"), "{said}");
    assert_snapshot!(said, @r#"
    landfall: same.yaml: journey migrate-from-keycloak is there already, in this file, in another, or as one of Landfall's own: remove one of the two, or rename it
    landfall: journey migrate-from-okta names the connector "okta", which does not exist (there are: keycloak): correct the name, or give the file that has it with --connectors
    landfall: broken.yaml:
      start: there is no step as
    landfall: missing.yaml: there is no such file: correct the path
    landfall: clients.yaml: client shop is there already, in this file, in another, or as one of Landfall's own: remove one of the two, or rename it
    landfall: demo.yaml: client demo is there already, in this file, in another, or as one of Landfall's own: remove one of the two, or rename it
    landfall: secrets.yaml: the secret of-shop is there already, in this file, in another, or as one of Landfall's own: remove one of the two, or rename it
    "#);
}

#[test]
fn completions_are_printed_for_a_shell() {
    let output = Place::new().run(&["completions", "bash"]);
    assert!(output.status.success() && String::from_utf8(output.stdout).unwrap().contains("--connectors"));
}
