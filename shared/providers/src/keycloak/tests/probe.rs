//! The connector test of a Keycloak.

mod flow;
mod mistakes;

use std::time::Duration;

use domain::{Method, SecretError};
use egress::Reach;
use serde_json::{Value, json};
use simulators::keycloak::{Client, DirectGrantFlow, Realm, Requirement, SIMULATOR, User};
use simulators::{BadKey, Misbehaviour, Published};

use super::*;
use crate::bench::{CALLBACK, SECRET, SEED};
use crate::{Report, Status};

/// Every method, the code by a client of its own. Grace has no authenticator app.
async fn with(configure: impl FnOnce(Realm) -> Realm, over: Value) -> Bench {
    let people = |realm: Realm| configure(realm.user(User::new("grace").email("g@example.org", true).name("G", "H")));
    let mut bench = Bench::with(people, json!({})).await;
    connect(&mut bench, over);
    bench
}

fn connect(bench: &mut Bench, over: Value) {
    let mut document = json!({
        "methods": { "oidc": {}, "password": {}, "totp": { "client": { "id": "landfall-otp", "secret": "staff" } } },
    });
    document.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
    bench.connect("keycloak", Method::Password, document);
}

fn landfall() -> Client {
    Client::confidential("landfall", SECRET).direct_grants(true).redirect_uri(CALLBACK)
}

fn otp(requirement: Requirement) -> Client {
    Client::confidential("landfall-otp", SECRET)
        .checks_codes()
        .direct_grant_flow(DirectGrantFlow::username_otp(requirement).otp_reference("otp"))
}

/// What has not passed: `status id: the beginning of what it says`.
fn doubts(report: &Report) -> Vec<String> {
    let doubts = report.checks.iter().filter(|check| check.status != Status::Passed);
    let text = |text: &str| text.chars().take(32).collect::<String>();
    doubts
        .map(|check| match (check.hint, check.why) {
            (Some(hint), None) => format!("failed {}: {}", check.id, text(hint)),
            (None, Some(why)) => format!("unverifiable {}: {}", check.id, text(why)),
            other => panic!("{other:?}"),
        })
        .collect()
}

/// On the simulated server, which is reached over http, without a test user.
const ALWAYS: [&str; 3] = [
    "unverifiable tls: plain http on this machine: ther",
    "unverifiable totp_flow: only a test user shows whether t",
    "unverifiable totp_amr: only the token of a login by cod",
];

fn failures(report: &Report) -> Vec<String> {
    assert_eq!(report.ok, report.checks.iter().all(|check| check.status != Status::Failed));
    doubts(report).into_iter().filter(|doubt| !ALWAYS.iter().any(|always| doubt.starts_with(always))).collect()
}

#[tokio::test]
async fn where_everything_is_right_the_report_says_what_was_seen() {
    let bench = with(|realm| realm, json!({})).await;
    let report = serde_json::to_value(bench.probe(Some("grace")).await).unwrap();

    let issuer = bench.issuer();
    let at = |name: &str| format!("{issuer}/protocol/openid-connect/{name}");
    let passed = json!({ "status": "passed" });
    let expected = json!({
        "ok": true,
        "summary": "Nothing failed. Could not be checked: tls, totp_amr. Next, log in once",
        "checks": [
            { "id": "discovery", "status": "passed", "detail": {
                "issuer": issuer, "authorization_endpoint": at("auth"), "token_endpoint": at("token"),
                "userinfo_endpoint": at("userinfo"), "jwks_uri": at("certs"),
                "id_token_signing_alg_values_supported": [
                    "PS384", "RS384", "EdDSA", "ES384", "HS256", "HS512", "ES256", "RS256", "HS384", "ES512", "PS256", "PS512", "RS512",
                ],
            } },
            { "id": "issuer", "status": "passed" },
            { "id": "tls", "status": "unverifiable", "why": "plain http on this machine: there is no certificate to check" },
            { "id": "endpoints", "status": "passed", "detail": {
                "authorization_endpoint": passed, "token_endpoint": passed, "userinfo_endpoint": passed, "jwks_uri": passed,
            } },
            { "id": "keys", "status": "passed", "detail": { "jwks_uri": at("certs"), "keys": 1, "algorithms": ["RS256"] } },
            { "id": "client_credentials", "method": "oidc", "status": "passed", "detail": { "client_id": "landfall" } },
            { "id": "client_credentials", "method": "totp", "status": "passed", "detail": { "client_id": "landfall-otp" } },
            { "id": "redirect_uri", "status": "passed", "detail": { "redirect_uri": CALLBACK } },
            { "id": "password_grant", "status": "passed" },
            { "id": "totp_grant", "status": "passed" },
            { "id": "totp_flow", "status": "passed" },
            { "id": "totp_amr", "status": "unverifiable", "why":
                "only the token of a login by code has it: OTP needs the Authenticator Reference otp in its flow's settings, \
                 and the client the mapper Authentication Method Reference (AMR); log in once by code" },
        ],
    });
    assert_eq!(report, expected);
    // Two per client, one per grant, one for the flow.
    assert_eq!(bench.calls(), [1, 1, 7, 0]);
    assert_eq!(bench.subject.calls(Endpoint::Authorize), 1);
    assert_eq!(bench.secrets.rereads(), 0);
}

