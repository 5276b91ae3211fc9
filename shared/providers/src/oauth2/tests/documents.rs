//! The presets, and the documents that the guide shows: each signs in at a simulator that was shaped from the provider's
//! documentation.

use serde::Deserialize;
use simulators::{Simulator, oauth2};

use super::*;

/// A document of the file, but for its client, and led to the simulator.
fn document(id: &str, url: &str) -> Value {
    #[derive(Deserialize)]
    struct File {
        connectors: Vec<Value>,
    }
    let file: File = serde_saphyr::from_str(include_str!("../../../guides/oauth2.yaml")).unwrap();
    let mut document = file.connectors.into_iter().find(|document| document["id"] == id).unwrap();
    (document["client"]["id"], document["client"]["secret"]) = ("landfall".into(), "staff".into());
    (document["id"], document["source"]) = ("staff".into(), "people".into());
    let lead = |address: &mut Value| {
        let real = address.as_str().unwrap();
        if let Some(path) = real.strip_prefix("https://") {
            *address = format!("{url}{}", path.find('/').map_or("", |slash| &path[slash..])).into();
        }
    };
    let settings = document["settings"].as_object_mut().unwrap();
    for name in ["authorization_endpoint", "token_endpoint", "api"] {
        if let Some(address) = settings.get_mut(name) {
            lead(address);
        }
    }
    for request in settings["userinfo"].as_array_mut().unwrap() {
        lead(&mut request["url"]);
    }
    document
}

/// A server, and a connector by this preset or document.
async fn bench(simulator: &'static Simulator, name: &str) -> Bench {
    let mut bench = Bench::at(simulator, Method::Oidc, Reach::Local, json!({})).await;
    if !matches!(name, "github" | "x" | "linkedin") {
        let document = serde_json::from_value(document(name, &bench.url)).unwrap();
        bench.use_adapter(Registry::default().adapter(&document).unwrap(), Method::Oidc);
    }
    bench
}

/// A provider, its simulator, what its users are known by, and what is said of Ada: a name, and her e-mail if it is verified.
struct Row {
    name: &'static str,
    simulator: &'static Simulator,
    key: &'static str,
    says: (&'static str, &'static str),
    email: Option<&'static str>,
    verified: bool,
}

const ADA: Option<&str> = Some("ada@example.org");
const NAMED: (&str, &str) = ("name", "Ada Lovelace");

const ROWS: &[Row] = &[
    Row { name: "github", simulator: &oauth2::SIMULATOR, key: "{}/user", says: NAMED, email: ADA, verified: true },
    Row { name: "x", simulator: &oauth2::X, key: "{}/2/users/me", says: NAMED, email: ADA, verified: true },
    // Each client knows a user by another id.
    Row {
        name: "linkedin",
        simulator: &oauth2::LINKEDIN,
        key: "{}/v2/userinfo:landfall",
        says: NAMED,
        email: ADA,
        verified: true,
    },
    Row {
        name: "discord",
        simulator: &oauth2::DISCORD,
        key: "https://discord.com",
        says: NAMED,
        email: ADA,
        verified: true,
    },
    Row { name: "spotify", simulator: &oauth2::SPOTIFY, key: "{}/v1/me", says: NAMED, email: ADA, verified: false },
    Row {
        name: "bitbucket",
        simulator: &oauth2::BITBUCKET,
        key: "{}/2.0/user",
        says: NAMED,
        email: ADA,
        verified: true,
    },
    Row {
        name: "dropbox",
        simulator: &oauth2::DROPBOX,
        key: "{}/2/users/get_current_account",
        says: ("family_name", "Lovelace"),
        email: ADA,
        verified: true,
    },
    Row {
        name: "reddit",
        simulator: &oauth2::REDDIT,
        key: "{}/api/v1/me",
        says: ("preferred_username", "ada"),
        email: None,
        verified: false,
    },
];

#[tokio::test]
async fn each_provider_signs_its_user_in_twice_as_one_user() {
    for row in ROWS {
        let bench = bench(row.simulator, row.name).await;
        let identity = bench.login().await.unwrap_or_else(|error| panic!("{}: {error}", row.name));
        assert_eq!(identity.issuer_key, row.key.replace("{}", &bench.url), "{}", row.name);
        assert_eq!(Some(identity.subject_key.clone()), bench.subject.subject("ada"), "{}", row.name);
        assert_eq!(identity.claims.text(row.says.0), Some(row.says.1), "{}", row.name);
        assert_eq!(identity.claims.text("email"), row.email, "{}", row.name);
        assert_eq!(identity.claims.verified_email(), row.email.filter(|_| row.verified), "{}", row.name);
        assert_eq!(bench.login().await.unwrap().key(), identity.key(), "{}", row.name);

        bench.subject.enrol(ada(false));
        let unverified = bench.login().await.unwrap();
        assert_eq!(
            (unverified.key() == identity.key(), unverified.claims.verified_email()),
            (true, None),
            "{}",
            row.name
        );
    }
}

