//! Errors in a journey document, for its author.

use std::fmt;

use domain::{Reference, Slot, StepId};

use crate::Outcome;
use crate::compile::MAX_STEPS;

/// A broken rule, and its place in the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct DocumentError {
    /// The path in the document: `steps.check.next.rejected`.
    pub place: String,
    /// The rule.
    pub problem: DocumentProblem,
}

/// The rules that a document may break.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentProblem {
    /// `format` is not 1.
    #[error("format {0} is not supported: use format 1")]
    Format(u32),
    /// There are too many steps.
    #[error("there are {0} steps: at most {MAX_STEPS} are allowed")]
    TooManySteps(usize),
    /// A parameter's name or default breaks its own rules.
    #[error("{0}")]
    Param(&'static str),
    /// `${params...}` would be ambiguous: the step's outputs or the journey's parameters.
    #[error("a step must not be called params: that name stands for the journey's parameters")]
    ReservedId,
    /// The step type does not exist.
    #[error("there is no step type {name:?}: use one of {known}")]
    UnknownType {
        /// The name in the document.
        name: String,
        /// The existing types.
        known: String,
    },
    /// The settings do not fit the step type.
    #[error("{0}")]
    Settings(String),
    /// `start` or a target names a step that does not exist.
    #[error("there is no step {0}")]
    UnknownStep(StepId),
    /// A base outcome has no target.
    #[error("the outcome {0:?} has no target: add it here")]
    NoTarget(Outcome),
    /// The step type does not have this outcome.
    #[error("the step never ends with {0:?}")]
    UnknownOutcome(String),
    /// No path leads to the step.
    #[error("no path from the start leads to this step")]
    Unreachable,
    /// Steps that could run in a loop forever.
    #[error("these steps form a loop that never asks the user anything: {}", Path(.0))]
    Loop(Vec<StepId>),
    /// The step stores an identity, but has no slot.
    #[error("this step stores an identity: name its slot with `as`")]
    NoSlot,
    /// The step has a slot, but stores no identity.
    #[error("this step stores no identity: remove `as`")]
    NeedlessSlot,
    /// No step stores an identity in this slot.
    #[error("no step stores an identity in the slot {0}")]
    UnknownSlot(Slot),
    /// The step does not exist, or its provider asks no question.
    #[error("there is no step {0} whose provider asks a question")]
    AsksNothing(StepId),
    /// On some path to the step, the question was not asked or is already answered.
    #[error("on some path to this step, no question of the step {0} is open")]
    NothingAsked(StepId),
    /// No step has this output, and no parameter has this name.
    #[error("{0} is neither an output of a step nor a declared parameter")]
    UnknownReference(Reference),
    /// On some path to the step, the value is not set.
    #[error("{0} is not set on every path to this step")]
    Unset(Reference),
    /// On some path to the step, the secret was not entered, or the user was asked something else after it.
    #[error(
        "{0} is not available on every path to this step: a secret is kept only until the user is next asked something"
    )]
    SecretUnset(Reference),
    /// On some path to the step, the slot has no identity.
    #[error("the slot {0} has no identity on some path to this step")]
    SlotUnset(Slot),
    /// On some path to the step, there is no user.
    #[error("there is no user on some path to this step")]
    NoUser,
    /// A secret is read by a setting that would store or log it.
    #[error("{0} is a secret input: only settings that take a secret may read it")]
    SecretExposed(Reference),
    /// A setting for a secret reads a stored value.
    #[error("{0} is not a secret input: this setting needs a field of type password or code")]
    NotSecret(Reference),
}

struct Path<'a>(&'a [StepId]);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.0.iter().map(StepId::as_str).collect();
        f.write_str(&ids.join(" -> "))
    }
}
