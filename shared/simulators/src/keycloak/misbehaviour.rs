//! Every way to misbehave, and that it changes nothing else.

use serde_json::{Value, json};

use super::OldKey;
use super::bench::{Bench, LOGIN, TOKEN, USERINFO, demo, part, text_part};
use crate::core::misbehaviour::{OTHER_ISSUER, SOMEBODY_ELSE};
use crate::core::signer::SigningKey;
use crate::core::{Algorithm, BadKey, Dress, Endpoint, KeySet, Misbehaviour, Published};

const CERTS: &str = "/realms/demo/protocol/openid-connect/certs";

async fn id_token_of(misbehaviour: Misbehaviour) -> (Value, Value) {
    let bench = Bench::new(demo());
    bench.keycloak.misbehave(Some(misbehaviour));
    let token = bench.login().await["id_token"].clone();
    (part(&token, 0), part(&token, 1))
}

#[tokio::test]
async fn a_spoilt_id_token_is_wrong_in_one_claim_only() {
    let right = Bench::new(demo()).login().await["id_token"].clone();
    for (misbehaviour, spoilt) in [
        (Misbehaviour::WrongIssuer, vec!["iss"]),
        (Misbehaviour::WrongAudience, vec!["aud"]),
        (Misbehaviour::SeveralAudiences, vec!["aud"]),
        (Misbehaviour::WrongAuthorizedParty, vec!["azp"]),
        (Misbehaviour::Expired, vec!["exp", "iat"]),
        (Misbehaviour::IssuedInTheFuture, vec!["exp", "iat"]),
        (Misbehaviour::NotYetValid, vec!["exp", "nbf"]),
        (Misbehaviour::NoSubject, vec!["sub"]),
        (Misbehaviour::WrongAccessTokenHash, vec!["at_hash"]),
    ] {
        let (header, claims) = id_token_of(misbehaviour.clone()).await;
        let right_claims = part(&right, 1);
        assert_eq!(header, part(&right, 0));
        let names = right_claims.as_object().unwrap().keys().chain(claims.as_object().unwrap().keys());
        let mut differing: Vec<&str> =
            names.map(String::as_str).filter(|name| right_claims.get(name) != claims.get(name)).collect();
        differing.sort_unstable();
        differing.dedup();
        assert_eq!(differing, spoilt, "{misbehaviour:?}");
    }
}

#[tokio::test]
async fn a_spoilt_signature_names_what_an_attacker_would_name() {
    let bench = Bench::new(demo());
    let keys = bench.get("sso.test", CERTS).await.json();
    let kid = |usage: &str| {
        let key = keys["keys"].as_array().unwrap().iter().find(|key| key["use"] == usage).unwrap();
        Some(key["kid"].as_str().unwrap().to_owned())
    };
    for (misbehaviour, algorithm, named) in [
        (Misbehaviour::ForgedSignature, "RS256", kid("sig")),
        (Misbehaviour::EncryptionKey, "RS256", kid("enc")),
        (Misbehaviour::HmacWithPublicKey, "HS256", kid("sig")),
        (Misbehaviour::HmacWithClientSecret, "HS256", kid("sig")),
        (Misbehaviour::Unsigned, "none", None),
    ] {
        let (header, _) = id_token_of(misbehaviour.clone()).await;
        assert_eq!(header["alg"], algorithm, "{misbehaviour:?}");
        assert_eq!(header["kid"].as_str().map(str::to_owned), named, "{misbehaviour:?}");
    }
    let (header, _) = id_token_of(Misbehaviour::UnknownKey).await;
    assert!(!keys.to_string().contains(header["kid"].as_str().unwrap()));
}

