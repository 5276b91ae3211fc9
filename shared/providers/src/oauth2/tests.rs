mod documents;

use domain::{ExternalIdentity, Method};
use egress::Reach;
use serde_json::{Value, json};
use simulators::{Endpoint, Misbehaviour, Registration};

use crate::bench::{Bench, CALLBACK, SECRET, ada};
use crate::oidc::complaint_about;
use crate::{Check, Outage, ProviderError, Registry, Rejection, Stage, Status};

async fn github(over: Value) -> Bench {
    Bench::at(&simulators::oauth2::SIMULATOR, Method::Oidc, Reach::Local, over).await
}

/// What a login comes to where these members are put over those of the API's first answer.
async fn login_with(bench: &Bench, members: &Value) -> Result<ExternalIdentity, ProviderError> {
    at(bench, "/user", Misbehaviour::members(members));
    bench.login().await
}

fn at(bench: &Bench, path: &'static str, how: Misbehaviour) {
    bench.subject.misbehave_at(Endpoint::Userinfo, Some(Misbehaviour::At(path, Box::new(how))));
}

fn emails(bench: &Bench, emails: &Value) {
    at(bench, "/emails", Misbehaviour::Answer(200, emails.clone()));
}

fn misconfigured(error: Option<ProviderError>, part: &str) -> bool {
    matches!(error, Some(ProviderError::Misconfigured { stage: Stage::Userinfo, hint }) if hint.contains(part))
}

#[tokio::test]
async fn the_primary_address_is_found_and_verified_where_github_says_so() {
    let bench = github(json!({})).await;
    let identity = bench.login().await.unwrap();
    assert_eq!(identity.claims.verified_email(), Some("ada@example.org"));
    for (name, value) in
        [("name", "Ada Lovelace"), ("preferred_username", "ada"), ("profile", "https://github.com/ada")]
    {
        assert_eq!(identity.claims.text(name), Some(value));
    }
    bench.subject.enrol(ada(false));
    let identity = bench.login().await.unwrap();
    assert_eq!((identity.claims.text("email"), identity.claims.verified_email()), (Some("ada@example.org"), None));
    let entry = |email: &str, primary: Value, verified: Value| json!({ "email": email, "primary": primary, "verified": verified });
    let (yes, no) = (json!(true), json!(false));
    for (list, email, verified) in [
        (json!([]), None, None),
        (json!([entry("b@example.org", no.clone(), yes.clone())]), None, None),
        (
            json!([entry("b@example.org", no.clone(), yes.clone()), entry("a@example.org", yes.clone(), no)]),
            Some("a@example.org"),
            None,
        ),
        (json!([entry("a@example.org", yes.clone(), json!("true"))]), Some("a@example.org"), None),
        (json!([entry("a@example.org", yes.clone(), json!(1))]), Some("a@example.org"), None),
        (json!([entry("a@example.org", yes.clone(), Value::Null)]), Some("a@example.org"), None),
        (json!([entry("a@example.org", json!("true"), yes.clone())]), None, None),
        (json!([entry("a@example.org", yes.clone(), yes.clone())]), Some("a@example.org"), Some("a@example.org")),
        // What is no single address is no e-mail (attack 84).
        (json!([entry("a@x.org, b@y.org", yes.clone(), yes.clone())]), None, None),
        (json!([entry("ada@example.org\r\nBcc: eve@evil.example", yes.clone(), yes.clone())]), None, None),
        (json!([entry("ada\u{ff20}example.org", yes.clone(), yes.clone())]), None, None),
        (json!([entry("ada@e\u{212a}.example", yes.clone(), yes)]), None, None),
    ] {
        emails(&bench, &list);
        let claims = bench.login().await.unwrap().claims;
        assert_eq!((claims.text("email"), claims.verified_email()), (email, verified), "{list}");
    }
}

