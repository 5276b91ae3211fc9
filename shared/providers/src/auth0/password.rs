//! Auth0's password grants.
//! <https://auth0.com/docs/api/authentication/resource-owner-password-flow/get-token>

use domain::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{errors, mfa};
use crate::oidc::{Begun, Connection, Probing};
use crate::report::{NotPassed, Verdict};
use crate::{Finding, ProviderError};

/// The grant that names the connection: it does not depend on the tenant's Default Directory.
const PASSWORD_REALM: &str = "http://auth0.com/oauth/grant-type/password-realm";

pub(super) const NO_ORGANIZATION: &str = "a password grant cannot name an organization: leave out settings.organization, or switch \
                                          on password in a connector of its own without it";

const SEEN_IN_A_LOGIN: NotPassed = NotPassed::Unverifiable(
    "only a login shows it: Applications > the application > Settings > Advanced Settings > Grant Types has to have \
     Password, and MFA for a second factor; Connections has to have the one of settings.connection. Log in once by password",
);
const TRUST_THE_HEADER: NotPassed = NotPassed::Unverifiable(
    "Auth0 gives no sign of it: switch on Applications > the application > Settings > Advanced Settings > OAuth > Trust \
     Token Endpoint IP Header. Log in once with a wrong password: Monitoring > Logs has to show the user's address as ip, and \
     Landfall's as client_ip",
);
const ONE_ADDRESS_FOR_ALL: NotPassed = NotPassed::Failed(
    "Auth0 believes in the user's address only if the client shows a secret: without, a hundred wrong passwords a day lock all \
     users out. Applications > the application > Credentials > Authentication Method: Client Secret (Post)",
);

/// How passwords are sent.
#[derive(Debug)]
pub(super) struct Passwords {
    /// The connection in which they are looked up; absent: the tenant's Default Directory.
    connection: Option<String>,
    /// The API that the access token is for.
    audience: Option<String>,
}

impl Passwords {
    pub(super) fn new(connection: Option<String>, audience: Option<String>) -> Self {
        Self { connection, audience }
    }

    pub(super) async fn begin(
        &self,
        provider: &Connection<'_>,
        username: &str,
        password: &SecretString,
    ) -> Result<Begun, ProviderError> {
        let mut parameters = self.grant(provider.scope());
        parameters.extend([("username", username), ("password", password.expose_secret())]);
        mfa::begun(provider, mfa::grant(provider, &parameters, errors::TO_A_PASSWORD).await?).await
    }

    /// All but who it is.
    fn grant<'a>(&'a self, scope: &'a str) -> Vec<(&'static str, &'a str)> {
        let mut parameters = match &self.connection {
            Some(connection) => vec![("grant_type", PASSWORD_REALM), ("realm", connection.as_str())],
            None => vec![("grant_type", "password")],
        };
        parameters.push(("scope", scope));
        parameters.extend(self.audience.as_deref().map(|audience| ("audience", audience)));
        parameters
    }

    /// The connector test of passwords.
    pub(super) async fn probe(&self, probing: &Probing<'_>, has_organization: bool) -> Vec<Finding> {
        let granted =
            if has_organization { Err(NotPassed::Failed(NO_ORGANIZATION)) } else { self.may_grant(probing).await };
        let address = match mfa::is_confidential(&probing.connection()) {
            true => TRUST_THE_HEADER,
            false => ONE_ADDRESS_FOR_ALL,
        };
        let grant = self.grant("")[0].1;
        vec![
            Finding::of("password_grant", granted).with(json!({ "grant_type": grant, "realm": self.connection })),
            Finding::of("user_address", Err(address)),
        ]
    }

    /// A grant without a name is nobody's failed login. What it shows is what is wrong; which of the rest Auth0 looks at before it
    /// misses the name is documented nowhere.
    async fn may_grant(&self, probing: &Probing<'_>) -> Verdict {
        let answer = probing.grant(Method::Password, &self.grant(probing.scope()), errors::TO_A_PASSWORD).await?;
        let told = [errors::GRANT_OFF, errors::NO_DIRECTORY, errors::NO_CONNECTION, errors::NO_API];
        match answer {
            Err(error) if told.contains(&error) => Err(error.into()),
            Err(error @ (ProviderError::Unavailable { .. } | ProviderError::Throttled { .. })) => Err(error.into()),
            _ => Err(SEEN_IN_A_LOGIN),
        }
    }
}
