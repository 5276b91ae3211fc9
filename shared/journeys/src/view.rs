//! Views for the client.

use std::fmt;

use chrono::{DateTime, Utc};
use domain::secret::serialize_exposed;
use domain::{AuthorizationCode, Code, SessionId, SessionToken, StepId};
use serde::Serialize;
use serde_json::Value;
use url::Url;

/// The client's view of a session.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SessionView {
    /// The session id.
    #[schema(value_type = String, example = "ses_01JA0000000000000000000000")]
    pub session: SessionId,
    /// The number of the turn. Send it back with the next submit.
    pub turn: u32,
    /// When the session expires.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: DateTime<Utc>,
    /// The session token: on start, and whenever it rotates. From then on, only this token is valid.
    #[serde(serialize_with = "serialize_exposed", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub session_token: Option<SessionToken>,
    /// The status.
    pub status: ViewStatus,
    /// With `input_required` or `redirect`: the current step and the user's options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<CurrentStep>,
    /// With `redirect`: the URL for the browser. Absent after the browser has come back, or if the provider is
    /// unavailable. Then continue with `resume` or one of the step's options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<RedirectView>,
    /// With `completed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion: Option<CompletionView>,
    /// With `rejected`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejection: Option<RejectionView>,
    /// With `processing`: repeat the same submit, with the same key, after this many seconds. With a `step.error`: the
    /// provider limits calls; another attempt may succeed after this many seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

/// The status of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViewStatus {
    /// It waits for the answer to `step`.
    InputRequired,
    /// It waits for the browser to come back from the provider, and for `resume`.
    Redirect,
    /// Another request is answering this turn.
    Processing,
    /// The user is signed in: the application can redeem the code.
    Completed,
    /// The journey ended without a sign-in.
    Rejected,
}

/// The current step of a session.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CurrentStep {
    /// The step id in the journey.
    #[schema(value_type = String)]
    pub id: StepId,
    /// The step's own view.
    #[serde(flatten)]
    pub view: StepView,
    /// The last error, if the step asks again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorView>,
}

/// The view of a step.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct StepView {
    /// The step type, which decides how to render it.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The data to render; depends on the type.
    #[schema(value_type = Object)]
    pub data: Value,
    /// The user's options.
    pub options: Vec<OptionView>,
}

/// The redirect to a provider.
#[derive(Clone, Serialize, utoipa::ToSchema)]
pub struct RedirectView {
    /// Open it with GET, in this window or another one of the same user.
    #[schema(value_type = String)]
    pub url: Url,
}

impl fmt::Debug for RedirectView {
    // The URL contains the `state`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedirectView")
    }
}

/// An option of the user.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct OptionView {
    /// Send it back as `option`.
    pub id: &'static str,
    /// The kind, which decides how to render it.
    pub kind: OptionKind,
}

impl OptionView {
    /// Submits the input.
    pub const SUBMIT: Self = Self { id: "submit", kind: OptionKind::ClientInput };
    /// Cancels.
    pub const CANCEL: Self = Self { id: "cancel", kind: OptionKind::Cancel };
    /// Requests another code.
    pub const RESEND: Self = Self { id: "resend", kind: OptionKind::Resend };
    /// Asks the provider whether the user has confirmed.
    pub const POLL: Self = Self { id: "poll", kind: OptionKind::Poll };
    /// Opens the provider's page again.
    pub const RESTART: Self = Self { id: "restart", kind: OptionKind::Restart };
    /// Passes on the provider's callback.
    pub const CALLBACK: Self = Self { id: "callback", kind: OptionKind::Callback };
}

/// The kind of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptionKind {
    /// Submits the input.
    ClientInput,
    /// Cancels the journey.
    Cancel,
    /// The provider sends another code.
    Resend,
    /// Asks again whether the user has confirmed on another device: not more often than the challenge's `every`, in
    /// seconds.
    Poll,
    /// Starts a new redirect to the provider; the earlier one becomes invalid.
    Restart,
    /// Passes on all parameters that the application received at its own callback, as `data`.
    Callback,
}

/// The error of a step that asks again.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ErrorView {
    /// A stable code.
    #[schema(value_type = String)]
    pub code: Code,
}

/// The result of a sign-in.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CompletionView {
    /// `code`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Redeem it once at the token endpoint. Absent if it is used or expired.
    #[serde(serialize_with = "serialize_exposed", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub code: Option<AuthorizationCode>,
    /// The redirect URI from the request. Send it again to the token endpoint.
    pub redirect_uri: String,
    /// Whether this login created the user in Landfall's directory or recognised them. Absent in a view without the
    /// session token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioned: Option<UserProvisioned>,
}

/// How a completed login found its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserProvisioned {
    /// This was the user's first login: they were created.
    Created,
    /// The user has been here before.
    Recognised,
}

/// The result of a journey without a sign-in.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RejectionView {
    /// A stable code.
    #[schema(value_type = String)]
    pub code: Code,
    /// Seconds until another attempt may succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}
