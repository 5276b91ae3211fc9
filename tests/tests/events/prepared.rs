//! What only a run makes, in the place of the examples that stand for it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landfall::demo::{self, EMAIL, PASSWORD};
use landfall_tests::examples::{
    self, CODE, CONFIRMATION, ISSUER, NOTIFICATION, PAYLOAD, PROVIDER_CODE, RESUME, SESSION, SIGNATURE, STATE, TOKEN,
};
use landfall_tests::{Away, TestApp, VERIFIER};
use serde_json::Value;
use url::form_urlencoded::byte_serialize;

use crate::files::Event;

const NOTIFY: &str = "POST /v1/connectors/{connector}/notifications";
const DELETION: &str = "GET /v1/connectors/{connector}/notifications/{code}";

/// What is real, by what stands for it; the longer before what it begins with.
pub(crate) struct Prepared {
    real: Vec<(String, String)>,
    provider: String,
}

impl Prepared {
    /// The app that the event is for.
    pub(crate) async fn app(event: &Event) -> TestApp {
        let over = async |id| {
            let provider = demo::PROVIDERS.iter().find(|provider| provider.id == id).unwrap();
            TestApp::over(provider, |_| {}).await
        };
        match (event.route.as_str(), event.json["pathParameters"]["connector"].as_str()) {
            (NOTIFY, Some("meta")) | (DELETION, _) => over("meta").await,
            (NOTIFY, _) => over("apple").await,
            _ => TestApp::new().await,
        }
    }

    /// Brings a user as far as the event's request goes on from.
    pub(crate) async fn of(app: &TestApp, event: &Event) -> Self {
        let out = Away::new(app).await;
        let provider = url::Url::parse(&out.url).unwrap().origin().ascii_serialization();
        let mut real = match event.route.as_str() {
            "POST /v1/sessions/{session}/steps/{step}" | "GET /v1/sessions/{session}" => {
                let session = app.start("migrate-from-keycloak").await;
                vec![(TOKEN, session.token), (SESSION, session.id)]
            }
            "POST /v1/sessions/{session}/resume" => {
                vec![(RESUME, out.resume(app).await), (TOKEN, out.session.token), (SESSION, out.session.id)]
            }
            "GET /v1/callback/{connector}" | "POST /v1/callback/{connector}" => {
                let back = out.back().await;
                let brought = |name| back.parameter(name).unwrap();
                let examples = [(STATE, "state"), (ISSUER, "iss"), (PROVIDER_CODE, "code")];
                let mut real: Vec<_> = examples.map(|(example, name)| (example, brought(name))).into();
                real.push((SESSION, out.session.id));
                real
            }
            "POST /oauth2/token" => {
                let login = app.log_in(EMAIL, PASSWORD).await;
                vec![(CODE, login.code), (examples::VERIFIER, VERIFIER.to_owned()), (SESSION, login.session.id)]
            }
            NOTIFY if app.connector == "meta" => {
                let about = event.json["queryStringParameters"]["about"].as_str().unwrap();
                let sent = app.notification(about, "ada").body;
                let (signature, payload) = sent.strip_prefix("signed_request=").unwrap().split_once('.').unwrap();
                vec![(SIGNATURE, signature.to_owned()), (PAYLOAD, payload.to_owned())]
            }
            DELETION => {
                let answer = app.notify("deletion", "ada").await.expect(200);
                vec![(CONFIRMATION, answer.body["confirmation_code"].as_str().unwrap().to_owned())]
            }
            NOTIFY => {
                let sent: Value = serde_json::from_str(&app.notification("consent-revoked", "ada").body).unwrap();
                vec![(NOTIFICATION, sent["payload"].as_str().unwrap().to_owned())]
            }
            _ => Vec::new(),
        };
        let mut spelled: Vec<_> = real.iter().map(|(example, real)| (form(example), form(real))).collect();
        spelled.extend(real.drain(..).map(|(example, real)| (example.to_owned(), real)));
        // A letter that is encoded, once and twice.
        for percent in ["%", "%25"] {
            let last = |text: &str| {
                let (rest, last) = text.split_at(text.len() - 1);
                format!("{rest}{percent}{:02X}", last.as_bytes()[0])
            };
            let in_paths =
                spelled.iter().find(|(example, _)| [SESSION, CONFIRMATION].contains(&example.as_str())).cloned();
            spelled.extend(in_paths.map(|(example, real)| (last(&example), last(&real))));
        }
        Self { real: spelled, provider }
    }

    /// Where the provider is.
    pub(crate) fn provider(&self) -> &str {
        &self.provider
    }

    /// The event as a client's request would have made it.
    pub(crate) fn fill_in(&self, event: &Event) -> Value {
        let mut json = event.json.clone();
        if json["isBase64Encoded"] == true {
            let body = String::from_utf8(STANDARD.decode(json["body"].as_str().unwrap()).unwrap()).unwrap();
            json["body"] = STANDARD.encode(self.fill_in_text(&body)).into();
        }
        self.walk(&mut json);
        json
    }

    fn walk(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.fill_in_text(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.walk(value)),
            Value::Object(entries) => entries.values_mut().for_each(|value| self.walk(value)),
            _ => {}
        }
    }

    fn fill_in_text(&self, text: &str) -> String {
        self.real.iter().fold(text.to_owned(), |text, (example, real)| text.replace(example, real))
    }
}

fn form(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}