#[tokio::test]
async fn the_address_that_a_user_shows_to_the_public_says_nothing() {
    let bench = github(json!({})).await;
    let members = json!({ "email": "victim@example.org", "email_verified": true, "verified": true });
    assert_eq!(login_with(&bench, &members).await.unwrap().claims.verified_email(), Some("ada@example.org"));
}

#[tokio::test]
async fn a_user_is_known_by_the_number_and_not_by_the_login() {
    let bench = github(json!({})).await;
    let identity = bench.login().await.unwrap();
    assert_eq!(Some(identity.subject_key.clone()), bench.subject.subject("ada"));
    let renamed = login_with(&bench, &json!({ "login": "lovelace" })).await.unwrap();
    assert_eq!(renamed.key(), identity.key());
    for (id, subject) in [(json!(9_007_199_254_740_993_u64), "9007199254740993"), (json!("7"), "7")] {
        assert_eq!(login_with(&bench, &json!({ "id": id })).await.unwrap().subject_key, subject);
    }
    for wrong in [json!(1.5), json!(1e30), json!(-1), json!(""), json!(true), json!([1]), json!("1".repeat(256))] {
        let refused = login_with(&bench, &json!({ "id": wrong })).await.err();
        assert_eq!(refused, Some(Stage::Userinfo.refused(Check::Subject)), "{wrong}");
    }
    assert!(misconfigured(login_with(&bench, &json!({ "id": null })).await.err(), "says that sub is"));
    let twice = Misbehaviour::Answer(200, json!({ "id": 1, "error": "invalid_token" }));
    at(&bench, "/user", twice);
    assert_eq!(bench.login().await.err(), Some(Stage::Userinfo.unavailable(Outage::Protocol)));
}

#[tokio::test]
async fn a_second_request_that_fails_fails_the_login() {
    let bench = github(json!({})).await;
    let stage = Stage::Userinfo;
    for (how, error) in [
        (Misbehaviour::Html, stage.unavailable(Outage::Protocol)),
        (Misbehaviour::Garbage, stage.unavailable(Outage::Protocol)),
        (Misbehaviour::Unavailable, stage.unavailable(Outage::ServerError)),
        (Misbehaviour::DeepJson, stage.refused(Check::Json)),
        (Misbehaviour::HugeBody(2 * 1024 * 1024), stage.refused(Check::Size)),
        (Misbehaviour::TooManyRequests { retry_after: None }, ProviderError::Throttled { retry_after: None }),
        (Misbehaviour::Redirect("https://evil.example/".to_owned()), stage.unavailable(Outage::Protocol)),
        (Misbehaviour::Answer(401, json!({ "message": "Bad credentials" })), stage.refused(Check::AccessToken)),
    ] {
        for path in ["/emails", "/user"] {
            at(&bench, path, how.clone());
            let before = bench.calls();
            assert_eq!(bench.login().await.err(), Some(error), "{path} {how:?}");
            assert_eq!(bench.calls()[2], before[2] + 1, "the code is sent once: {path} {how:?}");
        }
    }
    for status in [403, 404] {
        at(
            &bench,
            "/emails",
            Misbehaviour::Answer(status, json!({ "message": "Resource not accessible by integration" })),
        );
        assert!(misconfigured(bench.login().await.err(), "Email addresses: Read-only"), "{status}");
    }
    emails(&bench, &json!({ "message": "no list" }));
    assert!(misconfigured(bench.login().await.err(), "has no list"));
    // So GitHub answers where the scope is missing.
    let narrow = github(json!({ "settings": { "scopes": "read:user" } })).await;
    assert!(misconfigured(narrow.login().await.err(), "leave user:email among settings.scopes"));
}

