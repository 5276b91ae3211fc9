//! The types that all crates share: ids, documents, sessions, users, identities, and the rules that need no I/O.
//!
//! **Must not know**: how anything is stored, fetched, signed or answered. No async runtime, no HTTP, no AWS. Time,
//! randomness and secrets are the ports [`Clock`], [`Entropy`] and [`SecretSource`]. `aws` implements them; tests use
//! [`FixedClock`] and [`SeededEntropy`].
//!
//! **To add one more**: each noun has a file named after it. A one-time or secret value gets its own type, whose
//! `Debug` prints only the type's name ([`secret`]). A confidential value that outlives a request is [`Sealed`]. A new
//! refusal is a variant of [`Code`].

pub mod answer;
pub mod cache;
pub mod challenge;
pub mod claims;
pub mod client;
pub mod code;
pub mod connector;
pub mod context;
pub mod email;
pub mod expression;
pub mod failure;
pub mod identity;
pub mod ids;
pub mod journey;
pub mod json;
pub mod networks;
pub mod notice;
pub mod ports;
pub mod sealed;
pub mod secret;
pub mod session;
pub mod tally;
pub mod text;
pub mod user;

pub use answer::{ErrorAnswer, FieldError, FieldProblem};
pub use cache::Cache;
pub use challenge::{Challenge, Channel, Choice, Factor, Interaction, Pending, ProviderOutcome};
pub use claims::{Claims, LeftOut, RawClaims, ReadClaims};
pub use client::{ApplicationType, Client, DirectApi, InvalidClient};
pub use code::Code;
pub use connector::{
    AssertionAlgorithm, AssertionAudience, ClientAuthMethod, ConnectorClient, ConnectorDocument, UpstreamPolicy,
};
pub use context::{ClientAddress, EndUser, RequestContext};
pub use expression::{Expression, Reference};
pub use failure::{Failure, Rejection, Unavailability};
pub use identity::{ExternalIdentity, IdentityKey, Method, MethodSet, UpstreamTokens};
pub use ids::{
    ClientId, ConnectorId, InvalidId, JourneyId, NotificationId, ProviderKind, RequestId, SessionId, Slot, Source,
    StepId, UserId,
};
pub use journey::{JourneyDocument, ParamDocument, ParamType, StepDocument};
pub use networks::{InvalidNetworks, NetworkFault, Networks, Reach};
pub use notice::{LatestNotice, Notice, NoticeKind, Notices};
pub use ports::{Clock, Entropy, FixedClock, SecretError, SecretName, SecretSource, SeededEntropy};
pub use sealed::{Sealed, SealedError, SealingKey};
pub use secret::{AdminToken, AuthorizationCode, CallbackState, ConfirmationCode, SecretHash, SessionToken, SubmitKey};
pub use session::{
    AuthorizationRequest, FirstOnly, IssuedCode, LastAnswer, Proof, Redirect, Run, Session, SessionUser, Status,
};
pub use tally::{Counts, JourneyResult};
pub use text::Text;
pub use user::{Identifier, IdentifierKind, Link, LinkStatus, User, UserLink};
