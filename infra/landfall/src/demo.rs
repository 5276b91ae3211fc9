//! The demo: simulated providers with users, an application, and the journeys between them.

use std::sync::Arc;

use domain::{Client, Clock, ConnectorDocument, Entropy, Factor, JourneyDocument, Method, ParamType};
use providers::Registry;
use serde::Serialize;
use serde_json::{Map, Value};
use simulators::{
    Person, Registration, Simulator, Subject, apple, auth0, cognito, entra, google, keycloak, meta, oauth2, okta,
    onelogin, pingone, plain,
};

use crate::documents;
use crate::error::CommandError;

/// The providers of the demo, one of each simulator, and tenants of them that have other methods. Without `--demo` the first is served.
pub const PROVIDERS: &[Provider] = &[
    served("keycloak", "Demo Keycloak", &keycloak::SIMULATOR, PASSWORDS, &[]),
    served("okta", "Demo Okta", &okta::SIMULATOR, PASSWORDS_AND_APP, &[(Factor::Push, "Katherine's phone")]),
    served("auth0", "Demo Auth0", &auth0::SIMULATOR, PASSWORDS, &[PHONE]),
    served("cognito", "Demo Cognito", &cognito::SIMULATOR, PASSWORDS_AND_CODES, &[PHONE, APP]),
    served("entra", "Demo Entra ID", &entra::SIMULATOR, PASSWORDS, &[]),
    served("external", "Demo Entra External ID", &entra::EXTERNAL, PASSWORDS_AND_EMAIL, &[EMAIL_CODE]),
    served("onelogin", "Demo OneLogin", &onelogin::SIMULATOR, PASSWORDS, &[]),
    served("pingone", "Demo PingOne", &pingone::SIMULATOR, PASSWORDS, &[]),
    served("google", "Demo Google", &google::SIMULATOR, REDIRECTS, &[]),
    served("apple", "Demo Apple", &apple::SIMULATOR, REDIRECTS, &[]),
    served("meta", "Demo Facebook", &meta::SIMULATOR, REDIRECTS, &[]),
    served("oidc", "Demo OpenID Connect", &plain::SIMULATOR, REDIRECTS, &[]),
    served("oauth2", "Demo GitHub", &oauth2::SIMULATOR, REDIRECTS, &[]),
];

const REDIRECTS: &[Method] = &[Method::Oidc];
const PASSWORDS: &[Method] = &[Method::Oidc, Method::Password];
const PASSWORDS_AND_APP: &[Method] = &[Method::Oidc, Method::Password, Method::Totp];
const PASSWORDS_AND_EMAIL: &[Method] = &[Method::Oidc, Method::Password, Method::EmailOtp];
const PASSWORDS_AND_CODES: &[Method] = &[Method::Oidc, Method::Password, Method::EmailOtp, Method::SmsOtp];

/// Katherine's phone, with a number that no phone has, her mailbox, and her authenticator app.
const PHONE: (Factor, &str) = (Factor::SmsOtp, "+14155550123");
const EMAIL_CODE: (Factor, &str) = (Factor::EmailOtp, "katherine@example.org");
const APP: (Factor, &str) = (Factor::Totp, "what the app of Katherine was set up with");

const fn served(
    id: &'static str,
    name: &'static str,
    simulator: &'static Simulator,
    methods: &'static [Method],
    factors: &'static [(Factor, &'static str)],
) -> Provider {
    Provider { id, name, simulator, methods, factors }
}

/// The name by which all of the demo's providers are meant.
pub const ALL: &str = "all";

/// The demo's providers of these names.
pub fn named(names: &[String]) -> Vec<Provider> {
    if names.iter().any(|name| name == ALL) {
        return PROVIDERS.to_vec();
    }
    names.iter().filter_map(|name| PROVIDERS.iter().copied().find(|provider| provider.id == name.as_str())).collect()
}

/// The demo user's e-mail.
pub const EMAIL: &str = "ada@example.org";
/// The demo user's password.
pub const PASSWORD: &str = "correct horse battery staple";
/// The user name of the demo's user with a second factor.
pub const KATHERINE: &str = "katherine";
/// The redirect URI of the script: no browser goes there, it redeems the code itself.
pub const REDIRECT_URI: &str = "https://demo.example/signed-in";

/// A user of the demo's provider.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct DemoUser {
    /// E-mail.
    pub email: &'static str,
    /// Password.
    pub password: &'static str,
}

/// The user that the page and the script sign in.
pub const USER: DemoUser = DemoUser { email: EMAIL, password: PASSWORD };

/// The demo application.
pub const CLIENT_ID: &str = "demo";
/// The client secret at a simulated provider. It opens nothing but the simulation.
pub const SECRET: &str = "a-secret-of-the-demo";

/// A simulated provider, and the connector to it.
#[derive(Clone, Copy)]
pub struct Provider {
    /// The connector's id, which is also the name of the client's secret.
    pub id: &'static str,
    /// The connector's name.
    pub name: &'static str,
    /// What is simulated.
    pub simulator: &'static Simulator,
    /// The methods that are switched on.
    pub methods: &'static [Method],
    /// What Katherine is asked for after her password: each with its destination, or the seed of an app.
    pub factors: &'static [(Factor, &'static str)],
}

impl Provider {
    /// Where it is served.
    pub fn path(&self) -> String {
        format!("/demo/{}", self.id)
    }

