//! Attack 124, of a provider that signs with the client's secret and has an address for each kind of notification: Meta.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use landfall::demo::{EMAIL, SECRET};
use landfall_tests::ISSUER;
use serde_json::{Value, json};
use simulators::{Delivery, Misbehaviour as M, Registration};

use crate::notifications::{app, is_refused};

const EVENTS: [&str; 2] = ["deletion", "deauthorisation"];

/// The signature and the payload.
fn halves(delivery: &Delivery) -> (&str, &str) {
    delivery.body.strip_prefix("signed_request=").unwrap().split_once('.').unwrap()
}

fn of(right: &Delivery, request: &str) -> Delivery {
    Delivery { body: format!("signed_request={request}"), ..right.clone() }
}

#[tokio::test]
async fn a_signed_request_wrong_in_one_respect_changes_nothing_attack_124() {
    let (app, login) = app("meta").await;
    let now = app.context().now.timestamp();
    for event in EVENTS {
        for (members, check) in [
            (json!({ "algorithm": null }), "algorithm"),
            (json!({ "algorithm": "" }), "algorithm"),
            (json!({ "algorithm": "none" }), "algorithm"),
            (json!({ "algorithm": "HMAC-SHA1" }), "algorithm"),
            (json!({ "algorithm": "HMAC-SHA256 " }), "algorithm"),
            (json!({ "algorithm": ["HMAC-SHA256"] }), "algorithm"),
            (json!({ "issued_at": null }), "format"),
            (json!({ "issued_at": now.to_string() }), "format"),
            (json!({ "issued_at": -1 }), "format"),
            (json!({ "issued_at": now + 120 }), "not_yet_valid"),
            (json!({ "issued_at": now - 3 * 86_400 - 60 }), "expired"),
            (json!({ "issued_at": 0 }), "expired"),
            (json!({ "user_id": null }), "subject"),
            (json!({ "user_id": "" }), "subject"),
            (json!({ "user_id": 1_015_800 }), "subject"),
            (json!({ "user_id": ["1"] }), "subject"),
            // What a login brings, where scripts of the application's pages can read it.
            (json!({ "code": "AQB" }), "header"),
            (json!({ "oauth_token": "EAAB" }), "header"),
        ] {
            app.subject.misbehave(Some(M::claims(&members)));
            let what = format!("{event} {members}");
            let answer = is_refused(&app, &app.notification(event, "ada"), 400, &what).await;
            assert_eq!((answer.code(), &answer.body["detail"]), ("invalid_request", &Value::Null), "{what}");
            let line = app.events("request").pop().unwrap();
            let expected = format!("an answer of the provider was refused at notification: {check}");
            assert_eq!(line["reason"], expected, "{what}");
        }
    }
    app.subject.misbehave(None);
    app.redeem(&login.code).await.expect(200);
}

#[tokio::test]
async fn a_signed_request_with_another_signature_changes_nothing_attack_124() {
    let (app, login) = app("meta").await;
    for event in EVENTS {
        let (right, other) = (app.notification(event, "ada"), app.notification(event, "grace"));
        let ((signature, payload), (of_another, _)) = (halves(&right), halves(&other));
        let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        bytes[31] ^= 1;
        let flipped = URL_SAFE_NO_PAD.encode(&bytes);
        let cut = URL_SAFE_NO_PAD.encode(&bytes[..16]);
        let altered = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        let altered = URL_SAFE_NO_PAD.encode(altered.replacen("HMAC", "hmac", 1));
        for request in [
            format!(".{payload}"),
            format!("{flipped}.{payload}"),
            format!("{cut}.{payload}"),
            format!("{of_another}.{payload}"),
            format!("{signature}.{altered}"),
            format!("{signature}=.{payload}"),
            format!("{signature}.{payload}="),
            format!("{signature}.{payload}."),
            format!("{signature}.{payload}.{payload}"),
            format!("{payload}.{signature}"),
            format!("{signature} .{payload}"),
            format!("{signature}{payload}"),
            signature.to_owned(),
            payload.to_owned(),
            format!("{signature}.{payload}&signed_request={signature}.{payload}"),
        ] {
            is_refused(&app, &of(&right, &request), 400, &format!("{event} {request}")).await;
        }
        let request = format!("{signature}.{payload}");
        for body in [json!({ "signed_request": request }).to_string(), format!("payload={request}"), request] {
            is_refused(&app, &Delivery { body: body.clone(), ..right.clone() }, 400, &body).await;
        }
        assert!(!app.logs().contains(payload) && !app.logs().contains(signature));
    }
    app.redeem(&login.code).await.expect(200);
}

