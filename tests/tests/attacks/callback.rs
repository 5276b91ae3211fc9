//! States and codes that come back from a provider, or seem to.

use chrono::TimeDelta;
use landfall::demo::{PASSWORD, SECRET};
use landfall_tests::{Away, Browser, Login, Return, Setup, TestApp, key};
use simulators::keycloak::{Client, Realm, User};
use simulators::{Endpoint, Misbehaviour};

use crate::away::{is_refused, tampered, token_calls};
use landfall_tests::witness::{Witness, directory, ended};

#[tokio::test]
async fn a_missing_altered_or_made_up_state_spends_nothing() {
    let app = TestApp::new().await;
    let (away, other) = (Away::new(&app).await, Away::new(&app).await);
    let back = away.back().await;
    let (state, code) = (back.parameter("state").unwrap(), back.parameter("code").unwrap());
    let (id, secret) = state.split_once('.').unwrap();
    let token = &away.session.token;
    let mut witness = Witness::of(&app, &[secret, &code, token, &other.session.token]).await;

    let mut forged = tampered(&state);
    forged.extend([
        // The right secret of another session, and other secrets of the right one.
        format!("{}.{secret}", other.session.id),
        format!("{id}.{}", other.parameter("state").split_once('.').unwrap().1),
        format!("{id}.{token}"),
        code.clone(),
    ]);
    for forged in forged {
        let answer = app.arrive(&back.with(&[("state", &forged)])).await;
        witness.refused(&answer, 400, "redirect_expired").await;
    }

    assert_eq!(away.go_on(&app, &back).await.expect(200).body["status"], "completed");
    assert_eq!(token_calls(&app), 1);
}

#[tokio::test]
async fn a_state_that_was_used_is_not_used_again() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    let back = away.back().await;
    let secrets = ["state", "code"].map(|name| back.parameter(name).unwrap());
    let [state, code] = secrets.each_ref().map(|text| text.rsplit('.').next().unwrap());
    let (_, resume) = app.arrive(&back).await.carried();

    // While what it brought waits, with the same code and with another one; and once it was taken.
    let mut witness = Witness::of(&app, &[state, code, &resume]).await;
    for again in
        [back.clone(), back.with(&[("code", "another")]), back.with(&[("code", ""), ("error", "access_denied")])]
    {
        let answer = app.arrive(&again).await;
        witness.refused(&answer, 400, "redirect_expired").await;
    }
    let answer = away.session.resume(&app, &resume).await.expect(200);
    let login = Login::of(&away.session, &answer);
    let mut witness = Witness::of(&app, &[state, code, &resume, &login.code, &login.session.token]).await;
    let answer = app.arrive(&back).await;
    witness.refused(&answer, 400, "redirect_expired").await;
    app.redeem(&login.code).await.expect(200);
    let mut witness = Witness::of(&app, &[state, code, &resume, &login.code, &login.session.token]).await;
    let answer = app.arrive(&back).await;
    witness.refused(&answer, 400, "redirect_expired").await;
    assert_eq!((token_calls(&app), app.users().await), (1, 1));
}

#[tokio::test]
async fn a_state_that_comes_twice_at_once_sends_one_code() {
    let app = TestApp::new().await;
    let away = Away::new(&app).await;
    let back = away.back().await;

    let (one, two, three) = tokio::join!(app.arrive(&back), app.arrive(&back), app.arrive(&back));

    let mut statuses = [&one, &two, &three].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert_eq!((statuses, token_calls(&app)), ([303, 400, 400], 1));
    for lost in [&one, &two, &three].into_iter().filter(|answer| answer.status.as_u16() == 400) {
        assert_eq!(lost.code(), "redirect_expired");
    }
    assert_eq!(directory(&app).await.len(), 0);
}

#[tokio::test]
async fn a_state_of_a_session_that_is_over_is_refused() {
    let app = TestApp::new().await;
    let [cancelled, restarted, late] = [Away::new(&app).await, Away::new(&app).await, Away::new(&app).await];
    let backs = [cancelled.back().await, restarted.back().await, late.back().await];
    cancelled.session.choose(&app, "go", "cancel", &key(1)).await.expect(200);
    restarted.session.choose(&app, "go", "restart", &key(1)).await.expect(200);

    let states: Vec<_> = backs.iter().map(|back| back.parameter("state").unwrap()).collect();
    let secrets: Vec<_> = states.iter().map(|state| state.split_once('.').unwrap().1).collect();
    let mut witness = Witness::of(&app, &secrets).await;
    for back in &backs[..2] {
        let answer = app.arrive(back).await;
        witness.refused(&answer, 400, "redirect_expired").await;
    }
    // Its item is still there, as it may be for days.
    app.clock.advance(TimeDelta::minutes(15));
    let answer = app.arrive(&backs[2]).await;
    witness.refused(&answer, 400, "redirect_expired").await;
    assert_eq!(token_calls(&app), 0);
}