#[tokio::test]
async fn an_error_with_status_200_is_read_before_anything_else() {
    let bench = github(json!({})).await;
    for (error, outcome) in [
        ("bad_verification_code", "rejected.interaction_required"),
        ("incorrect_client_credentials", "unavailable.misconfigured"),
        ("redirect_uri_mismatch", "unavailable.misconfigured"),
        ("unverified_user_email", "rejected.declined"),
        ("something_new", "unavailable"),
    ] {
        let answer =
            json!({ "error": error, "error_description": "d", "access_token": "gho_1", "token_type": "bearer" });
        bench.subject.misbehave(Some(Misbehaviour::Answer(200, answer)));
        let failed = bench.login().await.unwrap_err();
        assert_eq!((failed.outcome(), bench.calls()[3]), (Some(outcome), 0), "{error}: {failed}");
    }
    for nothing in [json!({}), json!({ "access_token": "" }), json!({ "access_token": 1 })] {
        bench.subject.misbehave(Some(Misbehaviour::Answer(200, nothing.clone())));
        assert_eq!(bench.login().await.unwrap_err().outcome(), Some("unavailable.misconfigured"), "{nothing}");
    }
    // In the form that it has without the right `Accept`.
    bench.subject.misbehave(Some(Misbehaviour::Html));
    assert_eq!(bench.login().await.err(), Some(Stage::Token.unavailable(Outage::Protocol)));
}

#[tokio::test]
async fn errors_of_githubs_own_at_the_callback_say_who_must_act() {
    let bench = github(json!({})).await;
    for (error, outcome) in [
        ("access_denied", "rejected.declined"),
        ("redirect_uri_mismatch", "unavailable.misconfigured"),
        ("application_suspended", "unavailable.misconfigured"),
    ] {
        bench.subject.misbehave_at(Endpoint::Login, Some(Misbehaviour::CallbackError(error.to_owned())));
        assert_eq!(bench.login().await.unwrap_err().outcome(), Some(outcome), "{error}");
    }
    assert_eq!(bench.calls(), [0; 4]);
}

/// Two requests that both say who it is.
async fn of_two() -> Bench {
    let mut bench = github(json!({})).await;
    let userinfo = json!([
        { "url": "/user", "claims": { "sub": "/id", "name": "/name" } },
        { "url": "/user/emails", "list": "", "claims": { "sub": "/user_id", "email": "/email", "email_verified": true } },
    ]);
    let settings = settings_of(&bench, userinfo);
    bench.use_adapter(adapter(settings), Method::Oidc);
    bench
}

fn settings_of(bench: &Bench, userinfo: Value) -> Value {
    json!({
        "authorization_endpoint": format!("{}/login/oauth/authorize", bench.url),
        "token_endpoint": format!("{}/login/oauth/access_token", bench.url),
        "issuer": "https://github.com/login/oauth", "api": bench.url, "headers": { "Accept": "application/json" }, "scopes": ["user:email"], "userinfo": userinfo,
    })
}

fn adapter(settings: Value) -> std::sync::Arc<dyn crate::ProviderAdapter> {
    let document = json!({
        "id": "staff", "provider": "oauth2", "name": "Staff", "client": { "id": "landfall", "secret": "staff" },
        "methods": { "oidc": {} }, "settings": settings,
    });
    Registry::default().adapter(&serde_json::from_value(document).unwrap()).unwrap()
}

#[tokio::test]
async fn a_user_who_is_another_in_the_second_answer_is_refused() {
    let bench = of_two().await;
    let subject = bench.subject.subject("ada").unwrap();
    emails(&bench, &json!([{ "user_id": subject, "email": "ada@example.org" }]));
    assert_eq!(bench.login().await.unwrap().claims.verified_email(), Some("ada@example.org"));
    emails(&bench, &json!([{ "user_id": "1", "email": "eve@example.org" }]));
    assert_eq!(bench.login().await.err(), Some(Stage::Userinfo.refused(Check::Subject)));
    emails(&bench, &json!([]));
    assert!(misconfigured(bench.login().await.err(), "says that sub is"));
}

