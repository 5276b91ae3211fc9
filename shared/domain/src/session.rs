//! One run of a journey.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::challenge::{Interaction, ProviderOutcome};
use crate::identity::IdentityKey;
use crate::{
    Claims, ClientId, Code, EndUser, ExternalIdentity, JourneyId, Method, Sealed, SecretHash, SessionId, Slot, StepId,
    UserId,
};

/// What is kept of what the application asked for: an OAuth authorization request (RFC 6749 section 4.1.1, OIDC Core
/// 3.1.2.1).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Which application.
    pub client_id: ClientId,
    /// Where the user goes afterwards; one of the client's (see [`Client::redirects_to`](crate::Client::redirects_to)).
    pub redirect_uri: String,
    /// `code` if given: nothing else is supported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_type: Option<String>,
    /// Space-separated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Comes back in the ID token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// RFC 7636: base64url(SHA-256(verifier)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_challenge: Option<String>,
    /// `S256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code_challenge_method: Option<String>,
    /// Who is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// Which connector is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idp_hint: Option<String>,
    /// Languages, preferred first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ui_locales: Option<String>,
    /// What the provider shall ask: `login`, `select_account`, `consent`; space-separated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// Which authentication contexts are wished for, preferred first; space-separated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr_values: Option<String>,
}

impl AuthorizationRequest {
    /// The scopes asked for.
    pub fn scopes(&self) -> impl Iterator<Item = &str> + Clone {
        self.scope.as_deref().unwrap_or_default().split(' ').filter(|scope| !scope.is_empty())
    }
}

impl fmt::Debug for AuthorizationRequest {
    // The nonce and hints are the application's own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// What the session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The answer to its current step.
    InputRequired,
    /// Nothing: a code is there to be redeemed, or has been.
    Completed,
    /// Nothing: it ended without a sign-in.
    Rejected,
}

impl Status {
    /// As it is stored and answered.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::InputRequired => "input_required",
            Status::Completed => "completed",
            Status::Rejected => "rejected",
        }
    }

    /// The status that is stored as `text`.
    pub fn find(text: &str) -> Option<Self> {
        [Status::InputRequired, Status::Completed, Status::Rejected].into_iter().find(|status| status.as_str() == text)
    }
}

/// A factor that was shown in this run. No expression can write one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Which factor.
    pub method: Method,
    /// Of whom. Not kept once the session is completed: all that are left are its user's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<IdentityKey>,
    /// When.
    pub at: DateTime<Utc>,
}

/// The user a session is about. No expression can write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionUser {
    /// Who.
    pub id: UserId,
    /// What tokens call them.
    pub subject: String,
    /// The account by which they were recognised: only its proofs speak for them. Not kept once completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<IdentityKey>,
    /// What tokens may say of them.
    #[serde(default, skip_serializing_if = "Claims::is_empty")]
    pub claims: Claims,
    /// Whether they were created in this session.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub created: bool,
}

/// What the last turn was answered with: a repeat with the same gets the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastAnswer {
    /// The token it was answered with.
    pub token: SecretHash,
    /// The key it was answered with.
    pub key: SecretHash,
}

/// A code that waits to be redeemed, or has been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssuedCode {
    /// Of the code.
    pub hash: SecretHash,
    /// Until when.
    pub expires_at: DateTime<Utc>,
    /// When it was redeemed: the session is then its tombstone.
    pub redeemed_at: Option<DateTime<Utc>>,
}

/// A redirect that the current turn waits for. Its first half ends when the provider's callback brings `state` back; the
/// second when the holder of the session's token brings `resume`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirect {
    /// The `state` of this hash has not come back.
    Out(SecretHash),
    /// It has come back and is spent; what came of it is not known yet.
    Taken,
    /// What came of it. Nothing is provisioned, linked or advanced before the second half.
    Returned(Sealed<ProviderOutcome>),
}

impl Redirect {
    /// Of the `state` that is out.
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
    /// Its id.
    pub id: SessionId,
    /// Until when it is there at all.
    pub expires_at: DateTime<Utc>,
    /// What it waits for.
    pub status: Status,
    /// The number of its current client-facing answer; 1 after the start.
    pub turn: u32,
    /// The step it stands on.
    pub step: StepId,
    /// Of the token in force.
    pub token: SecretHash,
    /// What the last turn was answered with; none before the first.
    pub answered: Option<LastAnswer>,
    /// The code, once completed.
    pub code: Option<IssuedCode>,
    /// When what the code gave was ended: it had come a second time, so two people have it (RFC 6749 section 4.1.2).
    pub revoked: Option<DateTime<Utc>>,
    /// The redirect it waits for.
    pub redirect: Option<Redirect>,
    /// What the application asked for.
    pub request: AuthorizationRequest,
    /// All that only the engine reads.
    pub run: Run,
}

/// What the engine keeps of a run between two turns.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The journey.
    pub journey: JourneyId,
    /// Its version, pinned at the start.
    pub version: u32,
    /// Steps taken so far.
    pub steps: u32,
    /// What the journey was started with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Value>,
    /// What steps left and a later step may still read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<StepId, BTreeMap<String, Value>>,
    /// The identities that providers have asserted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub identities: BTreeMap<Slot, Sealed<ExternalIdentity>>,
    /// Interactions that wait for the user, by the step that began them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pending: BTreeMap<StepId, Sealed<Interaction>>,
    /// Factors shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<Proof>,
    /// The user it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<SessionUser>,
    /// The last failure, for the current view; when rejected, why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Code>,
    /// When rejected, after how many seconds another try may help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
    /// The user behind an application's backend, as its authenticated client says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_user: Option<EndUser>,
}

impl fmt::Debug for Run {
    // What was entered, and what an application passed, describes a person.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("journey", &self.journey).field("steps", &self.steps).finish_non_exhaustive()
    }
}
