//! The authorization endpoint of Keycloak 26.7.3, as it was seen.

use super::super::bench::{ADA, AUTHORIZE, Bench, CALLBACK, ISSUER, authorize, demo, landfall};
use super::super::{Client, Realm};
use super::*;
use crate::Subject;

const S256: &str = "&code_challenge_method=S256&code_challenge=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

#[tokio::test]
async fn an_unknown_client_or_address_keeps_the_browser_here() {
    let realm = demo()
        .client(Client::public("off").redirect_uri(CALLBACK).enabled(false))
        .client(Client::saml("saml").redirect_uri(CALLBACK))
        .client(Client::public("no-address"));
    let bench = Bench::new(realm);
    for (more, text) in [
        ("client_id=nope", "Client not found."),
        ("client_id=", "Invalid Request"),
        ("client_id=off", "Client disabled."),
        ("client_id=saml", "Wrong client protocol."),
        ("client_id=no-address", "Invalid parameter: redirect_uri"),
        ("redirect_uri=https://attacker.example/", "Invalid parameter: redirect_uri"),
        ("redirect_uri=https://app.example/callback/", "Invalid parameter: redirect_uri"),
        ("redirect_uri=https://attacker.example/&response_type=nope", "Invalid parameter: redirect_uri"),
    ] {
        let page = bench.person().authorize(more).await;
        assert_eq!((page.status, page.error()), (400, text), "{more}");
        assert!(page.body.contains(r#"<div id="kc-error-message">"#) && page.header("location").is_empty());
    }
    for (realm, text) in [(demo().enabled(false), "Realm not enabled"), (demo().https_required(true), "HTTPS required")]
    {
        let page = Bench::new(realm).person().authorize("").await;
        assert_eq!((page.status, page.error()), (400, text));
    }
}

#[tokio::test]
async fn the_client_is_told_what_is_wrong_with_its_request() {
    const NO_STANDARD_FLOW: &str = "unauthorized_client: Client is not allowed to initiate browser login with given \
                                    response_type. Standard flow is disabled for the client.";
    const NO_METHOD: &str = "invalid_request: Missing parameter: code_challenge_method";
    const WRONG_METHOD: &str =
        "invalid_request: Invalid parameter: code challenge method is not matching the configured one";
    let (plain, unknown) = (S256.replace("S256", "plain"), S256.replace("S256", "S512"));
    let (without_flow, with_pkce) = (landfall().standard_flow(false), landfall().pkce_required(true));
    for (client, more, error) in [
        (landfall(), "response_type=", "invalid_request: Missing parameter: response_type"),
        (landfall(), "response_type=token&response_mode=bogus", "unsupported_response_type: -"),
        (landfall(), "response_mode=bogus", "invalid_request: Invalid parameter: response_mode"),
        (landfall(), "scope=openid+nope", "invalid_scope: Invalid scopes: openid nope"),
        (landfall(), "code_challenge_method=S256", "invalid_request: Missing parameter: code_challenge"),
        (landfall(), &unknown, "invalid_request: Invalid parameter: code_challenge_method"),
        (
            landfall(),
            "code_challenge_method=S256&code_challenge=short",
            "invalid_request: Invalid parameter: code_challenge",
        ),
        (landfall(), "prompt=none", "login_required: -"),
        (landfall(), "prompt=none+login", "login_required: -"),
        (without_flow.clone(), "scope=nope", NO_STANDARD_FLOW),
        (without_flow, "response_type=bogus", "unsupported_response_type: -"),
        (with_pkce.clone(), "prompt=none", NO_METHOD),
        (with_pkce.clone(), &plain, WRONG_METHOD),
        (with_pkce, "scope=nope", "invalid_scope: Invalid scopes: nope"),
    ] {
        let answer = Bench::new(demo().client(client)).person().authorize(more).await;
        assert_eq!(answer.callback_error(), error, "{more}");
        let fields = answer.callback();
        assert_eq!((fields["state"].as_str(), fields["iss"].as_str()), ("st", ISSUER));
    }
    let twice = Bench::new(demo()).person().visit(&format!("{}&nonce=other", authorize("")), None).await;
    assert_eq!(twice.callback_error(), "invalid_request: duplicated parameter");
    let pkce = Bench::new(demo().client(landfall().pkce_required(true)));
    assert_eq!(pkce.person().authorize(S256).await.status, 200);
}

#[tokio::test]
async fn the_form_is_the_real_ones_and_the_hint_is_in_it() {
    let bench = Bench::new(demo());
    let page = bench.person().authorize("login_hint=ada%22%3Cx%3E").await;
    assert_eq!((page.status, page.header("cache-control")), (200, "no-store, must-revalidate, max-age=0"));
    for part in [
        r#"<form id="kc-form-login""#,
        r#"method="post""#,
        r#"name="username" value="ada&quot;&lt;x&gt;""#,
        r#"name="password" value="" type="password""#,
        r#"<label for="username">"#,
        r#"id="kc-login" type="submit""#,
        "<title>Sign in to demo</title>",
    ] {
        assert!(page.body.contains(part), "{part} in {}", page.body);
    }
    let action = page.action();
    assert!(action.starts_with(&format!("{ISSUER}/login-actions/authenticate?session_code=")), "{action}");

    // The request may come as a form.
    let (_, form) = authorize("").split_once('?').map(|(path, form)| (path.to_owned(), form.to_owned())).unwrap();
    assert!(bench.post(AUTHORIZE, &form).await.body.contains("kc-form-login"));
    assert_eq!(bench.post(&authorize(""), "").await.error(), "Invalid Request");
}

#[tokio::test]
async fn an_answer_travels_the_way_that_was_asked_for() {
    let bench = Bench::new(demo().client(landfall().redirect_uri("https://app.example/cb?x=1")));
    let answer = bench.person().log_in("state=a+b%26").await;
    let fields = answer.callback();
    let (code, session) = (&fields["code"], &fields["session_state"]);
    let expected = format!(
        "{CALLBACK}?state=a+b%26&session_state={session}&iss=http%3A%2F%2Fsso.test%2Frealms%2Fdemo&code={code}"
    );
    assert_eq!(answer.header("location"), expected);
    let parts: Vec<&str> = code.split('.').collect();
    assert_eq!((parts.len(), parts[0].len(), parts[1], parts[2].len()), (3, 36, session.as_str(), 36));
    assert!(answer.header("set-cookie").starts_with("KEYCLOAK_IDENTITY="), "{:?}", answer.headers);
    assert_eq!((bench.keycloak.calls(Endpoint::Authorize), bench.keycloak.calls(Endpoint::Login)), (1, 1));

    let answer = bench.person().log_in("response_mode=fragment").await;
    assert!(answer.header("location").starts_with(&format!("{CALLBACK}#state=st&session_state=")));
    let answer = bench.person().authorize("prompt=none&redirect_uri=https://app.example/cb?x%3D1").await;
    assert!(answer.header("location").starts_with("https://app.example/cb?x=1&error=login_required&"));

    let page = bench.person().log_in("response_mode=form_post&state=%22%3E%3Cscript%3E").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html"));
    for part in [
        r#"<FORM METHOD="POST" ACTION="https://app.example/callback">"#,
        r#"<INPUT TYPE="HIDDEN" NAME="iss" VALUE="http://sso.test/realms/demo" />"#,
        r#"NAME="state" VALUE="&quot;&gt;&lt;script&gt;" />"#,
        r#"NAME="code" VALUE=""#,
        r#"Onload="document.forms[0].submit()""#,
    ] {
        assert!(page.body.contains(part), "{part} in {}", page.body);
    }
}

#[tokio::test]
async fn a_browser_that_is_signed_in_sees_no_form() {
    let bench = Bench::new(demo().client(Client::public("shy").redirect_uri(CALLBACK).consent_required(true)));
    let person = bench.person();
    let first = person.log_in("").await.callback();
    for more in ["", "prompt=none", "prompt=bogus"] {
        let again = person.authorize(more).await.callback();
        assert_eq!(again["session_state"], first["session_state"], "{more}");
        assert_ne!(again["code"], first["code"]);
    }
    // Unless the client wants one, or there is something to ask.
    let page = person.authorize("prompt=login").await;
    assert!(person.submit(&page, ADA).await.callback().contains_key("code"));
    assert_eq!(person.authorize("prompt=none+login").await.callback_error(), "login_required: -");
    assert_eq!(person.authorize("client_id=shy&prompt=none").await.callback_error(), "interaction_required: -");
    bench.keycloak.change_user("demo", "ada", |ada| ada.required_action("UPDATE_PASSWORD")).unwrap();
    assert_eq!(person.authorize("prompt=none").await.callback_error(), "interaction_required: -");
}

#[tokio::test]
async fn a_session_ends_when_its_user_is_disabled_or_idle() {
    let bench = Bench::new(demo());
    let person = bench.person();
    person.log_in("").await;
    bench.keycloak.change_user("demo", "ada", |ada| ada.enabled(false)).unwrap();
    assert!(person.authorize("").await.body.contains("kc-form-login"));
    bench.keycloak.change_user("demo", "ada", |ada| ada.enabled(true)).unwrap();
    assert!(person.authorize("").await.body.contains("kc-form-login"));

    person.log_in("").await;
    bench.wait(30 * 60);
    assert_eq!(person.authorize("prompt=none").await.callback_error(), "login_required: -");
    bench.keycloak.clone().realm(Realm::new("other").client(landfall()));
    person.log_in("").await;
    let other = authorize("prompt=none").replace("/demo/", "/other/");
    assert_eq!(person.visit(&other, None).await.callback_error(), "login_required: -");
}