#[tokio::test]
async fn a_signed_request_of_another_app_changes_nothing_attack_124() {
    let (app, login) = app("meta").await;
    let callback = format!("{ISSUER}/v1/callback/meta");
    // The other knows Ada by another id, whatever its secret.
    for (secret, status) in [("secret-of-another-app", 400), ("", 400), (SECRET, 200)] {
        app.subject.register(domain::Method::Oidc, Registration::confidential("other", secret, &callback));
        for event in EVENTS {
            let delivery = app.subject.notification(event, "ada", "other").unwrap();
            app.deliver(&delivery).await.expect(status);
        }
    }
    assert!(app.events("account_changed").iter().all(|line| line["user"].is_null()));
    app.redeem(&login.code).await.expect(200);
}

#[tokio::test]
async fn a_signed_request_at_another_address_is_refused_and_told_why() {
    let (app, login) = app("meta").await;
    for event in EVENTS {
        let right = app.notification(event, "ada");
        for query in ["", "?", "?about", "?about=", "?about=Deletion", "?about=deletion%20", "?kind=deletion"] {
            let answer = is_refused(&app, &Delivery { query, ..right.clone() }, 400, query).await;
            let detail = answer.body["detail"].as_str().unwrap();
            assert!(detail.starts_with("about: ") && detail.contains("?about=deletion"), "{detail}");
        }
        for query in ["?about=deletion&about=deletion", "?about=deletion&about=deauthorisation"] {
            is_refused(&app, &Delivery { query, ..right.clone() }, 400, query).await;
        }
    }
    app.redeem(&login.code).await.expect(200);
}

#[tokio::test]
async fn a_signed_request_about_an_unknown_user_changes_no_user_attack_124() {
    let (app, login) = app("meta").await;
    let before = app.items_of("LINK#").await;
    for event in EVENTS {
        app.notify(event, "mallory").await.expect(200);
    }
    assert_eq!(app.items_of("LINK#").await, before);
    app.redeem(&login.code).await.expect(200);
}

#[tokio::test]
async fn what_is_not_the_code_opens_no_page_attack_124() {
    let (app, _login) = app("meta").await;
    let (deletion, removal) = (app.notification("deletion", "ada"), app.notification("deauthorisation", "ada"));
    let answer = app.deliver(&deletion).await.expect(200);
    app.deliver(&removal).await.expect(200);
    let code = answer.body["confirmation_code"].as_str().unwrap();
    let pages = format!("{ISSUER}/v1/connectors/meta/notifications");
    let receipts = app.items_of("NOTIFICATION#").await;
    assert_eq!(receipts.len(), 2);
    let mut guesses: Vec<_> = receipts.iter().map(|item| item["pk"]["S"].as_str().unwrap().to_owned()).collect();
    guesses.extend(guesses.clone().iter().map(|key| key.rsplit('#').next().unwrap().to_owned()));
    for delivery in [&deletion, &removal] {
        let (signature, payload) = halves(delivery);
        guesses.extend([signature.to_owned(), payload.to_owned()]);
    }
    guesses.extend([code.to_uppercase(), format!("{code}0"), code[1..].to_owned(), "0".repeat(32), "a".repeat(5000)]);
    for guess in guesses {
        let guess = guess.replace('#', ".");
        let page = app.open(&format!("{pages}/{guess}")).await.expect(404);
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{guess}");
        assert!(!page.text.contains(&guess), "{guess}");
        assert_eq!(app.events("request").pop().unwrap()["code"], "unknown_deletion_request");
        let problem = app.get(&format!("/v1/connectors/meta/notifications/{guess}"), None).await.expect(404);
        problem.expect_problem();
    }
    app.open(&format!("{ISSUER}/v1/connectors/apple/notifications/{code}")).await.expect(404);

    // It does not say who they are, and the code is in no log and no item.
    let page = app.open(&format!("{pages}/{code}")).await.expect(200);
    let link = &app.items_of("LINK#").await[0];
    let user = link["user"]["S"].as_str().unwrap();
    let id = simulators::meta::id_at("landfall", &app.subject.subject("ada").unwrap());
    for who in [EMAIL, "ada", "Ada", "Lovelace", user, &id] {
        assert!(!page.text.contains(who), "{who}: {}", page.text);
    }
    assert!(!app.logs().contains(code) && !json!(app.all_items().await).to_string().contains(code));
}

#[tokio::test]
async fn a_code_belongs_to_one_request_attack_124() {
    let (app, _login) = app("meta").await;
    let mut codes = Vec::new();
    for username in ["ada", "grace"] {
        for seconds in [0, 1] {
            app.clock.advance(chrono::TimeDelta::seconds(seconds));
            let answer = app.notify("deletion", username).await.expect(200);
            codes.push(answer.body["confirmation_code"].as_str().unwrap().to_owned());
        }
    }
    codes.sort();
    codes.dedup();
    assert_eq!(codes.len(), 4);
}
