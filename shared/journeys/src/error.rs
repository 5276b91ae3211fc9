use domain::{Code, ErrorAnswer, FieldError, FieldProblem, SecretError};
use store::StoreError;
use tokens::{ClientError, KeyError};

use crate::SessionView;

/// A request did not become a view.
#[derive(Debug, thiserror::Error)]
pub enum JourneyError {
    /// The client did something that is refused. Nothing changed.
    #[error("{0}")]
    Refused(Code),
    /// What a browser brought back from a provider is unknown, spent or too late. Nothing changed.
    #[error("{}", Code::RedirectExpired)]
    Expired {
        /// The application's own address, if the session is known.
        back: Option<String>,
    },
    /// Fields of the input, or parameters of the start, do not fit. Nothing changed.
    #[error("{0}")]
    Fields(Code, Vec<FieldError>),
    /// A member of the authorization request is not supported, or not with this value. Nothing changed.
    #[error("{code}: request.{member}: {problem}")]
    Member {
        /// How it is refused.
        code: Code,
        /// Its name.
        member: &'static str,
        /// What is wrong, and what would be right.
        problem: &'static str,
    },
    /// The session waits for something else, shown in the view. Nothing changed.
    #[error("{0}")]
    Conflict(Code, Box<SessionView>),
    /// An account's secret has been tried too often. Nothing changed.
    #[error("too many attempts")]
    TooManyAttempts {
        /// After how many seconds there is another.
        retry_after: u32,
    },
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
