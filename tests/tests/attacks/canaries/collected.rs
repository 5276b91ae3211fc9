//! What has passed through an app, and the places where it must not turn up.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Clock;
use landfall_tests::proxy::Call;
use landfall_tests::{ADMIN, Heard, TestApp};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use super::spelling::Spelled;

/// What has passed through an app, each with what it is.
pub(crate) struct Canaries {
    /// These are never in an answer.
    kept: BTreeMap<String, &'static str>,
    /// Their owners are, where they belong.
    owned: BTreeMap<String, &'static str>,
    /// As it is told apart in tests of this.
    pub(crate) kinds: Vec<&'static str>,
}

impl Canaries {
    /// All that has passed so far.
    pub(crate) fn of(app: &TestApp) -> Self {
        let mut all = Self { kept: BTreeMap::new(), owned: BTreeMap::new(), kinds: Vec::new() };
        all.keep("the administrator's token", ADMIN);
        let public = serde_json::to_string(&app.keys.public(app.clock.now()).unwrap()).unwrap();
        for (_, secret) in app.secrets.given() {
            all.keep("a stored secret", secret.expose_secret());
            // Of keys, each: lines of a PEM, whatever is long enough to be the secret part.
            let ring: Value = serde_json::from_str(secret.expose_secret()).unwrap_or_default();
            let keys = ring["keys"].as_array().into_iter().flatten().filter_map(|key| key["key"].as_str());
            let parts = keys.flat_map(|key| key.split(|c: char| !c.is_ascii_alphanumeric() && !"+/=-_".contains(c)));
            for part in parts.filter(|part| part.len() >= 32 && !part.starts_with('-') && !public.contains(part)) {
                all.keep("a part of a stored secret", part);
            }
        }
        for heard in app.heard.lock().unwrap().iter() {
            all.hear(heard);
        }
        for call in app.calls.peek() {
            if call.service == "provider" {
                all.overhear(&call);
            }
        }
        all.owned.retain(|value, _| !all.kept.contains_key(value));
        all
    }

    /// More that is never in an answer.
    pub(crate) fn add(&mut self, secrets: &[&str]) {
        secrets.iter().for_each(|secret| self.keep("a secret of the test", secret));
    }

    fn keep(&mut self, what: &'static str, value: &str) {
        // What is shorter turns up by chance.
        if value.len() >= 6 {
            self.kept.insert(value.to_owned(), what);
            self.kinds.push(what);
        }
    }

