//! What happens to users: recognise them by their links, provision them when they first sign in.
//!
//! **Must not know**: which provider asserted an identity, what a journey is, how a session is kept. It reads, decides,
//! and answers with *planned* writes; the engine commits them together with the session's advance, so
//! that a user never exists without the login that made them, nor the other way round.
//!
//! **To add one more decision** (linking on proof, matching imported users): one function beside
//! [`Directory::provision`] in a file of its own, answering with [`store::DirectoryWrite`]s. The rules it must keep: an
//! account is linked only on proof; once linked, the link decides, whatever the claims say.

mod provision;

pub use provision::{Directory, Provisioned};
