//! What an error answers its client: the crate that the error belongs to says it, and `web` alone writes it down.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::{Code, SecretError};

/// What an error answers its client.
#[derive(Clone)]
pub struct ErrorAnswer {
    /// What happened.
    pub code: Code,
    /// For the log alone.
    pub reason: Option<String>,
    /// What is wrong with a document or a request, and where in it.
    pub detail: Option<String>,
    /// Which fields do not fit.
    pub fields: Vec<FieldError>,
    /// Where the session stands, as its client sees it.
    pub view: Option<Box<Value>>,
    /// After how many seconds to try again.
    pub retry_after: Option<u32>,
    /// Where a person goes on from here: on pages alone.
    pub back: Option<String>,
}

/// Seconds until a service that was away may be back.
const SOON: u32 = 2;

impl ErrorAnswer {
    /// What the log says of it, too.
    pub fn because(code: Code, reason: impl ToString) -> Self {
        Self { reason: Some(reason.to_string()), ..code.into() }
    }

    /// Something that is expected back soon is away.
    pub fn unavailable(reason: impl ToString) -> Self {
        Self { retry_after: Some(SOON), ..Self::because(Code::Unavailable, reason) }
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
            SecretError::Unknown(_) => Self::because(Code::Internal, error),
        }
    }
}

impl fmt::Debug for ErrorAnswer {
    // A document quotes what it was made of, and a view may have a state in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrorAnswer").field("code", &self.code).field("reason", &self.reason).finish_non_exhaustive()
    }
}

/// One field that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub code: FieldProblem,
}

/// What can be wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldProblem {
    /// It is needed.
    Required,
    /// It is longer than it may be.
    TooLong,
    /// It is no e-mail address.
    NotAnEmail,
    /// There is no such field.
    Unknown,
    /// It is of another type, or beyond its bounds.
    WrongType,
    /// It is known, but not supported, or not with this value.
    Unsupported,
}

impl FieldError {
    /// `name` has `problem`.
    pub fn new(name: impl fmt::Display, code: FieldProblem) -> Self {
        Self { name: name.to_string(), code }
    }
}
