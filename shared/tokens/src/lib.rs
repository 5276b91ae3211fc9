//! Our own issuer: its clients, its keys, the codes it gives, the tokens it signs, and how to verify them.
//!
//! **Must not know**: journeys, providers, HTTP. A grant takes what the client showed and answers with tokens; `issuer`
//! (the function) turns that into HTTP.
//!
//! **To add one more grant**: one file beside [`grants`], one arm in [`Issuer::exchange`]. One more kind of key: a
//! [`KeyKind`] and its slot in [`Keys`]; `landfall keys` makes and rotates it ([`Ring`]).

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
