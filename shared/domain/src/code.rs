//! Every refusal Landfall makes has a code that never changes its meaning. Programs branch on the code; people read
//! the title; the log has the reason.

use std::fmt;

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $title:literal;)*) => {
        /// A stable code: the `code` of a problem document, `step.error`, `rejection`, or OAuth's `error`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Code] = &[$(Code::$name,)*];

            /// As it stands in an answer.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// The HTTP status where the code is the answer; 200 for codes that only appear within a view.
            pub fn status(self) -> u16 {
                match self { $(Code::$name => $status,)* }
            }

            /// One constant sentence for people.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }

            /// The code that stands as `text` in a document or a stored session.
            pub fn find(text: &str) -> Option<Code> {
                match text { $($text => Some(Code::$name),)* _ => None }
            }
        }
    };
}

codes! {
    /// The body or a parameter is not what the route takes.
    InvalidRequest = "invalid_request", 400, "The request is not of the form this route takes";
    /// The body is larger than the route takes.
    BodyTooLarge = "body_too_large", 413, "The body is larger than this route takes";
    /// The body is not of the media type the route takes, or is compressed.
    UnsupportedMediaType = "unsupported_media_type", 415, "This route takes another media type, uncompressed";
    /// No route has this path.
    UnknownRoute = "unknown_route", 404, "There is nothing at this address";
    /// The route takes other methods.
    MethodNotAllowed = "method_not_allowed", 405, "This address takes other methods";
    /// `Authorization: Bearer` is missing or malformed.
    InvalidToken = "invalid_token", 401, "A bearer token is required";
    /// No connector has this id.
    UnknownConnector = "unknown_connector", 404, "There is no such connector";
    /// The document describes no connector, or one that must not be tried; `detail` says where and why.
    InvalidConnector = "invalid_connector", 422, "The document does not describe a connector";
    /// No live journey has this id.
    UnknownJourney = "unknown_journey", 404, "There is no such journey";
    /// No session has this id, it has expired, or the token is another session's: deliberately one answer.
    UnknownSession = "unknown_session", 404, "There is no such session, or it has ended";
    /// No client has this id.
    UnknownClient = "unknown_client", 400, "There is no such client";
    /// The client may not start this journey, or may not use this API at all.
    ClientNotAllowed = "client_not_allowed", 403, "This client may not start this journey";
    /// The client has to authenticate, and did not or did it wrong (RFC 6749 section 5.2).
    InvalidClient = "invalid_client", 401, "The client has to authenticate, with the right credentials";
    /// The client's pages do not live at this origin.
    OriginNotAllowed = "origin_not_allowed", 403, "This origin is not registered for this client";
    /// The redirect URI is not one of the client's, to the letter.
    InvalidRedirectUri = "invalid_redirect_uri", 400, "The redirect URI is not registered for this client";
    /// A code challenge with method S256 is required (RFC 7636).
    PkceRequired = "pkce_required", 400, "A code challenge with method S256 is required";
    /// A sign-in without the user was asked for, and no user is signed in (OIDC Core 3.1.2.6).
    LoginRequired = "login_required", 400, "The user has to sign in";
    /// A request object (OIDC Core 3.1.2.6).
    RequestNotSupported = "request_not_supported", 400, "Request objects are not supported";
    /// A reference to a request object (OIDC Core 3.1.2.6).
    RequestUriNotSupported = "request_uri_not_supported", 400, "References to request objects are not supported";
    /// A registration within the request (OIDC Core 3.1.2.6).
    RegistrationNotSupported = "registration_not_supported", 400, "Registration within a request is not supported";
    /// A journey parameter is missing, undeclared or of the wrong type.
    InvalidParams = "invalid_params", 422, "The parameters are not those the journey declares";
    /// Input breaks the rule of a field; `fields` says which.
    InvalidInput = "invalid_input", 422, "The input does not fit the fields of this step";
    /// The session waits on another turn or step; the answer has the current view.
    StepConflict = "step_conflict", 409, "The session is waiting for another turn or step";
    /// The redirect has come back before, or too late, or never went out; where there is a session, the answer has its view.
    RedirectExpired = "redirect_expired", 400, "This address works once, and has been used or is too old";
    /// A browser loads an address ahead of its user that works once. Nothing was spent: the load itself will be answered.
    Prefetched = "prefetched", 503, "This address works once and is not loaded ahead";
    /// The account's secret has been tried too often: the same request may be sent again after `retry_after`.
    TooManyAttempts = "too_many_attempts", 429, "There were too many attempts: please wait before the next one";
    /// A service this request needs does not answer; the same request may be sent again.
    Unavailable = "unavailable", 503, "A service this request needs is not answering";
    /// A mistake of ours.
    Internal = "internal", 500, "Something went wrong on our side";
    /// The code or verifier does not fit (RFC 6749 section 5.2).
    InvalidGrant = "invalid_grant", 400, "The code is unknown, spent, expired, or was given to somebody else";
    /// Another grant type (RFC 6749 section 5.2).
    UnsupportedGrantType = "unsupported_grant_type", 400, "This grant type is not supported";
    /// Wrong, unknown, locked and disabled alike.
    InvalidCredentials = "invalid_credentials", 200, "The sign-in details are not right";
    /// The provider wants its own page for this user.
    InteractionRequired = "interaction_required", 200, "The identity provider wants to be visited in the browser";
    /// The provider said no, or the user did at the provider's page.
    Declined = "declined", 200, "The sign-in was declined";
    /// The user gave up.
    Cancelled = "cancelled", 200, "The sign-in was cancelled";
    /// The provider does not answer, or is not set up right.
    ProviderUnavailable = "provider_unavailable", 200, "The identity provider is not answering";
    /// The journey ended without signing anybody in.
    AccessDenied = "access_denied", 200, "Access was denied";
    /// The journey ended because something it needs is away.
    TryLater = "try_later", 200, "Please try again later";
    /// An account with this identifier exists and has not been proven to be this person's.
    ProofRequired = "proof_required", 200, "An account with this identifier already exists";
    /// A provider's answer failed validation.
    IdentityRefused = "identity_refused", 200, "The identity provider's answer was refused";
    /// The journey reached a step that lacks what it reads.
    JourneyBroken = "journey_broken", 200, "The journey is not set up right";
    /// The journey took more steps than it may.
    TooManySteps = "too_many_steps", 200, "The journey took too many steps";
}

impl Code {
    /// Codes a `reject` step may end a journey with.
    pub const REJECTIONS: &'static [Code] = &[Code::AccessDenied, Code::Cancelled, Code::TryLater, Code::ProofRequired];
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Code::find(&text).ok_or_else(|| serde::de::Error::custom(format!("unknown code {text:?}")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_written_once_and_found_again() {
        let texts: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(Code::find(code.as_str()), Some(*code));
        }
    }
}
