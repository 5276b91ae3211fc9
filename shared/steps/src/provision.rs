//! What finds or makes the user an identity belongs to.

pub(crate) mod provision_user;
