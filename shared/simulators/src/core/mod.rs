//! What simulated providers share: keys and signatures, forms and answers, ways to misbehave.

#[cfg(test)]
pub(crate) mod bench;
mod browser;
pub(crate) mod callback;
pub(crate) mod client_key;
mod direct;
mod html;
pub(crate) mod key_ring;
pub(crate) mod misbehaviour;
pub(crate) mod pkce;
pub(crate) mod server;
pub(crate) mod signer;
mod standard;
mod subject;
mod token_request;
pub(crate) mod wire;

pub use browser::{Browser, Page, Return, Shown};
pub use callback::Fields;
pub use client_key::SignedSecret;
pub(crate) use direct::{Desk, Open};
pub use direct::{Direct, DirectCall, Enrolled, SentCode, Standing};
pub use html::HtmlForm;
pub use misbehaviour::{BadIdToken, BadKey, Dress, KeySet, Misbehaviour, Published, bad_id_tokens};
pub use pkce::Pkce;
pub use signer::Algorithm;
pub(crate) use standard::by_redirect;
pub use standard::{ApiCall, Envelope, Quirks, Refused, Standard};
pub use subject::{Delivery, Make, OldKey, Person, Registration, Simulator, Subject};
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

impl Endpoint {
    pub(crate) const ALL: [Self; 6] =
        [Self::Discovery, Self::Keys, Self::Token, Self::Userinfo, Self::Authorize, Self::Login];
}
