//! Every refusal has a stable code. Programs branch on the code, people read the title, and the log has the reason.

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

            /// The code as text.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $text,)* }
            }

            /// The HTTP status of the answer; 200 for codes that only appear within a view.
            pub fn status(self) -> u16 {
                match self { $(Code::$name => $status,)* }
            }

            /// One constant sentence for people.
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }

            /// The code with this text.
            pub fn find(text: &str) -> Option<Code> {
                match text { $($text => Some(Code::$name),)* _ => None }
            }
        }
    };
}

codes! {
    /// The body or a parameter does not have the expected form.
    InvalidRequest = "invalid_request", 400, "The request does not have the form that this route expects";
    /// The body is larger than the route accepts.
    BodyTooLarge = "body_too_large", 413, "The body is larger than this route accepts";
    /// The body does not have the route's media type, or is compressed.
    UnsupportedMediaType = "unsupported_media_type", 415, "This route expects another media type, uncompressed";
    /// No route has this path.
    UnknownRoute = "unknown_route", 404, "There is nothing at this address";
    /// The route does not accept this HTTP method.
    MethodNotAllowed = "method_not_allowed", 405, "This address does not accept this HTTP method";
    /// `Authorization: Bearer` is missing or malformed.
    InvalidToken = "invalid_token", 401, "A bearer token is required";
    /// No connector has this id.
    UnknownConnector = "unknown_connector", 404, "There is no such connector";
    /// No request to delete data has this confirmation code, or it was received too long ago.
    UnknownDeletionRequest = "unknown_deletion_request", 404, "There is no such deletion request, or it was too long ago";
    /// The connector document is invalid, or the connector must not be tested; `detail` says where and why.
    InvalidConnector = "invalid_connector", 422, "The document does not describe a connector";
    /// No live journey has this id.
    UnknownJourney = "unknown_journey", 404, "There is no such journey";
    /// The session is unknown or expired, or the token belongs to another session. One answer for all three, so that an
    /// attacker learns nothing.
    UnknownSession = "unknown_session", 404, "There is no such session, or it has ended";
    /// No client has this id.
    UnknownClient = "unknown_client", 400, "There is no such client";
    /// The client may not start this journey, or may not use this API at all.
    ClientNotAllowed = "client_not_allowed", 403, "This client may not start this journey";
    /// Client authentication is missing or failed (RFC 6749 section 5.2).
    InvalidClient = "invalid_client", 401, "The client must authenticate with the right credentials";
    /// The origin is not one of the client's origins.
    OriginNotAllowed = "origin_not_allowed", 403, "This origin is not registered for this client";
    /// The redirect URI is not one of the client's, compared exactly.
    InvalidRedirectUri = "invalid_redirect_uri", 400, "The redirect URI is not registered for this client";
    /// A code challenge with method S256 is required (RFC 7636).
    PkceRequired = "pkce_required", 400, "A code challenge with method S256 is required";
    /// `prompt=none`, and no user is signed in (OIDC Core 3.1.2.6).
    LoginRequired = "login_required", 400, "The user has to sign in";
    /// The request has a `request` object (OIDC Core 3.1.2.6).
    RequestNotSupported = "request_not_supported", 400, "Request objects are not supported";
    /// The request has a `request_uri` (OIDC Core 3.1.2.6).
    RequestUriNotSupported = "request_uri_not_supported", 400, "References to request objects are not supported";
    /// The request has a `registration` (OIDC Core 3.1.2.6).
    RegistrationNotSupported = "registration_not_supported", 400, "Registration within a request is not supported";
    /// A journey parameter is missing, undeclared or of the wrong type.
    InvalidParams = "invalid_params", 422, "The parameters are not those the journey declares";
    /// The input of a field is invalid; `fields` says which.
    InvalidInput = "invalid_input", 422, "The input does not fit the fields of this step";
    /// The session waits on another turn or step; the answer has the current view.
    StepConflict = "step_conflict", 409, "The session is waiting for another turn or step";
    /// The redirect was already used, came back too late, or was never started. If there is a session, the answer has
    /// its view.
    RedirectExpired = "redirect_expired", 400, "This address works once, and has been used or is too old";
    /// A browser prefetched an address that works only once. The address stays valid: the browser's real request will
    /// be answered.
    Prefetched = "prefetched", 503, "This address works only once and must not be prefetched";
    /// Too many attempts at this account. The same request may be sent again after `retry_after`.
    TooManyAttempts = "too_many_attempts", 429, "There were too many attempts: please wait before the next one";
    /// A service that this request needs does not answer. The same request may be sent again.
    Unavailable = "unavailable", 503, "A service this request needs is not answering";
    /// An internal error.
    Internal = "internal", 500, "Something went wrong on our side";
    /// The code or the verifier is wrong (RFC 6749 section 5.2).
    InvalidGrant = "invalid_grant", 400, "The code is unknown, already used, expired, or was issued to another client";
    /// The grant type is not supported (RFC 6749 section 5.2).
    UnsupportedGrantType = "unsupported_grant_type", 400, "This grant type is not supported";
    /// One answer for a wrong password and for an unknown, locked or disabled account.
    InvalidCredentials = "invalid_credentials", 200, "The sign-in details are not right";
    /// The provider's password policy refuses the new password.
    PasswordRefused = "password_refused", 200, "The new password does not fit the provider's rules";
    /// The provider wants its own page for this user.
    InteractionRequired = "interaction_required", 200, "The identity provider requires a login on its own page";
    /// The provider declined, or the user did on the provider's page.
    Declined = "declined", 200, "The sign-in was declined";
    /// The user cancelled.
    Cancelled = "cancelled", 200, "The sign-in was cancelled";
    /// The provider does not answer, or is misconfigured.
    ProviderUnavailable = "provider_unavailable", 200, "The identity provider is not answering";
    /// The journey ended without a sign-in.
    AccessDenied = "access_denied", 200, "Access was denied";
    /// The journey ended because a service that it needs is unavailable.
    TryLater = "try_later", 200, "Please try again later";
    /// An account with this identifier exists, and the user has not proven that it is theirs.
    ProofRequired = "proof_required", 200, "An account with this identifier already exists";
    /// A provider's answer failed validation.
    IdentityRefused = "identity_refused", 200, "The identity provider's answer was refused";
    /// A step reads a value that is missing.
    JourneyBroken = "journey_broken", 200, "The journey is not set up right";
    /// The journey took more steps than the limit.
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
    fn every_code_has_its_own_text() {
        let texts: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(Code::find(code.as_str()), Some(*code));
        }
    }
}
