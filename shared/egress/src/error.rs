//! Errors of outbound calls.

/// A call without an answer, by what the caller can do about it. Never contains what was sent or received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// Nothing was sent: the address is forbidden. The author of the URL must change it.
    #[error("refused to call this address: {0}")]
    Refused(Refusal),
    /// The deadline passed. The request may have arrived: only an idempotent request may be sent again.
    #[error("no answer before the deadline")]
    Timeout,
    /// Nothing was sent: no connection (name not found, refused). The call may be repeated.
    #[error("no connection")]
    Connect,
    /// Nothing was sent, and no connection was opened: the circuit is open after several calls without an answer. An
    /// immediate repeat fails too.
    #[error("the circuit is open: the host did not answer the last calls")]
    CircuitOpen,
    /// Nothing was sent: the server's certificate is not trusted, has expired, or is for another name.
    #[error("the certificate is not trusted")]
    Tls,
    /// The connection broke after the request was sent: the outcome is unknown. Only an idempotent request may be sent
    /// again.
    #[error("the connection broke before the answer was complete")]
    Interrupted,
    /// The answer is larger than [`crate::BODY_LIMIT`].
    #[error("the answer is too large")]
    BodyTooLarge,
    /// The HTTP client could not be created: an error in Landfall.
    #[error("the HTTP client could not be set up")]
    Setup,
}

/// Why a URL is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The scheme is not https (or http on this machine).
    #[error("its scheme is not https")]
    Scheme,
    /// The URL contains a user name or password, which others would log.
    #[error("it carries a user name or password")]
    Credentials,
    /// The address, or one to which the name resolves, is neither public nor in a listed network.
    #[error("it is not a public address")]
    Address,
    /// The port is neither 443 nor above 1023: it belongs to another service.
    #[error("its port is neither 443 nor above 1023")]
    Port,
}

impl EgressError {
    /// A stable name for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            EgressError::Refused(_) => "refused",
            EgressError::Timeout => "timeout",
            // The log line also has `circuit: open`.
            EgressError::Connect | EgressError::CircuitOpen => "connect",
            EgressError::Tls => "tls",
            EgressError::Interrupted => "interrupted",
            EgressError::BodyTooLarge => "body_too_large",
            EgressError::Setup => "setup",
        }
    }
}
