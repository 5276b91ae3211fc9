//! The connector test of what only a Keycloak has: the words on its pages, and its direct grants.
//!
//! The server looks at the client, at what it may do and at the scopes before it asks for a name. So a grant without one
//! shows all of that, and counts as no user's failed login.

use domain::Method;
use egress::Response;

use super::errors;
use crate::oidc::Probing;
use crate::refusals::Refusals;
use crate::report::{Finding, NotPassed, Verdict};
use crate::{ProviderError, Rejection};

const TOKENS_WITHOUT_NAME: NotPassed =
    NotPassed::Failed("a request without a user name gets tokens: the client's direct grant flow has to ask for one");
const DENIED: NotPassed = NotPassed::Failed(
    "the client's direct grant flow rejects every user: take Deny access and User session limits out of it under \
     Authentication",
);
const NO_GRANT: NotPassed = NotPassed::Unverifiable("the client may not use the grant: see totp_grant");
const NO_TEST_USER: NotPassed = NotPassed::Unverifiable(
    "only a test user shows whether the client uses the flow: name a user without a one-time code",
);
const TEST_USER_DISABLED: NotPassed = NotPassed::Unverifiable("the test user is disabled, which is looked at first");
const NOT_BOUND: NotPassed = NotPassed::Failed(
    "the client asks for a password: choose the flow with Username Validation and OTP under Clients > the client of totp > \
     Advanced > Authentication flow overrides > Direct grant flow. It says the same if the test user does not exist, is \
     disabled or locked, or has a one-time code",
);
const NAME_ALONE: NotPassed = NotPassed::Failed(
    "a user name alone gets tokens: set OTP to Required under Authentication > the direct grant flow of totp's client",
);
const SEEN_IN_A_LOGIN: NotPassed = NotPassed::Unverifiable(
    "only the token of a login by code has it: OTP needs the Authenticator Reference otp in its flow's settings, and the \
     client the mapper Authentication Method Reference (AMR); log in once by code",
);

/// What the authorization endpoint says on its page to those it does not send back, and what to do about it.
const OF_A_PAGE: &[(&str, &str)] = &[
    (
        "Invalid parameter: redirect_uri",
        "register the redirect URI: Clients > the client > Settings > Access settings > Valid redirect URIs, exactly as it \
         stands in the detail",
    ),
    ("Client not found.", "the realm has no client of this id: check client.id and Clients > the client"),
    ("Client disabled.", "the client is disabled: Clients > the client > Enabled"),
    ("Wrong client protocol.", errors::WRONG_KIND_OF_CLIENT),
    ("Bearer-only applications are not allowed to initiate browser login", errors::WRONG_KIND_OF_CLIENT),
    ("Realm not enabled", errors::REALM_DISABLED),
    ("HTTPS required", errors::HTTPS_REQUIRED),
];

/// What to do about a page, as far as its sentence is one of those above; a realm may have others, in other languages.
pub(super) fn about_a_page(page: &Response) -> Option<&'static str> {
    let text = std::str::from_utf8(&page.body).ok()?;
    let (_, message) = text.split_once(r#"id="kc-error-message""#)?;
    OF_A_PAGE.iter().find(|(sentence, _)| message.contains(sentence)).map(|(_, hint)| *hint)
}

pub(super) async fn checks(probing: &Probing<'_>) -> Vec<Finding> {
    let mut checks = Vec::new();
    if probing.has(Method::Password) {
        checks.push(Finding::of("password_grant", may_grant(probing, Method::Password).await));
    }
    if probing.has(Method::Totp) {
        let granted = may_grant(probing, Method::Totp).await;
        checks.push(Finding::of("totp_grant", granted));
        checks.push(Finding::of("totp_flow", asks_for_a_code(probing, granted).await));
        checks.push(Finding::of("totp_amr", Err(SEEN_IN_A_LOGIN)));
    }
    checks
}

/// Whether the client gets as far as being asked for a name.
async fn may_grant(probing: &Probing<'_>, method: Method) -> Verdict {
    match grant(probing, method, None, errors::TO_NO_NAME).await? {
        Ok(()) => Err(TOKENS_WITHOUT_NAME),
        Err(ProviderError::Rejected(Rejection::InvalidCredentials)) => Ok(()),
        Err(ProviderError::Rejected(Rejection::Declined)) => Err(DENIED),
        Err(error) => Err(error.into()),
    }
}

/// Whether a user name alone gets no tokens because a code is asked for. If the user has none, the server answers with an
/// error.
async fn asks_for_a_code(probing: &Probing<'_>, granted: Verdict) -> Verdict {
    granted.map_err(|doubt| if matches!(doubt, NotPassed::Failed(_)) { NO_GRANT } else { doubt })?;
    let user = probing.test_user().ok_or(NO_TEST_USER)?;
    match grant(probing, Method::Totp, Some(user), errors::TO_A_NAME).await? {
        // Required actions are checked only after the user has been authenticated.
        Ok(()) | Err(ProviderError::Rejected(Rejection::PasswordExpired)) => Err(NAME_ALONE),
        Err(ProviderError::Rejected(Rejection::OtpInvalid)) => Ok(()),
        Err(ProviderError::Rejected(Rejection::InvalidCredentials)) => Err(NOT_BOUND),
        Err(ProviderError::Rejected(Rejection::AccountDisabled)) => Err(TEST_USER_DISABLED),
        Err(ProviderError::Rejected(Rejection::Declined)) => Err(DENIED),
        Err(error) => Err(error.into()),
    }
}

/// A direct grant without password and code, as far as it can be tried.
async fn grant(
    probing: &Probing<'_>,
    method: Method,
    username: Option<&str>,
    refusals: &[&Refusals],
) -> Result<Result<(), ProviderError>, NotPassed> {
    let mut grant = vec![("grant_type", "password"), ("scope", probing.scope())];
    grant.extend(username.map(|username| ("username", username)));
    probing.grant(method, &grant, refusals).await
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    #[test]
    fn a_page_is_recognised_by_its_sentence() {
        let page = |body: &str| {
            about_a_page(&Response { status: StatusCode::BAD_REQUEST, headers: HeaderMap::new(), body: body.into() })
        };
        for (sentence, hint) in OF_A_PAGE {
            let text = format!(r#"<div id="kc-error-message"><p class="instruction">{sentence}</p></div>"#);
            assert_eq!(page(&text), Some(*hint));
            assert_eq!(page(&format!("<title>{sentence}</title>")), None);
        }
        assert_eq!(page(r#"<div id="kc-error-message"><p>Client nicht gefunden.</p></div>"#), None);
    }
}
