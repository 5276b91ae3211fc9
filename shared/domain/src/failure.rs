//! Why a provider asserts no identity, as a journey may route it.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! failures {
    (
        rejected { $($(#[$rejection_doc:meta])* $rejection:ident = $rejection_word:literal,)* }
        unavailable { $($(#[$outage_doc:meta])* $outage:ident = $outage_word:literal,)* }
    ) => {
        /// The user has to do something else. Which of the first few it was is for the log alone: a client sees one answer
        /// for wrong, unknown, locked and disabled.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Rejection { $($(#[$rejection_doc])* $rejection,)* }

        impl Rejection {
            /// All of them.
            pub const ALL: &'static [Rejection] = &[$(Rejection::$rejection,)*];

            /// One stable word.
            pub fn as_str(self) -> &'static str {
                match self { $(Rejection::$rejection => $rejection_word,)* }
            }

            /// The dotted outcome of the step that asked.
            pub fn outcome(self) -> &'static str {
                match self { $(Rejection::$rejection => concat!("rejected.", $rejection_word),)* }
            }
        }

        /// Why no user can be checked now.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Unavailability { $($(#[$outage_doc])* $outage,)* }

        impl Unavailability {
            /// The outcome of the step that asked.
            pub fn outcome(self) -> &'static str {
                match self { $(Unavailability::$outage => concat!("unavailable", $outage_word),)* }
            }
        }

        impl Failure {
            /// All that [`Failure::outcome`] may say. Dotted ones refine their base.
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
        /// Wrong password or unknown user; some providers say the same of locked users.
        InvalidCredentials = "invalid_credentials",
        /// The one-time code is wrong, missing or used.
        OtpInvalid = "otp_invalid",
        /// The one-time code, or the wait for it, has expired.
        OtpExpired = "otp_expired",
        /// The provider wants its own page for this user: second factor, conditional access, consent, verification.
        InteractionRequired = "interaction_required",
        /// The password must be changed, or the account completed, at the provider first.
        PasswordExpired = "password_expired",
        /// Too many failures.
        AccountLocked = "account_locked",
        /// Switched off by an administrator.
        AccountDisabled = "account_disabled",
        /// The user or a policy said no.
        Declined = "declined",
    }
    unavailable {
        /// It answered something else than its protocol.
        Protocol = "",
        /// It does not answer, or says that it is not well.
        Timeout = ".timeout",
        /// It wants fewer calls.
        Throttled = ".throttled",
        /// The administrator has to act.
        Misconfigured = ".misconfigured",
    }
}

/// Why a provider asserts no identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The user has to do something else.
    Rejected(Rejection),
    /// No user can be checked now.
    Unavailable {
        /// Why.
        why: Unavailability,
        /// After how many seconds another try may help.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
    /// An answer did not pass validation.
    Refused,
}

impl Failure {
    /// The provider, or the way to it, is not as it should be.
    pub fn unavailable(why: Unavailability) -> Self {
        Failure::Unavailable { why, retry_after: None }
    }

    /// The outcome of the step that asked; `None` for a refused answer, which no journey may route.
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
    fn every_outcome_is_listed_and_none_twice() {
        let mut said: Vec<_> = Rejection::ALL.iter().map(|rejection| rejection.outcome()).collect();
        said.push("rejected");
        said.extend(
            [
                Unavailability::Protocol,
                Unavailability::Timeout,
                Unavailability::Throttled,
                Unavailability::Misconfigured,
            ]
            .map(Unavailability::outcome),
        );
        said.sort_unstable();
        let mut listed = Failure::OUTCOMES.to_vec();
        listed.sort_unstable();
        assert_eq!(said, listed);
        assert_eq!(Failure::Refused.outcome(), None);
    }

    #[test]
    fn a_failure_is_kept_and_read_again() {
        let throttled = Failure::Unavailable { why: Unavailability::Throttled, retry_after: Some(7) };
        for failure in [throttled, Failure::Rejected(Rejection::Declined), Failure::Refused] {
            let kept = serde_json::to_string(&failure).unwrap();
            assert_eq!(serde_json::from_str::<Failure>(&kept).unwrap(), failure);
        }
    }
}
