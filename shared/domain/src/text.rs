//! Texts a person may read. Each has an id, so that an application can show its own.

use serde::{Deserialize, Serialize};

/// `{ "id": "field.email", "text": "E-mail" }`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Text {
    /// Never changes its meaning.
    pub id: &'static str,
    /// In English.
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
    Text { id: "choose_provider.heading", text: "Or continue with" },
];

impl Text {
    /// The text of that id.
    pub fn find(id: &str) -> Option<Text> {
        TEXTS.iter().find(|text| text.id == id).copied()
    }
}

/// A text as a document names it: by id, known to exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TextId(pub Text);

impl TryFrom<String> for TextId {
    type Error = String;

    fn try_from(id: String) -> Result<Self, String> {
        let known = || TEXTS.iter().map(|text| text.id).collect::<Vec<_>>().join(", ");
        Text::find(&id).map(TextId).ok_or_else(|| format!("unknown text {id:?}, known are {}", known()))
    }
}
