//! Journeys: compiling documents, and the engine that runs sessions through them.
//!
//! **Must not know**: HTTP, the kinds of providers (it only uses adapters), and the kinds of steps (it gets them as
//! [`StepTypes`]). Steps use the engine only through [`StepCx`].
//!
//! **To add one more function for steps**: a method of the fitting handle in `cx/`, or a new handle. Steps themselves
//! are in `shared/steps`.

mod compile;
mod cx;
mod document_error;
mod engine;
mod error;
mod library;
mod outcome;
mod paths;
mod shape;
mod step;
mod step_type;
mod view;

pub use compile::Journey;
pub use cx::{DirectoryCx, ProviderCx, SessionCx, StepCx, Usable, ValuesCx, ViewCx};
pub use document_error::{DocumentError, DocumentProblem};
pub use engine::{Callbacks, Journeys, ResumeRequest, StartRequest};
pub use error::JourneyError;
pub use outcome::unusable;
pub use shape::{Ending, Outcome, Output, Read, Shape};
pub use step::{Flow, Step, StepError, SubmitRequest};
pub use step_type::{InvalidSettings, StepType, StepTypes};
pub use view::{
    CompletionView, OptionKind, OptionView, RedirectView, RejectionView, SessionView, StepView, UserProvisioned,
    ViewStatus,
};