// Otherwise a relying party could refuse these tokens for the wrong reason.
#[tokio::test]
async fn what_is_signed_with_the_wrong_kind_of_key_is_signed_well() {
    use jsonwebtoken::{Algorithm as Known, DecodingKey, crypto, jwk::JwkSet};
    let bench = Bench::new(demo());
    let keys: JwkSet = serde_json::from_str(&bench.get("sso.test", CERTS).await.body).unwrap();
    let pem = SigningKey::generation("demo", 0, Algorithm::default()).public_pem().as_bytes();
    for (misbehaviour, algorithm, key) in [
        (Misbehaviour::HmacWithPublicKey, Known::HS256, DecodingKey::from_secret(pem)),
        (Misbehaviour::HmacWithClientSecret, Known::HS256, DecodingKey::from_secret(b"secret")),
        (Misbehaviour::EncryptionKey, Known::RS256, DecodingKey::from_jwk(&keys.keys[0]).unwrap()),
    ] {
        bench.keycloak.misbehave(Some(misbehaviour.clone()));
        let token = bench.login().await["id_token"].as_str().unwrap().to_owned();
        let (message, signature) = token.rsplit_once('.').unwrap();
        assert!(crypto::verify(signature, message.as_bytes(), &key, algorithm).unwrap(), "{misbehaviour:?}");
    }
}

#[tokio::test]
async fn an_answer_can_break_in_every_way_a_network_breaks_it() {
    let bench = Bench::new(demo());
    for (misbehaviour, status, media_type) in [
        (Misbehaviour::Garbage, 200, "application/json"),
        (Misbehaviour::Html, 200, "text/html;charset=utf-8"),
        (Misbehaviour::HugeBody(3_000_000), 200, "application/json"),
        (Misbehaviour::ServerError, 500, "application/json"),
        (Misbehaviour::Unavailable, 503, "text/html;charset=utf-8"),
        (Misbehaviour::TooManyRequests { retry_after: Some(30) }, 429, "text/html;charset=utf-8"),
        (Misbehaviour::Redirect("http://elsewhere.test/".into()), 307, ""),
        (Misbehaviour::Moved("http://elsewhere.test/".into()), 301, ""),
    ] {
        bench.keycloak.misbehave(Some(misbehaviour.clone()));
        let answer = bench.post(TOKEN, LOGIN).await;
        assert_eq!((answer.status, answer.header("content-type")), (status, media_type), "{misbehaviour:?}");
        match misbehaviour {
            Misbehaviour::HugeBody(bytes) => assert!(answer.body.len() >= bytes),
            Misbehaviour::TooManyRequests { .. } => assert_eq!(answer.header("retry-after"), "30"),
            Misbehaviour::Redirect(to) | Misbehaviour::Moved(to) => assert_eq!(answer.header("location"), to),
            Misbehaviour::Garbage => assert!(serde_json::from_str::<Value>(&answer.body).is_err()),
            _ => {}
        }
    }
    assert_eq!(bench.keycloak.requests().len(), 8);
    bench.keycloak.misbehave(None);
    bench.login().await;
}

#[tokio::test]
async fn a_silent_server_has_received_the_password_all_the_same() {
    let bench = Bench::new(demo());
    bench.keycloak.misbehave(Some(Misbehaviour::Silence));
    let mut request = std::pin::pin!(bench.post(TOKEN, LOGIN));
    let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(request.as_mut().poll(cx).is_pending())).await;
    assert!(polled);
    assert_eq!(bench.keycloak.requests().len(), 1);
}