/// Another client of the demo's realm, as `second`; and a provider of an attacker's, as `evil`.
fn with_others(setup: &mut Setup) {
    let callback = |name: &str| format!("https://id.example.com/v1/callback/{name}");
    let client = |name: &str| Client::confidential(name, SECRET).redirect_uri(&callback("second"));
    setup.keycloak().change_realm("demo", |realm| realm.client(client("landfall-second"))).unwrap();
    let eve = User::new("eve").email("eve@evil.example", true).name("Eve", "E").password(PASSWORD);
    let evil = Client::confidential("landfall", SECRET).redirect_uri(&callback("evil"));
    setup.keycloak().clone().realm(Realm::new("evil").client(evil).user(eve));
    for (id, client, realm) in [("second", "landfall-second", "demo"), ("evil", "landfall", "evil")] {
        setup.connectors += &format!(
            "  - {{ id: {id}, provider: keycloak, name: {id}, client: {{ id: {client}, secret: keycloak }}, methods: {{ oidc: {{}} }}, \
             settings: {{ url: \"{{keycloak}}/demo/keycloak\", realm: {realm} }} }}\n"
        );
    }
}

#[tokio::test]
async fn a_state_at_another_connectors_callback_is_refused() {
    let app = TestApp::with(with_others).await;
    let away = Away::new(&app).await;
    let back = away.back().await;
    let mut witness = Witness::of(&app, &[&away.session.token, &back.parameter("code").unwrap()]).await;

    let (expired, unknown) = ((400, "redirect_expired"), (404, "unknown_route"));
    for (connector, (status, code)) in [
        ("second", expired),
        ("evil", expired),
        ("unknown", expired),
        ("Keycloak", expired),
        ("keycloak2", expired),
        ("keycloak%20", unknown),
        ("keycloak%2F", unknown),
        ("keycloak%00", unknown),
        ("keycloak/", unknown),
        ("", unknown),
        ("second/../keycloak", unknown),
    ] {
        println!("{connector:?}");
        let elsewhere = Return::to(back.path.replace("/keycloak?", &format!("/{connector}?")));
        let answer = app.arrive(&elsewhere).await;
        witness.refused(&answer, status, code).await;
    }

    assert_eq!(away.go_on(&app, &back).await.expect(200).body["status"], "completed");
}

// RFC 9700 section 4.4: a provider that is not to be trusted sends the browser on to one that is, and waits for its code.
#[tokio::test]
async fn a_provider_gets_no_code_of_another_provider() {
    let app = TestApp::with(with_others).await;
    let (evil, honest) = (Away::through(&app, "sign-in-with-evil").await, Away::new(&app).await);
    // The honest provider's page, with the state of the session that went out to the other one.
    let url = honest.url.replace(&honest.parameter("state"), &evil.parameter("state"));
    let back = Browser::default().come_back(&url, "ada", PASSWORD).await;
    assert_eq!(back.parameter("state"), Some(evil.parameter("state")));

    let mut witness = Witness::of(&app, &[&back.parameter("code").unwrap()]).await;
    let answer = app.arrive(&back).await;
    witness.refused(&answer, 400, "redirect_expired").await;

    // Were it to arrive at the other's callback: `iss` says whose it is.
    let moved = Return::to(back.path.replace("/keycloak?", "/evil?"));
    is_refused(&app, &evil, &moved, "callback: issuer").await;
    assert_eq!(token_calls(&app), 0);
}

