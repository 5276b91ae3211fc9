//! The declaration of a step for validation: its endings, reads and outputs.

use domain::{ConnectorId, Expression, Reference, Slot, StepId};

/// The name of an outcome: `authenticated`, `rejected.account_locked`. A dotted outcome refines its base; without an
/// own target, the base's target is used.
pub type Outcome = &'static str;

/// The declaration of a step.
#[derive(Debug, Default)]
pub struct Shape {
    /// All endings. Every outcome without a dot needs a target.
    pub endings: Vec<Ending>,
    /// Everything that the step reads.
    pub reads: Vec<Read>,
    /// The connectors that it names literally.
    pub connectors: Vec<ConnectorId>,
    /// Whether it waits for the client.
    pub client_facing: bool,
    /// Whether it plans writes. It runs again if the writes fail because of another request.
    pub plans: bool,
}

/// One ending of a step, and what is set then.
#[derive(Debug)]
pub struct Ending {
    /// The outcome.
    pub outcome: Outcome,
    /// The outputs that are set.
    pub outputs: Vec<Output>,
    /// Whether an identity is stored in the step's slot.
    pub identifies: bool,
    /// Whether the session has its user.
    pub finds_user: bool,
    /// Whether a client-facing step may end this way before it asks the client.
    pub at_once: bool,
    /// Whether a provider's question is open: one that the step started, or the one that it reads.
    pub asks: bool,
}

impl Ending {
    /// An ending without outputs.
    pub fn new(outcome: Outcome) -> Self {
        Self { outcome, outputs: Vec::new(), identifies: false, finds_user: false, at_once: false, asks: false }
    }

    /// With these outputs.
    pub fn with_outputs(self, outputs: Vec<Output>) -> Self {
        Self { outputs, ..self }
    }

    /// With an identity in the step's slot.
    pub fn identifying(self) -> Self {
        Self { identifies: true, ..self }
    }

    /// With the session's user.
    pub fn finding_user(self) -> Self {
        Self { finds_user: true, ..self }
    }

    /// With an open question of a provider.
    pub fn asking(self) -> Self {
        Self { asks: true, ..self }
    }

    /// May come before the client is asked.
    pub fn at_once(self) -> Self {
        Self { at_once: true, ..self }
    }
}

impl Shape {
    /// Whether it stores an identity, and so needs `as:`.
    pub fn identifies(&self) -> bool {
        self.endings.iter().any(|ending| ending.identifies)
    }

    /// The step whose open question it answers.
    pub fn answers(&self) -> Option<&StepId> {
        self.reads.iter().find_map(|read| match read {
            Read::Challenge(_, step) => Some(step),
            _ => None,
        })
    }

    /// All outputs that it may set.
    pub fn outputs(&self) -> impl Iterator<Item = &Output> {
        self.endings.iter().flat_map(|ending| &ending.outputs)
    }
}

/// Something that a step reads, with the name of the setting.
#[derive(Debug)]
pub enum Read {
    /// A value or parameter.
    Value(&'static str, Reference),
    /// A secret input.
    Secret(&'static str, Reference),
    /// An identity.
    Identity(&'static str, Slot),
    /// The open question of a step's provider.
    Challenge(&'static str, StepId),
    /// The user.
    User,
}

impl Read {
    /// The reads of an expression.
    pub fn of<'a>(setting: &'static str, expression: &'a Expression) -> impl Iterator<Item = Self> + use<'a> {
        expression.reads().iter().map(move |reference| Read::Value(setting, reference.clone()))
    }
}

/// An output of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Whether it is secret: kept only for this request, and readable only by settings for secrets.
    pub secret: bool,
}
