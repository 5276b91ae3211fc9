use axum::body::Body;
use axum::http::Request;

use super::*;
use crate::core::bench::{Bench, registration};

/// What the token endpoint answers to a code for this scope, or to another code.
async fn redeem(bench: &Bench, scope: &str, accept: &str, code: Option<&str>) -> crate::Page {
    let code = match code {
        Some(code) => code.to_owned(),
        None => bench.code(&[("scope", scope)]).await,
    };
    let form = format!(
        "grant_type=authorization_code&client_id=landfall&client_secret=secret&code={code}&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback"
    );
    let request =
        Request::post(bench.address(Endpoint::Token).await).header("host", "sso.test").header("accept", accept);
    bench
        .send(request.header("content-type", "application/x-www-form-urlencoded").body(Body::from(form)).unwrap())
        .await
}

async fn api(bench: &Bench, path: &str, token: &str, verb: &str) -> crate::Page {
    let request =
        Request::builder().method(verb).uri(format!("http://sso.test/below{path}")).header("host", "sso.test");
    let request = request.header("user-agent", "test").header("authorization", format!("Bearer {token}"));
    bench.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn github_answers_with_json_only_if_nothing_else_is_accepted() {
    let bench = Bench::of(&SIMULATOR);
    for accept in ["", "*/*", "application/json, */*;q=0.5"] {
        let answer = redeem(&bench, "user:email", accept, None).await;
        assert_eq!(
            (answer.status, answer.body.starts_with("access_token=gho_")),
            (200, true),
            "{accept}: {}",
            answer.body
        );
    }
    let answer = redeem(&bench, "read:user user:email", "application/json", None).await.json();
    assert_eq!((&answer["scope"], &answer["token_type"]), (&json!("read:user,user:email"), &json!("bearer")));
    assert!(answer.get("id_token").is_none() && answer.get("expires_in").is_none());
}

#[tokio::test]
async fn github_says_its_errors_with_status_200() {
    let bench = Bench::of(&SIMULATOR);
    let wrong = redeem(&bench, "", "application/json", Some("made-up")).await;
    assert_eq!((wrong.status, &wrong.json()["error"]), (200, &json!("bad_verification_code")));
    bench.register(crate::Registration { secret: Some("another".into()), ..registration() });
    let wrong = redeem(&bench, "", "application/json", Some("made-up")).await;
    assert_eq!((wrong.status, &wrong.json()["error"]), (200, &json!("incorrect_client_credentials")));
}

#[tokio::test]
async fn an_api_says_what_was_granted_to_whom_has_a_token() {
    let bench = Bench::of(&SIMULATOR);
    let answer = redeem(&bench, "read:user", "application/json", None).await.json();
    let token = answer["access_token"].as_str().unwrap();
    let user = api(&bench, "/user", token, "GET").await.json();
    assert_eq!((user["id"].to_string(), &user["email"]), (bench.subject.subject("ada").unwrap(), &Value::Null));
    assert_eq!(api(&bench, "/user/emails", token, "GET").await.status, 404);
    assert_eq!(api(&bench, "/user", "made-up", "GET").await.status, 401);
    assert_eq!(api(&bench, "/user/followers", token, "GET").await.status, 404);
    assert_eq!(api(&bench, "/.well-known/openid-configuration", "", "GET").await.status, 404);

    let answer = redeem(&bench, "user:email", "application/json", None).await.json();
    let emails = api(&bench, "/user/emails", answer["access_token"].as_str().unwrap(), "GET").await.json();
    assert_eq!((emails[0]["primary"].as_bool(), emails[1]["email"].as_str()), (Some(false), Some("ada@example.org")));
}

#[tokio::test]
async fn an_api_of_procedures_takes_posts_only() {
    let bench = Bench::of(&DROPBOX);
    let answer = redeem(&bench, "account_info.read", "", None).await.json();
    let token = answer["access_token"].as_str().unwrap();
    for (verb, status) in [("POST", 200), ("GET", 405)] {
        assert_eq!(api(&bench, "/2/users/get_current_account", token, verb).await.status, status, "{verb}");
    }
}
