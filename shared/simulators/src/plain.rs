//! A textbook OpenID Connect provider, without a quirk: what OpenID Connect Core 1.0, Discovery 1.0, RFC 6749, RFC 7636
//! and RFC 9207 say, and nothing else. It knows the redirect only, and its issuer is its address.

use crate::core::{Quirks, Simulator, Standard, by_redirect};

/// How it is made.
pub const SIMULATOR: Simulator = by_redirect::<Textbook>("oidc");

/// A simulated textbook provider. Clones are the same server.
pub type Plain = Standard<Textbook>;

/// No quirks.
#[derive(Debug)]
pub struct Textbook;

impl Quirks for Textbook {}
