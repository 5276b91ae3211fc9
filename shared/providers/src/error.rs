//! What may go wrong with a provider, by who must act.

use std::fmt;
use std::time::Duration;

use domain::{Failure, Rejection, Unavailability};
use egress::EgressError;

/// Why an attempt gave no identity. It holds no text from the provider and nothing that a user typed, so all of it may
/// be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// The user must act. The only one that counts as a failed attempt.
    #[error("the provider rejected the attempt: {0}")]
    Rejected(Rejection),
    /// It may work later, without a change. Only reads are sent again by Landfall itself.
    #[error("the provider is unavailable at {stage}: {outage}")]
    Unavailable {
        /// Where.
        stage: Stage,
        /// How.
        outage: Outage,
    },
    /// It will work later: the provider wants fewer calls.
    #[error("the provider wants fewer calls")]
    Throttled {
        /// When it may be tried again, as far as the provider says; at most [`crate::ProviderError::MAX_RETRY_AFTER`].
        retry_after: Option<Duration>,
    },
    /// The administrator must act.
    #[error("the connector is misconfigured at {stage}: {hint}")]
    Misconfigured {
        /// Where it showed.
        stage: Stage,
        /// What to do, and where.
        hint: &'static str,
    },
    /// The provider's answer did not pass validation. It may be an attack: the security team should look.
    #[error("an answer of the provider was refused at {stage}: {check}")]
    Refused {
        /// Where.
        stage: Stage,
        /// Which check it did not pass.
        check: Check,
    },
}

impl ProviderError {
    /// The longest time to wait that is passed on: a session does not live longer.
    pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(15 * 60);

    /// The part that a journey may route by and a session may store.
    pub fn failure(&self) -> Failure {
        let unavailable = Failure::unavailable;
        match self {
            ProviderError::Rejected(rejection) => Failure::Rejected(*rejection),
            ProviderError::Unavailable { outage: Outage::Protocol, .. } => unavailable(Unavailability::Protocol),
            ProviderError::Unavailable { .. } => unavailable(Unavailability::Timeout),
            ProviderError::Throttled { retry_after } => Failure::Unavailable {
                why: Unavailability::Throttled,
                retry_after: retry_after.map(|wait| u32::try_from(wait.as_secs()).unwrap_or(u32::MAX)),
            },
            ProviderError::Misconfigured { .. } => unavailable(Unavailability::Misconfigured),
            ProviderError::Refused { .. } => Failure::Refused,
        }
    }

    /// One stable word for the kind of error.
    pub fn as_str(&self) -> &'static str {
        match self {
            ProviderError::Rejected(_) => "rejected",
            ProviderError::Unavailable { .. } => "unavailable",
            ProviderError::Throttled { .. } => "throttled",
            ProviderError::Misconfigured { .. } => "misconfigured",
            ProviderError::Refused { .. } => "refused",
        }
    }

    /// The outcome of the step that made the attempt; `None` for a refused answer, which no journey may route.
    pub fn outcome(&self) -> Option<&'static str> {
        self.failure().outcome()
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// One stable word.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Why the provider, or something needed to call it, is unavailable.
    Outage {
        /// No answer before the deadline.
        Timeout = "timeout",
        /// No connection; nothing was sent.
        Connect = "connect",
        /// The certificate is not trusted, has expired, or is for another name; nothing was sent.
        Tls = "tls",
        /// The connection broke after the request went out: the outcome is unknown.
        Interrupted = "interrupted",
        /// A 5xx.
        ServerError = "server_error",
        /// Not an answer of the protocol: HTML with status 200, an incomplete document.
        Protocol = "protocol",
        /// The client secret cannot be read now.
        Secret = "secret",
        /// The token's key is not among the provider's keys, which were fetched a moment ago.
        Keys = "keys",
    }
}

