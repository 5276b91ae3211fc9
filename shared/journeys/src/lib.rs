//! Journeys: what a document means, and the engine that runs sessions through it.
//!
//! **Must not know**: HTTP, which provider is which (an adapter is an adapter), and which kinds of steps there are: it is
//! handed [`StepTypes`], and what a step may touch is [`StepCx`].
//!
//! **To add one more thing that steps may reach**: a method of the handle it belongs to in `cx/`, or one more handle. A
//! step itself goes into `shared/steps`.

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