#[tokio::test]
async fn a_probe_reads_no_cache_and_fills_none() {
    let bench = with(|realm| realm, json!({})).await;
    bench.login().await.unwrap();
    for probes in 1..=2 {
        bench.probe(None).await;
        assert_eq!(bench.calls()[..2], [1 + probes, 1 + probes]);
    }
    bench.login().await.unwrap();
    assert_eq!(bench.calls()[..2], [3, 3]);
}

#[tokio::test]
async fn only_the_methods_that_are_switched_on_are_tried() {
    for (method, ids, token_calls) in [
        (Method::Oidc, &["client_credentials", "redirect_uri"][..], 2),
        (Method::Password, &["client_credentials", "password_grant"], 3),
        (Method::Totp, &["client_credentials", "totp_grant", "totp_flow", "totp_amr"], 3),
    ] {
        let bench = Bench::at(&SIMULATOR, method, Reach::Local, json!({})).await;
        let report = bench.probe(None).await;
        let found: Vec<_> = report.checks.iter().map(|check| check.id).collect();
        assert_eq!(found[..5], ["discovery", "issuer", "tls", "endpoints", "keys"]);
        assert_eq!(found[5..], *ids);
        assert_eq!((report.ok, report.checks[5].method, bench.calls()[2]), (true, None, token_calls));
    }
}

