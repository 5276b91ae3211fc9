//! The connector test of what only an Okta org has: the grants of passwords and codes.
//!
//! The interaction code flow can be begun and cancelled without a user. Grants with a name show themselves only when they
//! are tried, which counts as a failed login of that name; whether Okta looks at the grant first is not documented.

use domain::Method;

use super::idx;
use super::settings::TotpFlow;
use crate::oidc::Probing;
use crate::report::{Finding, NotPassed, Verdict};

const PASSWORD_GRANT: NotPassed = NotPassed::Unverifiable(
    "only a login shows whether the client may use the grant: Applications > the application > General > Grant type > Advanced: \
     Resource Owner Password (of a Native application); with second factors also MFA OTP and MFA OOB. Log in once by password",
);
const OTP_GRANT: NotPassed = NotPassed::Unverifiable(
    "only a login shows whether the client may use the grant: Applications > the application > General > Grant type > Advanced: \
     OTP. The policies must not demand a password. Log in once by code",
);
const POLICY: NotPassed = NotPassed::Unverifiable(
    "only a login shows whether a code is enough: the application's authentication policy has to take a possession factor \
     alone. Log in once by code",
);

pub(super) async fn checks(probing: &Probing<'_>, flow: TotpFlow) -> Vec<Finding> {
    let mut checks = Vec::new();
    if probing.has(Method::Password) {
        checks.push(Finding::of("password_grant", Err(PASSWORD_GRANT)));
    }
    match flow {
        _ if !probing.has(Method::Totp) => {}
        TotpFlow::OtpGrant => checks.push(Finding::of("otp_grant", Err(OTP_GRANT))),
        TotpFlow::InteractionCode => {
            checks.push(Finding::of("interaction_code", can_begin(probing).await));
            checks.push(Finding::of("totp_policy", Err(POLICY)));
        }
    }
    checks
}

async fn can_begin(probing: &Probing<'_>) -> Verdict {
    probing.may_send_as_client(Method::Totp)?;
    Ok(idx::try_out(&probing.connection()).await?)
}
