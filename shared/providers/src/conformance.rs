//! Tests that every provider passes, with each of its methods.
//!
//! One row per simulated provider and method; each test runs over all rows, or over all that redirect. What a test knows
//! of a provider is what [`Subject`](simulators::Subject) says; what only one can do is in that provider's own tests.

mod assertions;
mod callbacks;
mod faults;
mod id_tokens;
mod probe;
mod redirects;
mod refusals;
mod secrets;
mod tolerance;
mod userinfo;

use std::collections::BTreeSet;
use std::fmt;

use chrono::TimeDelta;
use domain::{Channel, Clock, Method, Pending};
use egress::Reach;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use simulators::{ClientAuth, Endpoint, Misbehaviour, OTHER_TENANTS, Person, Registration, SIMULATORS, Simulator};

use crate::bench::{Bench, CALLBACK, IN_TIME, PASSWORD};
use crate::registry::PROVIDERS;
use crate::{Answer, Check, ProviderError, Stage};

/// Every simulated provider, and tenants that have other methods.
fn simulators() -> impl Iterator<Item = &'static Simulator> {
    SIMULATORS.iter().chain(OTHER_TENANTS)
}

/// A provider and a method of it.
#[derive(Clone, Copy)]
struct Row(&'static Simulator, Method);

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.0.provider, self.1.as_str())
    }
}

impl Row {
    fn all() -> impl Iterator<Item = Self> {
        simulators().flat_map(|simulator| simulator.methods.iter().map(move |method| Self(simulator, *method)))
    }

    fn redirects() -> impl Iterator<Item = Self> {
        Self::all().filter(|row| row.1 == Method::Oidc)
    }

    /// Those whose provider answers at this endpoint: of one that publishes no keys, ID tokens are nothing to ask.
    fn with_endpoint(endpoint: Endpoint) -> impl Iterator<Item = Self> {
        Self::all().filter(move |row| row.has(endpoint))
    }

    fn has(self, endpoint: Endpoint) -> bool {
        self.0.endpoints.contains(&endpoint)
    }

    /// How often discovery document and keys are fetched, if each is fetched once.
    fn published(self) -> [usize; 2] {
        [Endpoint::Discovery, Endpoint::Keys].map(|endpoint| usize::from(self.has(endpoint)))
    }

    /// What is called first.
    fn first_stage(self) -> Stage {
        let published = [(Endpoint::Discovery, Stage::Discovery), (Endpoint::Keys, Stage::Keys)];
        let first = published.into_iter().find(|(endpoint, _)| self.has(*endpoint));
        first.map_or(Stage::Token, |(_, stage)| stage)
    }

