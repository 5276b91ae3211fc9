#![doc = include_str!("../guides/entra.md")]

mod errors;
mod native;
mod settings;

#[cfg(test)]
mod tests;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{ConnectorDocument, Method, Pending};
use egress::Response;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use url::Url;

use crate::document::{self, InvalidConnector};
use crate::oidc::{
    Begun, Connection, Endpoints, IssuerPolicy, OF_A_CODE, OF_A_REDIRECT, OidcProvider, Probing, Profile, TENANT,
    Trial, VerifiedClaims, is_guid, is_label, of_tenant,
};
use crate::refusals::Refusals;
use crate::registry::Provider;
use crate::report::{NotPassed, Verdict};
use crate::{Answer, Attempt, Callback, Check, Finding, ProviderError, Stage, not_switched_on};
use settings::{Settings, is_one};

pub(crate) const PROVIDER: Provider = Provider::oidc(
    "entra",
    &[Method::Oidc, Method::Password, Method::EmailOtp],
    &[
        &errors::OF_A_REDIRECT,
        &OF_A_REDIRECT,
        &errors::OF_A_CODE,
        &errors::OF_NATIVE,
        &errors::OF_A_PASSWORD,
        &errors::OF_ANYTHING,
        &errors::OF_A_SENT_CODE,
        &errors::OF_A_PASSWORD_BY_ERROR,
        &OF_A_CODE,
    ],
    Entra::read,
);

/// The tenant of personal accounts: <https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference>.
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
/// Microsoft Graph, by the id that it has in every cloud.
const GRAPH: &str = "00000003-0000-0000-c000-000000000000/.default";

/// What a password may be answered.
const TO_A_PASSWORD: &[&Refusals] = &[&errors::OF_A_PASSWORD, &errors::OF_ANYTHING, &errors::OF_A_PASSWORD_BY_ERROR];

const NO_OBJECT: ProviderError = Stage::IdToken.misconfigured(
    "the ID token has no oid, which identifies users: keep profile in settings.scopes, and use no claims mapping \
     policy that removes oid",
);
const CONSENT: NotPassed = NotPassed::Unverifiable(
    "only a login shows whether the tenant has consented to the scopes: App registrations > the app > API permissions > Grant \
     admin consent, or each user is asked once",
);
const OPTIONAL_CLAIMS: NotPassed = NotPassed::Unverifiable(
    "only an ID token has them: add email and xms_edov under App registrations > the app > Token configuration > Add optional \
     claim > ID, or no e-mail counts as verified",
);

const PASSWORDS: NotPassed = NotPassed::Unverifiable(
    "only a user's login shows it: the app's users must need no second factor (Conditional Access, security defaults), and federated \
     domains need a home-realm discovery policy with AllowCloudPasswordValidation",
);

#[derive(Debug)]
struct Entra {
    profile: Profile,
    /// How tokens name their issuer, with [`TENANT`] in the tenant's place.
    template: String,
    tenants: Tenants,
    verified_domains: Vec<String>,
    /// Why no password can be sent to it: what the settings have as the tenant.
    without_passwords: Option<String>,
    /// Whether it is an external tenant.
    is_external: bool,
}

/// Who may sign in.
#[derive(Debug)]
enum Tenants {
    /// Whom the issuer admits.
    OfTheIssuer,
    /// Every company, but no personal account.
    Organizations,
    Listed(Vec<String>),
}

impl Entra {
    fn read(settings: Map<String, Value>) -> Result<Box<dyn OidcProvider>, InvalidConnector> {
        let settings: Settings = document::settings(settings)?;
        settings.check()?;
        let Settings { tenant, allowed_tenants, any_tenant, verified_domains, cloud, external_id } = settings;
        let host = match &external_id {
            Some(subdomain) if is_label(subdomain) => format!("{subdomain}.ciamlogin.com"),
            Some(custom) => custom.clone(),
            None => cloud.host().to_owned(),
        };
        let is_external = external_id.is_some();
        // An external tenant is in its issuer's host as well, whichever host is asked.
        let template = match external_id {
            Some(_) => format!("https://{TENANT}.ciamlogin.com/{TENANT}/v2.0"),
            None => format!("https://{host}/{TENANT}/v2.0"),
        };
        let issuer = match tenant.as_str() {
            "common" | "organizations" => IssuerPolicy::of_any_tenant(&template),
            "consumers" => IssuerPolicy::exact(of_tenant(&template, CONSUMERS)),
            id if is_guid(id) => IssuerPolicy::exact(of_tenant(&template, id)),
            _domain => IssuerPolicy::of_one_tenant(&template),
        };
        let tenants = match tenant.as_str() {
            "organizations" if any_tenant => Tenants::Organizations,
            _ if !allowed_tenants.is_empty() => Tenants::Listed(allowed_tenants),
            _ => Tenants::OfTheIssuer,
        };
        let without_passwords = match tenant.as_str() {
            "common" | "consumers" => Some(format!(
                "is {tenant}, where Entra takes no passwords: put the tenant's id or one of its domains here, or organizations"
            )),
            _ => None,
        };
        let discovery = Url::parse(&format!("https://{host}/{tenant}/v2.0/.well-known/openid-configuration"));
        let profile = Profile {
            endpoints: Endpoints {
                discovery_endpoint: discovery.ok(),
                ..Endpoints::keys_of_own_host(
                    external_id.as_deref().is_some_and(|external| !is_label(external)),
                    &format!("https://{tenant}.ciamlogin.com/{tenant}/discovery/v2.0/keys"),
                )
            },
            // It knows less than the ID token, and its documentation advises against it.
            userinfo_for: &[],
            of_a_redirect: &[&errors::OF_A_REDIRECT, &OF_A_REDIRECT],
            of_a_code: &[&errors::OF_A_CODE, &errors::OF_ANYTHING, &OF_A_CODE],
            no_document: errors::NO_TENANT,
            another_issuer: "the discovery document names another issuer: put the id in that issuer into settings.tenant, and check \
                             settings.cloud",
            // Not at the address of all tenants.
            trial: if is_one(&tenant) { Trial::ClientCredentials(GRAPH) } else { Trial::Code },
            // A tenant's id is the same by every address of a cloud, and in each user's key.
            ..Profile::new(issuer.known_as(format!("https://{}", cloud.host())))
        };
        Ok(Box::new(Self { profile, template, tenants, verified_domains, without_passwords, is_external }))
    }
}