    fn own(&mut self, what: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.owned.insert(value.to_owned(), what);
            self.kinds.push(what);
            // Tokens have parts, and start with their session's id: the last part is what opens something.
            if let Some((_, last)) = value.rsplit_once('.') {
                self.owned.insert(last.to_owned(), what);
            }
        }
    }

    /// What a caller sent us, and what it was answered.
    fn hear(&mut self, heard: &Heard) {
        let Heard { path, authorization, body, answer } = heard;
        let presented = authorization.as_deref().and_then(|header| header.split_once(' '));
        match presented {
            Some(("Bearer", token)) if token != ADMIN => self.own("a session token", Some(token)),
            Some(("Basic", pair)) => self.pair("a client's secret", pair),
            _ => {}
        }
        let body: Value = serde_json::from_str(body).unwrap_or_else(|_| form(body));
        for name in ["password", "otp"] {
            self.keep_text("a typed password", &body["data"][name]);
        }
        self.keep_text("a typed password", &body["test_user"]["password"]);
        self.keep_text("a one-time code", &body["data"]["code"].as_str().filter(|code| code.len() < 16).into());
        self.keep_text("a submit's key", &body["key"]);
        self.keep_text("a client's secret", &body["client_secret"]);
        self.keep_text("a client's PKCE verifier", &body["code_verifier"]);
        self.own("our code", body["code"].as_str().filter(|code| code.starts_with("ses_")));
        self.own("resume", body["resume"].as_str());
        let callback = path.split_once('?').map(|(_, query)| form(query)).unwrap_or_default();
        self.keep_text("a provider's code", &callback["code"]);
        self.own("state", callback["state"].as_str());

        let view = answer.body.get("view").unwrap_or(&answer.body);
        self.own("a session token", view["session_token"].as_str());
        self.own("our code", view["completion"]["code"].as_str());
        if let Some(url) = view["redirect"]["url"].as_str() {
            let sent = form(Url::parse(url).unwrap().query().unwrap_or_default());
            self.own("state", sent["state"].as_str());
            self.own("nonce", sent["nonce"].as_str());
        }
        self.own("our access token", answer.body["access_token"].as_str());
        self.own("our ID token", answer.body["id_token"].as_str());
        if let Ok(onward) = Url::parse(answer.header("location")) {
            self.own("resume", form(onward.query().unwrap_or_default())["resume"].as_str());
        }
    }

    /// What we sent to a provider, and what it answered.
    fn overhear(&mut self, call: &Call) {
        let sent = form(&String::from_utf8_lossy(&call.body));
        let said: Value = serde_json::from_slice(&call.answer).unwrap_or_default();
        let presented = call.authorization.as_deref().and_then(|header| header.split_once(' '));
        match presented {
            Some(("Basic", pair)) => self.pair("a connector's secret", pair),
            Some((_, token)) => self.keep("a provider's access token", token),
            None => {}
        }
        for (what, value) in [
            ("a password that was sent on", &sent["password"]),
            ("a one-time code that was sent on", &sent["totp"]),
            ("a one-time code that was sent on", &sent["otp"]),
            ("a connector's secret", &sent["client_secret"]),
            ("a provider's code", &sent["code"]),
            ("our PKCE verifier", &sent["code_verifier"]),
            ("a provider's ticket", &said["ticket"]),
            ("a provider's access token", &said["access_token"]),
            ("a provider's refresh token", &said["refresh_token"]),
            ("a provider's ID token", &said["id_token"]),
        ] {
            self.keep_text(what, value);
        }
    }

    fn keep_text(&mut self, what: &'static str, value: &Value) {
        let Some(value) = value.as_str() else { return };
        self.keep(what, value);
        if let Some((_, signature)) = value.rsplit_once('.').filter(|_| value.starts_with("eyJ")) {
            self.keep(what, signature);
        }
    }

    fn pair(&mut self, what: &'static str, pair: &str) {
        self.keep(what, pair);
        let decoded = STANDARD.decode(pair).unwrap_or_default();
        if let Some((_, secret)) = String::from_utf8_lossy(&decoded).split_once(':') {
            self.keep(what, secret);
        }
    }

    /// Fails if any of it is in a line of the log, in an item, or in an answer where it does not belong.
    pub(crate) async fn turn_up_nowhere(&self, app: &TestApp) {
        let kept: Vec<_> = self.kept.iter().map(|(value, what)| Spelled::of(what, value)).collect();
        let owned: Vec<_> = self.owned.iter().map(|(value, what)| Spelled::of(what, value)).collect();
        let nowhere = |place: &str| {
            for secret in kept.iter().chain(&owned) {
                secret.is_not_in(place);
            }
        };
        for mut line in app.lines() {
            // Digits of the time of day may be a code's.
            line["timestamp"].take();
            line["_aws"]["Timestamp"].take();
            nowhere(&line.to_string());
        }
        for item in app.all_items().await {
            nowhere(&item.to_string());
            blobs(&item).iter().for_each(|blob| nowhere(blob));
        }
        for Heard { answer, .. } in app.heard.lock().unwrap().iter() {
            let (mut headers, mut body) = (answer.headers.clone(), answer.body.clone());
            let theirs = [take(&mut body), format!("{:?}", headers.remove("location"))].concat();
            for secret in &kept {
                secret.is_not_in(&theirs);
            }
            let text = if answer.body.is_null() { answer.text.clone() } else { body.to_string() };
            nowhere(&format!("{text} {headers:?}"));
        }
    }
}

/// Takes out of an answer what is its owner's, and is in no other answer.
fn take(body: &mut Value) -> String {
    let view = if body.get("view").is_some() { &mut body["view"] } else { body };
    let Some(view) = view.as_object_mut() else { return String::new() };
    let theirs = ["session_token", "completion", "redirect", "access_token", "id_token"];
    theirs.iter().filter_map(|name| view.remove(*name)).map(|value| value.to_string()).collect()
}

/// The bytes of an item, as text as far as they are.
fn blobs(item: &Value) -> Vec<String> {
    match item {
        Value::Object(members) => {
            let bytes = members.get("B").and_then(Value::as_str).and_then(|blob| STANDARD.decode(blob).ok());
            let own = bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            own.into_iter().chain(members.values().flat_map(blobs)).collect()
        }
        Value::Array(list) => list.iter().flat_map(blobs).collect(),
        _ => Vec::new(),
    }
}

pub(super) fn form(text: &str) -> Value {
    form_urlencoded::parse(text.as_bytes()).map(|(name, value)| (name.into_owned(), json!(value))).collect()
}
