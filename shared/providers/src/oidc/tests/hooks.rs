//! A new provider is a small file: this one uses each hook.

use async_trait::async_trait;
use domain::{Challenge, ExternalIdentity, Factor, Method, Pending};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Map;

use super::*;
use crate::document;
use crate::oidc::{Begun, Connection, IssuerPolicy, OF_A_CODE, OidcProvider, Profile, VerifiedClaims};
use crate::registry::Provider;
use crate::{Answer, Attempt, Callback, InvalidConnector, Progress, Registry};

const HOSTED: Provider = Provider::oidc("hosted", &[Method::Oidc, Method::Password], &[], Hosted::read);

/// Lets only one person sign in, and asks for a code before the password is sent.
#[derive(Debug)]
struct Hosted {
    profile: Profile,
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    issuer: String,
    name: String,
}

impl Hosted {
    fn read(settings: Map<String, Value>) -> Result<Box<dyn OidcProvider>, InvalidConnector> {
        let Settings { issuer, name } = document::settings(settings)?;
        Ok(Box::new(Self { profile: Profile::new(IssuerPolicy::exact(issuer)), name }))
    }
}

#[async_trait]
impl OidcProvider for Hosted {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn identify(&self, _: Method, claims: &mut VerifiedClaims, _: Option<&Callback>) -> Result<(), ProviderError> {
        if claims.text("name") == Some(&self.name) { Ok(()) } else { Err(Stage::IdToken.refused(Check::Subject)) }
    }

    async fn begin(&self, _: &Connection<'_>, attempt: Attempt<'_>) -> Result<Begun, ProviderError> {
        let Attempt::Password { password, .. } = attempt else { panic!("no such method") };
        let challenge = Challenge::Code { factor: Factor::Totp, digits: None, to: None, resend: false };
        Ok(Begun::Ask(challenge, Pending(json!(password.expose_secret()))))
    }

    async fn answer(
        &self,
        provider: &Connection<'_>,
        pending: &Pending,
        answer: Answer<'_>,
    ) -> Result<Begun, ProviderError> {
        let (Some(password), Answer::Code(_)) = (pending.0.as_str(), answer) else { panic!("no such question") };
        let grant =
            [("grant_type", "password"), ("scope", provider.scope()), ("username", "ada"), ("password", password)];
        provider.grant(Method::Password, &grant, &[&OF_A_CODE]).await.map(Begun::Tokens)
    }
}

async fn bench(name: &str, method: Method) -> Bench {
    let mut bench = Bench::start().await;
    let document = json!({
        "id": "staff", "provider": "hosted", "name": "Staff", "client": { "id": "landfall", "secret": "staff" },
        "methods": { method.as_str(): {} },
        "settings": { "issuer": format!("{}/realms/demo", bench.url), "name": name, "prompt": "login" },
    });
    let document = serde_json::from_value(document).unwrap();
    bench.use_adapter(Registry::default().and(HOSTED).adapter(&document).unwrap(), method);
    bench
}

async fn login_for(name: &str) -> Result<ExternalIdentity, ProviderError> {
    bench(name, Method::Oidc).await.login().await
}

#[tokio::test]
async fn a_provider_sets_its_issuer_and_its_own_id_token_checks() {
    assert_eq!(login_for("Ada Lovelace").await.unwrap().provider.as_str(), "hosted");
    assert_eq!(login_for("Charles Babbage").await.err(), Some(Stage::IdToken.refused(Check::Subject)));
}

#[tokio::test]
async fn a_provider_may_ask_before_it_gives_tokens() {
    let bench = bench("Ada Lovelace", Method::Password).await;
    let (request, password) = (bench.request(crate::bench::IN_TIME), SecretString::from(PASSWORD));
    let cx = bench.cx(&request);
    let attempt = Attempt::Password { username: "ada", password: &password, otp: None };
    let Progress::Ask(_, pending) = bench.adapter().begin(&cx, attempt).await.unwrap() else { panic!("not asked") };
    let answered = bench.adapter().answer(&cx, &pending, Answer::Code(&SecretString::from("1"))).await.unwrap();
    let Progress::Done(identity) = answered else { panic!("no identity") };
    assert_eq!((identity.method, identity.claims.text("name")), (Method::Password, Some("Ada Lovelace")));
}