#[tokio::test]
async fn a_realm_that_cannot_be_used_is_found() {
    let after = |why: &str| {
        let ids = [
            "endpoints",
            "keys",
            "client_credentials",
            "client_credentials",
            "redirect_uri",
            "password_grant",
            "totp_grant",
            "totp_flow",
        ];
        ids.map(|id| format!("unverifiable {id}: {why}")).to_vec()
    };
    const NO_DOCUMENT: &str = "the discovery document could not";
    let first = |hint: &str| vec![format!("failed discovery: {hint}"), format!("unverifiable issuer: {NO_DOCUMENT}")];

    let bench = with(as_is, json!({ "settings": { "realm": "Demo" } })).await;
    let found = failures(&bench.probe(Some("grace")).await);
    assert_eq!(found, [first("there is no discovery document a"), after(NO_DOCUMENT)].concat());
    assert_eq!(bench.calls(), [1, 0, 0, 0]);

    let bench = with(|realm| realm.https_required(true), json!({})).await;
    let found = failures(&bench.probe(None).await);
    assert_eq!(found[0], "failed discovery: the provider refuses to send its");

    let bench = with(|realm| realm.enabled(false), json!({})).await;
    let report = bench.probe(None).await;
    let disabled = Some("the realm is disabled: Realm settings > Enabled");
    for id in ["client_credentials", "redirect_uri"] {
        assert_eq!(report.check(id).hint, disabled, "{id}");
    }

    let mut bench = with(as_is, json!({})).await;
    bench.stop().await;
    let found = failures(&bench.probe(None).await);
    assert_eq!(found[..2], first("no connection: check the name of"));
    assert_eq!(found[2..], after(NO_DOCUMENT));
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_with_another_issuer() {
    let bench = with(as_is, json!({})).await;
    bench.change_document(json!({ "issuer": "https://8.8.8.8/realms/demo" }));
    let report = bench.probe(Some("grace")).await;
    let issuer = &report.checks[1];
    assert_eq!((issuer.id, issuer.status), ("issuer", Status::Failed));
    let expected = bench.issuer();
    assert_eq!(issuer.detail, Some(json!({ "expected": expected, "found": "https://8.8.8.8/realms/demo" })));
    assert!(issuer.hint.unwrap().contains("hostname"));
    for check in &report.checks[4..11] {
        assert_eq!(check.status, Status::Unverifiable, "{check:?}");
        assert!(check.why.unwrap().ends_with("see issuer"), "{check:?}");
    }
    assert_eq!(bench.calls(), [1, 0, 0, 0]);
    assert_eq!(bench.subject.calls(Endpoint::Authorize), 0);
}

#[tokio::test]
async fn an_unusable_key_set_is_found() {
    let bench = with(as_is, json!({})).await;
    for (misbehaviour, hint, detail) in [
        (Misbehaviour::BadKey(BadKey::Short, Published::Instead), "the provider publishes no key", true),
        (Misbehaviour::DuplicateKeys, "the answer can be read in two ways", false),
        (Misbehaviour::HugeBody(2 * 1024 * 1024), "the answer is larger", false),
        (Misbehaviour::Unavailable, "the provider answers with an error of its own", false),
        (Misbehaviour::TooManyRequests { retry_after: Some(7) }, "the provider wants fewer calls", false),
    ] {
        bench.subject.misbehave_at(Endpoint::Keys, Some(misbehaviour));
        let keys = bench.probe(None).await.checks.remove(4);
        assert!(keys.hint.is_some_and(|found| found.starts_with(hint)), "{keys:?}");
        let none = json!({ "jwks_uri": format!("{}/realms/demo/protocol/openid-connect/certs", bench.url), "keys": 0, "algorithms": [] });
        assert_eq!(keys.detail, detail.then_some(none));
    }
    bench.subject.misbehave_at(Endpoint::Keys, None);
    let mut bench = bench;
    connect(&mut bench, json!({ "settings": { "algorithms": ["ES256"] } }));
    assert_eq!(bench.probe(None).await.checks[4].status, Status::Failed);
}

#[tokio::test]
async fn a_missing_or_rotated_secret_is_handled_as_in_a_login() {
    let bench = with(as_is, json!({})).await;
    bench.secrets.set(Err(SecretError::Unknown));
    let found = failures(&bench.probe(None).await);
    assert_eq!(found[..2], vec!["failed client_credentials: the secret that client.secret na"; 2]);
    bench.secrets.set(Err(SecretError::Unavailable));
    let found = failures(&bench.probe(None).await);
    assert_eq!(found[..2], vec!["failed client_credentials: the deployment's secrets cannot "; 2]);
    assert_eq!(bench.calls()[2], 0);

    bench.secrets.set(Ok("an older one"));
    bench.secrets.rotate(Ok(SECRET));
    assert_eq!(failures(&bench.probe(None).await), [""; 0]);
    assert_eq!((bench.calls()[2], bench.secrets.rereads()), (7, 1));
}

#[tokio::test]
async fn a_client_without_a_secret_shows_none() {
    let open = |realm: Realm| realm.client(Client::public("open").direct_grants(true).redirect_uri(CALLBACK));
    let over = json!({ "client": { "id": "open", "secret": null }, "methods": { "oidc": {}, "password": {} } });
    let bench = with(open, over).await;
    assert_eq!(failures(&bench.probe(None).await), [""; 0]);
    assert_eq!(bench.subject.exchanges().iter().map(|sent| sent.client_auth()).collect::<Vec<_>>(), [ClientAuth::None]);
}

#[tokio::test]
async fn a_silent_server_ends_at_the_requests_deadline() {
    let bench = with(as_is, json!({})).await;
    bench.subject.misbehave(Some(Misbehaviour::Silence));
    let found = failures(&bench.probe_within(None, Duration::from_millis(50)).await);
    assert_eq!(found[0], "failed client_credentials: no answer in time: check the add");
}
