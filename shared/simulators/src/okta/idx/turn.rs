//! The answers of the interaction code flow: a state, and the forms that it offers.

use chrono::SecondsFormat;
use domain::Factor;
use serde_json::{Value, json};

use super::{ANSWER, CANCEL, CHALLENGE, GOOGLE, IDENTIFY, LIFE, MEDIA_TYPE, PASSWORD, PHONE, VERIFY, message};
use crate::core::{Direct, DirectCall, Open, Person};

/// An answer in the making: a login under its next handle.
pub(super) struct Turn<'a, 'c> {
    pub(super) call: &'a mut DirectCall<'c>,
    pub(super) open: Open,
    handle: String,
    pub(super) document: Value,
}

impl<'a, 'c> Turn<'a, 'c> {
    pub(super) fn new(call: &'a mut DirectCall<'c>, mut open: Open) -> Self {
        let handle = format!("02t{}", call.handle());
        open.data["is"] = json!("state");
        let expires = (call.now + LIFE).to_rfc3339_opts(SecondsFormat::Millis, true);
        let document = json!({
            "version": "1.0.0", "stateHandle": handle, "expiresAt": expires, "intent": "LOGIN",
            "remediation": { "type": "array", "value": [] },
        });
        let mut turn = Self { call, open, handle, document };
        let cancel = turn.form("cancel", CANCEL, json!([]));
        turn.document["cancel"] = cancel;
        turn
    }

    pub(super) fn form(&self, name: &str, path: &str, fields: Value) -> Value {
        let state = json!({ "name": "stateHandle", "required": true, "value": self.handle, "visible": false, "mutable": false });
        let fields: Vec<_> = fields.as_array().into_iter().flatten().cloned().chain([state]).collect();
        json!({
            "rel": ["create-form"], "name": name, "href": self.call.address(path), "method": "POST", "value": fields,
            "produces": MEDIA_TYPE, "accepts": "application/json; okta-version=1.0.0",
        })
    }

    pub(super) fn offer(mut self, name: &str, path: &str, fields: Value) -> Self {
        let form = self.form(name, path, fields);
        if let Some(forms) = self.document["remediation"]["value"].as_array_mut() {
            forms.push(form);
        }
        self
    }

    pub(super) fn say(mut self, key: &str, text: &str, class: &str) -> Self {
        self.document["messages"] = message(key, text, class)["messages"].take();
        self
    }

    pub(super) fn reply(self, status: u16) -> Direct {
        self.call.open(&self.handle, self.open);
        Direct::answer(status, self.document)
    }

    pub(super) fn offer_identify(self) -> Self {
        self.offer("identify", IDENTIFY, json!([{ "name": "identifier", "label": "Username" }])).offer(
            "select-enroll-profile",
            "/idp/idx/enroll",
            json!([]),
        )
    }

    pub(super) fn identify_form(self) -> Direct {
        self.offer_identify().reply(200)
    }

    /// The authenticators that the user has, the current one left out.
    pub(super) fn offer_choice(mut self, current: &str) -> Self {
        let all = self.enrolled();
        let enrolments: Vec<_> = all
            .iter()
            .map(|(id, key, methods)| {
                let methods: Vec<_> = methods.iter().map(|method| json!({ "type": method })).collect();
                json!({ "id": format!("enr{}", &id[3..]), "authenticatorId": id, "key": key, "methods": methods })
            })
            .collect();
        let option = |(place, (id, key, methods)): (usize, &(&str, &str, Vec<&str>))| {
            let mut fields = vec![json!({ "name": "id", "required": true, "value": id, "mutable": false })];
            match methods.as_slice() {
                ["otp"] => {}
                [method] => fields.push(json!({ "name": "methodType", "value": method, "mutable": false })),
                methods => {
                    let options: Vec<_> =
                        methods.iter().map(|method| json!({ "label": method, "value": method })).collect();
                    fields.push(json!({ "name": "methodType", "type": "string", "options": options }));
                }
            }
            let relates = format!("$.authenticatorEnrollments.value[{place}]");
            json!({ "label": key, "value": { "form": { "value": fields } }, "relatesTo": relates })
        };
        let options: Vec<_> = all.iter().enumerate().filter(|(_, (id, ..))| *id != current).map(option).collect();
        self.document["authenticatorEnrollments"] = json!({ "type": "array", "value": enrolments });
        if options.is_empty() {
            return self;
        }
        let field = json!([{ "name": "authenticator", "type": "object", "options": options }]);
        self.offer("select-authenticator-authenticate", CHALLENGE, field)
    }

    pub(super) fn offer_answer(mut self, id: &str) -> Self {
        let field = if id == VERIFY { "totp" } else { "passcode" };
        let enrolled = self.enrolled();
        let key = enrolled.iter().find(|(other, ..)| *other == id).map_or("okta_password", |(_, key, _)| key);
        self.document["currentAuthenticator"] = json!({ "type": "object", "value": { "id": id, "key": key } });
        self.open.data["current"] = json!(id);
        let passcode = json!({ "name": field, "label": "Enter code", "required": true, "visible": true });
        let fields =
            json!([{ "name": "credentials", "type": "object", "form": { "value": [passcode] }, "required": true }]);
        self.offer("challenge-authenticator", ANSWER, fields).offer_choice(id)
    }

    /// Puts a message at the field that has to be typed anew.
    pub(super) fn complain(mut self, key: &str, text: &str) -> Self {
        let complaint = message(key, text, "ERROR")["messages"].take();
        self.document["remediation"]["value"][0]["value"][0]["form"]["value"][0]["messages"] = complaint;
        self
    }

    fn person(&self) -> Option<&Person> {
        self.open.username.as_ref().and_then(|username| self.call.people.get(username))
    }

    /// The user's authenticators: id, key and methods.
    pub(super) fn enrolled(&self) -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
        let has = |factor| {
            self.person().is_some_and(|person| person.factors.iter().any(|enrolled| enrolled.factor == factor))
        };
        let mut all = vec![(PASSWORD, "okta_password", vec!["password"])];
        match (has(Factor::Totp), has(Factor::Push)) {
            (true, true) => all.push((VERIFY, "okta_verify", vec!["signed_nonce", "push", "totp"])),
            (true, false) => all.push((GOOGLE, "google_otp", vec!["otp"])),
            (false, true) => all.push((VERIFY, "okta_verify", vec!["push"])),
            (false, false) => {}
        }
        if has(Factor::SmsOtp) || has(Factor::VoiceOtp) {
            all.push((PHONE, "phone_number", vec!["sms", "voice"]));
        }
        all
    }
}