#[tokio::test]
async fn duplicate_keys_show_the_wrong_value_first() {
    let bench = Bench::new(demo());
    bench.keycloak.misbehave(Some(Misbehaviour::DuplicateKeys));
    let body = bench.post(TOKEN, LOGIN).await.body;
    assert_eq!(body.matches(r#""id_token":"#).count(), 2);
    assert!(body.starts_with(r#"{"id_token":"e30.e30.e30","#));

    bench.keycloak.misbehave(Some(Misbehaviour::DuplicateClaims));
    let token = bench.login().await["id_token"].as_str().unwrap().to_owned();
    let claims = text_part(&token, 1);
    assert_eq!(claims.matches(r#""sub":"#).count(), 2);
}

#[tokio::test]
async fn misbehaviour_at_one_endpoint_leaves_the_others_alone() {
    let bench = Bench::new(demo());
    bench.keycloak.misbehave_at(Endpoint::Keys, Some(Misbehaviour::ServerError));
    bench.keycloak.misbehave_at(Endpoint::Discovery, Some(Misbehaviour::WrongIssuer));
    assert_eq!(bench.get("sso.test", CERTS).await.status, 500);
    let document = bench.get("sso.test", "/realms/demo/.well-known/openid-configuration").await.json();
    assert_eq!(document["issuer"], OTHER_ISSUER);
    assert!(bench.login().await["id_token"].is_string());
}

#[tokio::test]
async fn an_id_token_can_be_missing_or_nonsense_while_the_rest_is_right() {
    let bench = Bench::new(demo());
    bench.keycloak.misbehave(Some(Misbehaviour::NoIdToken));
    let body = bench.login().await;
    assert!(body.get("id_token").is_none() && body["access_token"].is_string());

    bench.keycloak.misbehave(Some(Misbehaviour::GarbageIdToken));
    assert_eq!(bench.login().await["id_token"], "bm90.YQ.dG9rZW4");
}

#[tokio::test]
async fn an_expiry_can_be_everything_but_a_right_number() {
    for (misbehaviour, expected) in [
        (Misbehaviour::ExpiryAsText, r#""exp":"1790000300""#),
        (Misbehaviour::ExpiryAsFraction, r#""exp":1790000300.5"#),
        (Misbehaviour::ExpiryNegative, r#""exp":-1790000300"#),
        (Misbehaviour::ExpiryBeyondNumbers, r#""exp":1e400"#),
    ] {
        let bench = Bench::new(demo());
        bench.keycloak.misbehave(Some(misbehaviour.clone()));
        let token = bench.login().await["id_token"].as_str().unwrap().to_owned();
        let claims = text_part(&token, 1);
        assert!(claims.contains(expected), "{misbehaviour:?} {claims}");
    }
    for (misbehaviour, name) in [(Misbehaviour::NoExpiry, "exp"), (Misbehaviour::NoIssuedAt, "iat")] {
        assert_eq!(id_token_of(misbehaviour).await.1.get(name), None);
    }
}

#[tokio::test]
async fn a_header_can_lead_astray_while_the_signature_is_right() {
    let right = SigningKey::generation("demo", 0, Algorithm::default());
    for (misbehaviour, changed) in [
        (Misbehaviour::NoKid, vec!["kid"]),
        (Misbehaviour::KidIsAPath, vec!["kid"]),
        (Misbehaviour::KidIsHuge, vec!["kid"]),
        (Misbehaviour::KidIsAList, vec!["kid"]),
        (Misbehaviour::UnknownCritical, vec!["crit", "https://attacker.example/unknown"]),
        (Misbehaviour::UnencodedPayload, vec!["b64", "crit"]),
        (Misbehaviour::LogoutToken, vec!["typ"]),
    ] {
        let bench = Bench::new(demo());
        bench.keycloak.misbehave(Some(misbehaviour.clone()));
        let token = bench.login().await["id_token"].as_str().unwrap().to_owned();
        let header = part(&json!(token), 0);
        let right_header = right.header();
        let names = right_header.as_object().unwrap().keys().chain(header.as_object().unwrap().keys());
        let mut differing: Vec<&str> = names.map(String::as_str).collect();
        differing.retain(|name| header.get(name) != right_header.get(name));
        differing.sort_unstable();
        differing.dedup();
        assert_eq!(differing, changed, "{misbehaviour:?}");

        let (message, signature) = token.rsplit_once('.').unwrap();
        let key = jsonwebtoken::DecodingKey::from_rsa_pem(right.public_pem().as_bytes()).unwrap();
        let algorithm = jsonwebtoken::Algorithm::RS256;
        assert!(jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, algorithm).unwrap());
    }
    let (_, claims) = id_token_of(Misbehaviour::LogoutToken).await;
    assert!(claims["events"].is_object() && claims.get("nonce").is_none() && claims["sub"].is_string());
}

#[tokio::test]
async fn a_header_can_bring_the_key_that_verifies_it() {
    let bench = Bench::new(demo());
    bench.keycloak.misbehave(Some(Misbehaviour::EmbeddedKey));
    let token = bench.login().await["id_token"].as_str().unwrap().to_owned();
    let header = part(&json!(token), 0);
    assert!(header["jku"].is_string() && header["x5u"].is_string() && header["x5c"].is_array());
    let (message, signature) = token.rsplit_once('.').unwrap();
    let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(header["jwk"].clone()).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(&jwk).unwrap();
    let algorithm = jsonwebtoken::Algorithm::RS256;
    assert!(jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, algorithm).unwrap());
}

#[tokio::test]
async fn a_signature_can_be_left_out_under_any_name() {
    for (misbehaviour, algorithm) in [
        (Misbehaviour::UnsignedAs("None".into()), "None"),
        (Misbehaviour::UnsignedAs("nOnE".into()), "nOnE"),
        (Misbehaviour::EmptySignature, "RS256"),
    ] {
        let bench = Bench::new(demo());
        bench.keycloak.misbehave(Some(misbehaviour));
        let token = bench.login().await["id_token"].as_str().unwrap().to_owned();
        assert!(token.ends_with('.') && token.matches('.').count() == 2);
        assert_eq!(part(&json!(token), 0)["alg"], algorithm);
    }
}

#[tokio::test]
async fn a_bad_key_stands_beside_the_right_ones_or_in_their_place() {
    for (kind, name, value) in
        [(BadKey::Short, "kty", "RSA"), (BadKey::OffCurve, "crv", "P-256"), (BadKey::WrongType, "kty", "EC")]
    {
        let bench = Bench::new(demo());
        let kid = SigningKey::generation("demo", 0, Algorithm::default()).kid().to_owned();
        for (published, count, expected) in [(Published::Beside, 3, "beside"), (Published::Instead, 2, kid.as_str())] {
            bench.keycloak.misbehave_at(Endpoint::Keys, Some(Misbehaviour::BadKey(kind, published)));
            let keys = bench.get("sso.test", CERTS).await.json()["keys"].as_array().unwrap().clone();
            assert_eq!((keys.len(), keys[0]["kid"].as_str()), (count, Some(expected)));
            assert_eq!(keys[0][name], value);
            assert_eq!(keys.iter().filter(|key| key["kid"] == json!(kid)).count(), 1);
        }
    }
    let (header, _) = id_token_of(Misbehaviour::ShortKeySignature).await;
    assert_eq!(header, SigningKey::generation("demo", 0, Algorithm::default()).header());
}

#[tokio::test]
async fn userinfo_can_be_about_somebody_else_signed_or_not() {
    for signed in [false, true] {
        let landfall = super::Client::confidential("landfall", "secret").direct_grants(true);
        let bench = Bench::new(demo().client(landfall.signed_userinfo(signed)));
        bench.keycloak.misbehave_at(Endpoint::Userinfo, Some(Misbehaviour::WrongUserinfoSubject));
        let token = bench.login().await["access_token"].as_str().unwrap().to_owned();
        let answer = bench.bearer(axum::http::Method::GET, USERINFO, &token).await;
        let info = if signed { part(&json!(answer.body), 1) } else { answer.json() };
        assert_eq!((&info["sub"], &info["email"]), (&json!(SOMEBODY_ELSE), &json!("ada@example.org")));
    }
}

#[tokio::test]
async fn an_answer_can_be_deeper_than_a_stack() {
    let bench = Bench::new(demo());
    bench.keycloak.misbehave(Some(Misbehaviour::DeepJson));
    let answer = bench.post(TOKEN, LOGIN).await;
    assert_eq!((answer.status, answer.body.matches('{').count()), (200, 10_000));
}

#[tokio::test]
async fn members_of_any_answer_can_be_others_or_missing() {
    let bench = Bench::new(demo());
    let over = json!({ "sub": "new", "scope": ["a"], "issuer": 1, "exp": null, "token_type": null });
    bench.keycloak.misbehave(Some(Misbehaviour::claims(&over)));
    let body = bench.login().await;
    let claims = part(&body["id_token"], 1);
    assert_eq!((&claims["sub"], claims.get("exp"), &body["token_type"]), (&json!("new"), None, &json!("Bearer")));
    let token = body["access_token"].as_str().unwrap();
    bench.keycloak.misbehave(Some(Misbehaviour::members(&over)));
    let body = bench.login().await;
    assert_eq!((&body["scope"], body.get("token_type"), body.get("exp")), (&json!(["a"]), None, None));
    for misbehaviour in [Misbehaviour::claims(&over), Misbehaviour::members(&over)] {
        bench.keycloak.misbehave_at(Endpoint::Userinfo, Some(misbehaviour));
        let info = bench.bearer(axum::http::Method::GET, USERINFO, token).await.json();
        assert_eq!((&info["sub"], &info["email"]), (&json!("new"), &json!("ada@example.org")));
    }
    bench.keycloak.misbehave_at(Endpoint::Discovery, Some(Misbehaviour::members(&over)));
    let document = bench.get("sso.test", "/realms/demo/.well-known/openid-configuration").await.json();
    assert_eq!((&document["issuer"], document["jwks_uri"].is_string()), (&json!(1), true));
}

#[tokio::test]
async fn an_answer_says_the_same_in_other_clothes() {
    let bench = Bench::new(demo());
    let dressed = async |dress: Dress| {
        bench.keycloak.misbehave_at(Endpoint::Keys, Some(Misbehaviour::Dress(dress)));
        bench.get("sso.test", CERTS).await
    };
    let plain = dressed(Dress::default()).await;
    assert_eq!((plain.status, plain.header("content-type")), (200, "application/json"));
    let untyped = dressed(Dress::default().untyped().status(axum::http::StatusCode::CREATED)).await;
    assert_eq!((untyped.status, untyped.header("content-type"), &untyped.body), (201, "", &plain.body));
    let html = dressed(Dress::default().media_type("text/html").bom()).await;
    assert_eq!((html.header("content-type"), html.body.strip_prefix('\u{feff}')), ("text/html", Some(&*plain.body)));
    let zipped = dressed(Dress::default().gzip()).await;
    assert_eq!((zipped.header("content-encoding"), zipped.body.starts_with("\u{1f}")), ("gzip", true));

    bench.keycloak.misbehave(Some(Misbehaviour::OnlyAccepts("application/jwt")));
    assert_eq!(bench.post(TOKEN, LOGIN).await.status, 200, "who names nothing takes anything");
}

#[tokio::test]
async fn right_keys_can_be_published_in_odd_ways() {
    let bench = Bench::new(demo());
    let right = bench.get("sso.test", CERTS).await.json()["keys"][1].clone();
    let kid = right["kid"].as_str();
    for (kind, kids) in [
        (KeySet::Twice, vec![kid, kid]),
        (KeySet::Unnamed, vec![None]),
        (KeySet::TwoUnnamed, vec![None, None]),
        (KeySet::Ambiguous, vec![kid, kid]),
        (KeySet::Unusable, vec![Some("secret"), Some("new")]),
    ] {
        bench.keycloak.misbehave_at(Endpoint::Keys, Some(Misbehaviour::KeySet(kind)));
        let keys = bench.get("sso.test", CERTS).await.json()["keys"].as_array().unwrap().clone();
        assert_eq!(keys[1..].iter().map(|key| key["kid"].as_str()).collect::<Vec<_>>(), kids, "{kind:?}");
        let last = keys.last().unwrap();
        assert_eq!(last["n"] == right["n"], kind != KeySet::Unusable, "{kind:?}");
    }
}

#[tokio::test]
async fn a_realm_signs_with_any_algorithm_and_a_new_key_may_take_the_old_ones_name() {
    for algorithm in Algorithm::ALL {
        let bench = Bench::new(demo().signing_algorithm(algorithm));
        let body = bench.login().await;
        assert_eq!(part(&body["id_token"], 0)["alg"], algorithm.name());
        assert!(bench.accepts(&body).await);
        let keys = async || bench.get("sso.test", CERTS).await.json()["keys"].as_array().unwrap().clone();
        let before = keys().await;
        bench.keycloak.change_realm("demo", |realm| realm.rotate_key(OldKey::Replaced)).unwrap();
        let after = keys().await;
        assert_eq!((before.len(), after.len(), &before[1]["kid"]), (2, 2, &after[1]["kid"]));
        assert_ne!(before[1], after[1]);
    }
}
