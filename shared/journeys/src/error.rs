use domain::{Code, ErrorAnswer, FieldError, FieldProblem, SecretError};
use store::StoreError;
use tokens::{ClientError, KeyError};

use crate::SessionView;

/// A request to the engine failed.
#[derive(Debug, thiserror::Error)]
pub enum JourneyError {
    /// The request is refused. Nothing changed.
    #[error("{0}")]
    Refused(Code),
    /// The redirect's `state` is unknown, used or too late. Nothing changed.
    #[error("{}", Code::RedirectExpired)]
    Expired {
        /// The application's own address, if the session is known.
        back: Option<String>,
    },
    /// Fields of the input, or parameters of the start, are invalid. Nothing changed.
    #[error("{0}")]
    Fields(Code, Vec<FieldError>),
    /// A member of the authorization request, or its value, is not supported. Nothing changed.
    #[error("{code}: request.{member}: {problem}")]
    Member {
        /// The error code.
        code: Code,
        /// The member's name.
        member: &'static str,
        /// The problem and the advice.
        problem: &'static str,
    },
    /// The session waits for something else; the view shows it. Nothing changed.
    #[error("{0}")]
    Conflict(Code, Box<SessionView>),
    /// There were too many attempts at an account. Nothing changed.
    #[error("too many attempts")]
    TooManyAttempts {
        /// Seconds until the next attempt is allowed.
        retry_after: u32,
    },
    /// DynamoDB.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A client's secret cannot be read.
    #[error(transparent)]
    Secret(SecretError),
    /// The session key cannot be read.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// Other requests wrote the same items in every attempt.
    #[error("other requests keep writing the same user's items")]
    Contended,
    /// A stored document or session is inconsistent.
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

impl From<JourneyError> for ErrorAnswer {
    fn from(error: JourneyError) -> Self {
        match error {
            JourneyError::Refused(code) => code.into(),
            JourneyError::Expired { back } => Self { back, ..Code::RedirectExpired.into() },
            JourneyError::Fields(code, fields) => Self { fields, ..code.into() },
            JourneyError::Member { code, member, problem } => Self {
                detail: Some(format!("request.{member}: {problem}")),
                fields: vec![FieldError::new(member, FieldProblem::Unsupported)],
                ..code.into()
            },
            JourneyError::Conflict(code, view) => {
                Self { view: serde_json::to_value(view).ok().map(Box::new), ..code.into() }
            }
            JourneyError::TooManyAttempts { retry_after } => {
                Self { retry_after: Some(retry_after), ..Code::TooManyAttempts.into() }
            }
            JourneyError::Store(error) => error.into(),
            JourneyError::Secret(error) => error.into(),
            JourneyError::Keys(error) => error.into(),
            JourneyError::Contended => Self::unavailable(error),
            JourneyError::Broken(_) => Self::with_reason(Code::Internal, error),
        }
    }
}
