//! The reasons why a provider asserts no identity, with the outcomes that journeys route.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! failures {
    (
        rejected { $($(#[$rejection_doc:meta])* $rejection:ident = $rejection_word:literal,)* }
        unavailable { $($(#[$outage_doc:meta])* $outage:ident = $outage_word:literal,)* }
    ) => {
        /// The provider rejected the login. Only the log tells the exact reason: a client gets one answer for a wrong
        /// password and for unknown, locked and disabled accounts, so that it learns nothing about the account.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Rejection { $($(#[$rejection_doc])* $rejection,)* }

        impl Rejection {
            /// All of them.
            pub const ALL: &'static [Rejection] = &[$(Rejection::$rejection,)*];

            /// A stable name.
            pub fn as_str(self) -> &'static str {
                match self { $(Rejection::$rejection => $rejection_word,)* }
            }

            /// The dotted outcome of the step.
            pub fn outcome(self) -> &'static str {
                match self { $(Rejection::$rejection => concat!("rejected.", $rejection_word),)* }
            }
        }

        /// Why the provider cannot check any user now.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Unavailability { $($(#[$outage_doc])* $outage,)* }

        impl Unavailability {
            /// The outcome of the step.
            pub fn outcome(self) -> &'static str {
                match self { $(Unavailability::$outage => concat!("unavailable", $outage_word),)* }
            }
        }

        impl Failure {
            /// All values of [`Failure::outcome`]. A dotted outcome refines its base.
            pub const OUTCOMES: &'static [&'static str] = &[
                "rejected",
                $(concat!("rejected.", $rejection_word),)*
                $(concat!("unavailable", $outage_word),)*
            ];
        }
    };
}

failures! {
    rejected {
        /// Wrong password or unknown user. Some providers answer the same for locked users.
        InvalidCredentials = "invalid_credentials",
        /// The one-time code is wrong, missing or used.
        OtpInvalid = "otp_invalid",
        /// The one-time code, or the time to enter it, has expired.
        OtpExpired = "otp_expired",
        /// The provider requires its own page for this user: second factor, conditional access, consent, verification.
        InteractionRequired = "interaction_required",
        /// The user must first change the password or complete the account at the provider.
        PasswordExpired = "password_expired",
        /// The account is locked after too many failures.
        AccountLocked = "account_locked",
        /// An administrator disabled the account.
        AccountDisabled = "account_disabled",
        /// The user or a policy declined.
        Declined = "declined",
    }
    unavailable {
        /// The answer does not follow the protocol.
        Protocol = "",
        /// The provider does not answer, or reports an outage.
        Timeout = ".timeout",
        /// The provider limits our calls.
        Throttled = ".throttled",
        /// The configuration is wrong: an administrator must act.
        Misconfigured = ".misconfigured",
    }
}

/// Why a provider asserts no identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The provider rejected the login.
    Rejected(Rejection),
    /// The provider cannot check any user now.
    Unavailable {
        /// The reason.
        why: Unavailability,
        /// Seconds until another attempt may succeed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
    /// An answer did not pass validation.
    Refused,
}

impl Failure {
    /// An unavailable provider, without a time for another attempt.
    pub fn unavailable(why: Unavailability) -> Self {
        Failure::Unavailable { why, retry_after: None }
    }

    /// The outcome of the step; `None` for a refused answer, which a journey must not route.
    pub fn outcome(self) -> Option<&'static str> {
        match self {
            Failure::Rejected(rejection) => Some(rejection.outcome()),
            Failure::Unavailable { why, .. } => Some(why.outcome()),
            Failure::Refused => None,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_listed_once() {
        let mut outcomes: Vec<_> = Rejection::ALL.iter().map(|rejection| rejection.outcome()).collect();
        outcomes.push("rejected");
        outcomes.extend(
            [
                Unavailability::Protocol,
                Unavailability::Timeout,
                Unavailability::Throttled,
                Unavailability::Misconfigured,
            ]
            .map(Unavailability::outcome),
        );
        outcomes.sort_unstable();
        let mut listed = Failure::OUTCOMES.to_vec();
        listed.sort_unstable();
        assert_eq!(outcomes, listed);
        assert_eq!(Failure::Refused.outcome(), None);
    }

    #[test]
    fn a_failure_survives_serialization() {
        let throttled = Failure::Unavailable { why: Unavailability::Throttled, retry_after: Some(7) };
        for failure in [throttled, Failure::Rejected(Rejection::Declined), Failure::Refused] {
            let kept = serde_json::to_string(&failure).unwrap();
            assert_eq!(serde_json::from_str::<Failure>(&kept).unwrap(), failure);
        }
    }
}
