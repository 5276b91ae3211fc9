use std::collections::BTreeSet;

use async_trait::async_trait;
use domain::ids::is_field_name;
use domain::text::TextId;
use domain::{FieldError, FieldProblem};
use journeys::{
    Ending, Flow, OptionView, Output, Shape, Step, StepCx, StepError, StepType, StepView, SubmitRequest, ViewCx,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

use crate::code;

pub(crate) const TYPE: StepType = StepType::of::<CollectInformation>("collect_information");

/// Asks for input: a form of named fields. Sets each field as an output with its name; passwords and codes only for
/// this request.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Settings")]
struct CollectInformation {
    fields: Vec<Field>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    fields: Vec<Field>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Field {
    /// The name by which later steps read it.
    name: String,
    #[serde(rename = "type")]
    kind: FieldKind,
    /// The id of a text in `domain::text`.
    label: TextId,
    #[serde(default)]
    required: bool,
    /// The HTML autofill detail token for the browser: `username`, `current-password`.
    autocomplete: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FieldKind {
    Text,
    Email,
    Password,
    /// A one-time code, which may contain blanks.
    Code,
}

impl FieldKind {
    fn as_str(self) -> &'static str {
        match self {
            FieldKind::Text => "text",
            FieldKind::Email => "email",
            FieldKind::Password => "password",
            FieldKind::Code => "code",
        }
    }

    /// The longest value, in bytes. RFC 5321 section 4.5.3.1.3 limits addresses; the limit of passwords only prevents
    /// abuse.
    fn max(self) -> usize {
        match self {
            FieldKind::Text => 256,
            FieldKind::Email => 254,
            FieldKind::Password => 4096,
            FieldKind::Code => code::MAX,
        }
    }

    fn is_secret(self) -> bool {
        matches!(self, FieldKind::Password | FieldKind::Code)
    }
}

impl TryFrom<Settings> for CollectInformation {
    type Error = String;

    fn try_from(settings: Settings) -> Result<Self, String> {
        let mut names = BTreeSet::new();
        for field in &settings.fields {
            if !is_field_name(&field.name) {
                return Err(format!("field {:?}: a name must be {}", field.name, domain::ids::WORD_RULE));
            }
            if !names.insert(&field.name) {
                return Err(format!("field {:?} is listed twice", field.name));
            }
        }
        if names.is_empty() {
            return Err("there are no fields: name at least one".into());
        }
        Ok(Self { fields: settings.fields })
    }
}

impl Field {
    /// The value of an input, or the problem with it.
    fn accept(&self, entered: Option<&SecretString>) -> Result<Option<SecretString>, FieldProblem> {
        let text = entered.map_or("", |entered| entered.expose_secret());
        let bare = code::bare(text);
        let text = match self.kind {
            // Sent to the provider byte for byte.
            FieldKind::Password => text,
            FieldKind::Code => bare.expose_secret(),
            // Blanks around an address or name are typing errors.
            FieldKind::Text | FieldKind::Email => text.trim(),
        };
        if text.is_empty() {
            return if self.required { Err(FieldProblem::Required) } else { Ok(None) };
        }
        if text.len() > self.kind.max() {
            return Err(FieldProblem::TooLong);
        }
        if self.kind == FieldKind::Email && !looks_like_email(text) {
            return Err(FieldProblem::NotAnEmail);
        }
        Ok(Some(text.into()))
    }
}

/// One `@` with text on both sides, and no blanks or control characters. Only a mail can prove that the address exists.
fn looks_like_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    !local.is_empty()
        && !domain.is_empty()
        && !domain.contains('@')
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

#[async_trait]
impl Step for CollectInformation {
    fn shape(&self) -> Shape {
        let output = |field: &Field| Output { name: field.name.clone(), secret: field.kind.is_secret() };
        Shape {
            endings: vec![
                Ending::new("submitted").with_outputs(self.fields.iter().map(output).collect()),
                Ending::new("cancelled"),
            ],
            client_facing: true,
            ..Shape::default()
        }
    }

    async fn enter(&self, _cx: &mut StepCx<'_>) -> Result<Flow, StepError> {
        Ok(Flow::Ask)
    }

    async fn submit(&self, cx: &mut StepCx<'_>, response: &SubmitRequest) -> Result<Flow, StepError> {
        match response.option.as_str() {
            "submit" => {}
            "cancel" => return Ok(cx.session().cancelled()),
            _ => return Ok(Flow::unknown_option()),
        }
        let unknown = response.data.keys().filter(|name| !self.fields.iter().any(|field| field.name == **name));
        let mut errors: Vec<_> = unknown.map(|name| FieldError::new(name, FieldProblem::Unknown)).collect();
        let mut accepted = Vec::new();
        for field in &self.fields {
            match field.accept(response.data.get(&field.name)) {
                Ok(value) => accepted.push((field, value)),
                Err(problem) => errors.push(FieldError::new(&field.name, problem)),
            }
        }
        if !errors.is_empty() {
            return Ok(Flow::Invalid(errors));
        }
        for (field, value) in accepted {
            match (field.kind.is_secret(), value) {
                (true, value) => cx.values().set_secret(&field.name, value.unwrap_or_default()),
                (false, Some(value)) => cx.values().set(&field.name, value.expose_secret()),
                // Set to null, so that a later step can read it and does not see the input of an earlier visit.
                (false, None) => cx.values().set(&field.name, serde_json::Value::Null),
            }
        }
        Ok(Flow::Done("submitted"))
    }

    async fn view(&self, _cx: &ViewCx<'_>) -> Result<StepView, StepError> {
        let field = |field: &Field| {
            json!({
                "name": field.name,
                "type": field.kind.as_str(),
                "label": field.label.0,
                "required": field.required,
                "autocomplete": field.autocomplete,
            })
        };
        Ok(StepView {
            kind: TYPE.name,
            data: json!({ "fields": self.fields.iter().map(field).collect::<Vec<_>>() }),
            options: vec![OptionView::SUBMIT, OptionView::CANCEL],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: FieldKind, required: bool) -> Field {
        let label = TextId::try_from("field.email".to_owned()).unwrap();
        Field { name: "f".into(), kind, label, required, autocomplete: None }
    }

    fn accept(kind: FieldKind, text: &str) -> Result<Option<String>, FieldProblem> {
        let accepted = field(kind, true).accept(Some(&text.into()))?;
        Ok(accepted.map(|value| value.expose_secret().to_owned()))
    }

    #[test]
    fn a_password_is_passed_on_byte_for_byte() {
        for password in ["  blanks  ", "nul\0inside", "ü\u{308}🦀", &"x".repeat(4096)] {
            assert_eq!(accept(FieldKind::Password, password), Ok(Some(password.to_owned())));
        }
        assert_eq!(accept(FieldKind::Password, &"x".repeat(4097)), Err(FieldProblem::TooLong));
    }

    #[test]
    fn a_code_is_passed_on_without_blanks() {
        assert_eq!(accept(FieldKind::Code, " 123 456\t"), Ok(Some("123456".to_owned())));
        assert_eq!(accept(FieldKind::Code, "  "), Err(FieldProblem::Required));
        assert_eq!(accept(FieldKind::Code, &"1".repeat(65)), Err(FieldProblem::TooLong));
    }

    #[test]
    fn an_email_is_trimmed_and_has_two_parts() {
        assert_eq!(accept(FieldKind::Email, " ada@example.org "), Ok(Some("ada@example.org".into())));
        for bad in ["ada", "@example.org", "ada@", "a@b@c", "a b@c", "a\0@c"] {
            assert_eq!(accept(FieldKind::Email, bad), Err(FieldProblem::NotAnEmail), "{bad}");
        }
    }

    #[test]
    fn a_required_field_must_not_be_empty() {
        assert!(matches!(field(FieldKind::Text, true).accept(None), Err(FieldProblem::Required)));
        assert_eq!(accept(FieldKind::Text, "  "), Err(FieldProblem::Required));
        assert!(matches!(field(FieldKind::Text, false).accept(None), Ok(None)));
    }
}
