//! What the client is shown.

use std::fmt;

use chrono::{DateTime, Utc};
use domain::secret::serialize_exposed;
use domain::{AuthorizationCode, Code, SessionId, SessionToken, StepId};
use serde::Serialize;
use serde_json::Value;
use url::Url;

/// A session as its client sees it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SessionView {
    /// Its id.
    #[schema(value_type = String, example = "ses_01JA0000000000000000000000")]
    pub session: SessionId,
    /// To be sent back with the next submit.
    pub turn: u32,
    /// Until when it is there at all.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: DateTime<Utc>,
    /// On start, and again whenever it rotates: from then on the only one that opens the session.
    #[serde(serialize_with = "serialize_exposed", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub session_token: Option<SessionToken>,
    /// What it waits for.
    pub status: ViewStatus,
    /// While `input_required` or `redirect`: what to show, and what else the user may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<CurrentStep>,
    /// While `redirect`: where the browser goes. Absent once it has been there, or when the provider is away: then only
    /// `resume` or the step's options lead on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<RedirectView>,
    /// When `completed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completion: Option<CompletionView>,
    /// When `rejected`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rejection: Option<RejectionView>,
    /// While `processing`: repeat the same submit, key and all, after this many seconds. With a `step.error`: the provider
    /// wants fewer calls, and another try may help then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

/// What a session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViewStatus {
    /// The answer to `step`.
    InputRequired,
    /// The browser, to come back from the provider, and `resume`.
    Redirect,
    /// Another request that is answering this turn.
    Processing,
    /// The application, to redeem the code.
    Completed,
    /// Nothing.
    Rejected,
}

/// The step a session waits on.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CurrentStep {
    /// Its id in the journey.
    #[schema(value_type = String)]
    pub id: StepId,
    /// What it is and asks.
    #[serde(flatten)]
    pub view: StepView,
    /// Why it is asked again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorView>,
}

/// What a step asks.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct StepView {
    /// The type of step: how to render it.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What to render, by type.
    #[schema(value_type = Object)]
    pub data: Value,
    /// What the user may do.
    pub options: Vec<OptionView>,
}

/// Where the browser goes.
#[derive(Clone, Serialize, utoipa::ToSchema)]
pub struct RedirectView {
    /// To be opened with GET, in this window or another of the same user.
    #[schema(value_type = String)]
    pub url: Url,
}

impl fmt::Debug for RedirectView {
    // The address has the state in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedirectView")
    }
}

/// Something the user may do.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct OptionView {
    /// To be sent back as `option`.
    pub id: &'static str,
    /// How to render it.
    pub kind: OptionKind,
}

impl OptionView {
    /// What was entered.
    pub const SUBMIT: Self = Self { id: "submit", kind: OptionKind::ClientInput };
    /// Nothing more.
    pub const CANCEL: Self = Self { id: "cancel", kind: OptionKind::Cancel };
    /// Another code.
    pub const RESEND: Self = Self { id: "resend", kind: OptionKind::Resend };
    /// The provider's page, once more.
    pub const RESTART: Self = Self { id: "restart", kind: OptionKind::Restart };
    /// What came back from there.
    pub const CALLBACK: Self = Self { id: "callback", kind: OptionKind::Callback };
}

/// How to render an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptionKind {
    /// Sends what was entered.
    ClientInput,
    /// Gives up.
    Cancel,
    /// Has the provider send another code.
    Resend,
    /// Goes to the provider again: what was begun there is void.
    Restart,
    /// Hands over what the application received at its own callback, all of it, as `data`.
    Callback,
}

/// Why a step is asked again.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ErrorView {
    /// A stable code.
    #[schema(value_type = String)]
    pub code: Code,
}

/// A signed-in user, to be fetched with the code.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CompletionView {
    /// `code`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// To be redeemed at the token endpoint, once; absent when it has been or is too old.
    #[serde(serialize_with = "serialize_exposed", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub code: Option<AuthorizationCode>,
    /// As in the request: to be repeated at the token endpoint.
    pub redirect_uri: String,
    /// Whether this login has created the user in Landfall's directory, or recognised them. Absent where the view is shown
    /// without the token in force.
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

/// The journey ended without a sign-in.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RejectionView {
    /// A stable code.
    #[schema(value_type = String)]
    pub code: Code,
    /// After how many seconds another try may help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}
