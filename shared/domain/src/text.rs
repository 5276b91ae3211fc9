//! Texts that people read. Each has an id, so that an application can show its own text instead.

use serde::{Deserialize, Serialize};

/// `{ "id": "field.email", "text": "E-mail" }`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Text {
    /// The stable id.
    pub id: &'static str,
    /// The English text.
    pub text: &'static str,
}

const TEXTS: &[Text] = &[
    Text { id: "field.email", text: "E-mail" },
    Text { id: "field.username", text: "Username" },
    Text { id: "field.password", text: "Password" },
    Text { id: "field.code", text: "One-time code" },
    Text { id: "field.name", text: "Name" },
    Text { id: "field.given_name", text: "First name" },
    Text { id: "field.family_name", text: "Last name" },
    Text { id: "field.phone", text: "Phone" },
    Text { id: "field.current_password", text: "Current password" },
    Text { id: "field.new_password", text: "New password" },
    Text { id: "field.choice", text: "How do you want to confirm that it is you?" },
    Text { id: "factor.email_otp", text: "Code by e-mail" },
    Text { id: "factor.sms_otp", text: "Code by SMS" },
    Text { id: "factor.totp", text: "Authenticator app" },
    Text { id: "factor.voice_otp", text: "Phone call" },
    Text { id: "factor.push", text: "Confirm in the app" },
    Text { id: "factor.recovery_code", text: "Recovery code" },
    Text { id: "choose_provider.heading", text: "Or continue with" },
];

impl Text {
    /// The text with this id.
    pub fn find(id: &str) -> Option<Text> {
        TEXTS.iter().find(|text| text.id == id).copied()
    }
}

/// The label of a field, which a document names by id. The id is known to exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TextId(pub Text);

impl TryFrom<String> for TextId {
    type Error = String;

    fn try_from(id: String) -> Result<Self, String> {
        // The others are for steps that write their own text.
        let labels = || TEXTS.iter().filter(|text| text.id.starts_with("field."));
        let known = || labels().map(|text| text.id).collect::<Vec<_>>().join(", ");
        let label = labels().find(|text| text.id == id).copied();
        label.map(TextId).ok_or_else(|| format!("unknown text {id:?}: use one of {}", known()))
    }
}
