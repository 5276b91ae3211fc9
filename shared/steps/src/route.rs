//! Steps that branch or end the journey.

pub(crate) mod complete;
pub(crate) mod condition;
pub(crate) mod reject;
