use domain::{Expression, Reference};
use secrecy::SecretString;
use serde_json::Value;

use super::{StepCx, ViewCx};
use crate::StepError;

/// Values of earlier steps and outputs of a step: see [`StepCx::values`].
pub struct ValuesCx<'c, 'a>(pub(super) &'c mut StepCx<'a>);

impl ViewCx<'_> {
    /// The value of an expression.
    pub fn eval(&self, expression: &Expression) -> Result<Value, StepError> {
        let run = &self.session.run;
        let find = |reference: &Reference| match reference {
            Reference::Param(name) => run.params.get(name),
            Reference::Value { step, name } => run.values.get(step).and_then(|values| values.get(name)),
        };
        let value = expression.eval(find);
        value.map_err(|_| StepError::Broken("a setting reads a value that no step of this run has set"))
    }

    /// The value of an expression that must be text.
    pub fn eval_text(&self, expression: &Expression) -> Result<String, StepError> {
        self.eval_optional_text(expression)?.ok_or(NOT_TEXT)
    }

    /// The value of an expression that must be text or null (an empty field).
    pub fn eval_optional_text(&self, expression: &Expression) -> Result<Option<String>, StepError> {
        match self.eval(expression)? {
            Value::String(text) => Ok(Some(text)),
            Value::Null => Ok(None),
            _ => Err(NOT_TEXT),
        }
    }
}

const NOT_TEXT: StepError = StepError::Broken("a setting reads a value that is not text");

impl ValuesCx<'_, '_> {
    /// The value of an expression.
    pub fn eval(&self, expression: &Expression) -> Result<Value, StepError> {
        self.0.look().eval(expression)
    }

    /// The value of an expression that must be text.
    pub fn eval_text(&self, expression: &Expression) -> Result<String, StepError> {
        self.0.look().eval_text(expression)
    }

    /// A secret input from this request.
    pub fn secret(&self, reference: &Reference) -> Result<SecretString, StepError> {
        let secret = match reference {
            Reference::Value { step, name } => self.0.memory.secrets.get(&(step.clone(), name.clone())),
            Reference::Param(_) => None,
        };
        secret.cloned().ok_or(StepError::Broken("a setting reads a secret that was not entered in this request"))
    }

    /// Sets an output of this step.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        let values = self.0.memory.session.run.values.entry(self.0.here.clone()).or_default();
        values.insert(name.to_owned(), value.into());
    }

    /// Sets a secret output of this step. Only steps in the same request can read it.
    pub fn set_secret(&mut self, name: &str, value: SecretString) {
        self.0.memory.secrets.insert((self.0.here.clone(), name.to_owned()), value);
    }
}
