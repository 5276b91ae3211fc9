//! Steps that ask the user for input.

pub(crate) mod choose_provider;
pub(crate) mod collect_information;
