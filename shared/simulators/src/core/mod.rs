//! What simulated providers share: keys and signatures, forms and answers, ways to misbehave.

pub(crate) mod callback;
pub(crate) mod misbehaviour;
pub(crate) mod pkce;
pub(crate) mod server;
pub(crate) mod signer;
mod token_request;
pub(crate) mod wire;

pub use misbehaviour::{BadKey, Dress, KeySet, Misbehaviour, Published};
pub use signer::Algorithm;
pub use token_request::{ClientAuth, TokenRequest};

/// What can be called, counted, and made to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// The discovery document.
    Discovery,
    /// The key set.
    Keys,
    /// The token endpoint.
    Token,
    /// The userinfo endpoint.
    Userinfo,
    /// The authorization endpoint.
    Authorize,
    /// The forms of the login, and the pages after them.
    Login,
}
