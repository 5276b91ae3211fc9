//! What comes over the wire, what goes back over it, and what is left behind.

use std::marker::PhantomData;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Request};
use base64::Engine;
use domain::{AuthorizationCode, SecretHash, SessionToken, SubmitKey};
use landfall::demo::{EMAIL, PASSWORD, SECRET};
use landfall_tests::sent::{FORM, get, post_json, token_form, with_authorization};
use landfall_tests::witness::Witness;
use landfall_tests::{Answer, TestApp, data, key, submission};
use serde_json::{Value, json};
use simulators::keycloak::{Client, Realm, User};

const JOURNEY: &str = "migrate-from-keycloak";
const START: &str = "/v1/journeys/migrate-from-keycloak/start";

/// The routes that take a body, each with a body it takes.
fn routes(session: &str, code: &str) -> [(String, &'static str, String); 3] {
    let submit = submission(1, &key(1), &data(EMAIL, PASSWORD)).to_string();
    let token = serde_urlencoded::to_string(token_form(code, &[])).unwrap();
    [
        (START.into(), "application/json", TestApp::start_body().to_string()),
        (format!("/v1/sessions/{session}/steps/ask"), "application/json", submit),
        ("/oauth2/token".into(), FORM, token),
    ]
}

fn post(path: &str, media_type: &str, token: &str, body: impl Into<Body>) -> Request<Body> {
    let mut request = post_json(path, Some(token), body);
    request.headers_mut().insert(CONTENT_TYPE, media_type.parse().unwrap());
    request
}

#[tokio::test]
async fn a_body_too_large_compressed_or_mistyped_is_not_read() {
    let app = TestApp::new().await;
    let session = app.start(JOURNEY).await;
    let login = app.log_in("grace@example.org", PASSWORD).await;
    let mut witness = Witness::of(&app, &[&session.token, &login.code]).await;

    for (path, media_type, body) in routes(&session.id, &login.code) {
        println!("{path}");
        // RFC 6749 section 5.2 has one answer for every malformed token request.
        let oauth = (400, "invalid_request");
        let (too_large, unsupported) = match path.as_str() {
            "/oauth2/token" => (oauth, oauth),
            _ => ((413, "body_too_large"), (415, "unsupported_media_type")),
        };
        let send = |media_type: &str, body: Body| app.send(post(&path, media_type, &session.token, body));
        for size in [64 * 1024 + 1, 1 << 20, 2 << 20] {
            let padded = format!("{body}{}", " ".repeat(size - body.len()));
            let answer = send(media_type, padded.into()).await;
            witness.refused(&answer, too_large.0, too_large.1).await;
        }
        // The length that is announced says nothing of the length that comes.
        let mut lying = post(&path, media_type, &session.token, " ".repeat(1 << 20));
        lying.headers_mut().insert("content-length", HeaderValue::from_static("10"));
        let answer = app.send(lying).await;
        witness.refused(&answer, too_large.0, too_large.1).await;

        for encoding in ["gzip", "br", "deflate", "identity", "gzip, gzip", "x"] {
            let mut request = post(&path, media_type, &session.token, body.clone());
            request.headers_mut().insert(CONTENT_ENCODING, encoding.parse().unwrap());
            let answer = app.send(request).await;
            witness.refused(&answer, unsupported.0, unsupported.1).await;
        }
        for other in [
            "text/plain",
            "text/plain; application/json",
            "application/xml",
            "application/jsonx",
            "application/problem+json",
            "multipart/form-data; boundary=x",
            "*/*",
            "",
        ] {
            let answer = send(other, body.clone().into()).await;
            witness.refused(&answer, unsupported.0, unsupported.1).await;
        }
        let mut untyped = post(&path, media_type, &session.token, body.clone());
        untyped.headers_mut().remove(CONTENT_TYPE);
        let answer = app.send(untyped).await;
        witness.refused(&answer, unsupported.0, unsupported.1).await;
    }
    let spelled_out = post(START, "Application/JSON; charset=utf-8", "x", TestApp::start_body().to_string());
    app.send(spelled_out).await.expect(201);
}

#[tokio::test]
async fn json_nested_ten_thousand_deep_is_refused_wherever_it_is() {
    let app = TestApp::new().await;
    let session = app.start(JOURNEY).await;
    let mut witness = Witness::of(&app, &[&session.token]).await;
    let (lists, objects) = (format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000)), "{\"a\":".repeat(10_000));
    let objects = format!("{objects}1{}", "}".repeat(10_000));
    let submit = format!("/v1/sessions/{}/steps/ask", session.id);
    for deep in [lists, objects] {
        let start = TestApp::start_body().to_string();
        let hidden = [
            // In a field that is read, and in one that is ignored.
            (START, start.replace("\"gold\"", &deep)),
            (START, start.replace("\"nonce\":", &format!("\"prompt\":{deep},\"nonce\":"))),
            (&submit, format!(r#"{{"turn":1,"key":"{}","option":"submit","data":{deep}}}"#, key(1))),
        ];
        for (path, body) in hidden.into_iter().chain([(START, deep.clone()), (&submit, deep)]) {
            let answer = app.send(post_json(path, Some(&session.token), body)).await;
            witness.refused(&answer, 400, "invalid_request").await;
        }
    }
}

#[tokio::test]
async fn a_name_twice_in_a_body_is_refused() {
    let app = TestApp::new().await;
    let session = app.start(JOURNEY).await;
    let mut witness = Witness::of(&app, &[&session.token]).await;
    let start = TestApp::start_body().to_string();
    let submit = submission(1, &key(1), &data(EMAIL, PASSWORD)).to_string();
    let submit_path = format!("/v1/sessions/{}/steps/ask", session.id);
    // Two readers of such a body, a firewall before us and us, may each see the other value.
    for (path, body, name, twice) in [
        (START, &start, "\"params\":", "\"params\":{},\"params\":"),
        (START, &start, "\"client_id\":", "\"client_id\":\"other\",\"client_id\":"),
        (START, &start, "\"redirect_uri\":", "\"redirect_uri\":\"https://evil.example/\",\"redirect_uri\":"),
        (START, &start, "\"plan\":", "\"plan\":\"free\",\"plan\":"),
        (START, &start, "\"plan\":", "\"pl\\u0061n\":\"free\",\"plan\":"),
        (&submit_path, &submit, "\"turn\":", "\"turn\":2,\"turn\":"),
        (&submit_path, &submit, "\"key\":", "\"key\":\"0123456789abcdef0123456789abcdef\",\"key\":"),
        (&submit_path, &submit, "\"email\":", "\"email\":\"grace@example.org\",\"email\":"),
        (&submit_path, &submit, "\"password\":", "\"password\":\"guess\",\"password\":"),
    ] {
        println!("{twice}");
        assert_eq!(body.matches(name).count(), 1);
        let answer = app.send(post_json(path, Some(&session.token), body.replace(name, twice))).await;
        witness.refused(&answer, 400, "invalid_request").await;
    }
}

/// Headers by which proxies tell servers who asked for what. Any caller can send them.
const FORGED: &[(&str, &str)] = &[
    ("host", "evil.example"),
    ("forwarded", "for=203.0.113.66;host=evil.example;proto=http"),
    ("x-forwarded-for", "203.0.113.66"),
    ("x-forwarded-host", "evil.example"),
    ("x-forwarded-proto", "http"),
    ("x-forwarded-port", "666"),
    ("x-forwarded-prefix", "/evil.example"),
    ("x-real-ip", "203.0.113.66"),
    ("x-client-ip", "203.0.113.66"),
    ("true-client-ip", "203.0.113.66"),
    ("cf-connecting-ip", "203.0.113.66"),
    ("x-original-url", "https://evil.example/oauth2/jwks"),
    ("x-rewrite-url", "/oauth2/jwks"),
    ("x-http-method-override", "DELETE"),
    ("x-request-id", "evil.example"),
    ("x-amzn-request-context", r#"{"http":{"sourceIp":"203.0.113.66"},"requestId":"evil.example"}"#),
];

fn forged(mut request: Request<Body>) -> Request<Body> {
    for (name, value) in FORGED {
        request.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    request
}

#[tokio::test]
async fn forged_hosts_and_addresses_change_nothing() {
    let app = TestApp::new().await;
    let start = app.send(forged(post_json(START, Some("x"), TestApp::start_body().to_string()))).await.expect(201);
    let (session, token) = (start.body["session"].as_str().unwrap(), start.body["session_token"].as_str().unwrap());
    let [_, (path, media_type, body), _] = routes(session, "");
    let done = app.send(forged(post(&path, media_type, token, body))).await.expect(200);
    let code = done.body["completion"]["code"].as_str().unwrap();
    let [.., (path, media_type, body)] = routes(session, code);
    let tokens = app.send(forged(post(&path, media_type, "x", body))).await.expect(200);

    for name in ["id_token", "access_token"] {
        let claims = tokens.body[name].as_str().unwrap().split('.').nth(1).unwrap();
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["iss"], "https://id.example.com", "{name}");
    }
    let told = format!("{} {} {} {:?}", start.body, done.body, app.logs(), app.items().await);
    for trace in ["evil.example", "203.0.113.66"] {
        assert!(!told.contains(trace), "{trace} was believed");
        for answer in [&start, &done, &tokens] {
            assert!(
                answer
                    .headers
                    .values()
                    .all(|value| !value.as_bytes().windows(trace.len()).any(|w| w == trace.as_bytes()))
            );
        }
    }
}

#[tokio::test]
async fn no_answer_about_a_session_may_be_cached() {
    let app = TestApp::new().await;
    let session = app.start(JOURNEY).await;
    let login = app.log_in(EMAIL, PASSWORD).await;
    let submit = |turn: u64, email: &'static str| {
        let body = submission(turn, &key(9), &data(email, "wrong"));
        let (app, session) = (&app, &session);
        async move { session.submit_to(app, "ask", &body).await }
    };
    let answers: [(u16, Answer); 14] = [
        (201, app.try_start(JOURNEY, &TestApp::start_body()).await),
        (404, app.try_start("nowhere", &TestApp::start_body()).await),
        (
            422,
            app.try_start(JOURNEY, &json!({ "request": TestApp::start_body()["request"], "params": { "plan": 1 } }))
                .await,
        ),
        (200, session.view(&app).await),
        (404, app.get(&format!("/v1/sessions/{}", session.id), Some("x")).await),
        (401, app.get(&format!("/v1/sessions/{}", session.id), None).await),
        (422, submit(1, "unknown").await),
        (200, submit(1, EMAIL).await),
        (409, submit(0, EMAIL).await),
        (200, app.redeem(&login.code).await),
        (400, app.redeem(&login.code).await),
        (404, app.get("/nowhere", None).await),
        (405, app.get("/oauth2/token", None).await),
        (405, app.post("/oauth2/jwks", None, &json!({})).await),
    ];
    for (status, answer) in answers {
        let answer = answer.expect(status);
        assert_eq!(answer.header(CACHE_CONTROL.as_str()), "no-store", "{status} {:#}", answer.body);
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("strict-transport-security"), "max-age=63072000");
    }
    let keys = app.get("/oauth2/jwks", None).await.expect(200);
    assert_eq!(keys.header(CACHE_CONTROL.as_str()), "public, max-age=300");
}

