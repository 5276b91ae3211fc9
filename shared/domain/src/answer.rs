//! The answer of an error to the client. The error's own crate chooses it; only `web` writes it to the response.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::{Code, SecretError};

/// The answer of an error to the client.
#[derive(Clone)]
pub struct ErrorAnswer {
    /// The stable code.
    pub code: Code,
    /// The cause, for the log only.
    pub reason: Option<String>,
    /// What is wrong in a document or a request, and where.
    pub detail: Option<String>,
    /// The invalid fields.
    pub fields: Vec<FieldError>,
    /// The session's current view.
    pub view: Option<Box<Value>>,
    /// Seconds until the client may try again.
    pub retry_after: Option<u32>,
    /// The address of the application, for a link on an error page.
    pub back: Option<String>,
}

/// Seconds until the client may try again after an outage.
const OUTAGE_RETRY_AFTER: u32 = 2;

impl ErrorAnswer {
    /// A code with its cause for the log.
    pub fn with_reason(code: Code, reason: impl ToString) -> Self {
        Self { reason: Some(reason.to_string()), ..code.into() }
    }

    /// A service is temporarily unavailable.
    pub fn unavailable(reason: impl ToString) -> Self {
        Self { retry_after: Some(OUTAGE_RETRY_AFTER), ..Self::with_reason(Code::Unavailable, reason) }
    }
}

impl From<Code> for ErrorAnswer {
    fn from(code: Code) -> Self {
        Self { code, reason: None, detail: None, fields: Vec::new(), view: None, retry_after: None, back: None }
    }
}

impl From<SecretError> for ErrorAnswer {
    fn from(error: SecretError) -> Self {
        match &error {
            SecretError::Unavailable(_) => Self::unavailable(error),
            SecretError::Unknown(_) => Self::with_reason(Code::Internal, error),
        }
    }
}

impl fmt::Debug for ErrorAnswer {
    // `detail` may quote a document, and a view may hold a `state`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorAnswer").field("code", &self.code).field("reason", &self.reason).finish_non_exhaustive()
    }
}

/// One invalid field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field's name.
    pub name: String,
    /// The problem.
    pub code: FieldProblem,
}

/// The problem with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldProblem {
    /// It is missing.
    Required,
    /// It is longer than it may be.
    TooLong,
    /// It is not an e-mail address.
    NotAnEmail,
    /// There is no such field.
    Unknown,
    /// It has the wrong type, or is out of bounds.
    WrongType,
    /// The field, or its value, is known but not supported.
    Unsupported,
}

impl FieldError {
    /// `name` has `problem`.
    pub fn new(name: impl fmt::Display, code: FieldProblem) -> Self {
        Self { name: name.to_string(), code }
    }
}
