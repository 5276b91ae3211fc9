//! The connector test of the methods at the API: each signs in a made-up user, whom no pool has.
//!
//! Nothing is created or sent, and no user's failures are counted. Lambda triggers of the pool run as for any unknown user:
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-managing-errors.html>.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::Method;
use egress::Response;
use serde_json::json;
use url::Url;

use super::api::{Api, Operation};
use super::{errors, sent_code};
use crate::answers::OauthError;
use crate::oidc::{Connection, Probing};
use crate::report::{Finding, NotPassed, Verdict};
use crate::{ProviderError, Rejection};

const ADMITTED: NotPassed = NotPassed::Failed(
    "a made-up user name and password were accepted: check the pool's Lambda triggers, above all Migrate user (Extensions)",
);
const SEEN_IN_A_LOGIN: NotPassed = NotPassed::Unverifiable(
    "Cognito asks an unknown user something at random: log in once to see whether codes arrive. They need Authentication > Sign-in > \
     Options for choice-based sign-in, and Multi-factor authentication must be Optional MFA or No MFA",
);

pub(super) async fn checks(endpoint: &Url, probing: &Probing<'_>) -> Vec<Finding> {
    let mut checks = Vec::new();
    if probing.has(Method::Password) {
        checks.push(match password(endpoint, probing).await {
            Ok(hidden) => Finding::of("password_flow", Ok(())).with(json!({ "prevent_user_existence_errors": hidden })),
            Err(doubt) => Finding::of("password_flow", Err(doubt)),
        });
    }
    for (method, id) in [(Method::EmailOtp, "email_otp_flow"), (Method::SmsOtp, "sms_otp_flow")] {
        if probing.has(method) {
            checks.push(Finding::of(id, code(endpoint, probing, method).await));
        }
    }
    checks
}

/// Whether a password is looked at, and whether an unknown user is told from a wrong password then.
async fn password(endpoint: &Url, probing: &Probing<'_>) -> Result<bool, NotPassed> {
    let provider = probing.own_api()?;
    let api = Api { endpoint, provider: &provider, method: Method::Password };
    let read = |response: &Response| {
        if response.status.is_success() {
            return Ok(None);
        }
        let hidden = OauthError::of(response).is_some_and(|error| error.code != "UserNotFoundException");
        match provider.refused(response, errors::TO_A_PASSWORD) {
            ProviderError::Rejected(Rejection::InvalidCredentials) => Ok(Some(hidden)),
            error => Err(error),
        }
    };
    let (username, password) = (made_up(&provider), made_up(&provider));
    let initiate = Operation::Initiate("USER_PASSWORD_AUTH");
    api.ask_reading(initiate, &username, &[("PASSWORD", &password)], read).await?.ok_or(ADMITTED)
}

/// Whether the code is offered. To an unknown user a challenge of the pool's is shown at random, and no code is sent.
async fn code(endpoint: &Url, probing: &Probing<'_>, method: Method) -> Verdict {
    let provider = probing.own_api()?;
    let api = Api { endpoint, provider: &provider, method };
    let wanted = sent_code::wanted(method).as_str();
    let (initiate, username) = (Operation::Initiate("USER_AUTH"), made_up(&provider));
    match api.ask(initiate, &username, &[("PREFERRED_CHALLENGE", wanted)], errors::TO_SENDING).await {
        Ok(answered) if answered.challenge() == Some(wanted) || answered.offers(wanted) => Ok(()),
        Ok(_) | Err(ProviderError::Rejected(_)) => Err(SEEN_IN_A_LOGIN),
        Err(error) => Err(error.into()),
    }
}

fn made_up(provider: &Connection<'_>) -> String {
    format!("landfall-test-{}", URL_SAFE_NO_PAD.encode(provider.cx.entropy().bytes::<16>()))
}
