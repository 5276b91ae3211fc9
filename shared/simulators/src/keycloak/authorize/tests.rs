//! The authorization endpoint of Keycloak 26.7.3, as it was seen.

use super::super::bench::{AUTHORIZE, Bench, CALLBACK, HOST, ISSUER, authorize, landfall, web};
use super::super::{Client, Realm};
use super::*;
use crate::Subject;

const S256: &str = "&code_challenge_method=S256&code_challenge=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const NO_STANDARD_FLOW: &str = "unauthorized_client: Client is not allowed to initiate browser login with given \
    response_type. Standard flow is disabled for the client.";

async fn refusal(realm: Realm, more: &str) -> String {
    Bench::new(realm).person().authorize(more).await.callback_error()
}

#[tokio::test]
async fn a_client_or_an_address_that_is_not_known_keeps_the_browser_here() {
    let realm = web()
        .client(Client::public("off").redirect_uri(CALLBACK).enabled(false))
        .client(Client::bearer_only("bearer").redirect_uri(CALLBACK))
        .client(Client::saml("saml").redirect_uri(CALLBACK))
        .client(Client::public("no-address"));
    let bench = Bench::new(realm);
    for (more, status, text) in [
        ("client_id=nope", 400, "Client not found."),
        ("client_id=off", 400, "Client disabled."),
        ("client_id=bearer", 403, "Bearer-only applications are not allowed to initiate browser login"),
        ("client_id=saml", 400, "Wrong client protocol."),
        ("client_id=no-address", 400, "Invalid parameter: redirect_uri"),
        ("redirect_uri=https://attacker.example/", 400, "Invalid parameter: redirect_uri"),
        ("redirect_uri=https://attacker.example/&response_type=nope", 400, "Invalid parameter: redirect_uri"),
        ("max_age=x", 400, "Invalid Request"),
        ("request=abc", 400, "Invalid Request"),
        ("prompt=create", 400, "Registration not allowed"),
    ] {
        let page = bench.person().authorize(more).await;
        assert_eq!((page.status, page.error()), (status, text), "{more}");
        assert!(page.body.contains(r#"<div id="kc-error-message">"#) && page.header("location").is_empty());
        assert_eq!(page.header("content-type"), "text/html;charset=utf-8");
    }
    for query in ["", "?client_id=landfall&client_id=landfall"] {
        assert_eq!(bench.get(HOST, &format!("{AUTHORIZE}{query}")).await.error(), "Invalid Request");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_request_comes_back_to_the_client_without_a_code() {
    let short = "code_challenge_method=S256&code_challenge=short";
    for (more, error) in [
        ("response_type=bogus", "unsupported_response_type: -"),
        ("response_type=bogus&response_mode=bogus", "unsupported_response_type: -"),
        ("response_mode=bogus", "invalid_request: Invalid parameter: response_mode"),
        (
            "response_type=token&response_mode=query",
            "invalid_request: Response_mode 'query' not allowed for implicit or hybrid flow",
        ),
        ("scope=openid+nope", "invalid_scope: Invalid scopes: openid nope"),
        ("code_challenge_method=S256", "invalid_request: Missing parameter: code_challenge"),
        (&S256.replace("S256", "S512"), "invalid_request: Invalid parameter: code_challenge_method"),
        (short, "invalid_request: Invalid parameter: code_challenge"),
        ("prompt=none", "login_required: -"),
        ("prompt=none+login", "login_required: -"),
    ] {
        let answer = Bench::new(web()).person().authorize(more).await;
        assert_eq!(answer.callback_error(), error, "{more}");
        let fields = answer.callback();
        assert_eq!((fields["state"].as_str(), fields["iss"].as_str()), ("st", ISSUER));
    }
    let missing = authorize("").replace("&response_type=code", "");
    let answer = Bench::new(web()).person().visit(&missing, None).await;
    assert_eq!(answer.callback_error(), "invalid_request: Missing parameter: response_type");
    let twice = format!("{}&state=other", authorize(""));
    let answer = Bench::new(web()).person().visit(&twice, None).await;
    assert_eq!(answer.callback_error(), "invalid_request: duplicated parameter");
    assert_eq!(answer.callback()["state"], "st");
}

#[tokio::test]
async fn without_the_standard_flow_nothing_else_is_looked_at() {
    let realm = || web().client(landfall().standard_flow(false));
    assert_eq!(refusal(realm(), "").await, NO_STANDARD_FLOW);
    assert_eq!(refusal(realm(), "scope=nope").await, NO_STANDARD_FLOW);
    assert_eq!(refusal(realm(), "response_type=bogus").await, "unsupported_response_type: -");
}

#[tokio::test]
async fn the_implicit_flow_is_off_and_says_so_in_the_fragment() {
    let answer = Bench::new(web()).person().authorize("response_type=id_token").await;
    let fragment = answer.header("location").strip_prefix(&format!("{CALLBACK}#")).unwrap().to_owned();
    assert!(fragment.starts_with("error=unauthorized_client&error_description=Client+is+not+allowed"), "{fragment}");
    assert!(fragment.contains("Implicit+flow+is+disabled"));
}

#[tokio::test]
async fn a_client_can_be_made_to_use_pkce_with_s256() {
    let realm = || web().client(landfall().pkce_required(true));
    let missing = "invalid_request: Missing parameter: code_challenge_method";
    let plain = S256.replace("S256", "plain");
    let challenge_only = S256.replace("&code_challenge_method=S256", "");
    assert_eq!(refusal(realm(), "").await, missing);
    assert_eq!(refusal(realm(), "prompt=none").await, missing);
    assert_eq!(refusal(realm(), &challenge_only).await, missing);
    assert_eq!(refusal(realm(), "scope=nope").await, "invalid_scope: Invalid scopes: nope");
    assert_eq!(
        refusal(realm(), &plain).await,
        "invalid_request: Invalid parameter: code challenge method is not matching the configured one"
    );
    assert_eq!(Bench::new(realm()).person().authorize(S256).await.status, 200);
    assert_eq!(Bench::new(web()).person().authorize(&challenge_only).await.status, 200);
}

#[tokio::test]
async fn a_client_with_one_address_need_not_name_it_unless_it_speaks_openid() {
    let bench = Bench::new(web());
    let unnamed = |scope: &str| format!("{AUTHORIZE}?client_id=landfall&response_type=code&prompt=none&scope={scope}");
    assert_eq!(bench.get(HOST, &unnamed("openid")).await.error(), "Invalid parameter: redirect_uri");
    assert_eq!(bench.get(HOST, &unnamed("profile")).await.callback_error(), "login_required: -");
}

#[tokio::test]
async fn a_state_beyond_all_measure_is_forgotten() {
    let answer = Bench::new(web()).person().authorize(&format!("prompt=none&state={}", "x".repeat(4_001))).await;
    assert_eq!(answer.callback().get("state"), None);
}

#[tokio::test]
async fn the_form_is_the_real_ones_and_the_hint_is_in_it() {
    let page = Bench::new(web()).person().authorize("login_hint=ada%22%3Cx%3E").await;
    assert_eq!((page.status, page.header("cache-control")), (200, "no-store, must-revalidate, max-age=0"));
    for part in [
        r#"<form id="kc-form-login""#,
        r#"method="post""#,
        r#"name="username" value="ada&quot;&lt;x&gt;""#,
        r#"name="password" value="" type="password""#,
        r#"<input type="hidden" id="id-hidden-input" name="credentialId">"#,
        r#"id="kc-login" type="submit""#,
        "<title>Sign in to demo</title>",
    ] {
        assert!(page.body.contains(part), "{part} in {}", page.body);
    }
    let action = page.action();
    assert!(action.starts_with(&format!("{ISSUER}/login-actions/authenticate?session_code=")), "{action}");
    for name in ["execution=", "client_id=landfall", "tab_id=", "client_data="] {
        assert!(action.contains(name), "{action}");
    }
}

#[tokio::test]
async fn the_request_may_come_as_a_form() {
    let bench = Bench::new(web());
    let (_, query) = authorize("").split_once('?').map(|(path, query)| (path.to_owned(), query.to_owned())).unwrap();
    assert!(bench.post(AUTHORIZE, &query).await.body.contains("kc-form-login"));
    assert_eq!(bench.post(&authorize(""), "").await.error(), "Invalid Request");
}

#[tokio::test]
async fn cookies_are_secure_where_a_browser_would_keep_secure_ones() {
    let bench = Bench::new(web());
    for (host, attributes) in [
        ("sso.test", ";HttpOnly;SameSite=Lax"),
        ("localhost:8080", ";Secure;HttpOnly;SameSite=None"),
        ("127.0.0.1:8080", ";Secure;HttpOnly;SameSite=None"),
        ("[::1]:8080", ";Secure;HttpOnly;SameSite=None"),
    ] {
        let page = bench.get(host, &authorize("")).await;
        let cookies = page.set_cookies();
        let names: Vec<&str> = cookies.iter().filter_map(|cookie| Some(cookie.split_once('=')?.0)).collect();
        assert_eq!(names, ["AUTH_SESSION_ID", "KC_AUTH_SESSION_HASH", "KC_RESTART"]);
        let expected = format!(";Version=1;Path=/realms/demo/{attributes}");
        assert!(cookies[0].ends_with(&expected) && cookies[2].ends_with(&expected), "{cookies:?}");
        assert!(cookies[1].contains(";Max-Age=60") && !cookies[1].contains("HttpOnly"), "{cookies:?}");
    }
    let bench = Bench::with(web(), |keycloak| keycloak.hostname("https://id.example.com/auth"));
    let page = bench.get("internal", &authorize("")).await;
    assert!(page.set_cookies()[0].ends_with(";Version=1;Path=/auth/realms/demo/;Secure;HttpOnly;SameSite=None"));
    assert!(page.action().starts_with("https://id.example.com/auth/realms/demo/login-actions/authenticate?"));
}

#[tokio::test]
async fn a_success_names_state_session_issuer_and_code_in_that_order() {
    let bench = Bench::new(web());
    let person = bench.person();
    let answer = person.log_in("state=a+b%26").await;
    let fields = answer.callback();
    let (code, session) = (fields["code"].clone(), fields["session_state"].clone());
    let expected = format!(
        "{CALLBACK}?state=a+b%26&session_state={session}&iss=http%3A%2F%2Fsso.test%2Frealms%2Fdemo&code={code}"
    );
    assert_eq!(answer.header("location"), expected);
    let parts: Vec<&str> = code.split('.').collect();
    assert_eq!((parts.len(), parts[0].len(), parts[1], parts[2].len()), (3, 36, session.as_str(), 36));

    let cookies = answer.set_cookies();
    assert!(cookies[0].starts_with("KC_RESTART=;") && cookies[0].ends_with(";Max-Age=0"), "{cookies:?}");
    assert!(cookies[1].starts_with("KEYCLOAK_IDENTITY=") && cookies[1].contains("HttpOnly"), "{cookies:?}");
    assert!(cookies[2].starts_with("KEYCLOAK_SESSION=") && cookies[2].contains("Max-Age=36000"), "{cookies:?}");
    assert_eq!((bench.keycloak.calls(Endpoint::Authorize), bench.keycloak.calls(Endpoint::Login)), (1, 1));
}

#[tokio::test]
async fn an_answer_travels_in_the_fragment_or_as_a_form_if_that_is_asked_for() {
    let bench = Bench::new(web());
    let answer = bench.person().log_in("response_mode=fragment").await;
    assert!(answer.header("location").starts_with(&format!("{CALLBACK}#state=st&session_state=")));

    let page = bench.person().log_in("response_mode=form_post&state=%22%3E%3Cscript%3E").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html"));
    for part in [
        r#"<FORM METHOD="POST" ACTION="https://app.example/callback">"#,
        r#"<INPUT TYPE="HIDDEN" NAME="iss" VALUE="http://sso.test/realms/demo" />"#,
        r#"NAME="state" VALUE="&quot;&gt;&lt;script&gt;" />"#,
        r#"NAME="code" VALUE=""#,
        r#"NAME="session_state" VALUE=""#,
        r#"<INPUT name="continue" TYPE="SUBMIT" VALUE="CONTINUE" />"#,
        r#"Onload="document.forms[0].submit()""#,
    ] {
        assert!(page.body.contains(part), "{part} in {}", page.body);
    }
    let page = bench.person().authorize("response_mode=form_post&prompt=none").await;
    assert!(page.body.contains(r#"NAME="error" VALUE="login_required""#), "{}", page.body);
}

#[tokio::test]
async fn a_callback_keeps_the_query_of_its_address() {
    let bench = Bench::new(web().client(landfall().redirect_uri("https://app.example/cb?x=1")));
    let answer = bench.person().authorize("prompt=none&redirect_uri=https://app.example/cb?x%3D1").await;
    assert!(answer.header("location").starts_with("https://app.example/cb?x=1&error=login_required&"));
}

#[tokio::test]
async fn a_browser_that_is_signed_in_sees_no_form_unless_the_client_wants_one() {
    let bench = Bench::new(web());
    let person = bench.person();
    let first = person.log_in("").await.callback();
    for more in ["", "prompt=none", "max_age=100", "prompt=bogus", "prompt=consent"] {
        let again = person.authorize(more).await.callback();
        assert_eq!(again["session_state"], first["session_state"], "{more}");
        assert_ne!(again["code"], first["code"]);
    }
    let page = person.authorize("prompt=login").await;
    assert_eq!(page.error(), "Please re-authenticate to continue");
    assert!(page.body.contains(r#"<input id="kc-attempted-username" value="ada" readonly>"#));
    assert!(!page.body.contains(r#"name="username""#));
    assert_eq!(person.authorize("prompt=none+login").await.callback_error(), "login_required: -");

    let wrong = person.submit(&page, "password=wrong").await;
    assert!(wrong.body.contains(r#"id="input-error-password""#) && wrong.error() == "Invalid username or password.");
    let other = person.submit(&wrong, "username=grace&password=correct+horse").await;
    assert_eq!(other.callback()["session_state"], first["session_state"], "the name is not up to the form");
}

#[tokio::test]
async fn an_old_login_is_not_recent_enough_for_max_age() {
    let bench = Bench::new(web());
    let person = bench.person();
    person.log_in("").await;
    bench.clock.advance(chrono::TimeDelta::seconds(10));
    assert_eq!(person.authorize("max_age=10").await.status, 302);
    bench.clock.advance(chrono::TimeDelta::seconds(1));
    assert_eq!(person.authorize("max_age=10").await.error(), "Please re-authenticate to continue");
    assert_eq!(person.authorize("max_age=10&prompt=none").await.callback_error(), "login_required: -");
}

#[tokio::test]
async fn a_session_ends_when_its_user_is_disabled_or_has_been_away_for_long() {
    let bench = Bench::new(web());
    let person = bench.person();
    person.log_in("").await;
    bench.keycloak.change_user("demo", "ada", |ada| ada.enabled(false)).unwrap();
    let page = person.authorize("").await;
    assert!(page.body.contains("kc-form-login") && page.set_cookies()[0].starts_with("KEYCLOAK_IDENTITY=;"));
    bench.keycloak.change_user("demo", "ada", |ada| ada.enabled(true)).unwrap();
    assert!(person.authorize("").await.body.contains("kc-form-login"));

    person.log_in("").await;
    bench.clock.advance(chrono::TimeDelta::minutes(30));
    assert_eq!(person.authorize("prompt=none").await.callback_error(), "login_required: -");
}

#[tokio::test]
async fn what_would_be_asked_for_is_not_asked_under_prompt_none() {
    let bench = Bench::new(web().client(Client::public("shy").redirect_uri(CALLBACK).consent_required(true)));
    let person = bench.person();
    person.log_in("").await;
    let shy = person.authorize("client_id=shy&prompt=none").await;
    assert_eq!(shy.callback_error(), "interaction_required: -");
    bench.keycloak.change_user("demo", "ada", |ada| ada.required_action("UPDATE_PASSWORD")).unwrap();
    assert_eq!(person.authorize("prompt=none").await.callback_error(), "interaction_required: -");
    assert!(person.authorize("").await.header("location").contains("/required-action?execution=UPDATE_PASSWORD&"));
}

#[tokio::test]
async fn a_realm_that_cannot_be_used_says_so_on_a_page() {
    let bench = Bench::new(web().enabled(false));
    let page = bench.person().authorize("").await;
    assert_eq!((page.status, page.error()), (400, "Realm not enabled"));
    let page = Bench::new(web().https_required(true)).person().authorize("").await;
    assert_eq!((page.status, page.error()), (400, "HTTPS required"));
    let unknown = authorize("").replace("/demo/", "/nope/");
    assert_eq!(bench.get(HOST, &unknown).await.body, r#"{"error":"Realm does not exist"}"#);
}
