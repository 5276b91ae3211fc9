//! What a question shows of itself, and what its answer must be.

use domain::{Challenge, Choice, FieldProblem, Text};
use journeys::{Flow, SubmitRequest};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::code;

const CODE: &str = "code";
const CHOICE: &str = "choice";
const NEW_PASSWORD: &str = "new_password";
const CURRENT_PASSWORD: &str = "current_password";

/// The longest password, in bytes. It only prevents abuse.
const MAX_PASSWORD: usize = 4096;

/// The question, for clients that write their own text. What the provider calls a choice stays here.
pub(super) fn challenge(challenge: &Challenge) -> Value {
    match challenge {
        Challenge::Code { factor, digits, to, .. } => {
            json!({ "type": "code", "factor": factor, "digits": digits, "to": to })
        }
        Challenge::Choose { .. } => json!({ "type": "choose" }),
        Challenge::Wait { to, number, every } => json!({ "type": "wait", "to": to, "number": number, "every": every }),
        Challenge::NewPassword { .. } => json!({ "type": "new_password" }),
    }
}

/// What the user enters.
pub(super) fn fields(challenge: &Challenge) -> Vec<Value> {
    let field = |name: &str, kind: &str, autocomplete: &str| {
        let label = Text::find(&format!("field.{name}"));
        json!({ "name": name, "type": kind, "label": label, "required": true, "autocomplete": autocomplete })
    };
    match challenge {
        Challenge::Code { .. } => vec![field(CODE, "code", "one-time-code")],
        Challenge::Choose { choices } => {
            let choice = |(index, Choice { factor, to, .. }): (usize, &Choice)| {
                let label = Text::find(&format!("factor.{}", factor.as_str()));
                json!({ "value": (index + 1).to_string(), "factor": factor, "to": to, "label": label })
            };
            let mut field = field(CHOICE, "choice", "off");
            field["choices"] = choices.iter().enumerate().map(choice).collect();
            vec![field]
        }
        Challenge::Wait { .. } => Vec::new(),
        Challenge::NewPassword { current, .. } => {
            let current = current.then(|| field(CURRENT_PASSWORD, "password", "current-password"));
            current.into_iter().chain([field(NEW_PASSWORD, "password", "new-password")]).collect()
        }
    }
}

/// The code from a submit, which must contain nothing else.
pub(super) fn code(response: &SubmitRequest) -> Result<SecretString, Flow> {
    only(response, &[CODE])?;
    let typed = response.data.get(CODE).map(|typed| code::bare(typed.expose_secret())).unwrap_or_default();
    bounded(CODE, typed, code::MAX)
}

/// The choice from a submit.
pub(super) fn choice<'a>(response: &SubmitRequest, choices: &'a [Choice]) -> Result<&'a Choice, Flow> {
    only(response, &[CHOICE])?;
    let chosen = response.data.get(CHOICE).ok_or_else(|| Flow::invalid(CHOICE, FieldProblem::Required))?;
    let number = chosen.expose_secret().parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    number.and_then(|index| choices.get(index)).ok_or_else(|| Flow::invalid(CHOICE, FieldProblem::Unknown))
}

/// A new password, and the current one where it is asked for.
pub(super) struct Passwords {
    pub(super) new: SecretString,
    pub(super) current: Option<SecretString>,
}

/// The passwords from a submit, byte for byte as typed.
pub(super) fn passwords(response: &SubmitRequest, asks_current: bool) -> Result<Passwords, Flow> {
    let names: &[&str] = if asks_current { &[CURRENT_PASSWORD, NEW_PASSWORD] } else { &[NEW_PASSWORD] };
    only(response, names)?;
    let typed = |name: &'static str| bounded(name, response.data.get(name).cloned().unwrap_or_default(), MAX_PASSWORD);
    let current = asks_current.then(|| typed(CURRENT_PASSWORD)).transpose()?;
    Ok(Passwords { new: typed(NEW_PASSWORD)?, current })
}

fn only(response: &SubmitRequest, names: &[&str]) -> Result<(), Flow> {
    match response.data.keys().find(|name| !names.contains(&name.as_str())) {
        Some(unknown) => Err(Flow::invalid(unknown, FieldProblem::Unknown)),
        None => Ok(()),
    }
}

fn bounded(name: &str, typed: SecretString, max: usize) -> Result<SecretString, Flow> {
    match typed.expose_secret().len() {
        0 => Err(Flow::invalid(name, FieldProblem::Required)),
        length if length > max => Err(Flow::invalid(name, FieldProblem::TooLong)),
        _ => Ok(typed),
    }
}
