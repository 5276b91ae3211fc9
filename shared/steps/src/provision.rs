//! Steps that find or create the user of an identity.

pub(crate) mod provision_user;