    /// What is asked for by default.
    fn scope(self) -> &'static str {
        match self.0.provider {
            "apple" => "openid name email",
            "meta" => "openid email public_profile",
            "oauth2" => "read:user user:email",
            _ => "openid profile email",
        }
    }

    async fn bench(self) -> Bench {
        self.with(json!({})).await
    }

    /// With other members of the connector document.
    async fn with(self, over: Value) -> Bench {
        Bench::at(self.0, self.1, Reach::Local, over).await
    }

    /// How many calls of userinfo a login makes whose ID token has all that the provider puts there: none, unless the provider's
    /// guide says why.
    fn userinfo_calls(self) -> usize {
        match self.0.provider {
            "okta" => 1,
            "oauth2" => 2,
            _ => 0,
        }
    }

    /// How many calls of the token endpoint, or of an API that signs users in, a login makes: the protocol's minimum.
    fn token_calls(self) -> usize {
        match (self.0.provider, self.1) {
            ("cognito", Method::EmailOtp | Method::SmsOtp) => 2,
            // Interact, introspect, identify, challenge, answer, token.
            ("okta", Method::Totp) => 6,
            // Initiate, challenge, token.
            ("entra", _) if self.is_for_public_clients() => 3,
            // The password, the end of the flow, the code.
            ("pingone", Method::Password) => 3,
            _ => 1,
        }
    }

    /// How many of these calls a login makes whose client is refused: with the first that shows its credentials, it ends.
    fn calls_until_refused(self) -> usize {
        match (self.0.provider, self.1) {
            ("pingone", Method::Password) => self.token_calls(),
            _ => 1,
        }
    }

    /// Whether users sign in at an API of the provider's own, which authenticates the client in a way of its own, and whose access
    /// tokens are not for userinfo.
    fn has_own_api(self) -> bool {
        self.0.provider == "cognito" && self.1 != Method::Oidc || self.is_for_public_clients()
    }

    /// Whether the method is for clients that authenticate with nothing: native authentication of an external tenant of Entra's, which
    /// alone of its tenants sends codes.
    fn is_for_public_clients(self) -> bool {
        let is_external = self.0.provider == "entra" && self.0.methods.contains(&Method::EmailOtp);
        is_external && self.1 != Method::Oidc
    }

    /// A misbehaviour of the call that gives the tokens, and of none before it.
    fn at_tokens(self, how: Misbehaviour) -> Misbehaviour {
        match (self.0.provider, self.1) {
            ("okta", Method::Totp) => Misbehaviour::At("/v1/token", Box::new(how)),
            ("entra", _) => Misbehaviour::At("/token", Box::new(how)),
            _ => how,
        }
    }

    /// Whether a login ends in an authorization code: its ID token has the nonce of the request then.
    fn ends_in_code(self) -> bool {
        self.1 == Method::Oidc || (self.0.provider, self.1) == ("pingone", Method::Password)
    }

    /// Whether userinfo is asked for what an ID token lacks.
    fn is_completed(self) -> bool {
        self.has(Endpoint::Keys)
            && self.has(Endpoint::Userinfo)
            && !self.has_own_api()
            && !matches!(self.0.provider, "entra" | "meta")
    }

    /// The way back that the provider demands, if it does.
    fn response_mode(self) -> Option<&'static str> {
        (self.0.provider == "apple").then_some("form_post")
    }

    /// Whether no API of the provider says who has logged in.
    fn needs_id_token(self) -> bool {
        self.has(Endpoint::Keys) && self.0.provider != "meta"
    }

    /// What an answer has in it to a code or a password that is wrong.
    fn wrong_code(self) -> Value {
        match self.0.provider {
            "meta" => json!({ "error": { "message": "An error.", "type": "OAuthException", "code": 100 } }),
            "cognito" if self.has_own_api() => json!({ "__type": "NotAuthorizedException", "message": "No." }),
            _ => json!({ "error": "invalid_grant" }),
        }
    }

    /// Whether the connector test learns that a redirect URI is not registered.
    fn tells_redirect_uris(self) -> bool {
        self.0.checks_redirect_uris && self.0.provider != "meta"
    }

    /// Ada's e-mail, if the provider says that it is verified.
    fn verified_email(self) -> Option<&'static str> {
        (self.0.provider != "meta").then_some("ada@example.org")
    }

    fn connect(self, bench: &mut Bench) {
        bench.connect(self.0.provider, self.1, json!({}));
    }
}

/// By which authority, and by what of its own, Ada's account at a provider is known: its issuer and `sub`, unless the provider's
/// documentation says that one person has several.
fn known_by(bench: &Bench, provider: &str) -> (String, Option<String>) {
    let authority = match provider {
        "okta" => "https://acme.okta.com".to_owned(),
        "auth0" => "https://acme.eu.auth0.com".to_owned(),
        "cognito" => "cognito:eu-central-1_AbCdEfGhI".to_owned(),
        "pingone" => "pingone:3fa85f64-5717-4562-b3fc-2c963f66afa6".to_owned(),
        "apple" => format!("apple:{}", simulators::apple::TEAM),
        "meta" => format!("meta:{}", bench.client_id()),
        "entra" => "https://login.microsoftonline.com".to_owned(),
        // Whose API is at another address than GitHub's, knows other users.
        "oauth2" => format!("{}/user", bench.url),
        _ => bench.issuer(),
    };
    let account = bench.subject.subject("ada");
    match provider {
        "entra" => (authority, account.map(|object| format!("{}.{object}", simulators::entra::TENANT))),
        "meta" => (authority, account.map(|user| simulators::meta::id_at(bench.client_id(), &user))),
        _ => (authority, account),
    }
}

/// The channel of a method that sends codes.
fn channel(method: Method) -> Option<Channel> {
    [Channel::Email, Channel::Sms].into_iter().find(|channel| channel.method() == method)
}

#[test]
fn every_method_of_every_provider_has_a_row() {
    let registered =
        PROVIDERS.iter().flat_map(|provider| provider.methods.iter().map(|method| (provider.name, *method)));
    let rows = Row::all().map(|row| (row.0.provider, row.1));
    assert_eq!(registered.collect::<BTreeSet<_>>(), rows.collect());
}

