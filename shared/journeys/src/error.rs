use std::fmt;

use domain::{Code, SecretError};
use serde::Serialize;
use store::StoreError;
use tokens::{ClientError, KeyError};

use crate::SessionView;

/// A request did not become a view.
#[derive(Debug, thiserror::Error)]
pub enum JourneyError {
    /// The client did something that is refused. Nothing changed.
    #[error("{0}")]
    Refused(Code),
    /// Fields of the input, or parameters of the start, do not fit. Nothing changed.
    #[error("{0}")]
    Fields(Code, Vec<FieldError>),
    /// The session waits for something else, shown in the view. Nothing changed.
    #[error("{0}")]
    Conflict(Code, Box<SessionView>),
    /// DynamoDB.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A client's secret cannot be had.
    #[error(transparent)]
    Secret(SecretError),
    /// The session's key cannot be had.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// Other requests kept winning the race for the same items.
    #[error("too much contention for one user's items")]
    Contended,
    /// A stored document or session no longer makes sense to this code.
    #[error("{0}")]
    Broken(&'static str),
}

impl From<ClientError> for JourneyError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused(code) => JourneyError::Refused(code),
            ClientError::Store(error) => JourneyError::Store(error),
            ClientError::Secret(error) => JourneyError::Secret(error),
        }
    }
}

/// One field that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub code: FieldProblem,
}

/// What can be wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
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
}

impl FieldError {
    /// `name` has `problem`.
    pub fn new(name: impl fmt::Display, code: FieldProblem) -> Self {
        Self { name: name.to_string(), code }
    }
}