#[async_trait]
impl OidcProvider for Entra {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn check(&self, document: &ConnectorDocument) -> Result<(), InvalidConnector> {
        let has = |method| document.methods.contains_key(&method);
        match &self.without_passwords {
            Some(reason) if has(Method::Password) => Err(InvalidConnector::at("settings.tenant", reason.clone())),
            _ if has(Method::EmailOtp) && !self.is_external => Err(InvalidConnector::at(
                "methods.email_otp",
                "is for external tenants: set settings.external_id, if the tenant is one. Others send no codes",
            )),
            _ => Ok(()),
        }
    }

    /// Known by tenant and object: `sub` is another one for each client, and e-mail addresses change hands.
    fn identify(&self, _: Method, claims: &mut VerifiedClaims, _: Option<&Callback>) -> Result<(), ProviderError> {
        let refused = |check| Stage::IdToken.refused(check);
        let tenant = claims.text("tid").filter(|tenant| is_guid(tenant)).ok_or(refused(Check::Issuer))?;
        if claims.text("iss") != Some(&of_tenant(&self.template, tenant)) {
            return Err(refused(Check::Issuer));
        }
        let is_admitted = match &self.tenants {
            Tenants::OfTheIssuer => true,
            Tenants::Organizations => tenant != CONSUMERS,
            Tenants::Listed(listed) => listed.iter().any(|listed| listed == tenant),
        };
        if !is_admitted {
            return Err(refused(Check::Tenant));
        }
        let object = claims.text("oid").filter(|object| is_guid(object)).ok_or(NO_OBJECT)?;
        let account = format!("{tenant}.{object}");
        claims.known_as(account);
        Ok(())
    }

    /// An address is any text that some administrator has written, unless its domain is the tenant's own (nOAuth).
    fn describe(&self, claims: &mut VerifiedClaims) {
        let is_listed = claims.email_domain().is_some_and(|domain| self.verified_domains.contains(&domain));
        // `idp`: a guest, whose address comes from elsewhere.
        let is_verified = says_yes(claims.get("xms_edov")) || (is_listed && claims.get("idp").is_none());
        claims.email_is_verified(is_verified);
        // Beyond 200 groups there is only a pointer to where they may be asked for.
        let elsewhere = claims.get("_claim_names").is_some_and(|names| names.get("groups").is_some());
        if elsewhere || says_yes(claims.get("hasgroups")) {
            claims.leave_out("groups");
        }
    }

    fn own_page(&self, answer: &Response) -> Option<Verdict> {
        errors::of_a_page(&answer.body).map(|hint| Err(NotPassed::Failed(hint)))
    }

    async fn probe(&self, probing: &Probing<'_>) -> Vec<Finding> {
        let mut checks =
            vec![Finding::of("consent", Err(CONSENT)), Finding::of("optional_claims", Err(OPTIONAL_CLAIMS))];
        if probing.has(Method::Password) && !self.is_external {
            checks.push(Finding::of("password_grant", Err(PASSWORDS)));
        }
        for (method, id) in [(Method::Password, "native_password"), (Method::EmailOtp, "native_email_otp")] {
            if self.is_external && probing.has(method) {
                checks.push(Finding::of(id, is_native(probing, method).await));
            }
        }
        checks
    }

    /// Native authentication is for clients that authenticate with nothing.
    fn has_own_api(&self, method: Method) -> bool {
        self.is_external && method != Method::Oidc
    }

    /// The resource owner password credentials grant: <https://learn.microsoft.com/entra/identity-platform/v2-oauth-ropc>. One call,
    /// and never a question: a user who needs a second factor is refused.
    async fn begin(&self, provider: &Connection<'_>, attempt: Attempt<'_>) -> Result<Begun, ProviderError> {
        if self.is_external {
            return native::begin(provider, attempt).await;
        }
        let Attempt::Password { username, password, .. } = attempt else {
            return Err(not_switched_on(attempt.method()));
        };
        let grant = [
            ("grant_type", "password"),
            ("scope", provider.scope()),
            ("username", username),
            ("password", password.expose_secret()),
        ];
        provider.grant(Method::Password, &grant, TO_A_PASSWORD).await.map(Begun::Tokens)
    }

    async fn answer(
        &self,
        provider: &Connection<'_>,
        pending: &Pending,
        answer: Answer<'_>,
    ) -> Result<Begun, ProviderError> {
        match self.is_external {
            true => native::answer(provider, pending, answer).await,
            false => Err(Stage::Attempt.refused(Check::Unasked)),
        }
    }
}

async fn is_native(probing: &Probing<'_>, method: Method) -> Verdict {
    let provider = probing.own_api()?;
    let made_up = URL_SAFE_NO_PAD.encode(provider.cx.entropy().bytes::<12>());
    Ok(native::probe(&provider, method, &format!("{made_up}@made-up.example")).await?)
}

/// As a boolean, number or text: which it is, the documentation does not say.
fn says_yes(claim: Option<&Value>) -> bool {
    claim.is_some_and(|claim| [json!(true), json!(1), json!("true"), json!("1")].contains(claim))
}