#[tokio::test]
async fn each_refuses_a_used_code_and_a_wrong_secret_in_its_own_words() {
    for row in ROWS {
        let bench = bench(row.simulator, row.name).await;
        let pending = bench.begin().await.unwrap();
        let returned = bench.visit(&pending).await.unwrap();
        bench.answer(&pending, &returned).await.unwrap();
        let again = bench.answer(&pending, &returned).await.err();
        assert_eq!(again, Some(ProviderError::Rejected(Rejection::InteractionRequired)), "{}", row.name);
        bench.change_secret("another");
        let error = bench.login().await.unwrap_err();
        assert!(
            matches!(error, ProviderError::Misconfigured { stage: Stage::ClientAuthentication, .. }),
            "{} {error}",
            row.name
        );
    }
}

#[tokio::test]
async fn the_connector_test_tells_each_ones_secret_from_a_wrong_one() {
    for row in ROWS {
        let bench = bench(row.simulator, row.name).await;
        let report = bench.probe(None).await;
        assert!(report.ok, "{} {report:?}", row.name);
        assert_eq!(report.check("client_credentials").status, Status::Passed, "{} {report:?}", row.name);
        bench.change_secret("another");
        assert_eq!(bench.probe(None).await.check("client_credentials").status, Status::Failed, "{}", row.name);
    }
}

#[tokio::test]
async fn a_token_that_is_none_is_refused_by_each() {
    for row in ROWS {
        let bench = bench(row.simulator, row.name).await;
        let members = json!({ "access_token": "made-up", "id_token": null });
        bench.subject.misbehave(Some(Misbehaviour::members(&members)));
        assert_eq!(bench.login().await.err(), Some(Stage::Userinfo.refused(Check::AccessToken)), "{}", row.name);
    }
}

#[tokio::test]
async fn an_answer_that_names_another_issuer_reaches_no_token_endpoint() {
    for row in ROWS {
        let bench = bench(row.simulator, row.name).await;
        for iss in ["https://evil.example", "https://github.com/login/oauth/", "https://discord.com/"] {
            let pending = bench.begin().await.unwrap();
            let returned = bench.visit(&pending).await.unwrap().with(&[("iss", iss)]);
            let refused = bench.answer(&pending, &returned).await.err();
            assert_eq!(refused, Some(Stage::Callback.refused(Check::Issuer)), "{} {iss}", row.name);
        }
        assert_eq!(bench.calls(), [0; 4], "{}", row.name);
    }
}

#[tokio::test]
async fn a_verifier_is_not_sent_where_the_provider_refuses_it() {
    for (pkce, outcome) in [(false, None), (true, Some("unavailable.misconfigured"))] {
        let over = json!({ "settings": { "pkce": pkce } });
        let bench = Bench::at(&oauth2::LINKEDIN, Method::Oidc, Reach::Local, over).await;
        let login = bench.login().await;
        assert_eq!(login.err().and_then(|error| error.outcome()), outcome, "{pkce}");
        assert_eq!(bench.subject.received()[0].code_verifier().is_some(), pkce);
    }
    // A code of another client or redirect URI may be an attacker's.
    let bench = Bench::at(&oauth2::LINKEDIN, Method::Oidc, Reach::Local, json!({})).await;
    let pending = bench.begin().await.unwrap();
    let returned = bench.visit(&pending).await.unwrap();
    bench.pass(chrono::TimeDelta::minutes(31));
    assert_eq!(bench.answer(&pending, &returned).await.err(), Some(Stage::Token.refused(Check::Code)));
}

#[tokio::test]
async fn a_flag_that_is_text_counts_where_the_preset_says_so_and_only_true_attack_3() {
    let bench = Bench::at(&oauth2::LINKEDIN, Method::Oidc, Reach::Local, json!({})).await;
    for (flag, verified) in [
        (json!(true), true),
        (json!("true"), true),
        (json!("True"), false),
        (json!("false"), false),
        (json!(false), false),
        (json!(1), false),
        (json!(["true"]), false),
        (Value::Null, false),
    ] {
        let members = json!({ "email_verified": flag });
        bench.subject.misbehave_at(Endpoint::Userinfo, Some(Misbehaviour::members(&members)));
        let identity = bench.login().await.unwrap();
        assert_eq!(identity.claims.verified_email().is_some(), verified, "{flag}");
    }
}

#[tokio::test]
async fn an_envelope_without_its_user_signs_nobody_in() {
    let bench = Bench::at(&oauth2::X, Method::Oidc, Reach::Local, json!({})).await;
    let unknown = json!({ "errors": [{ "title": "Not Found Error", "resource_type": "user" }], "data": null });
    bench.subject.misbehave_at(Endpoint::Userinfo, Some(Misbehaviour::members(&unknown)));
    assert!(misconfigured(bench.login().await.err(), "says that sub is"));
    // Some of what was asked is missing, and the user is there.
    let partly = json!({ "errors": [{ "title": "Forbidden", "parameter": "user.fields" }] });
    bench.subject.misbehave_at(Endpoint::Userinfo, Some(Misbehaviour::members(&partly)));
    bench.login().await.unwrap();
    let over = json!({ "settings": { "scopes": ["users.read", "tweet.read"] } });
    let bench = Bench::at(&oauth2::X, Method::Oidc, Reach::Local, over).await;
    let claims = bench.login().await.unwrap().claims;
    assert!(claims.iter().all(|(name, _)| !name.starts_with("email")));
}
