use domain::{Code, ErrorAnswer};

/// Why a store call failed. A lost race is not an error: each method has its own result for it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB did not answer in time, throttled the call, or failed. The request may be repeated.
    #[error("DynamoDB did not answer {operation}: {reason}")]
    Unavailable {
        /// The call.
        operation: &'static str,
        /// The SDK's name for the error; never contains item data.
        reason: String,
    },
    /// DynamoDB refused the call: a missing table or permission, or an error in Landfall.
    #[error("DynamoDB refused {operation}: {reason}")]
    Refused {
        /// The call.
        operation: &'static str,
        /// The error's code.
        reason: String,
    },
    /// A stored item cannot be decoded.
    #[error("a stored {item} cannot be read: {reason}")]
    Corrupt {
        /// The kind of item.
        item: &'static str,
        /// The problem, by attribute.
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
