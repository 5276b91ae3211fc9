//! A provider without quirks keeps to the standard.

use aws_lc_rs::digest;
use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use jsonwebtoken::{EncodingKey, crypto};

use super::*;
use crate::core::bench::{Bench, CALLBACK, NOW, part, registration};
use crate::core::{Browser, Shown, signer};

fn bench() -> Bench {
    Bench::of(&crate::plain::SIMULATOR)
}

const VERIFIER: &str = "a-verifier-that-is-as-long-as-the-standard-wants";

#[tokio::test]
async fn a_login_says_who_logged_in_and_nothing_else() {
    let bench = bench();
    let issuer = bench.subject.issuer("http://sso.test");
    let body = bench.login().await;
    let sub = bench.subject.subject("ada").unwrap();
    let user = json!({
        "sub": sub, "email": "ada@example.org", "email_verified": true,
        "name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace",
    });
    let mut expected = user.clone();
    let at_hash = Algorithm::default().at_hash(body["access_token"].as_str().unwrap());
    expected.as_object_mut().unwrap().extend([
        ("iss".to_owned(), json!(issuer)),
        ("aud".to_owned(), json!("landfall")),
        ("iat".to_owned(), json!(NOW)),
        ("exp".to_owned(), json!(NOW + 300)),
        ("auth_time".to_owned(), json!(NOW)),
        ("nonce".to_owned(), json!("nn")),
        ("at_hash".to_owned(), json!(at_hash)),
    ]);
    assert_eq!(part(&body["id_token"], 1), expected);
    assert_eq!(bench.userinfo(&body).await.json(), user);
    assert_eq!((&body["token_type"], &body["scope"]), (&json!("Bearer"), &json!("openid profile email")));

    bench.register(registration().claims_in_id_token(false));
    assert!(part(&bench.login().await["id_token"], 1).get("email").is_none());
    bench.clock.advance(TimeDelta::seconds(300));
    assert_eq!(bench.userinfo(&body).await.status, 401);
}