#[tokio::test]
async fn a_user_has_the_same_key_by_every_method_and_connector() {
    for simulator in simulators() {
        let mut bench = Bench::at(simulator, simulator.methods[0], Reach::Local, json!({})).await;
        let key = bench.login().await.unwrap().key();
        let methods = simulator.methods.iter().map(|method| (simulator.provider, *method));
        let (authority, account) = known_by(&bench, simulator.provider);
        // To a connector that knows the standard alone, one that is known by more than that is another account.
        let standard =
            (authority.as_str(), account.as_deref()) == (&bench.issuer(), bench.subject.subject("ada").as_deref());
        for (provider, method) in methods.chain(standard.then_some(("oidc", Method::Oidc))) {
            bench.connect(provider, method, json!({}));
            for _ in 0..2 {
                let identity = bench.login().await.unwrap();
                assert_eq!(identity.key(), key, "{provider} {method:?}");
                assert_eq!((identity.provider.as_str(), identity.method), (provider, method));
                assert_eq!((identity.connector.as_str(), identity.source.as_str()), ("staff", "people"));
                assert_eq!((identity.issuer_key, Some(identity.subject_key)), (authority.clone(), account.clone()));
                assert_eq!(identity.claims.verified_email(), Row(simulator, method).verified_email());
                // Apple says the name once only.
                let name = (provider != "apple").then_some("Ada Lovelace");
                assert_eq!(identity.claims.text("name"), name);
            }
        }
        // What is known of an issuer is shared.
        assert_eq!(bench.calls()[..2], Row(simulator, simulator.methods[0]).published());
    }
}

#[tokio::test]
async fn a_deployed_connector_calls_no_address_of_its_own_network() {
    for row in Row::all() {
        let bench = Bench::at(row.0, row.1, Reach::Public, json!({})).await;
        let error = bench.login().await.unwrap_err();
        assert!(
            matches!(error, ProviderError::Misconfigured { stage, .. } if stage == row.first_stage()),
            "{row:?} {error}"
        );
        assert_eq!(bench.calls(), [0; 4]);
    }
}

#[tokio::test]
async fn a_login_makes_no_more_calls_than_its_protocol_needs() {
    for row in Row::all() {
        let bench = row.bench().await;
        bench.login().await.unwrap();
        let ([document, keys], calls, userinfo) = (row.published(), row.token_calls(), row.userinfo_calls());
        assert_eq!(bench.calls(), [document, keys, calls, userinfo], "{row:?}");
        bench.login().await.unwrap();
        assert_eq!(bench.calls(), [document, keys, 2 * calls, 2 * userinfo], "{row:?}");
    }
}

#[tokio::test]
async fn a_method_that_is_not_switched_on_sends_nothing() {
    for row in Row::all() {
        let bench = row.bench().await;
        let error = match row.1 {
            Method::Oidc => bench.login_as("ada", PASSWORD).await.unwrap_err(),
            _ => bench.begin().await.unwrap_err(),
        };
        assert!(matches!(error, ProviderError::Misconfigured { stage: Stage::Attempt, .. }), "{row:?} {error}");
        // Nor does an answer to a question that was not asked.
        let (request, code) = (bench.request(IN_TIME), SecretString::from("123456"));
        let answer = bench.adapter().answer(&bench.cx(&request), &Pending(json!({})), Answer::Code(&code)).await;
        assert_eq!(answer.err(), Some(Stage::Attempt.refused(Check::Unasked)), "{row:?}");
        assert_eq!(bench.calls(), [0; 4]);
    }
}

#[tokio::test]
async fn every_way_of_authenticating_as_a_client_is_taken() {
    for row in Row::all() {
        let basic = json!({ "token_endpoint_auth_method": "client_secret_basic" });
        let none = json!({ "id": "open", "secret": null, "token_endpoint_auth_method": "none" });
        let post = json!({ "token_endpoint_auth_method": "client_secret_post" });
        let usual = if row.0.provider == "onelogin" { ClientAuth::Basic } else { ClientAuth::Post };
        // An API of the provider's own has one way, whatever the connector says.
        let by_basic = if row.has_own_api() { ClientAuth::Post } else { ClientAuth::Basic };
        for (client, sent) in [
            (json!({}), usual),
            (post, ClientAuth::Post),
            (basic, by_basic),
            (json!({ "id": "open", "secret": null }), ClientAuth::None),
            (none, ClientAuth::None),
        ] {
            let bench = row.with(json!({ "client": client })).await;
            bench.register(Registration::public("open", CALLBACK));
            bench.login().await.unwrap();
            // Some calls go on from an earlier one, and name no client.
            let received = bench.subject.received().into_iter().filter(|request| request.client_id().is_some());
            let found: Vec<_> = received.map(|request| request.client_auth()).collect();
            let sent = if row.is_for_public_clients() { ClientAuth::None } else { sent };
            assert!(!found.is_empty() && found.iter().all(|found| *found == sent), "{row:?} {found:?}");
        }
    }
}

