//! What a connector test finds: each check once, with what an administrator can do about it.

use domain::{Method, Rejection};
use serde::Serialize;
use serde_json::Value;

use crate::{Check, Outage, ProviderError};

/// How far a connector test goes.
#[derive(Clone, Copy, Default)]
pub struct Probe<'a> {
    /// A user made for this, as the provider knows them: enabled, without a second factor. What only a user's login shows
    /// is tried with this name and no password or code, so it may cost them a failed login, or leave them a session at the
    /// provider. Without one such checks are unverifiable.
    pub test_user: Option<&'a str>,
}

/// The findings of a connector test.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Report {
    /// Nothing failed. What could not be verified may be wrong all the same.
    pub ok: bool,
    /// What to do next, in a sentence.
    pub summary: String,
    /// In the order in which they were made.
    pub checks: Vec<Finding>,
}

impl Report {
    /// Of these checks, in the order in which they were made.
    pub fn of(checks: Vec<Finding>) -> Self {
        let names = |status| {
            let with = checks.iter().filter(|check| check.status == status).map(Finding::name).collect::<Vec<_>>();
            with.join(", ")
        };
        let (failed, unverifiable) = (names(Status::Failed), names(Status::Unverifiable));
        // The first that failed: what is wrong further down may be its consequence.
        let first = checks.iter().find_map(|check| check.hint);
        let summary = match first {
            Some(hint) => format!("Failed: {failed}. Fix this first, then test again: {hint}"),
            None if unverifiable.is_empty() => "Nothing failed. Next, log in once".to_owned(),
            None => format!("Nothing failed. Could not be checked: {unverifiable}. Next, log in once"),
        };
        Self { ok: failed.is_empty(), summary, checks }
    }
}

/// The result of one check. Of what the provider sent, it holds addresses only, no texts.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Finding {
    /// Which check: `discovery`, `client_credentials`.
    pub id: &'static str,
    /// For which method's client, where the methods have several.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub method: Option<Method>,
    /// Its result.
    pub status: Status,
    /// What was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
    /// What to do about a failure, and where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<&'static str>,
    /// Why it could not be verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As it has to be.
    Passed,
    /// The administrator has to act: `hint` says how.
    Failed,
    /// Cannot be checked from outside: `why` says what is missing.
    Unverifiable,
}

/// The result of a check, before it has an id.
pub type Verdict = Result<(), NotPassed>;

/// Why a check has not passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotPassed {
    /// What to do about it.
    Failed(&'static str),
    /// What is missing.
    Unverifiable(&'static str),
}

impl Finding {
    /// Which check, of which method.
    fn name(&self) -> String {
        let method = self.method.map(|method| format!(" of {}", method.as_str()));
        format!("{}{}", self.id, method.unwrap_or_default())
    }

    /// The result of the check `id`.
    pub fn of(id: &'static str, verdict: Verdict) -> Self {
        let (status, hint, why) = match verdict {
            Ok(()) => (Status::Passed, None, None),
            Err(NotPassed::Failed(hint)) => (Status::Failed, Some(hint), None),
            Err(NotPassed::Unverifiable(why)) => (Status::Unverifiable, None, Some(why)),
        };
        Self { id, method: None, status, detail: None, hint, why }
    }

    /// The test ran out of time: a call without an answer may not be the provider's fault.
    pub(crate) fn unanswered_by_us(&mut self) {
        if self.hint == Some(about_outage(Outage::Timeout)) {
            (self.status, self.hint, self.why) = (Status::Unverifiable, None, Some(OUT_OF_TIME));
        }
    }

    /// With what was seen.
    #[must_use]
    pub fn with(self, detail: Value) -> Self {
        Self { detail: Some(detail), ..self }
    }
}

impl From<ProviderError> for NotPassed {
    fn from(error: ProviderError) -> Self {
        Self::Failed(match error {
            ProviderError::Misconfigured { hint, .. } => hint,
            ProviderError::Unavailable { outage, .. } => about_outage(outage),
            ProviderError::Throttled { .. } => "the provider wants fewer calls: try again in a while",
            ProviderError::Refused { check, .. } => about_refusal(check),
            ProviderError::Rejected(_) => "the provider refuses for a reason of its own: see its log of events",
        })
    }
}

impl ProviderError {
    /// What to do about a login that failed so, and where; `None` if the error itself says it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            ProviderError::Misconfigured { .. } => return None,
            ProviderError::Unavailable { outage, .. } => about_outage(*outage),
            ProviderError::Throttled { .. } => "wait, or ask the provider for a higher limit",
            ProviderError::Refused { check, .. } => about_refusal(*check),
            ProviderError::Rejected(rejection) => about_rejection(*rejection),
        })
    }
}