#[tokio::test]
async fn an_invalid_authorization_request_is_refused_as_the_standard_says() {
    let bench = bench();
    let browser = Browser::at(bench.subject.router());
    for (over, error) in [
        (("client_id", "other"), None),
        (("redirect_uri", "https://attacker.example/"), None),
        (("redirect_uri", ""), None),
        (("response_type", "token"), Some("unsupported_response_type")),
        (("response_mode", "jwt"), Some("invalid_request")),
        (("scope", "email"), Some("invalid_scope")),
        (("prompt", "none"), Some("login_required")),
        (("code_challenge_method", "S256"), Some("invalid_request")),
        (("code_challenge", VERIFIER), Some("invalid_request")),
    ] {
        match (bench.authorize(&browser, &[over]).await, error) {
            (Shown::Page { status, .. }, None) => assert_eq!(status, 400, "{over:?}"),
            (shown, error) => {
                let back = shown.back();
                assert_eq!(back.parameter("error").as_deref(), error, "{over:?}");
                let issuer = bench.subject.issuer("http://sso.test");
                assert_eq!((back.parameter("state"), back.parameter("iss")), (Some("st".into()), Some(issuer)));
            }
        }
    }
    bench.register(registration().pkce_required(true));
    let back = bench.authorize(&browser, &[]).await.back();
    assert_eq!(back.parameter("error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn a_wrong_password_shows_the_form_again_in_every_response_mode() {
    let bench = bench();
    for (mode, separator) in [("query", '?'), ("fragment", '#'), ("form_post", '&')] {
        let browser = Browser::at(bench.subject.router());
        let page = bench.authorize(&browser, &[("response_mode", mode)]).await;
        let again = browser.fill_in(page, &[("username", "ada"), ("password", "wrong")]).await;
        assert!(matches!(&again, Shown::Page { status: 200, html, .. } if html.contains("is wrong")), "{again:?}");
        let right = &[("username", "ada"), ("password", "correct horse")];
        let back = browser.fill_in(again, right).await.back();
        let brings = back.form.clone().unwrap_or_else(|| back.path.clone());
        assert_eq!(
            (back.form.is_some(), brings.contains(separator)),
            (mode == "form_post", mode != "fragment"),
            "{back:?}"
        );
    }
}

#[tokio::test]
async fn a_code_works_once_within_its_time_for_its_client() {
    let bench = bench();
    bench.register(Registration::confidential("other", "secret", CALLBACK));
    let challenge = signer::s256(VERIFIER);
    let pkce = [("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")];
    let right = ("code_verifier", VERIFIER);
    for (over, error) in [
        (vec![right], None),
        (vec![("code_verifier", &challenge)], Some((400, "invalid_grant"))),
        (vec![], Some((400, "invalid_grant"))),
        (vec![right, ("redirect_uri", "https://app.example/")], Some((400, "invalid_grant"))),
        (vec![right, ("client_id", "other")], Some((400, "invalid_grant"))),
        (vec![right, ("client_id", "unknown")], Some((401, "invalid_client"))),
        (vec![right, ("client_secret", "wrong")], Some((401, "invalid_client"))),
        (vec![right, ("client_secret", "")], Some((401, "invalid_client"))),
        (vec![right, ("grant_type", "password")], Some((400, "unsupported_grant_type"))),
        (vec![right, ("code", "")], Some((400, "invalid_request"))),
    ] {
        let code = bench.code(&pkce).await;
        let answer = bench.redeem(&code, &over).await;
        let found =
            (answer.status != 200).then(|| (answer.status, answer.json()["error"].as_str().unwrap().to_owned()));
        assert_eq!(found, error.map(|(status, error)| (status, error.to_owned())), "{over:?}");
    }
    let code = bench.code(&[]).await;
    assert_eq!(bench.redeem(&code, &[right]).await.status, 400, "a verifier without a challenge");
    let code = bench.code(&[]).await;
    assert_eq!([bench.redeem(&code, &[]).await.status, bench.redeem(&code, &[]).await.status], [200, 400]);
    let code = bench.code(&[]).await;
    bench.clock.advance(TimeDelta::seconds(60));
    assert_eq!(bench.redeem(&code, &[]).await.status, 400);
}

#[tokio::test]
async fn a_client_authenticates_by_basic_too_or_not_at_all() {
    let bench = bench();
    let basic = async |code: &str| {
        let form =
            format!("grant_type=authorization_code&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback&code={code}");
        let request = Request::post(bench.address(Endpoint::Token).await).header("host", "sso.test");
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.header("authorization", format!("Basic {}", STANDARD.encode("landfall:secret")));
        bench.send(request.body(Body::from(form)).unwrap()).await.status
    };
    assert_eq!(basic(&bench.code(&[]).await).await, 200);
    bench.register(Registration::public("landfall", CALLBACK));
    assert_eq!(basic(&bench.code(&[]).await).await, 401, "a public client has no secret");
    assert_eq!(bench.redeem(&bench.code(&[]).await, &[("client_secret", "")]).await.status, 200);
}

/// A JWT with these members of header and claims over the right ones.
fn assertion(bench: &Bench, pem: &str, header: Value, claims: Value) -> String {
    let mut right = (json!({ "alg": "RS256" }), json!({ "iss": "landfall", "sub": "landfall", "jti": "one" }));
    right.1["aud"] = json!(format!("{}/token", bench.subject.issuer("http://sso.test")));
    right.1["exp"] = json!(NOW + 60);
    for (right, over) in [(&mut right.0, header), (&mut right.1, claims)] {
        right.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
    }
    let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", encoded(&right.0), encoded(&right.1));
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
    format!("{message}.{}", crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::RS256).unwrap())
}

#[tokio::test]
async fn an_assertion_is_for_one_client_one_provider_one_use() {
    let (one, foreign) = (include_str!("../keys/one.pem"), include_str!("../keys/foreign.pem"));
    let bench = bench();
    let redeem = async |assertion: &str| {
        let code = bench.code(&[]).await;
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let shown = [("client_secret", ""), ("client_assertion_type", kind), ("client_assertion", assertion)];
        bench.redeem(&code, &shown).await.status
    };
    bench.register(Registration::signing("landfall", include_str!("../keys/one.pub.pem"), CALLBACK));
    let issuer = bench.subject.issuer("http://sso.test");
    for (pem, header, claims, status) in [
        (one, json!({}), json!({}), 200),
        (one, json!({}), json!({}), 401),
        (one, json!({}), json!({ "jti": "two", "aud": issuer }), 200),
        (one, json!({}), json!({ "jti": "three", "aud": [issuer] }), 401),
        (one, json!({}), json!({ "jti": "three", "aud": "https://attacker.example/token" }), 401),
        (one, json!({}), json!({ "jti": "three", "exp": NOW }), 401),
        (one, json!({}), json!({ "jti": "three", "exp": NOW + 301 }), 401),
        (one, json!({}), json!({ "jti": "three", "exp": null }), 401),
        (one, json!({}), json!({ "jti": "three", "iat": NOW + 1 }), 401),
        (one, json!({}), json!({ "jti": null }), 401),
        (one, json!({}), json!({ "jti": "three", "iss": "other" }), 401),
        (one, json!({}), json!({ "jti": "three", "sub": "other" }), 401),
        (one, json!({ "alg": "none" }), json!({ "jti": "three" }), 401),
        (one, json!({ "alg": "PS256" }), json!({ "jti": "three" }), 401),
        (foreign, json!({}), json!({ "jti": "three" }), 401),
        (one, json!({}), json!({ "jti": "three" }), 200),
    ] {
        let assertion = assertion(&bench, pem, header.clone(), claims.clone());
        assert_eq!(redeem(&assertion).await, status, "{header} {claims}");
    }
    assert_eq!(redeem("a.b.c").await, 401);
    assert_eq!(bench.redeem(&bench.code(&[]).await, &[("client_secret", "")]).await.status, 401);

    // A certificate is looked for by its thumbprint.
    let certificate = include_str!("../keys/foreign.crt.pem");
    bench.register(Registration::signing("landfall", certificate, CALLBACK));
    let der = STANDARD.decode(signer::foreign_certificate()).unwrap();
    let thumbprint = |hash| URL_SAFE_NO_PAD.encode(digest::digest(hash, &der));
    let (sha1, sha256) = (thumbprint(&digest::SHA1_FOR_LEGACY_USE_ONLY), thumbprint(&digest::SHA256));
    for (number, (header, status)) in [
        (json!({}), 401),
        (json!({ "x5t": sha256 }), 401),
        (json!({ "x5t": sha1, "x5t#S256": sha1 }), 401),
        (json!({ "x5t": sha1 }), 200),
        (json!({ "x5t": sha1, "x5t#S256": sha256 }), 200),
    ]
    .into_iter()
    .enumerate()
    {
        let assertion = assertion(&bench, foreign, header.clone(), json!({ "jti": format!("certified {number}") }));
        assert_eq!(redeem(&assertion).await, status, "{header}");
    }
}