#[tokio::test]
async fn settings_alone_give_no_connector_the_accounts_of_another() {
    let known = |settings: Value| {
        let adapter = adapter(settings);
        (adapter.issuer_key().unwrap().to_owned(), adapter.source().unwrap().as_str().to_owned())
    };
    let (key, source) = known(json!({ "preset": "github" }));
    assert_eq!(key, "https://github.com");
    assert_ne!(source, "staff");
    // Its numbers are other users.
    let (key, other) = known(json!({ "preset": "github", "api": "https://github.acme.com/api/v3" }));
    assert_eq!(key, "https://github.acme.com/api/v3/user");
    assert_ne!(other, source);
    let named = json!({ "preset": "github", "api": "https://evil.example", "issuer": "https://github.com" });
    assert_eq!(known(named).0, "https://evil.example/user");
    let (key, own) = known(json!({ "preset": "github", "token_endpoint": "https://evil.example/token" }));
    assert_eq!((key.as_str(), own.as_str()), ("https://github.com", "staff"));

    let userinfo = json!([{ "url": "https://api.github.com/user?a=b", "claims": { "sub": "/login" } }]);
    let mut custom = json!({ "userinfo": userinfo });
    for endpoint in ["authorization_endpoint", "token_endpoint"] {
        custom[endpoint] = json!("https://github.com/login");
    }
    assert_eq!(known(custom.clone()), ("https://api.github.com/user".to_owned(), "staff".to_owned()));
    custom["issuer"] = json!("https://github.com");
    assert_eq!(known(custom), ("https://github.com".to_owned(), "staff".to_owned()));
}

#[tokio::test]
async fn the_connector_test_finds_what_shows_from_outside() {
    let bench = github(json!({})).await;
    let report = bench.probe(None).await;
    let found: Vec<_> = report.checks.iter().map(|check| (check.id, check.status)).collect();
    assert_eq!(
        found,
        [
            ("endpoints", Status::Passed),
            ("client_credentials", Status::Passed),
            // GitHub asks for a login first.
            ("redirect_uri", Status::Unverifiable),
            ("userinfo", Status::Unverifiable),
        ]
    );
    let endpoints: Vec<_> =
        report.check("endpoints").detail.as_ref().unwrap().as_object().unwrap().keys().cloned().collect();
    assert_eq!(endpoints, ["authorization_endpoint", "token_endpoint", "userinfo[0]", "userinfo[1]"]);

    bench.register(Registration::confidential("landfall", "another", CALLBACK));
    let report = bench.probe(None).await;
    assert!(report.check("client_credentials").hint.unwrap().contains("generate a new client secret"), "{report:?}");
    bench.register(Registration::confidential("landfall", SECRET, CALLBACK));

    let inside = github(json!({ "settings": { "api": "https://10.0.0.1" } })).await;
    let report = inside.probe(None).await;
    assert_eq!(report.check("endpoints").detail.as_ref().unwrap()["userinfo[0]"]["status"], "failed");
    let error = inside.login().await.err();
    assert!(misconfigured(error, "public https address"), "{error:?}");
}

#[tokio::test]
async fn a_code_of_another_login_is_refused_by_pkce() {
    let bench = github(json!({})).await;
    let (victim, attacker) = (bench.begin().await.unwrap(), bench.begin().await.unwrap());
    let returned = bench.visit(&victim).await.unwrap();
    let injected = bench.answer(&attacker, &returned).await.err();
    assert_eq!(injected, Some(ProviderError::Rejected(Rejection::InteractionRequired)));
    assert_eq!(bench.calls()[3], 0);
}