#[tokio::test]
async fn nothing_secret_is_printed() {
    for row in Row::all() {
        let bench = row.bench().await;
        let mut secrets = vec!["canary".to_owned(), "ada@example.org".to_owned()];
        let mut printed = String::new();
        if row.1 == Method::Oidc {
            let pending = bench.begin().await.unwrap();
            let returned = bench.visit(&pending).await.unwrap();
            bench.answer(&pending, &returned).await.unwrap();
            let error = bench.answer(&pending, &returned).await.unwrap_err();
            printed += &format!("{pending:?} {error:?} {error}");
            secrets.extend([pending.0["s"].as_str().unwrap().to_owned(), returned.parameter("code").unwrap()]);
        } else {
            let errors = [bench.login_as("ada", "canary").await, bench.attempt_totp("ada", "canary").await];
            printed += &format!("{errors:?}");
            if let Some(channel) = channel(row.1) {
                let pending = bench.ask_for_code(channel, "canary@example.org", IN_TIME).await.unwrap();
                printed += &format!("{pending:?}");
            }
        }
        let (identity, request) = (bench.login().await.unwrap(), bench.request(IN_TIME));
        printed += &format!("{:?} {:?} {identity:?}", bench.adapter(), bench.cx(&request));
        for secret in secrets {
            assert!(!printed.contains(&secret), "{row:?} {secret}: {printed}");
        }
    }
}

#[tokio::test]
async fn the_providers_tokens_are_kept_if_the_connector_says_so() {
    for row in Row::all() {
        assert_eq!(row.bench().await.login().await.unwrap().tokens, None, "{row:?}");
        let bench = row.with(json!({ "tokens": "keep" })).await;
        let given = json!({ "refresh_token": "refresh+canary", "expires_in": "300" });
        bench.subject.misbehave(Some(Misbehaviour::Members(given.as_object().unwrap().clone())));
        let identity = bench.login().await.unwrap();
        let tokens = identity.tokens.clone().unwrap();
        let text = |token: &Option<SecretString>| token.as_ref().unwrap().expose_secret().to_owned();
        assert_eq!(text(&tokens.refresh), "refresh+canary", "{row:?}");
        let id_token = tokens.id.as_ref().map(|token| token.expose_secret().split('.').count());
        assert_eq!(id_token, row.has(Endpoint::Keys).then_some(3), "{row:?}");
        assert_eq!(tokens.expires_at, Some(bench.clock.now() + TimeDelta::seconds(300)), "{row:?}");
        let printed = format!("{identity:?} {tokens:?} {}", serde_json::to_string(&identity).unwrap());
        let given = [&tokens.access, &tokens.id].into_iter().flatten().map(|token| token.expose_secret());
        assert!(given.chain(["canary"]).all(|secret| !printed.contains(secret)), "{row:?}");
    }
}

/// Attack 61.
#[tokio::test]
async fn a_password_arrives_byte_for_byte() {
    let long = "x".repeat(100);
    for row in Row::all().filter(|row| row.1 == Method::Password) {
        let bench = row.bench().await;
        for password in [long.as_str(), "a\0b", "a+b %&=\"\\ö\u{1f511}e\u{301}", "p\u{feff}q\r\nr"] {
            bench.subject.enrol(Person::new("ada", password).email("ada@example.org", true).name("Ada", "Lovelace"));
            let login = bench.login_as("ada", password).await;
            assert!(login.is_ok(), "{row:?} {password:?}: {login:?}");
        }
        // Only the first 72 bytes of it.
        bench.subject.enrol(Person::new("ada", &long).email("ada@example.org", true).name("Ada", "Lovelace"));
        bench.login_as("ada", &long[..72]).await.unwrap_err();
    }
}
