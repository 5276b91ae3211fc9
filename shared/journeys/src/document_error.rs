//! What can be wrong with a journey's document, said so that its author can mend it.

use std::fmt;

use domain::{Reference, Slot, StepId};

use crate::Outcome;
use crate::compile::MAX_STEPS;

/// A rule a document breaks, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct DocumentError {
    /// The path in the document: `steps.check.next.rejected`.
    pub place: String,
    /// The rule.
    pub problem: DocumentProblem,
}

/// What can be wrong with a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentProblem {
    /// `format` is not 1.
    #[error("this is format {0}; format 1 is understood")]
    Format(u32),
    /// More steps than a person can follow.
    #[error("there are {0} steps; {MAX_STEPS} are allowed")]
    TooManySteps(usize),
    /// A parameter's name or default breaks its own rules.
    #[error("{0}")]
    Param(&'static str),
    /// `${params...}` would name its outputs and the journey's parameters at once.
    #[error("a step cannot be called params: that is where parameters are read")]
    ReservedId,
    /// No such kind of step.
    #[error("there is no step type {name:?}; there are {known}")]
    UnknownType {
        /// What the document says.
        name: String,
        /// What there is.
        known: String,
    },
    /// The settings are not those of the kind of step.
    #[error("{0}")]
    Settings(String),
    /// `start`, or an outcome's target, names no step.
    #[error("there is no step {0}")]
    UnknownStep(StepId),
    /// A base outcome leads nowhere.
    #[error("the outcome {0:?} leads nowhere")]
    NoTarget(Outcome),
    /// The step never ends that way.
    #[error("the step never ends with {0:?}")]
    UnknownOutcome(String),
    /// No path leads there.
    #[error("no path from the start leads here")]
    Unreachable,
    /// Steps that could go round for ever.
    #[error("these steps form a loop that never asks the user anything: {}", Path(.0))]
    Loop(Vec<StepId>),
    /// The step leaves an identity, and the document does not say where.
    #[error("this step leaves an identity: say where with `as`")]
    NoSlot,
    /// The step leaves no identity.
    #[error("this step leaves no identity: `as` has no meaning here")]
    NeedlessSlot,
    /// No step leaves an identity there.
    #[error("no step leaves an identity in {0}")]
    UnknownSlot(Slot),
    /// The step is none whose provider asks anything.
    #[error("there is no step {0} whose provider asks anything")]
    AsksNothing(StepId),
    /// Some path leads there on which the user was not asked, or the question has been answered.
    #[error("on some path that leads here, nothing that {0} was asked is open")]
    NothingAsked(StepId),
    /// No step leaves that, no parameter is called that.
    #[error("{0} names nothing that a step leaves or `params` declares")]
    UnknownReference(Reference),
    /// Some path leads there on which nothing has left the value.
    #[error("{0} is not set on every path that leads here")]
    Unset(Reference),
    /// Some path leads there on which the secret was not entered, or the user has been asked something else since.
    #[error(
        "{0} is not at hand on every path that leads here: a secret is kept until the user is next asked something"
    )]
    SecretUnset(Reference),
    /// Some path leads there on which nothing has left an identity.
    #[error("no identity is in {0} on some path that leads here")]
    SlotUnset(Slot),
    /// Some path leads there on which no user was found.
    #[error("no user was found on some path that leads here")]
    NoUser,
    /// A secret where it would be stored or logged.
    #[error("{0} is a secret input: only settings that take a secret may read it")]
    SecretExposed(Reference),
    /// Something stored where a secret belongs.
    #[error("{0} is no secret input")]
    NotSecret(Reference),
}

struct Path<'a>(&'a [StepId]);

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.0.iter().map(StepId::as_str).collect();
        f.write_str(&ids.join(" -> "))
    }
}
