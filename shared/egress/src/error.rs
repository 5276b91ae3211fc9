//! What may go wrong on the way out.

/// A call that brought no answer, cut by what its caller can do about it. Never has the text of what was sent or
/// received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    /// Nothing was sent: the URL leads where we do not go. Whoever wrote the URL has to act.
    #[error("refused to call this address: {0}")]
    Refused(Refusal),
    /// The deadline passed. What was sent, if there was time to, may have arrived: only what is harmless twice may be sent again.
    #[error("no answer before the deadline")]
    Timeout,
    /// Nothing was sent: no connection (name not found, refused). May be tried again.
    #[error("no connection")]
    Connect,
    /// Nothing was sent, and no connection was tried: the host has not answered several calls in a row. Trying again at
    /// once comes to the same.
    #[error("the host is left alone")]
    LeftAlone,
    /// Nothing was sent: whoever answers has a certificate that is not trusted, has expired, or is for another name.
    #[error("the certificate is not trusted")]
    Tls,
    /// The connection broke after the request went out: the outcome is unknown. Only what is harmless twice may be sent
    /// again.
    #[error("the connection broke before the answer was complete")]
    Interrupted,
    /// The answer is larger than [`crate::BODY_LIMIT`]; it was not read to its end.
    #[error("the answer is too large")]
    BodyTooLarge,
    /// The HTTP client could not be set up: a mistake of ours.
    #[error("the HTTP client could not be set up")]
    Setup,
}

/// Why an address is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Neither https nor, locally, http.
    #[error("its scheme is not https")]
    Scheme,
    /// The URL has a user name or a password in it: it would be sent, and logged by others.
    #[error("it carries a user name or password")]
    Credentials,
    /// It is, or its name resolves to, an address that is not public, nor in a network that was named.
    #[error("it is not a public address")]
    Address,
    /// Its port belongs to another service: neither 443 nor above 1023.
    #[error("its port is not one that https is served at")]
    Port,
}

impl EgressError {
    /// One stable word for logs.
    pub fn as_str(self) -> &'static str {
        match self {
            EgressError::Refused(_) => "refused",
            EgressError::Timeout => "timeout",
            // Its line says besides that the circuit is open.
            EgressError::Connect | EgressError::LeftAlone => "connect",
            EgressError::Tls => "tls",
            EgressError::Interrupted => "interrupted",
            EgressError::BodyTooLarge => "body_too_large",
            EgressError::Setup => "setup",
        }
    }
}
