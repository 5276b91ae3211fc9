//! Our own issuer: its clients, keys, codes and tokens, and the verification of tokens.
//!
//! **Must not know**: journeys, providers, HTTP. A grant takes the client's request and returns tokens; the function
//! `issuer` maps them to HTTP.
//!
//! **To add one more grant**: one file beside [`grants`], one arm in [`Issuer::exchange`]. One more kind of key: a
//! [`KeyKind`] and its slot in [`Keys`]; `landfall keys` generates and rotates it ([`Ring`]).

pub mod clients;
pub mod derive;
pub mod grants;
pub mod issue;
pub mod keys;
pub mod ring;
pub mod verify;

pub use clients::{ClientCredentials, ClientError, Clients};
pub use grants::{GrantError, Issuer, TokenRequest, TokenResponse};
pub use issue::Lifetimes;
pub use keys::{KeyError, KeyKind, Keys, SessionKey};
pub use ring::Ring;
pub use verify::{Expected, TokenKind, VerifyError, verify};
