//! What a step is.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use domain::{Code, FieldError, FieldProblem, ProviderOutcome, SubmitKey};
use secrecy::SecretString;
use serde::Deserialize;
use store::StoreError;
use tokens::KeyError;

use crate::{Outcome, Shape, StepCx, StepView, ViewCx};

/// A kind of step, with its settings read.
#[async_trait]
pub trait Step: fmt::Debug + Send + Sync {
    /// What it reads, leaves and may end with, by its settings.
    fn shape(&self) -> Shape;

    /// The session has arrived here.
    async fn enter(&self, cx: &mut StepCx<'_>) -> Result<Flow, StepError>;

    /// The client has answered. Only steps whose `enter` asks are ever answered.
    async fn submit(&self, _cx: &mut StepCx<'_>, _response: &SubmitRequest) -> Result<Flow, StepError> {
        Err(StepError::Broken("this step asks nothing"))
    }

    /// The redirect that the step sent the browser on has come back, and the client with it. Only steps that hop are ever
    /// told.
    async fn resume(&self, _cx: &mut StepCx<'_>, _returned: ProviderOutcome) -> Result<Flow, StepError> {
        Err(StepError::Broken("this step sends no browser anywhere"))
    }

    /// What the client is shown while the session waits here.
    async fn view(&self, _cx: &ViewCx<'_>) -> Result<StepView, StepError> {
        Err(StepError::Broken("this step asks nothing"))
    }
}

/// What happens after a step did its part.
#[derive(Debug)]
pub enum Flow {
    /// The session waits here for the client.
    Ask,
    /// The input breaks rules of fields: the turn stays as it was.
    Invalid(Vec<FieldError>),
    /// The step is done.
    Done(Outcome),
    /// The journey is done, and its user signed in.
    Complete,
    /// The journey is over, without a sign-in.
    Reject(Code),
}

impl Flow {
    /// One field that does not fit.
    pub fn invalid(name: impl fmt::Display, problem: FieldProblem) -> Self {
        Flow::Invalid(vec![FieldError::new(name, problem)])
    }

    /// The step has no such option.
    pub fn unknown_option() -> Self {
        Flow::invalid("option", FieldProblem::Unknown)
    }
}

/// A step could not do its part.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A provider's answer failed validation: never routable, the session ends `identity_refused`.
    #[error("a provider's answer was refused")]
    Refused,
    /// The document reads what no earlier step of this run left: the session ends `journey_broken`.
    #[error("{0}")]
    Broken(&'static str),
    /// The account's secret has been tried too often, and the provider was not asked: the turn stays as it was.
    #[error("too many attempts")]
    TooManyAttempts {
        /// After how many seconds there is another.
        retry_after: u32,
    },
    /// DynamoDB: the turn stays as it was.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<KeyError> for StepError {
    fn from(_: KeyError) -> Self {
        Self::Broken("there is no key for this session")
    }
}

/// A submit's body.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubmitRequest {
    /// The turn it answers.
    pub turn: u32,
    /// Made anew for each submit, and sent again with a repeat of it: 128 random bits or more, as 22 to 128 characters
    /// of hexadecimal or base64.
    #[schema(value_type = String)]
    pub key: SubmitKey,
    /// Which of the step's options.
    pub option: String,
    /// What was entered, by field. All of it is taken for secret until a step says otherwise.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    pub data: BTreeMap<String, SecretString>,
}

impl fmt::Debug for SubmitRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmitRequest").field("turn", &self.turn).finish_non_exhaustive()
    }
}
