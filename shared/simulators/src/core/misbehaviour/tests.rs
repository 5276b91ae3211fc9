//! Every way to misbehave, at every simulator, and that it changes nothing else.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm as Known, DecodingKey, crypto};

use super::*;
use crate::core::bench::{Bench, NOW, part, registration, text_part};
use crate::core::signer::SigningKey;
use crate::core::{Algorithm, OldKey};

/// The names of the members in which two objects differ.
fn differing(left: &Value, right: &Value) -> Vec<String> {
    let names = left.as_object().unwrap().keys().chain(right.as_object().unwrap().keys());
    let mut names: Vec<_> = names.filter(|name| left.get(*name) != right.get(*name)).cloned().collect();
    names.sort_unstable();
    names.dedup();
    // Of every token another.
    names.retain(|name| !matches!(name.as_str(), "jti" | "sid" | "at_hash"));
    names
}

fn verifies(token: &str, key: &DecodingKey, algorithm: Known) -> bool {
    let (message, signature) = token.rsplit_once('.').unwrap();
    crypto::verify(signature, message.as_bytes(), key, algorithm).unwrap()
}

fn verifies_by(token: &str, jwk: &Value) -> bool {
    let key: Jwk = serde_json::from_value(jwk.clone()).unwrap();
    verifies(token, &DecodingKey::from_jwk(&key).unwrap(), Known::RS256)
}

