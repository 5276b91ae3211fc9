//! Recognises users by their links, and provisions them when they first sign in.
//!
//! **Must not know**: providers, journeys, the storage of sessions. It reads, decides, and returns *planned* writes.
//! The engine commits them together with the session, so that a user exists if and only if the login that created it
//! does.
//!
//! **To add one more decision** (linking on proof, matching imported users): one function beside
//! [`Directory::provision`] in its own file, which returns [`store::DirectoryWrite`]s. It must keep these rules: an
//! account is linked only with proof; once it is linked, only the link decides, never the claims.

mod notify;
mod provision;

pub use notify::Notified;
pub use provision::{Directory, Provisioned};
