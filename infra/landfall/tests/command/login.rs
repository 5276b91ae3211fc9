//! The script of a login: that it signs a user in, and what it says when it does not.

use landfall::demo;

use super::serving::demo_connector;
use super::*;

impl Server {
    /// Runs the script of a login: whether it succeeded, and what it said.
    fn run_script(&self, place: &Place, environment: &[(&str, &str)], input: &str) -> (bool, String) {
        let mut script = Command::new("sh");
        script.arg("data/login.sh").current_dir(place.0.path()).envs(environment.iter().copied());
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = script.spawn().unwrap();
        // A script that does not ask may have ended.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.success(), said.replace(&self.port.to_string(), "PORT"))
    }

    /// What the script says of a login that fails: without the answer, which is another one each time, and curl's words.
    fn fails_to_log_in(&self, place: &Place, email: &str, password: &str) -> String {
        let who = [("LANDFALL_EMAIL", email), ("LANDFALL_PASSWORD", password)];
        let (succeeded, said) = self.run_script(place, &who, "");
        assert!(!succeeded, "{said}");
        said.lines()
            .filter(|line| !line.starts_with("The answer: ") && !line.starts_with("curl: "))
            .map(|line| format!("{line}\n"))
            .collect()
    }
}

#[test]
fn the_script_signs_the_demos_user_in() {
    let (place, server) = started(&[]);
    let (succeeded, said) = server.run_script(&place, &[], "");
    assert!(succeeded, "{said}");
    assert!(said.contains(r#""email": "ada@example.org""#), "{said}");
}

#[test]
fn the_script_asks_for_users_of_other_providers() {
    let (_old, provider) = started(&[]);
    let (place, server) = beside(&provider, demo::SECRET);
    let (succeeded, said) = server.run_script(&place, &[], &format!("{EMAIL}\n{PASSWORD}\n"));
    assert!(succeeded, "{said}");
    let asked = said.split_once("E-mail: ").unwrap().1;
    assert!(asked.starts_with("Password: ") && !asked.contains(PASSWORD), "{said}");
    assert!(said.contains(r#""email": "ada@example.org""#), "{said}");

    let (succeeded, said) = server.run_script(&place, &[("LANDFALL_EMAIL", EMAIL)], "");
    assert!(!succeeded);
    assert_snapshot!(said, @"
    Password: 
    Nothing was entered: run this in a terminal, or set LANDFALL_EMAIL and LANDFALL_PASSWORD.
    ");
}

/// A server whose connector is to the demo's Keycloak of another.
fn beside(provider: &Server, secret: &str) -> (Place, Server) {
    let place = Place::with("connectors.yaml", demo_connector(provider, "realm: demo"));
    place.write("secrets.yaml", format!("keycloak: {secret:?}"));
    let server =
        serve(&place, free_port(), &["--log=pretty", "--connectors", "connectors.yaml", "--secrets", "secrets.yaml"]);
    (place, server)
}

#[test]
fn a_login_that_fails_says_why_and_what_to_do() {
    let (old, provider) = started(&[]);
    let (place, mut server) = beside(&provider, demo::SECRET);
    let (stranger, misconfigured) = beside(&provider, "another");
    let mut said = String::new();
    let mut tell = |what: &str, place: &Place, server: &Server, email: &str, password: &str| {
        let before = place.read("log").lines().count();
        said.push_str(&format!("{what}:\n{}", server.fails_to_log_in(place, email, password)));
        let log = place.read("log").replace(&server.port.to_string(), "PORT");
        // Without the time.
        let lines = log.lines().skip(before).map(|line| format!("{}\n", line.split_once(' ').unwrap().1));
        said.extend(lines);
        said.push('\n');
    };
    tell("wrong password", &place, &server, EMAIL, "wrong");
    tell("unknown user", &place, &server, "unknown@example.org", PASSWORD);
    tell("blank form", &place, &server, "", "");
    tell("wrong client secret", &stranger, &misconfigured, EMAIL, PASSWORD);

    assert!(provider.run_script(&old, &[], "").0);
    provider.stop();
    // On another port, the demo's provider is another one.
    let moved = serve(&old, free_port(), &["--log=pretty"]);
    tell("address of an account at another provider", &old, &moved, EMAIL, PASSWORD);
    tell("provider stopped", &place, &server, EMAIL, PASSWORD);
    server.terminate();
    tell("Landfall stopped", &place, &server, EMAIL, PASSWORD);
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, server.port)).unwrap();
    let other = thread::spawn(move || {
        let (mut stream, _) = other.accept().unwrap();
        assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\n<html></html>").unwrap();
    });
    tell("port taken", &place, &server, EMAIL, PASSWORD);
    other.join().unwrap();
    assert_snapshot!(said, @"
    wrong password:
    The login failed: The sign-in details are not right (invalid_credentials).
    Check the e-mail and the password. An unknown, locked or disabled user gets the same answer.
    not signed in  keycloak by password: the provider rejected the attempt: invalid_credentials: check name and password: a provider may answer the same for an unknown, locked or disabled user, and its own log of events tells them apart

    unknown user:
    The login failed: The sign-in details are not right (invalid_credentials).
    Check the e-mail and the password. An unknown, locked or disabled user gets the same answer.
    not signed in  keycloak by password: the provider rejected the attempt: invalid_credentials: check name and password: a provider may answer the same for an unknown, locked or disabled user, and its own log of events tells them apart

    blank form:
    The login failed: The input does not fit the fields of this step (invalid_input).
    Fill in the form as the step asks: the answer's `fields` says which fields do not fit.
    refused        POST /v1/sessions/{session}/steps/{step}: The input does not fit the fields of this step (invalid_input). Fill in the form as the step asks: the answer's `fields` says which fields do not fit.

    wrong client secret:
    The login failed: Please try again later (try_later).
    The terminal where Landfall runs says why, in a line about this login.
    not signed in  keycloak by password: the connector is misconfigured at client_authentication: the client secret is wrong or missing: Clients > the client > Credentials > Client secret (try_later)

    address of an account at another provider:
    The login failed: An account with this identifier already exists (proof_required).
    The address belongs to an account of another provider: sign in through that one. The demo's provider is another one on each port: use the port of the first login, another --data, or --reset.
    not signed in  keycloak: An account with this identifier already exists (proof_required). The address belongs to an account of another provider: sign in through that one. The demo's provider is another one on each port: use the port of the first login, another --data, or --reset.

    provider stopped:
    The login failed: Please try again later (try_later).
    The terminal where Landfall runs says why, in a line about this login.
    not signed in  keycloak by password: the provider is unavailable at token: connect: no connection: check the name of the host, its port, whether the provider runs, and whether a firewall blocks Landfall (try_later)

    Landfall stopped:
    The login failed: There is no answer from http://127.0.0.1:PORT (no code).
    See whether Landfall still runs there, and start it again.

    port taken:
    The login failed: Another program answers at http://127.0.0.1:PORT (no code).
    Start Landfall on a free port (--port), and run the new script.
    ");
}