#[tokio::test]
async fn separators_in_subjects_and_emails_merge_no_users() {
    let subjects =
        ["a", "a#", "#a", "a#b", "a#b#", "a\0", "a\0b", "a|b", "a/b", "a:b", "a%23b", "a b", "A", "\u{e4}", "a\u{308}"];
    // The same letters with the border between issuer and subject elsewhere.
    let borders = [("pool", "xyz"), ("poolx", "yz"), ("poolxy", "z")];
    let emails =
        ["a#b@example.org", "a@example.org", "b@example.org", "a.b@example.org", "a|b@example.org", "#@example.org"];
    let realm = |name: &str| {
        let client = Client::confidential("landfall", SECRET).direct_grants(true);
        Realm::new(name).client(client).profile_optional(true)
    };
    let user = |login: &str| User::new(login).password(PASSWORD);
    let app = TestApp::with(|setup| {
        let of_subjects = subjects.iter().enumerate().map(|(at, subject)| user(&format!("s{at}@x.org")).subject(subject));
        let of_emails = emails.iter().enumerate().map(|(at, email)| user(&format!("e{at}@x.org")).email(email, true));
        let people = of_subjects.chain(of_emails).fold(realm("people"), Realm::user);
        setup.keycloak().clone().realm(people);
        setup.connectors = "connectors:\n".into();
        for (name, subject) in borders {
            setup.keycloak().clone().realm(realm(name).user(user("b@x.org").subject(subject)));
        }
        for name in borders.iter().map(|(name, _)| *name).chain(["people"]) {
            setup.connectors += &format!(
                "  - {{ id: {name}, provider: keycloak, name: {name}, source: one, client: {{ id: landfall, secret: keycloak }}, \
                 methods: {{ password: {{}} }}, settings: {{ url: \"{{keycloak}}/demo/keycloak\", realm: {name} }} }}\n"
            );
        }
    })
    .await;

    let people = (0..subjects.len()).map(|at| ("people", format!("s{at}@x.org")));
    let people = people.chain((0..emails.len()).map(|at| ("people", format!("e{at}@x.org"))));
    let users: Vec<_> = people.chain(borders.iter().map(|(name, _)| (*name, "b@x.org".to_owned()))).collect();
    for _ in ["the first time", "again"] {
        for (connector, login) in &users {
            app.log_in_through(&format!("migrate-from-{connector}"), login, PASSWORD).await;
        }
        assert_eq!(app.users().await, users.len());
        assert_eq!(app.items_of("LINK#").await.len(), users.len());
        assert_eq!(app.items_of("IDENTIFIER#").await.len(), emails.len());
    }
}