#[test]
fn a_wrong_setting_is_told_where_it_is_wrong() {
    let over = |member: &str, value: Value| {
        let mut settings = json!({
            "authorization_endpoint": "https://id.example/authorize", "token_endpoint": "https://id.example/token",
            "userinfo": [{ "url": "https://api.id.example/me", "claims": { "sub": "/id" } }],
        });
        settings[member] = value;
        settings
    };
    let request = |member: &str, value: Value| {
        let mut request = json!({ "url": "https://api.id.example/me", "claims": { "sub": "/id" } });
        request[member] = value;
        over("userinfo", json!([request]))
    };
    for (settings, expected) in [
        (over("api", json!("https://api.id.example")), "none"),
        (request("method", json!("POST")), "none"),
        (request("claims", json!({ "sub": "/data/0/id", "email": "/e", "email_verified": true })), "none"),
        (json!({ "preset": "github" }), "none"),
        (json!({ "preset": "github", "scopes": "user:email" }), "none"),
        (json!({ "preset": "myspace" }), "settings.preset: unknown preset \"myspace\", known are: github, x, linkedin"),
        (
            json!({ "preset": "github", "userinfo": [{ "url": "/user", "claims": { "sub": "/login" } }] }),
            "settings.userinfo: stands beside preset, which says it: leave one of them out",
        ),
        (
            json!({ "preset": "github", "issuer": "https://github.com" }),
            "settings.issuer: stands beside preset, which says it: leave one of them out",
        ),
        (json!({}), "settings: missing field `userinfo`, or `preset` in its place"),
        (
            json!({ "userinfo": [{ "url": "https://id.example/me", "claims": { "sub": "/id" } }] }),
            "settings: missing field `authorization_endpoint`",
        ),
        (
            over("jwks_uri", json!("https://id.example/keys")),
            "settings.jwks_uri: has no meaning where there is no ID token",
        ),
        (over("algorithms", json!(["RS256"])), "settings.algorithms: has no meaning where there is no ID token"),
        (over("issuer", json!("")), "settings.issuer: is empty"),
        (over("token_endpoint", json!("http://id.example/token")), "settings.token_endpoint: is not an https address"),
        (over("headers", json!({ "Client-Id": "a" })), "none"),
        (
            over("headers", json!({ "Authorization": "Bearer a" })),
            "settings.headers.Authorization: is the protocol's own: it cannot be set here",
        ),
        (
            over("headers", json!({ "host": "a" })),
            "settings.headers.host: is the protocol's own: it cannot be set here",
        ),
        (over("headers", json!({ "a b": "c" })), "settings.headers.a b: is not the name of a header"),
        (over("headers", json!({ "a": "b\r\nc: d" })), "settings.headers.a: has a character that no header has"),
        (
            request("url", json!("/me")),
            "settings.userinfo[0].url: is a path, and there is no settings.api that it begins at",
        ),
        (request("url", json!("http://api.id.example/me")), "settings.userinfo[0].url: is not an https address"),
        (request("url", json!("me")), "settings.userinfo[0].url: is neither an address, nor a path below settings.api"),
        (
            request("method", json!("PUT")),
            "settings.userinfo[0].method: unknown variant `PUT`, expected `GET` or `POST`",
        ),
        (
            request("list", json!("values")),
            "settings.userinfo[0].list: is not a JSON Pointer, such as /values, or \"\" for the whole answer",
        ),
        (
            request("claims", json!({ "email": "/email" })),
            "settings.userinfo[0].claims: has no sub, by which users are known: an id that neither the user nor the provider ever \
             changes",
        ),
        (
            request("claims", json!({ "sub": "id" })),
            "settings.userinfo[0].claims.sub: \"id\" is not a JSON Pointer, such as /id or /data/0/id",
        ),
        (
            request("claims", json!({ "sub": true })),
            "settings.userinfo[0].claims.sub: is yes or no, as only email_verified and phone_number_verified are: say a JSON \
             Pointer",
        ),
        (
            request("claims", json!({ "sub": "/id", "email_verified": { "at": "/v" } })),
            "settings.userinfo[0].claims.email_verified: is neither a JSON Pointer, nor { at: a pointer, is: a value or a list of \
             values }, nor true",
        ),
    ] {
        assert_eq!(complaint_about("oauth2", settings), expected);
    }
}
