//! Providers that lie, or whose answers were changed on their way: in the authorization code flow, and where
//! passwords and codes are sent to them.

use std::time::Duration;

use axum::http::StatusCode;
use chrono::TimeDelta;
use landfall::demo::{EMAIL, PASSWORD};
use landfall_tests::witness::{calls, directory, ended};
use landfall_tests::{Answer, Away, PROVIDERS, Setup, TestApp, TestSession};
use serde_json::{Value, json};
use simulators::{BadKey, Endpoint, Misbehaviour, Published, bad_id_tokens};

use crate::away::{is_refused, told_none};
use crate::by::{By, three_ways};

const MEGABYTES: usize = 3 << 20;

/// The hosts that the log says were called.
fn hosts(app: &TestApp) -> Vec<String> {
    let lines = app.logs();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut hosts: Vec<_> = lines.filter_map(|line| Some(line["host"].as_str()?.to_owned())).collect();
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

#[tokio::test]
async fn an_id_token_wrong_in_one_respect_is_refused() {
    for by in By::ALL {
        let app = by.app().await;
        let rows: Vec<_> = bad_id_tokens().into_iter().filter(|bad| by.redirects() || !bad.by_redirect_only).collect();
        for bad in &rows {
            // Keys may be asked for again: a flood of tokens with unknown ones is told to come back later.
            app.clock.advance(TimeDelta::minutes(1));
            let [_, keys, ..] = calls(&app);
            app.subject.misbehave(Some(bad.how.clone()));
            by.is_refused(&app, &format!("id_token: {}", bad.fault)).await;
            let worth_a_fetch = keys == 0 || ["key", "signature"].contains(&bad.fault);
            assert_eq!(calls(&app)[1], keys + usize::from(worth_a_fetch), "{by:?} {bad:?}");
        }
        // One code or password each, and no key was fetched from where a token points.
        let [discovery, _, tokens, userinfo] = calls(&app);
        assert_eq!((discovery, tokens, userinfo, hosts(&app)), (1, rows.len(), 0, vec!["127.0.0.1".to_owned()]));
        assert_eq!((directory(&app).await.len(), app.events("session_completed").len()), (0, 0));

        app.subject.misbehave(None);
        by.signs_in(&app).await;
    }
}

#[tokio::test]
async fn without_an_id_token_userinfo_vouches_for_a_password_only() {
    let app = TestApp::with(three_ways).await;
    app.subject.misbehave(Some(Misbehaviour::NoIdToken));
    // Nothing else says that a code was looked at.
    ended(&app, &By::AppCode.sign_in(&app).await, "try_later");
    assert!(directory(&app).await.is_empty());
    app.subject.misbehave_at(Endpoint::Userinfo, Some(Misbehaviour::DuplicateKeys));
    By::Password.is_refused(&app, "userinfo: json").await;
    app.subject.misbehave_at(Endpoint::Userinfo, None);
    By::Password.signs_in(&app).await;
}

/// Ways of an answer to be refused as it stands, and how the log calls them.
fn malformed() -> [(Misbehaviour, &'static str); 3] {
    [
        (Misbehaviour::DuplicateKeys, "json"),
        (Misbehaviour::DeepJson, "json"),
        (Misbehaviour::HugeBody(MEGABYTES), "size"),
    ]
}

#[tokio::test]
async fn an_answer_that_is_huge_deep_or_ambiguous_is_refused() {
    // Each with the calls that it takes: nothing secret is sent before discovery and keys are known.
    let places = [
        (Endpoint::Discovery, "discovery", [1, 0, 0, 0]),
        (Endpoint::Keys, "keys", [1, 1, 0, 0]),
        (Endpoint::Token, "token", [1, 1, 1, 0]),
        (Endpoint::Userinfo, "userinfo", [1, 1, 1, 1]),
    ];
    let kid = (Endpoint::Token, "token", [1, 1, 1, 0], (Misbehaviour::KidIsHuge, "size"));
    let rows = places.into_iter().flat_map(|(at, place, asked)| malformed().map(|how| (at, place, asked, how)));
    for (at, place, asked, (how, fault)) in rows.chain([kid]) {
        // A browser is not sent anywhere before discovery: see below.
        for by in By::ALL.into_iter().filter(|by| at != Endpoint::Discovery || !by.redirects()) {
            let app = by.app().await;
            if at == Endpoint::Userinfo {
                by.thin(&app, false);
            }
            app.subject.misbehave_at(at, Some(how.clone()));
            by.is_refused(&app, &format!("{place}: {fault}")).await;
            assert_eq!(calls(&app), asked, "{by:?} {how:?}");
            assert_eq!(app.subject.exchanges().len() + app.subject.requests().len(), asked[2]);
        }
    }
}

#[tokio::test]
async fn a_token_endpoint_that_fails_is_asked_once() {
    for by in By::ALL {
        let app = by.app_with(|setup| setup.budget = Duration::from_secs(2)).await;
        let rows = [
            Misbehaviour::Garbage,
            Misbehaviour::Html,
            Misbehaviour::Unavailable,
            Misbehaviour::TooManyRequests { retry_after: Some(u32::MAX) },
            Misbehaviour::Redirect("https://attacker.example/token".into()),
            Misbehaviour::Silence,
            // As Keycloak answers a code of a user without an app: no outage, by a code.
            Misbehaviour::ServerError,
        ];
        for (index, misbehaviour) in rows.into_iter().enumerate() {
            println!("{by:?} {misbehaviour:?}");
            let is_no_outage = by == By::AppCode && misbehaviour == Misbehaviour::ServerError;
            app.subject.misbehave(Some(misbehaviour));
            let answer = by.sign_in(&app).await;
            match is_no_outage {
                true => assert_eq!(answer.body["step"]["error"]["code"], "invalid_credentials"),
                false => ended(&app, &answer, "try_later"),
            }
            told_none(&app, &[PASSWORD.to_owned(), app.app_code()], &[&answer]);
            assert_eq!((calls(&app), app.events("login_failed").len()), ([1, 1, index + 1, 0], index + 1));
        }
        assert_eq!((directory(&app).await.len(), hosts(&app)), (0, vec!["127.0.0.1".to_owned()]));
    }
}

#[tokio::test]
async fn a_key_that_must_not_be_used_verifies_nothing() {
    let kinds = [BadKey::Short, BadKey::OffCurve, BadKey::WrongType];
    for (kind, by) in kinds.into_iter().flat_map(|kind| By::ALL.map(|by| (kind, by))) {
        let app = by.app().await;
        app.subject.misbehave_at(Endpoint::Keys, Some(Misbehaviour::BadKey(kind, Published::Instead)));
        // Rightly signed by the key that is said to be the right one, as far as there can be such a signature.
        app.subject.misbehave((kind == BadKey::Short).then_some(Misbehaviour::ShortKeySignature));
        by.is_refused(&app, "id_token: key").await;
        assert_eq!(calls(&app)[2], 1, "{kind:?} {by:?}");

        let app = by.app().await;
        app.subject.misbehave_at(Endpoint::Keys, Some(Misbehaviour::BadKey(kind, Published::Beside)));
        by.signs_in(&app).await;
    }
}

#[tokio::test]
async fn a_malformed_discovery_document_sends_no_browser_anywhere() {
    for (provider, (how, fault)) in PROVIDERS.iter().flat_map(|it| malformed().map(|bad| (it, bad))) {
        let app = TestApp::over(provider, |_| {}).await;
        app.subject.misbehave_at(Endpoint::Discovery, Some(how));

        let start = app.try_start(&app.redirect_journey(), &TestApp::start_body()).await.expect(201);

        assert_eq!((&start.body["status"], &start.body["redirect"]), (&json!("rejected"), &Value::Null));
        assert_eq!(start.body["rejection"], json!({ "code": "identity_refused" }));
        let failed = app.events("login_failed");
        assert_eq!(failed.len(), 1);
        assert_eq!(failed[0]["reason"], format!("an answer of the provider was refused at discovery: {fault}"));
        assert!(!start.text.contains("attacker") && !app.logs().contains("attacker"));
        assert_eq!((calls(&app), directory(&app).await.len()), ([1, 0, 0, 0], 0));
    }
}

#[tokio::test]
async fn a_discovery_document_malformed_meanwhile_gets_no_code() {
    for (provider, (how, fault)) in PROVIDERS.iter().flat_map(|it| malformed().map(|bad| (it, bad))) {
        let app = TestApp::over(provider, |_| {}).await;
        Away::new(&app).await;
        app.clock.advance(TimeDelta::minutes(55));
        let away = Away::new(&app).await;
        let back = away.back().await;
        app.clock.advance(TimeDelta::minutes(10));
        app.subject.misbehave_at(Endpoint::Discovery, Some(how));

        is_refused(&app, &away, &back, &format!("discovery: {fault}")).await;

        assert_eq!(calls(&app), [2, 0, 0, 0]);
    }
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_is_sent_nothing() {
    let mut app = TestApp::with(three_ways).await;
    let away = Away::new(&app).await;
    let back = away.back().await;
    // A function that has just started knows no document yet.
    app.start_cold().await;
    app.subject.misbehave_at(Endpoint::Discovery, Some(Misbehaviour::WrongIssuer));
    let mut answers = vec![away.go_on(&app, &back).await];
    for by in By::DIRECT {
        answers.push(by.sign_in(&app).await);
    }
    let start = app.try_start(&app.redirect_journey(), &TestApp::start_body()).await.expect(201);
    answers.push(Answer { status: StatusCode::OK, ..start });
    for answer in &answers {
        assert_eq!(answer.body["rejection"], json!({ "code": "try_later" }), "{:#}", answer.body);
        assert!(!answer.text.contains("attacker"), "{}", answer.text);
    }
    let logs = app.logs();
    assert!(logs.contains("names another issuer than the settings") && !logs.contains("attacker"));
    assert_eq!((calls(&app)[2], directory(&app).await.len()), (0, 0));
}

#[tokio::test]
async fn an_issuer_that_differs_by_a_slash_is_another() {
    let issuer = |id: &str, path: &str| {
        format!(
            "  - {{ id: {id}, provider: oidc, name: {id}, client: {{ id: landfall, secret: keycloak }}, \
             methods: {{ oidc: {{}} }}, settings: {{ issuer: \"{{keycloak}}/demo/keycloak{path}\" }} }}\n"
        )
    };
    let app = TestApp::with(|setup: &mut Setup| {
        setup.connectors += &issuer("right", "/realms/demo");
        setup.connectors += &issuer("slash", "/realms/demo/");
        setup.connectors += &issuer("encoded", "/realms/%64emo");
    })
    .await;
    for (id, failures) in [("slash", 1), ("encoded", 2)] {
        let start = app.try_start(&format!("sign-in-with-{id}"), &TestApp::start_body()).await.expect(201);
        assert_eq!(start.body["rejection"], json!({ "code": "try_later" }), "{id}: {:#}", start.body);
        let failed = app.events("login_failed");
        assert_eq!(failed.len(), failures);
        assert!(failed[failures - 1]["reason"].as_str().unwrap().contains("names another issuer than the settings"));
    }
    Away::through(&app, "sign-in-with-right").await;
    assert_eq!(calls(&app), [3, 0, 0, 0]);
}

#[tokio::test]
async fn userinfo_of_another_user_is_refused_signed_or_not() {
    for (how, fault, signed) in [
        (Misbehaviour::WrongUserinfoSubject, "subject", false),
        (Misbehaviour::WrongUserinfoSubject, "subject", true),
        (Misbehaviour::DeepJson, "json", true),
        (Misbehaviour::HugeBody(MEGABYTES), "size", true),
    ] {
        for by in By::ALL {
            let app = by.app().await;
            by.thin(&app, signed);
            app.subject.misbehave_at(Endpoint::Userinfo, Some(how.clone()));
            by.is_refused(&app, &format!("userinfo: {fault}")).await;
            assert_eq!(calls(&app), [1, 1, 1, 1], "{by:?}");

            app.subject.misbehave_at(Endpoint::Userinfo, None);
            by.signs_in(&app).await;
        }
    }
}

#[tokio::test]
async fn made_up_keys_cost_one_fetch_a_minute() {
    let app = TestApp::new().await;
    let made_up = [Misbehaviour::UnknownKey, Misbehaviour::KidIsAPath, Misbehaviour::EmbeddedKey];
    for minute in 1..=3 {
        for (number, kid) in made_up.iter().cycle().take(8).enumerate() {
            app.subject.misbehave(Some(kid.clone()));
            let away = Away::new(&app).await;
            if number == 0 {
                is_refused(&app, &away, &away.back().await, "id_token: key").await;
                continue;
            }
            // Within the minute there is no telling whether the provider has published it meanwhile.
            let answer = away.go_on(&app, &away.back().await).await;
            ended(&app, &answer, "try_later");
        }
        // The first of all, for the keys themselves; then one for as many as come.
        assert_eq!(calls(&app), [1, 1 + minute, 8 * minute, 0]);
        app.clock.advance(TimeDelta::minutes(1));
    }
    // By password, too.
    let session = app.start("migrate-from-keycloak").await;
    let answer = session.submit(&app, &landfall_tests::key(1), &landfall_tests::data(EMAIL, PASSWORD)).await;
    ended(&app, &answer, "identity_refused");
    assert_eq!((calls(&app)[1], directory(&app).await.len()), (5, 0));

    app.subject.misbehave(None);
    By::Redirect.signs_in(&app).await;
    assert_eq!(calls(&app)[1], 5);
}

#[tokio::test]
async fn made_up_keys_at_once_cost_one_fetch() {
    let app = TestApp::new().await;
    By::Redirect.signs_in(&app).await;
    let [_, fetched, ..] = calls(&app);
    app.subject.misbehave(Some(Misbehaviour::UnknownKey));
    let [a, b, c, d] = [Away::new(&app).await, Away::new(&app).await, Away::new(&app).await, Away::new(&app).await];
    let [w, x, y, z] = [a.back().await, b.back().await, c.back().await, d.back().await];

    let arrived = tokio::join!(app.arrive(&w), app.arrive(&x), app.arrive(&y), app.arrive(&z));

    for (away, arrived) in [(&a, arrived.0), (&b, arrived.1), (&c, arrived.2), (&d, arrived.3)] {
        let answer = away.session.resume(&app, &arrived.carried().1).await;
        assert_eq!(answer.body["status"], "rejected");
    }
    assert_eq!((calls(&app)[1], app.users().await), (fetched + 1, 1));
}

#[tokio::test]
async fn a_session_that_ended_refused_stays_refused() {
    let app = TestApp::new().await;
    app.subject.misbehave(Some(Misbehaviour::WrongNonce));
    let away = Away::new(&app).await;
    let resume = away.resume(&app).await;
    // Refused for good: neither with the same half again nor with a new one.
    let refused = away.session.resume(&app, &resume).await;
    ended(&app, &refused, "identity_refused");
    app.subject.misbehave(None);
    let again = away.session.resume(&app, &resume).await.expect(200);
    assert_eq!(again.body["rejection"], refused.body["rejection"]);
    let session = TestSession { turn: 2, ..away.session.clone() };
    let restart = session.choose(&app, "go", "restart", &landfall_tests::key(1)).await.expect(409);
    assert_eq!((restart.code(), &restart.body["view"]["status"]), ("step_conflict", &json!("rejected")));
    assert_eq!(app.arrive(&away.back().await).await.expect(400).code(), "redirect_expired");
    assert_eq!((calls(&app)[2], directory(&app).await.len()), (1, 0));

    app.redeem(&Away::new(&app).await.log_in(&app).await.code).await.expect(200);
}
