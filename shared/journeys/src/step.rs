//! The interface of steps.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use domain::{Code, FieldError, FieldProblem, ProviderOutcome, SubmitKey};
use secrecy::SecretString;
use serde::Deserialize;
use store::StoreError;
use tokens::KeyError;

use crate::{Outcome, Shape, StepCx, StepView, ViewCx};

/// A step with its settings.
#[async_trait]
pub trait Step: fmt::Debug + Send + Sync {
    /// Its reads, outputs and endings, according to its settings.
    fn shape(&self) -> Shape;

    /// Runs when the session enters the step.
    async fn enter(&self, cx: &mut StepCx<'_>) -> Result<Flow, StepError>;

    /// Runs when the client answers. Only for steps whose `enter` returns [`Flow::Ask`].
    async fn submit(&self, _cx: &mut StepCx<'_>, _response: &SubmitRequest) -> Result<Flow, StepError> {
        Err(StepError::Broken("this step does not ask the client"))
    }

    /// Runs when the client resumes after the step's redirect. Only for steps that redirect.
    async fn resume(&self, _cx: &mut StepCx<'_>, _returned: ProviderOutcome) -> Result<Flow, StepError> {
        Err(StepError::Broken("this step does not redirect"))
    }

    /// The view while the session waits at this step.
    async fn view(&self, _cx: &ViewCx<'_>) -> Result<StepView, StepError> {
        Err(StepError::Broken("this step does not ask the client"))
    }
}

/// What the engine does after a step ran.
#[derive(Debug)]
pub enum Flow {
    /// The session waits here for the client.
    Ask,
    /// The input is invalid: the turn does not change.
    Invalid(Vec<FieldError>),
    /// The step ended with this outcome.
    Done(Outcome),
    /// The journey ends, and its user is signed in.
    Complete,
    /// The journey ends without a sign-in.
    Reject(Code),
}

impl Flow {
    /// One field is invalid.
    pub fn invalid(name: impl fmt::Display, problem: FieldProblem) -> Self {
        Flow::Invalid(vec![FieldError::new(name, problem)])
    }

    /// The step has no such option.
    pub fn unknown_option() -> Self {
        Flow::invalid("option", FieldProblem::Unknown)
    }
}

/// A step failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A provider's answer failed validation. No journey can route it: the session ends with `identity_refused`.
    #[error("a provider's answer was refused")]
    Refused,
    /// The step cannot run, for example because a value is missing: the session ends with `journey_broken`.
    #[error("{0}")]
    Broken(&'static str),
    /// There were too many attempts at the account. The provider was not called, and the turn does not change.
    #[error("too many attempts")]
    TooManyAttempts {
        /// Seconds until the next attempt is allowed.
        retry_after: u32,
    },
    /// DynamoDB. The turn does not change.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<KeyError> for StepError {
    fn from(_: KeyError) -> Self {
        Self::Broken("the session key cannot be read")
    }
}

/// The body of a submit.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitRequest {
    /// The turn that it answers.
    pub turn: u32,
    /// A new random key for each submit; a repeat sends the same key. At least 128 bits: 32 to 128 characters of
    /// hexadecimal, or 22 to 128 of base64.
    #[schema(value_type = String)]
    pub key: SubmitKey,
    /// The chosen option of the step.
    pub option: String,
    /// The input by field. All of it is treated as secret, unless the step declares otherwise.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    pub data: BTreeMap<String, SecretString>,
}

impl fmt::Debug for SubmitRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmitRequest").field("turn", &self.turn).finish_non_exhaustive()
    }
}
