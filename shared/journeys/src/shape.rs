//! What a step declares of itself, for validation: how it may end, what it reads, what it leaves.

use domain::{ConnectorId, Expression, Reference, Slot, StepId};

/// How a step ends: `authenticated`, `rejected.account_locked`. A dotted one refines its base and falls back to it.
pub type Outcome = &'static str;

/// What a step declares, for validation.
#[derive(Debug, Default)]
pub struct Shape {
    /// All the ways it may end. Every one without a dot needs a target.
    pub endings: Vec<Ending>,
    /// All it reads.
    pub reads: Vec<Read>,
    /// The connectors it names, as far as no expression does.
    pub connectors: Vec<ConnectorId>,
    /// Whether it waits for the client.
    pub client_facing: bool,
    /// Whether it plans writes, and so is tried again when they are lost to another request.
    pub plans: bool,
}

/// One way a step may end, and what it has left then.
#[derive(Debug)]
pub struct Ending {
    /// Its name.
    pub outcome: Outcome,
    /// The values it has left.
    pub leaves: Vec<Output>,
    /// Whether it has left an identity in its slot.
    pub identifies: bool,
    /// Whether the journey has its user from then on.
    pub finds_user: bool,
    /// Whether a step that waits for the client may end so before it has asked.
    pub at_once: bool,
    /// Whether a provider waits for an answer then: to what the step has begun, or to the question that it reads.
    pub asks: bool,
}

impl Ending {
    /// One that leaves nothing.
    pub fn new(outcome: Outcome) -> Self {
        Self { outcome, leaves: Vec::new(), identifies: false, finds_user: false, at_once: false, asks: false }
    }

    /// It leaves these values.
    pub fn leaving(self, leaves: Vec<Output>) -> Self {
        Self { leaves, ..self }
    }

    /// It leaves an identity.
    pub fn identifying(self) -> Self {
        Self { identifies: true, ..self }
    }

    /// It finds the user.
    pub fn finding_user(self) -> Self {
        Self { finds_user: true, ..self }
    }

    /// A provider waits for an answer.
    pub fn asking(self) -> Self {
        Self { asks: true, ..self }
    }

    /// It may come before the client was asked.
    pub fn at_once(self) -> Self {
        Self { at_once: true, ..self }
    }
}

impl Shape {
    /// Whether it leaves an identity, and so needs `as:`.
    pub fn identifies(&self) -> bool {
        self.endings.iter().any(|ending| ending.identifies)
    }

    /// The step whose provider's question it answers.
    pub fn answers(&self) -> Option<&StepId> {
        self.reads.iter().find_map(|read| match read {
            Read::Challenge(_, step) => Some(step),
            _ => None,
        })
    }

    /// All that it may leave.
    pub fn outputs(&self) -> impl Iterator<Item = &Output> {
        self.endings.iter().flat_map(|ending| &ending.leaves)
    }
}

/// Something a step reads, with the setting that says so.
#[derive(Debug)]
pub enum Read {
    /// A value or parameter.
    Value(&'static str, Reference),
    /// A secret input.
    Secret(&'static str, Reference),
    /// An identity.
    Identity(&'static str, Slot),
    /// What the provider of a step asks.
    Challenge(&'static str, StepId),
    /// The user.
    User,
}

impl Read {
    /// What an expression reads.
    pub fn of<'a>(setting: &'static str, expression: &'a Expression) -> impl Iterator<Item = Self> + use<'a> {
        expression.reads().iter().map(move |reference| Read::Value(setting, reference.clone()))
    }
}

/// A value a step leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Whether it is kept for this request only, and read by settings that take a secret only.
    pub secret: bool,
}