    /// The provider with users who are not provisioned yet: Ada, whose e-mail is verified, Grace, whose is not, and where it asks
    /// for second factors Katherine, who has them, and whose e-mail is not verified either.
    pub fn subject(&self, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Arc<dyn Subject> {
        let subject = (self.simulator.make)(&self.path(), clock, entropy);
        subject.enrol(Person::new("ada", PASSWORD).email(EMAIL, true).name("Ada", "Lovelace"));
        subject.enrol(Person::new("grace", PASSWORD).email("grace@example.org", false).name("Grace", "Hopper"));
        if !self.factors.is_empty() {
            let katherine = Person::new(KATHERINE, PASSWORD).email("katherine@example.org", false);
            subject.enrol(katherine.name("Katherine", "Johnson"));
            subject.give_factors(KATHERINE, self.factors);
        }
        subject
    }

    /// Registers Landfall at it, which is called back at `callback`.
    pub fn register(&self, subject: &dyn Subject, callback: &str) {
        for method in self.methods {
            subject.register(*method, Registration::confidential("landfall", SECRET, callback));
        }
    }

    /// The connector to it as an entry of a file, where the provider is served at `origin`.
    pub fn connector(&self, subject: &dyn Subject, origin: &str) -> String {
        let Self { id, name, simulator, methods, .. } = self;
        let methods: Vec<_> = methods.iter().map(|method| format!("{}: {{}}", method.as_str())).collect();
        let settings = subject.settings(origin);
        let settings: Vec<_> = settings.iter().map(|(name, value)| format!("{name}: {}", plain(value))).collect();
        format!(
            "  - id: {id}\n    provider: {}\n    name: {name}\n    client: {{ id: landfall, secret: {id} }}\n    \
             methods: {{ {} }}\n    settings: {{ {} }}\n",
            simulator.provider,
            methods.join(", "),
            settings.join(", "),
        )
    }
}

/// A value as YAML has it: a word needs no quotes.
fn plain(value: &Value) -> String {
    match value.as_str() {
        Some(word) if word.bytes().all(|byte| byte.is_ascii_lowercase()) => word.to_owned(),
        _ => value.to_string(),
    }
}

/// Simulated providers, in their order.
pub fn subjects(providers: &[Provider], clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Vec<Arc<dyn Subject>> {
    providers.iter().map(|provider| provider.subject(Arc::clone(&clock), Arc::clone(&entropy))).collect()
}

/// The demo's file of connectors, for providers that are served at `origin`.
pub fn connectors_file(providers: &[Provider], subjects: &[Arc<dyn Subject>], origin: &str) -> String {
    let entries =
        providers.iter().zip(subjects).map(|(provider, subject)| provider.connector(subject.as_ref(), origin));
    format!(
        "# The demo's old providers: simulated, and served beside Landfall. A file like this one, given with\n\
         # `--connectors`, puts providers of your own in their place.\nconnectors:\n{}",
        entries.collect::<String>()
    )
}

/// The demo's connectors, likewise.
pub fn connectors(
    providers: &[Provider],
    subjects: &[Arc<dyn Subject>],
    origin: &str,
) -> Result<Vec<ConnectorDocument>, CommandError> {
    documents::connectors(&Registry::default(), "the demo's connectors", &connectors_file(providers, subjects, origin))
}

/// The journeys that migrate users from a connector: one for each of its methods.
pub fn journeys(connector: &ConnectorDocument) -> Result<Vec<JourneyDocument>, CommandError> {
    let journey = |method: &Method| {
        let sent = |channel: &str| include_str!("../demo/sent_code.yaml").replace("{channel}", channel);
        let (place, text) = match method {
            Method::Oidc => ("demo/redirect.yaml", include_str!("../demo/redirect.yaml").to_owned()),
            Method::Password => ("demo/password.yaml", include_str!("../demo/password.yaml").to_owned()),
            Method::EmailOtp => ("demo/sent_code.yaml", sent("email")),
            Method::SmsOtp => ("demo/sent_code.yaml", sent("sms")),
            Method::Totp => ("demo/app_code.yaml", include_str!("../demo/app_code.yaml").to_owned()),
        };
        documents::journey(place, &text.replace("{connector}", connector.id.as_str()))
    };
    connector.methods.keys().map(journey).collect()
}

/// What the demo application starts `journey` with: a value for each parameter that has no default.
pub fn params(journey: &JourneyDocument) -> Map<String, Value> {
    let needed = journey.params.iter().filter(|(_, param)| param.default.is_none());
    let value = |kind| match kind {
        ParamType::String => "gold".into(),
        ParamType::Integer => 0.into(),
        ParamType::Boolean => false.into(),
    };
    needed.map(|(name, param)| (name.clone(), value(param.kind))).collect()
}

/// The demo application, which may start `journeys` of a server at `base`.
pub fn client(base: &str, journeys: &[JourneyDocument]) -> Result<Client, CommandError> {
    let text = include_str!("../demo/client.yaml").replace("{base}", base);
    let mut client: Client = documents::parse("demo/client.yaml", &text)?;
    client.journeys = journeys.iter().map(|journey| journey.id.clone()).collect();
    Ok(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_simulated_provider_can_be_served() {
        let mut served: Vec<_> = PROVIDERS.iter().map(|provider| provider.simulator.provider).collect();
        let simulated = simulators::SIMULATORS.iter().chain(simulators::OTHER_TENANTS);
        let mut simulated: Vec<_> = simulated.map(|it| it.provider).collect();
        served.sort_unstable();
        simulated.sort_unstable();
        assert_eq!(served, simulated);
    }
}