#[tokio::test]
async fn a_callback_with_a_wrong_issuer_reaches_no_token_endpoint() {
    let app = TestApp::with(with_others).await;
    let issuer = Away::new(&app).await.back().await.parameter("iss").unwrap();
    for (iss, rest) in [
        ("", ""),
        ("https://attacker.example/realms/demo", ""),
        (&issuer.replace("/demo/", "/demo%2F"), ""),
        (&issuer.replace("/realms/demo", "/realms/evil"), ""),
        (&issuer.replace("/realms/demo", "/realms/Demo"), ""),
        (&issuer.replace("http:", "https:"), ""),
        (&format!("{issuer}/"), ""),
        (&format!("{issuer}#"), ""),
        (&format!("{issuer} "), ""),
        (&issuer[..issuer.len() - 1], ""),
        ("null", ""),
        // What a provider says when it says no counts as little, unless it is the right one.
        ("", "access_denied"),
        ("https://attacker.example/realms/demo", "access_denied"),
    ] {
        println!("{iss:?} {rest}");
        let away = Away::new(&app).await;
        let mut changes = vec![("iss", iss)];
        if !rest.is_empty() {
            changes.extend([("code", ""), ("error", rest)]);
        }
        let back = away.back().await.with(&changes);
        is_refused(&app, &away, &back, "callback: issuer").await;
    }
    for misbehaviour in [Misbehaviour::CallbackWithoutIss, Misbehaviour::CallbackWithWrongIss] {
        app.subject.misbehave_at(Endpoint::Login, Some(misbehaviour));
        let away = Away::new(&app).await;
        is_refused(&app, &away, &away.back().await, "callback: issuer").await;
    }
    assert_eq!((token_calls(&app), app.subject.exchanges().len()), (0, 0));
}

#[tokio::test]
async fn a_callback_without_code_or_error_is_refused() {
    let app = TestApp::new().await;
    for changes in [&[("code", "")][..], &[("code", ""), ("error", ""), ("token", "x"), ("id_token", "e30.e30.e30")]] {
        let away = Away::new(&app).await;
        let back = away.back().await.with(changes);
        is_refused(&app, &away, &back, "callback: format").await;
    }
    assert_eq!(token_calls(&app), 0);
}

#[tokio::test]
async fn a_code_of_another_session_or_client_is_refused() {
    // Without PKCE the provider gives tokens for it, and the nonce is another's.
    for (settings, reason) in [("", "token: code"), (", pkce: false", "id_token: nonce")] {
        let app = TestApp::with(|setup| {
            setup.connectors = setup.connectors.replace("realm: demo }", &format!("realm: demo{settings} }}"));
            with_others(setup);
        })
        .await;
        let (mine, theirs) = (Away::new(&app).await, Away::new(&app).await);
        let mut back = mine.back().await;
        // All that the victim's browser would have brought, but for the state.
        for (name, value) in theirs.back().await.parameters() {
            if name != "state" {
                back = back.with(&[(name.as_str(), &value)]);
            }
        }
        is_refused(&app, &mine, &back, reason).await;
        assert_eq!(token_calls(&app), 1, "{settings}");

        // One that another client of the same provider was given for.
        let (mine, theirs) = (Away::new(&app).await, Away::through(&app, "sign-in-with-second").await);
        let code = theirs.back().await.parameter("code").unwrap();
        let back = mine.back().await.with(&[("code", &code)]);
        is_refused(&app, &mine, &back, "token: code").await;
        assert_eq!((token_calls(&app), app.users().await), (2, 0));
    }
}

#[tokio::test]
async fn a_made_up_code_is_refused() {
    let app = TestApp::new().await;
    for code in ["x", "../../token", "x&grant_type=client_credentials", "\0", "%00", &"x".repeat(50_000)] {
        let away = Away::new(&app).await;
        let back = away.back().await.with(&[("code", code)]);

        let answer = away.go_on(&app, &back).await;

        ended(&app, &answer, "access_denied");
        let sent = app.subject.exchanges().pop().unwrap();
        assert_eq!(sent.code(), Some(code), "the code is one parameter, whatever is in it");
        assert_eq!(directory(&app).await.len(), 0);
    }
}

#[tokio::test]
async fn a_callback_for_a_session_not_away_is_refused() {
    let app = TestApp::new().await;
    let asked = app.start("migrate-from-keycloak").await;
    let away = Away::new(&app).await;
    let mut witness = Witness::of(&app, &[&asked.token]).await;
    let secret = away.parameter("state").split_once('.').unwrap().1.to_owned();
    for state in [format!("{}.{secret}", asked.id), format!("{}.{}", asked.id, asked.token)] {
        let query = serde_urlencoded::to_string([("state", state.as_str()), ("code", "x")]).unwrap();
        let answer = app.arrive(&Return::to(format!("/v1/callback/keycloak?{query}"))).await;
        witness.refused(&answer, 400, "redirect_expired").await;
    }
    // Nor does a resume find anything there.
    let answer = asked.resume(&app, &key(1)).await;
    witness.refused(&answer, 400, "redirect_expired").await;
    assert_eq!(answer.body["view"]["step"]["id"], "ask");
}
