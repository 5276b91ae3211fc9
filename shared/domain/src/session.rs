//! A session: one run of a journey.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::challenge::{Interaction, ProviderOutcome};
use crate::identity::IdentityKey;
use crate::{
    Claims, ClientId, Code, EndUser, ExternalIdentity, Factor, JourneyId, Sealed, SecretHash, SessionId, Slot, StepId,
    UserId,
};

/// The application's authorization request, as far as it is stored (RFC 6749 section 4.1.1, OIDC Core 3.1.2.1).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// The application.
    pub client_id: ClientId,
    /// One of the client's redirect URIs (see [`Client::allows_redirect_uri`](crate::Client::allows_redirect_uri)).
    pub redirect_uri: String,
    /// `code` if present; no other value is supported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_type: Option<String>,
    /// The scopes, space-separated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The nonce for the ID token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// RFC 7636: base64url(SHA-256(verifier)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_challenge: Option<String>,
    /// `S256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_challenge_method: Option<String>,
    /// The expected user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// The expected connector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idp_hint: Option<String>,
    /// Languages, preferred first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ui_locales: Option<String>,
    /// What the provider must ask for: `login`, `select_account`, `consent`; space-separated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The requested authentication contexts, preferred first; space-separated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr_values: Option<String>,
}

impl AuthorizationRequest {
    /// The requested scopes.
    pub fn scopes(&self) -> impl Iterator<Item = &str> + Clone {
        self.scope.as_deref().unwrap_or_default().split(' ').filter(|scope| !scope.is_empty())
    }
}

impl fmt::Debug for AuthorizationRequest {
    // The nonce is secret and the hints are personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// The state of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It waits for the answer to its current step.
    InputRequired,
    /// The user is signed in: a code was issued.
    Completed,
    /// It ended without a sign-in.
    Rejected,
}

impl Status {
    /// The status as text, in storage and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::InputRequired => "input_required",
            Status::Completed => "completed",
            Status::Rejected => "rejected",
        }
    }

    /// The status with this text.
    pub fn find(text: &str) -> Option<Self> {
        [Status::InputRequired, Status::Completed, Status::Rejected].into_iter().find(|status| status.as_str() == text)
    }
}

/// A factor that the user has proven in this run. Expressions cannot write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The factor.
    pub factor: Factor,
    /// The account that it proves. Dropped once the session is completed: all remaining proofs are the user's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<IdentityKey>,
    /// The time of the proof.
    pub at: DateTime<Utc>,
}

/// The session's user. Expressions cannot write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionUser {
    /// The user's id.
    pub id: UserId,
    /// The `sub` in tokens.
    pub subject: String,
    /// The account that identified the user: only proofs of this account count. Dropped once the session is completed,
    /// unless its provider sends notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<IdentityKey>,
    /// When the provider asserted that account, if it sends notifications: one of them ends logins from before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notified_since: Option<DateTime<Utc>>,
    /// The claims for tokens.
    #[serde(default, skip_serializing_if = "Claims::is_empty")]
    pub claims: Claims,
    /// Whether they were created in this session.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub created: bool,
}

/// The token and key of the last turn's submit. A repeated submit with both gets the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastAnswer {
    /// The session token of that submit.
    pub token: SecretHash,
    /// The key of that submit.
    pub key: SecretHash,
}

/// An authorization code, unused or redeemed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuedCode {
    /// The hash of the code.
    pub hash: SecretHash,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
    /// When it was redeemed. The session is kept, so that a second use is detected.
    pub redeemed_at: Option<DateTime<Utc>>,
}

/// A redirect that the current turn waits for. Its first half ends when the provider's callback brings `state` back.
/// Its second half ends when the holder of the session token presents `resume`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirect {
    /// The `state` with this hash has not come back yet.
    Out(SecretHash),
    /// The `state` has come back and is used up. The outcome is not known yet.
    Taken,
    /// The outcome. Nothing is provisioned, linked or advanced before the second half.
    Returned(Sealed<ProviderOutcome>),
}

impl Redirect {
    /// The hash of the `state` that has not come back yet.
    pub fn out(&self) -> Option<&SecretHash> {
        match self {
            Redirect::Out(state) => Some(state),
            Redirect::Taken | Redirect::Returned(_) => None,
        }
    }
}

/// A session, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The session id.
    pub id: SessionId,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
    /// The status.
    pub status: Status,
    /// The number of the current view; 1 after the start.
    pub turn: u32,
    /// The current step.
    pub step: StepId,
    /// The hash of the current session token.
    pub token: SecretHash,
    /// The last turn's submit; none before the first.
    pub answered: Option<LastAnswer>,
    /// The code, once completed.
    pub code: Option<IssuedCode>,
    /// When the tokens were revoked: the code was presented a second time, so it may be stolen (RFC 6749 section
    /// 4.1.2).
    pub revoked: Option<DateTime<Utc>>,
    /// The redirect that it waits for.
    pub redirect: Option<Redirect>,
    /// The application's authorization request.
    pub request: AuthorizationRequest,
    /// The engine's own state.
    pub run: Run,
}

/// Parameters of a callback that a provider does not send again, by name.
pub type FirstOnly = BTreeMap<String, String>;

/// The engine's state between two turns.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The journey.
    pub journey: JourneyId,
    /// The journey's version, fixed at the start.
    pub version: u32,
    /// The number of steps so far.
    pub steps: u32,
    /// The journey's parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Value>,
    /// Values from earlier steps that a later step may read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<StepId, BTreeMap<String, Value>>,
    /// The identities that providers have asserted, by slot.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub identities: BTreeMap<Slot, Sealed<ExternalIdentity>>,
    /// Interactions that wait for the user, by step.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pending: BTreeMap<StepId, Sealed<Interaction>>,
    /// What a provider sends with the first callback of a user only, for another attempt. Sealed for its connector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_only: Option<Sealed<FirstOnly>>,
    /// The factors that the user has proven.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<Proof>,
    /// The user, once identified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<SessionUser>,
    /// The last failure, for the current view. If the session is rejected, the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Code>,
    /// If rejected: seconds until another attempt may succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// The end user behind an application's backend, as the authenticated client stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_user: Option<EndUser>,
}

impl fmt::Debug for Run {
    // Input and parameters are personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("journey", &self.journey).field("steps", &self.steps).finish_non_exhaustive()
    }
}