#[tokio::test]
async fn a_sessions_token_opens_no_other_session() {
    let app = TestApp::new().await;
    let (mine, theirs) = (app.start(JOURNEY).await, app.start(JOURNEY).await);
    let login = app.log_in("grace@example.org", PASSWORD).await;
    let mut witness = Witness::of(&app, &[&mine.token, &theirs.token, &login.session.token, &login.code]).await;
    let submit = submission(1, &key(1), &data(EMAIL, PASSWORD));

    let mut answers = Vec::new();
    for id in [theirs.id.as_str(), login.session.id.as_str(), "ses_01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
        let answer = app.get(&format!("/v1/sessions/{id}"), Some(&mine.token)).await;
        witness.refused(&answer, 404, "unknown_session").await;
        answers.push(answer);
        let answer = app.post(&format!("/v1/sessions/{id}/steps/ask"), Some(&mine.token), &submit).await;
        witness.refused(&answer, 404, "unknown_session").await;
        answers.push(answer);
    }
    let shape = |answer: &Answer| {
        let mut body = answer.body.clone();
        body["request_id"].take();
        let names: Vec<_> = answer.headers.keys().map(|name| name.as_str().to_owned()).collect();
        (body, names)
    };
    assert!(answers.iter().all(|answer| shape(answer) == shape(&answers[0])));
}

