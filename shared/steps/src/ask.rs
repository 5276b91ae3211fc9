//! What asks the user something of its own.

pub(crate) mod choose_provider;
pub(crate) mod collect_information;
