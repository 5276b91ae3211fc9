use domain::{Code, ErrorAnswer};

/// Why the store could not do what it was asked. A lost race is no error: each method answers it by name.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB did not answer in time, throttled, or failed: the request may be repeated.
    #[error("DynamoDB does not answer {operation}: {reason}")]
    Unavailable {
        /// Which call.
        operation: &'static str,
        /// The SDK's word for it, which never holds item data.
        reason: String,
    },
    /// DynamoDB refused the call itself: a missing table or permission, or a mistake of ours.
    #[error("DynamoDB refused {operation}: {reason}")]
    Refused {
        /// Which call.
        operation: &'static str,
        /// The error's code.
        reason: String,
    },
    /// An item is not what its codec wrote.
    #[error("a stored {item} cannot be read: {reason}")]
    Corrupt {
        /// Which kind of item.
        item: &'static str,
        /// What is wrong, by attribute.
        reason: String,
    },
}

impl From<StoreError> for ErrorAnswer {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Unavailable { .. } => Self::unavailable(error),
            StoreError::Refused { .. } | StoreError::Corrupt { .. } => Self::with_reason(Code::Internal, error),
        }
    }
}