#[tokio::test]
async fn a_bearer_token_that_is_none_or_several_opens_nothing() {
    let app = TestApp::new().await;
    let session = app.start(JOURNEY).await;
    let mut witness = Witness::of(&app, &[&session.token]).await;
    let path = format!("/v1/sessions/{}", session.id);
    let (token, right) = (&session.token, format!("Bearer {}", session.token));
    for values in [
        &[][..],
        &[b"".as_slice()],
        &[token.as_bytes()],
        &[b"Bearer"],
        &[b"Bearer "],
        &[format!("Basic {token}").as_bytes()],
        &[format!("Bearer  {token}").as_bytes()],
        &[format!("{right} x").as_bytes()],
        &[b"Bearer t\xc3\xb6ken"],
        &[b"Bearer \xff"],
        &[right.as_bytes(), right.as_bytes()],
        &[right.as_bytes(), b"Bearer x"],
        &[b"Bearer x", right.as_bytes()],
        &[format!("Bearer {}", "x".repeat(513)).as_bytes()],
    ] {
        let submit = submission(1, &key(1), &data(EMAIL, PASSWORD)).to_string();
        for request in [get(&path, None), post_json(&format!("{path}/steps/ask"), None, submit)] {
            let answer = app.send(with_authorization(request, values)).await;
            witness.refused(&answer, 401, "invalid_token").await;
        }
    }
    // In the query, where it would be logged on its way.
    let answer = app.get(&format!("{path}?access_token={token}"), None).await;
    witness.refused(&answer, 401, "invalid_token").await;
    // Nearly the right one.
    let (start, end) = token.split_at(token.len() - 1);
    for token in [start.to_owned(), format!("{token}x"), format!("{start}{}", if end == "A" { "E" } else { "A" })] {
        let answer = app.get(&path, Some(&token)).await;
        witness.refused(&answer, 404, "unknown_session").await;
    }
}

/// Whether `T` has an `==`: the constant of the type itself, where its bound holds, comes before the trait's.
struct Comparable<T>(PhantomData<T>);
trait Otherwise {
    const COMPARABLE: bool = false;
}
impl<T> Otherwise for Comparable<T> {}
impl<T: PartialEq> Comparable<T> {
    const COMPARABLE: bool = true;
}

// A comparison that ends at the first difference tells how much of a guess was right. Secrets have none; their hashes
// have one that takes the same time whatever it finds.
const _: () = {
    assert!(!Comparable::<SessionToken>::COMPARABLE);
    assert!(!Comparable::<AuthorizationCode>::COMPARABLE);
    assert!(!Comparable::<SubmitKey>::COMPARABLE);
    assert!(Comparable::<SecretHash>::COMPARABLE);
};
