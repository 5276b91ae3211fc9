//! What an adapter that does its part never meets.

use axum::body::Body;
use axum::http::Request;
use domain::Factor;
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use super::SIMULATOR;
use crate::core::bench::{Bench, CALLBACK, NOW};
use crate::core::{Page, Person, Registration, signer};
use crate::keycloak::totp;

const VERIFIER: &str = "a-verifier-that-is-as-long-as-the-standard-wants";
const SEED: &str = "seed of an app";

fn bench() -> Bench {
    let bench = Bench::of(&SIMULATOR);
    bench.register(Registration::confidential("other", "secret", CALLBACK));
    bench
}

/// A form of a client's at an endpoint of the authorization server.
async fn form(bench: &Bench, name: &str, client: &str, fields: &[(&str, &str)]) -> Page {
    let client = [("client_id", client), ("client_secret", "secret")];
    let body = Serializer::new(String::new()).extend_pairs(client.iter().chain(fields)).finish();
    let request = Request::post(format!("/below/oauth2/default/v1/{name}")).header("host", "sso.test");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    bench.send(request.body(Body::from(body)).unwrap()).await
}

/// A step of the interaction code flow.
async fn step(bench: &Bench, name: &str, body: Value) -> Page {
    let media_type = "application/ion+json; okta-version=1.0.0";
    let request = Request::post(format!("/below/idp/idx/{name}")).header("host", "sso.test");
    let request = request.header("content-type", media_type).header("accept", media_type);
    bench.send(request.body(Body::from(body.to_string())).unwrap()).await
}

async fn mfa_token(bench: &Bench) -> String {
    let password =
        [("grant_type", "password"), ("username", "ada"), ("password", "correct horse"), ("scope", "openid")];
    let asked = form(bench, "token", "landfall", &password).await;
    assert_eq!((asked.status, &asked.json()["error"]), (403, &json!("mfa_required")));
    asked.json()["mfa_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_second_factor_is_of_one_client_and_one_login() {
    let bench = bench();
    bench.subject.give_factors("ada", &[(Factor::SmsOtp, "+491")]);
    let (one, two) = (mfa_token(&bench).await, mfa_token(&bench).await);
    let oob = "http://auth0.com/oauth/grant-type/mfa-oob";
    let challenge = async |client: &str, token: &str, channel: &str| {
        let fields = [("mfa_token", token), ("challenge_types_supported", oob), ("channel_hint", channel)];
        form(&bench, "challenge", client, &fields).await
    };
    for (client, token, channel, status, error) in [
        ("other", one.as_str(), "sms", 401, "invalid_client"),
        ("landfall", "made up", "sms", 403, "access_denied"),
        ("landfall", one.as_str(), "email", 400, "invalid_request"),
        ("landfall", one.as_str(), "push", 403, "access_denied"),
    ] {
        let refused = challenge(client, token, channel).await;
        assert_eq!((refused.status, &refused.json()["error"]), (status, &json!(error)), "{client} {channel}");
    }
    let sent = challenge("landfall", &one, "sms").await.json();
    let oob_code = sent["oob_code"].as_str().unwrap();
    let code = bench.subject.sent().pop().unwrap().code;
    let redeem = async |client: &str, token: &str, code: &str| {
        let grant = [("grant_type", oob), ("mfa_token", token), ("oob_code", oob_code), ("binding_code", code)];
        form(&bench, "token", client, &grant).await.status
    };
    assert_eq!(redeem("other", &one, &code).await, 401);
    assert_eq!(redeem("landfall", &two, &code).await, 403);
    assert_eq!(redeem("landfall", &one, "000000").await, 400);
    assert_eq!(redeem("landfall", &one, &code).await, 200);
    assert_eq!(redeem("landfall", &one, &code).await, 403);
}

#[tokio::test]
async fn an_interaction_takes_the_newest_handle_and_its_verifier() {
    let bench = bench();
    bench.subject.enrol(Person::new("ada", "correct horse").factor(Factor::Totp, SEED));
    let challenge = signer::s256(VERIFIER);
    let interact = async |over: (&str, &str)| {
        let right = [
            ("redirect_uri", CALLBACK),
            ("state", "s"),
            ("scope", "openid"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let fields: Vec<_> =
            right.into_iter().map(|(name, value)| if name == over.0 { over } else { (name, value) }).collect();
        form(&bench, "interact", "landfall", &fields).await
    };
    for wrong in [("redirect_uri", "https://attacker.example/"), ("state", ""), ("code_challenge_method", "plain")] {
        assert_eq!(interact(wrong).await.status, 400, "{wrong:?}");
    }
    let code = totp(SEED, chrono::DateTime::from_timestamp(NOW, 0).unwrap());
    for (client, verifier, status) in
        [("landfall", "another", 400), ("other", VERIFIER, 400), ("landfall", VERIFIER, 200)]
    {
        bench.subject.give_factors("ada", &[(Factor::Totp, SEED)]);
        let handle = interact(("", "")).await.json()["interaction_handle"].clone();
        let first = step(&bench, "introspect", json!({ "interactionHandle": handle })).await.json();
        let identify = json!({ "identifier": "ada", "stateHandle": first["stateHandle"] });
        let second = step(&bench, "identify", identify.clone()).await.json();
        assert_eq!(step(&bench, "identify", identify).await.status, 401);
        let option = &second["remediation"]["value"][0]["value"][0]["options"][1];
        let id = &option["value"]["form"]["value"][0]["value"];
        let select = json!({ "authenticator": { "id": id }, "stateHandle": second["stateHandle"] });
        let third = step(&bench, "challenge", select).await.json();
        let answer = json!({ "credentials": { "passcode": code }, "stateHandle": third["stateHandle"] });
        let last = step(&bench, "challenge/answer", answer).await.json();
        let issued = last["successWithInteractionCode"]["value"][1]["value"].as_str().unwrap();
        let grant = [("grant_type", "interaction_code"), ("interaction_code", issued), ("code_verifier", verifier)];
        assert_eq!(form(&bench, "token", client, &grant).await.status, status, "{client} {verifier}");
        assert_eq!(form(&bench, "token", "landfall", &grant).await.status == 200, client == "other");
    }
}

#[tokio::test]
async fn a_step_is_json_of_its_own_kind() {
    let bench = bench();
    let request = Request::post("/below/idp/idx/introspect").header("content-type", "application/json");
    assert_eq!(bench.send(request.body(Body::from("{}")).unwrap()).await.status, 415);
    let read = Request::get("/below/idp/idx/introspect").body(Body::empty()).unwrap();
    assert_eq!(bench.send(read).await.status, 404);
}