fn about_rejection(rejection: Rejection) -> &'static str {
    match rejection {
        Rejection::InvalidCredentials => {
            "check name and password: a provider may answer the same for an unknown, locked or disabled user, and its own \
             log of events tells them apart"
        }
        Rejection::OtpInvalid | Rejection::OtpExpired => "enter a new code",
        Rejection::InteractionRequired => "send the user to the provider's page: a step authenticate_redirect does",
        Rejection::PasswordExpired => {
            "the user has to change the password, or complete the account, at the provider first"
        }
        Rejection::AccountLocked => "the user has to wait, or an administrator of the provider unlocks the account",
        Rejection::AccountDisabled => "an administrator of the provider has disabled the account",
        Rejection::Declined => "the user or a policy of the provider said no: see the provider's log of events",
    }
}

const OUT_OF_TIME: &str = "the test ran out of its own time, because the provider answers slowly or not at all";

fn about_outage(outage: Outage) -> &'static str {
    match outage {
        Outage::Timeout => {
            "no answer in time: check the address, whether a firewall swallows what comes from here, and, if the provider is \
             just slow, the connector's timeout"
        }
        Outage::Connect => {
            "no connection: check the name of the host, its port, whether the provider runs, and whether a firewall blocks \
             Landfall"
        }
        Outage::Tls => {
            "the certificate is not trusted, has expired, or is for another name: the provider needs one for \
             the name in the address, with its intermediates, from a public authority or one in the connector's \
             ca_certificates"
        }
        Outage::Interrupted => {
            "the connection broke before the answer was complete: look for a proxy or firewall in between"
        }
        Outage::ServerError => "the provider answers with an error of its own: see its log",
        Outage::Protocol => {
            "the answer is not the protocol's: is this the provider's address, or does a proxy or a login page stand in \
             between?"
        }
        Outage::Keys => {
            "a token names a key that the provider did not publish a moment ago: wait a minute, and see whether it publishes \
             the key that it signs with"
        }
        Outage::Secret => {
            "the deployment's secrets cannot be read now: try again, and check that Landfall may read them"
        }
    }
}

fn about_refusal(check: Check) -> &'static str {
    match check {
        Check::Size => "the answer is larger than any honest one: is this the provider's address?",
        Check::Json => {
            "the answer can be read in two ways, a name appears twice in it: is this the provider's address?"
        }
        Check::Format => {
            "the answer lacks something or has it in another form than its standard says: see which provider and version \
             answers here, and name in the settings what it leaves out"
        }
        Check::Issuer => "the answer names another issuer than the connector: use exactly the one the provider names",
        _ => "the answer did not pass validation: is this the provider's address?",
    }
}

#[cfg(test)]
impl Report {
    /// The first check of this id.
    pub(crate) fn check(&self, id: &str) -> &Finding {
        self.checks.iter().find(|check| check.id == id).unwrap_or_else(|| panic!("no {id} in {self:?}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Stage;

    #[test]
    fn a_report_is_ok_if_nothing_failed_and_omits_empty_members() {
        let passed = Finding::of("discovery", Ok(())).with(json!({ "issuer": "https://id.example" }));
        let unknown = Finding::of("totp_flow", Err(NotPassed::Unverifiable("no test user")));
        let failed = Finding { method: Some(Method::Totp), ..Finding::of("keys", Err(NotPassed::Failed("do this"))) };
        for (checks, summary) in [
            (vec![passed.clone()], "Nothing failed. Next, log in once"),
            (
                vec![passed.clone(), unknown.clone()],
                "Nothing failed. Could not be checked: totp_flow. Next, log in once",
            ),
        ] {
            let report = Report::of(checks);
            assert!(report.ok);
            assert_eq!(report.summary, summary);
        }
        assert_eq!(
            serde_json::to_value(Report::of(vec![passed, failed, unknown])).unwrap(),
            json!({ "ok": false, "summary": "Failed: keys of totp. Fix this first, then test again: do this", "checks": [
                { "id": "discovery", "status": "passed", "detail": { "issuer": "https://id.example" } },
                { "id": "keys", "method": "totp", "status": "failed", "hint": "do this" },
                { "id": "totp_flow", "status": "unverifiable", "why": "no test user" },
            ] })
        );
    }

    #[test]
    fn every_failure_says_what_to_do() {
        let outages = Outage::ALL.iter().map(|outage| Stage::Token.unavailable(*outage));
        let refusals = Check::ALL.iter().map(|check| Stage::Token.refused(*check));
        for error in outages.chain(refusals) {
            let NotPassed::Failed(hint) = NotPassed::from(error) else { panic!("{error}") };
            assert!(hint.contains(':'), "{error}: {hint}");
        }
    }
}
