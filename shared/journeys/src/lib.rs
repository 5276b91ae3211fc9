//! Journeys: what a document means, and the engine that runs sessions through it.
//!
//! **Must not know**: HTTP, and which provider is which (an adapter is an adapter). Steps never name each other: a step
//! ends with an outcome, and only the document says where each outcome leads.
//!
//! **To add one more step**: one file in `steps/`, with its settings, its [`Step`] implementation and a `TYPE`; one line
//! in [`steps::TYPES`]. Its [`Shape`] declares what it reads, leaves and may end with, and validation does the rest.

mod compile;
mod connectors;
mod cx;
mod document_error;
mod engine;
mod error;
mod library;
mod outcome;
mod paths;
mod shape;
mod step;
pub mod steps;
mod view;

pub use compile::Journey;
pub use connectors::{ConnectorError, Connectors};
pub use cx::{DirectoryCx, ProviderCx, SessionCx, StepCx, Usable, ValuesCx, ViewCx};
pub use document_error::{DocumentError, Problem};
pub use engine::{Journeys, Limits, Parts, ResumeRequest, StartRequest};
pub use error::{FieldError, FieldProblem, JourneyError};
pub use library::{Connector, Library};
pub use outcome::unusable;
pub use shape::{Ending, Outcome, Output, Read, Shape};
pub use step::{Flow, Step, StepError, SubmitRequest};
pub use view::{Completion, OptionKind, OptionView, RedirectView, Rejection, SessionView, StepView, ViewStatus};
