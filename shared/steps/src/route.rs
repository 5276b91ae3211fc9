//! What leads on, or ends the journey.

pub(crate) mod complete;
pub(crate) mod condition;
pub(crate) mod reject;