words! {
    /// Where in an exchange something happened.
    Stage {
        /// Before anything was asked of the provider.
        Attempt = "attempt",
        /// The discovery document.
        Discovery = "discovery",
        /// The provider's keys.
        Keys = "keys",
        /// Sending the browser to the authorization endpoint.
        Authorize = "authorize",
        /// What the browser brought back from there.
        Callback = "callback",
        /// Our own authentication as a client.
        ClientAuthentication = "client_authentication",
        /// The token endpoint.
        Token = "token",
        /// The ID token.
        IdToken = "id_token",
        /// The userinfo endpoint.
        Userinfo = "userinfo",
        /// What the provider sent unasked.
        Notification = "notification",
    }
}

words! {
    /// Which check an answer did not pass.
    Check {
        /// JSON in which a name appears twice, or that is nested too deep.
        Json = "json",
        /// Larger than any honest answer.
        Size = "size",
        /// Not of the form its standard gives it.
        Format = "format",
        /// The issuer is not the one that was asked.
        Issuer = "issuer",
        /// The audience is another client, or includes others.
        Audience = "audience",
        /// `azp` names another client.
        AuthorizedParty = "authorized_party",
        /// Not signed with an accepted algorithm: `none`, HMAC, an unknown one.
        Algorithm = "algorithm",
        /// A header that changes what the signature means, or a token of another kind.
        Header = "header",
        /// Signed with a key that is not among the provider's.
        Key = "key",
        /// The signature is wrong.
        Signature = "signature",
        /// Expired.
        Expired = "expired",
        /// Issued in the future, or not valid yet.
        NotYetValid = "not_yet_valid",
        /// The subject is missing or unusable.
        Subject = "subject",
        /// The nonce is missing, or belongs to another request.
        Nonce = "nonce",
        /// The user is of a tenant or an organization that the connector does not take.
        Tenant = "tenant",
        /// The authorization code is another client's, another address's or another request's.
        Code = "code",
        /// The access token that was just issued is not accepted.
        AccessToken = "access_token",
        /// Sent to an address that is none of those for it.
        Address = "address",
        /// An answer to a question that was not asked.
        Unasked = "unasked",
    }
}

impl Stage {
    /// An answer that did not pass `check` here.
    pub const fn refused(self, check: Check) -> ProviderError {
        ProviderError::Refused { stage: self, check }
    }

    /// The provider does not answer as it should here.
    pub const fn unavailable(self, outage: Outage) -> ProviderError {
        ProviderError::Unavailable { stage: self, outage }
    }

    /// The administrator has to act: `hint` says what is wrong, and where to put it right.
    pub const fn misconfigured(self, hint: &'static str) -> ProviderError {
        ProviderError::Misconfigured { stage: self, hint }
    }

    /// What a call that brought no answer means here.
    pub(crate) fn unanswered(self, error: EgressError) -> ProviderError {
        match error {
            EgressError::Refused(_) => self.misconfigured(
                "the address is not a public https address on port 443 or above 1023: use the provider's public URL in the \
                 connector, see that its discovery document names public URLs too, or name its private network in the \
                 deployment",
            ),
            EgressError::Timeout => self.unavailable(Outage::Timeout),
            EgressError::Connect | EgressError::CircuitOpen | EgressError::Setup => self.unavailable(Outage::Connect),
            EgressError::Tls => self.unavailable(Outage::Tls),
            EgressError::Interrupted => self.unavailable(Outage::Interrupted),
            EgressError::BodyTooLarge => self.refused(Check::Size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_answer_is_no_outcome() {
        for check in Check::ALL {
            assert_eq!(Stage::IdToken.refused(*check).outcome(), None);
        }
    }

    #[test]
    fn errors_say_who_must_act_and_where() {
        let printed = |error: ProviderError| error.to_string();
        assert_eq!(
            printed(Stage::IdToken.refused(Check::Issuer)),
            "an answer of the provider was refused at id_token: issuer"
        );
        assert_eq!(printed(Stage::Token.unavailable(Outage::Timeout)), "the provider is unavailable at token: timeout");
        assert_eq!(
            printed(ProviderError::Rejected(Rejection::Declined)),
            "the provider rejected the attempt: declined"
        );
    }
}