impl Bench {
    /// An ID token as text, by a server that misbehaves.
    async fn spoilt(&self, misbehaviour: &Misbehaviour) -> String {
        self.subject.misbehave(Some(misbehaviour.clone()));
        self.login().await["id_token"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn a_bad_id_token_is_wrong_in_one_respect_only() {
    use Misbehaviour as M;
    for bench in Bench::all() {
        let (right_header, right) = bench.id_token().await;
        for (misbehaviour, header, claims) in [
            (M::WrongIssuer, vec![], vec!["iss"]),
            (M::WrongAudience, vec![], vec!["aud"]),
            (M::WrongAuthorizedParty, vec![], vec!["azp"]),
            (M::Expired, vec![], vec!["exp", "iat"]),
            (M::IssuedInTheFuture, vec![], vec!["exp", "iat"]),
            (M::NotYetValid, vec![], vec!["exp", "nbf"]),
            (M::NoSubject, vec![], vec!["sub"]),
            (M::WrongNonce, vec![], vec!["nonce"]),
            (M::NoNonce, vec![], vec!["nonce"]),
            (M::NoExpiry, vec![], vec!["exp"]),
            (M::NoIssuedAt, vec![], vec!["iat"]),
            (M::NoKid, vec!["kid"], vec![]),
            (M::KidIsAPath, vec!["kid"], vec![]),
            (M::KidIsHuge, vec!["kid"], vec![]),
            (M::KidIsAList, vec!["kid"], vec![]),
            (M::UnknownCritical, vec!["crit", "https://attacker.example/unknown"], vec![]),
            (M::UnencodedPayload, vec!["b64", "crit"], vec![]),
        ] {
            let token = json!(bench.spoilt(&misbehaviour).await);
            assert_eq!(differing(&part(&token, 0), &right_header), header, "{misbehaviour:?}");
            assert_eq!(differing(&part(&token, 1), &right), claims, "{misbehaviour:?}");
            assert!(verifies_by(token.as_str().unwrap(), &bench.keys().await[0]), "{misbehaviour:?}");
        }
        let token = json!(bench.spoilt(&M::LogoutToken).await);
        let claims = part(&token, 1);
        assert!(claims["events"].is_object() && claims.get("nonce").is_none() && claims["sub"].is_string());
        let token = json!(bench.spoilt(&M::SeveralAudiences).await);
        assert_eq!(part(&token, 1)["aud"], json!(["landfall", WRONG_PARTY]));
    }
}

#[tokio::test]
async fn an_expiry_can_be_everything_but_a_right_number() {
    for bench in Bench::all() {
        for (misbehaviour, expected) in [
            (Misbehaviour::ExpiryAsText, format!(r#""exp":"{}""#, NOW + 300)),
            (Misbehaviour::ExpiryAsFraction, format!(r#""exp":{}.5"#, NOW + 300)),
            (Misbehaviour::ExpiryNegative, format!(r#""exp":-{}"#, NOW + 300)),
            (Misbehaviour::ExpiryBeyondNumbers, r#""exp":1e400"#.to_owned()),
        ] {
            let claims = text_part(&bench.spoilt(&misbehaviour).await, 1);
            assert!(claims.contains(&expected), "{misbehaviour:?} {claims}");
        }
    }
}

// Otherwise a relying party could refuse these tokens for the wrong reason.
#[tokio::test]
async fn a_spoilt_signature_is_what_an_attacker_would_make() {
    use Misbehaviour as M;
    for bench in Bench::all() {
        let right = bench.keys().await[0].clone();
        let pem = SigningKey::generation("any", 0, Algorithm::default()).public_pem().as_bytes();
        for (misbehaviour, algorithm, is_named, key) in [
            (M::ForgedSignature, "RS256", true, None),
            (M::AlteredPayload, "RS256", true, None),
            (M::UnknownKey, "RS256", false, None),
            (M::EncryptionKey, "RS256", false, None),
            (M::ShortKeySignature, "RS256", true, None),
            (M::EmbeddedKey, "RS256", false, None),
            (M::HmacWithPublicKey, "HS256", true, Some(DecodingKey::from_secret(pem))),
            (M::HmacWithClientSecret, "HS256", true, Some(DecodingKey::from_secret(b"secret"))),
            (M::EmptySignature, "RS256", true, None),
            (M::Unsigned, "none", false, None),
            (M::UnsignedAs("nOnE".into()), "nOnE", true, None),
        ] {
            let token = bench.spoilt(&misbehaviour).await;
            let header = part(&json!(token), 0);
            assert_eq!(
                (&header["alg"], header["kid"] == right["kid"]),
                (&json!(algorithm), is_named),
                "{misbehaviour:?}"
            );
            assert!(key.is_none_or(|key| verifies(&token, &key, Known::HS256)), "{misbehaviour:?}");
            let is_empty = matches!(misbehaviour, M::EmptySignature | M::Unsigned | M::UnsignedAs(_));
            assert_eq!(token.ends_with('.'), is_empty, "{misbehaviour:?}");
            assert!(is_empty || algorithm != "RS256" || !verifies_by(&token, &right), "{misbehaviour:?}");
            if misbehaviour == M::EmbeddedKey {
                assert!(header["jku"].is_string() && header["x5u"].is_string() && header["x5c"].is_array());
                assert!(verifies_by(&token, &header["jwk"]));
            }
        }
    }
}

#[tokio::test]
async fn what_a_token_answer_holds_can_be_missing_double_or_nonsense() {
    for bench in Bench::all() {
        bench.subject.misbehave(Some(Misbehaviour::NoIdToken));
        let body = bench.login().await;
        assert!(body.get("id_token").is_none() && body["access_token"].is_string());
        assert_eq!(bench.spoilt(&Misbehaviour::GarbageIdToken).await, "bm90.YQ.dG9rZW4");
        let claims = text_part(&bench.spoilt(&Misbehaviour::DuplicateClaims).await, 1);
        assert_eq!(claims.matches(r#""sub":"#).count(), 2);

        bench.subject.misbehave(Some(Misbehaviour::DuplicateKeys));
        let body = bench.try_login().await.body;
        assert_eq!(body.matches(r#""id_token":"#).count(), 2);
        assert!(body.starts_with(r#"{"id_token":"e30.e30.e30","#));
    }
}

#[tokio::test]
async fn an_answer_can_break_like_a_network() {
    use Misbehaviour as M;
    let elsewhere = || "http://elsewhere.test/".to_owned();
    for bench in Bench::all() {
        for (index, (misbehaviour, status, media_type, header)) in [
            (M::Garbage, 200, "application/json", ("", "")),
            (M::DeepJson, 200, "application/json", ("", "")),
            (M::Html, 200, "text/html;charset=utf-8", ("", "")),
            (M::HugeBody(3_000_000), 200, "application/json", ("", "")),
            (M::ServerError, 500, "application/json", ("", "")),
            (M::Unavailable, 503, "text/html;charset=utf-8", ("", "")),
            (M::TooManyRequests { retry_after: Some(30) }, 429, "text/html;charset=utf-8", ("retry-after", "30")),
            (M::Redirect(elsewhere()), 307, "", ("location", "http://elsewhere.test/")),
            (M::Moved(elsewhere()), 301, "", ("location", "http://elsewhere.test/")),
        ]
        .into_iter()
        .enumerate()
        {
            bench.subject.misbehave(Some(misbehaviour.clone()));
            let answer = bench.try_login().await;
            assert_eq!((answer.status, answer.header("content-type")), (status, media_type), "{misbehaviour:?}");
            assert!(header.0.is_empty() || answer.header(header.0) == header.1, "{misbehaviour:?}");
            match misbehaviour {
                M::HugeBody(bytes) => assert!(answer.body.len() >= bytes),
                M::DeepJson => assert_eq!(answer.body.matches('{').count(), 10_000),
                M::Garbage => assert!(serde_json::from_str::<Value>(&answer.body).is_err()),
                _ => {}
            }
            assert_eq!(bench.subject.exchanges().len(), index + 1);
        }
        bench.subject.misbehave(Some(M::Silence));
        let code = bench.code(&[]).await;
        let mut request = pin!(bench.redeem(&code, &[]));
        assert!(poll_fn(|cx| Poll::Ready(request.as_mut().poll(cx).is_pending())).await);
        assert_eq!(bench.subject.exchanges().len(), 10, "a silent server has received the code all the same");
        bench.subject.misbehave(None);
        bench.login().await;
    }
}

#[tokio::test]
async fn misbehaviour_at_one_endpoint_leaves_the_others_alone() {
    for bench in Bench::all() {
        let keys = bench.address(Endpoint::Keys).await;
        bench.subject.misbehave_at(Endpoint::Keys, Some(Misbehaviour::ServerError));
        bench.subject.misbehave_at(Endpoint::Discovery, Some(Misbehaviour::WrongIssuer));
        assert_eq!(bench.get(&keys, "").await.status, 500);
        assert_eq!(bench.get(&bench.discovery(), "").await.json()["issuer"], OTHER_ISSUER);
        assert!(bench.login().await["id_token"].is_string());
    }
}

#[tokio::test]
async fn a_callback_can_be_wrong_wherever_it_is_sent_from() {
    use Misbehaviour as M;
    for bench in Bench::all() {
        let browser = crate::Browser::at(bench.subject.router());
        let page = bench.authorize(&browser, &[]).await;
        let right = browser.fill_in(page, &[("username", "ada"), ("password", "correct horse")]).await.back();
        let names_itself = right.parameter("iss").is_some();
        let rows = [
            (M::CallbackWithoutIss, None, Some("st"), None),
            (M::CallbackWithWrongIss, Some(OTHER_ISSUER), Some("st"), None),
            (M::CallbackWithoutState, Some(""), None, None),
            (M::CallbackError("access_denied".into()), Some(""), Some("st"), Some("access_denied")),
        ];
        for (at, (misbehaviour, iss, state, error)) in
            [Endpoint::Authorize, Endpoint::Login].iter().flat_map(|at| rows.clone().map(|row| (*at, row)))
        {
            Endpoint::ALL.iter().for_each(|endpoint| bench.subject.misbehave_at(*endpoint, None));
            bench.subject.misbehave_at(at, Some(misbehaviour.clone()));
            let browser = crate::Browser::at(bench.subject.router());
            let back = match bench.authorize(&browser, &[]).await {
                page @ crate::Shown::Page { .. } => {
                    browser.fill_in(page, &[("username", "ada"), ("password", "correct horse")]).await.back()
                }
                back => back.back(),
            };
            let right = bench.subject.issuer("http://sso.test");
            let iss = iss.map(|iss| if iss.is_empty() { right } else { iss.to_owned() });
            let iss = iss.filter(|iss| names_itself || iss == OTHER_ISSUER);
            assert_eq!(back.parameter("iss"), iss, "{misbehaviour:?}");
            assert_eq!(back.parameter("state").as_deref(), state, "{misbehaviour:?}");
            assert_eq!(back.parameter("error").as_deref(), error, "{misbehaviour:?}");
            assert_eq!(back.parameter("code").is_none(), error.is_some(), "{misbehaviour:?}");
        }
    }
}

#[tokio::test]
async fn userinfo_can_be_of_another_subject_signed_or_not() {
    for (bench, signed) in Bench::with_userinfo().flat_map(|bench| [false, true].map(|signed| (bench.clone(), signed)))
    {
        bench.register(registration().signed_userinfo(signed));
        bench.subject.misbehave_at(Endpoint::Userinfo, Some(Misbehaviour::WrongUserinfoSubject));
        let answer = bench.userinfo(&bench.login().await).await;
        let info = if signed { part(&json!(answer.body), 1) } else { answer.json() };
        assert_eq!((&info["sub"], &info["email"]), (&json!(WRONG_PARTY), &json!("ada@example.org")));
    }
}

#[tokio::test]
async fn members_of_any_answer_can_be_others_or_missing() {
    let over = json!({ "sub": "new", "scope": ["a"], "issuer": 1, "exp": null, "token_type": null });
    for bench in Bench::with_userinfo() {
        let userinfo = bench.address(Endpoint::Userinfo).await;
        bench.subject.misbehave(Some(Misbehaviour::claims(&over)));
        let body = bench.login().await;
        let claims = part(&body["id_token"], 1);
        assert_eq!((&claims["sub"], claims.get("exp"), &body["token_type"]), (&json!("new"), None, &json!("Bearer")));
        bench.subject.misbehave(Some(Misbehaviour::members(&over)));
        let body = bench.login().await;
        assert_eq!((&body["scope"], body.get("token_type"), body.get("exp")), (&json!(["a"]), None, None));
        for misbehaviour in [Misbehaviour::claims(&over), Misbehaviour::members(&over)] {
            bench.subject.misbehave_at(Endpoint::Userinfo, Some(misbehaviour));
            let info = bench.get(&userinfo, body["access_token"].as_str().unwrap()).await.json();
            assert_eq!((&info["sub"], &info["email"]), (&json!("new"), &json!("ada@example.org")));
        }
        bench.subject.misbehave_at(Endpoint::Discovery, Some(Misbehaviour::members(&over)));
        let document = bench.get(&bench.discovery(), "").await.json();
        assert_eq!((&document["issuer"], document["jwks_uri"].is_string()), (&json!(1), true));
    }
}

#[tokio::test]
async fn an_answer_says_the_same_in_other_clothes() {
    for bench in Bench::all() {
        let dressed = async |dress: Dress| {
            bench.subject.misbehave_at(Endpoint::Discovery, Some(Misbehaviour::Dress(dress)));
            bench.get(&bench.discovery(), "").await
        };
        let plain = dressed(Dress::default()).await;
        assert_eq!((plain.status, plain.header("content-type")), (200, "application/json"));
        let untyped = dressed(Dress::default().untyped().status(StatusCode::CREATED)).await;
        assert_eq!((untyped.status, untyped.header("content-type"), &untyped.body), (201, "", &plain.body));
        let html = dressed(Dress::default().media_type("text/html").bom()).await;
        assert_eq!(
            (html.header("content-type"), html.body.strip_prefix('\u{feff}')),
            ("text/html", Some(&*plain.body))
        );
        let zipped = dressed(Dress::default().gzip()).await;
        assert_eq!((zipped.header("content-encoding"), zipped.body.starts_with('\u{1f}')), ("gzip", true));

        let only = Misbehaviour::OnlyAccepts("application/jwt");
        for (accept, refused) in [("application/json", true), ("application/json, */*;q=0.5", false)] {
            let headers = HeaderMap::from_iter([(ACCEPT, accept.parse().unwrap())]);
            assert_eq!(only.canned(&headers).is_some(), refused, "{accept}");
        }
    }
}

#[tokio::test]
async fn right_keys_can_be_published_in_odd_ways() {
    for bench in Bench::all() {
        let right = bench.keys().await[0].clone();
        let kid = right["kid"].as_str();
        for (kind, kids) in [
            (KeySet::Twice, vec![kid, kid]),
            (KeySet::Unnamed, vec![None]),
            (KeySet::TwoUnnamed, vec![None, None]),
            (KeySet::Ambiguous, vec![kid, kid, kid]),
            (KeySet::Unusable, vec![Some("secret"), Some("new"), kid, kid]),
        ] {
            bench.subject.misbehave_at(Endpoint::Keys, Some(Misbehaviour::KeySet(kind)));
            let keys = bench.keys().await;
            assert_eq!(keys.iter().map(|key| key["kid"].as_str()).collect::<Vec<_>>(), kids, "{kind:?}");
            assert_eq!(keys.last().unwrap()["n"], right["n"], "{kind:?}");
        }
        for (kind, name, value) in
            [(BadKey::Short, "kty", "RSA"), (BadKey::OffCurve, "crv", "P-256"), (BadKey::WrongType, "kty", "EC")]
        {
            for (published, kids) in [(Published::Beside, vec![Some("beside"), kid]), (Published::Instead, vec![kid])] {
                bench.subject.misbehave_at(Endpoint::Keys, Some(Misbehaviour::BadKey(kind, published)));
                let keys = bench.keys().await;
                assert_eq!(keys.iter().map(|key| key["kid"].as_str()).collect::<Vec<_>>(), kids, "{kind:?}");
                assert_eq!(keys[0][name], value);
            }
        }
    }
}

#[tokio::test]
async fn a_new_key_may_use_any_algorithm_and_the_old_id() {
    for bench in Bench::with_userinfo() {
        for algorithm in Algorithm::ALL {
            bench.subject.sign_with(algorithm);
            let body = bench.login().await;
            assert_eq!(part(&body["id_token"], 0)["alg"], algorithm.name());
            assert_eq!(bench.userinfo(&body).await.status, 200);
            let before = bench.keys().await;
            bench.subject.rotate_key(OldKey::Replaced);
            let after = bench.keys().await;
            assert_eq!((before.len(), after.len(), &before[0]["kid"]), (1, 1, &after[0]["kid"]));
            assert_ne!(before[0], after[0]);
            bench.subject.rotate_key(OldKey::Kept);
            assert_eq!(bench.keys().await[1], after[0]);
        }
    }
}
