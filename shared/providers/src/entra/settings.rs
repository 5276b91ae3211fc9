//! An Entra connector's settings.

use serde::Deserialize;

use crate::InvalidConnector;
use crate::oidc::{is_guid, is_host, is_label};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// A tenant's id or one of its verified domains, or whose tenants: `common`, `organizations`, `consumers`.
    pub(super) tenant: String,
    /// The tenants that may sign in through `common` or `organizations`, by id.
    #[serde(default)]
    pub(super) allowed_tenants: Vec<String>,
    /// Instead: every tenant may.
    #[serde(default)]
    pub(super) any_tenant: bool,
    /// Domains whose addresses are verified, because the tenant has them.
    #[serde(default)]
    pub(super) verified_domains: Vec<String>,
    #[serde(default)]
    pub(super) cloud: Cloud,
    /// An external tenant's subdomain of `ciamlogin.com`, or its custom domain.
    pub(super) external_id: Option<String>,
}

/// A cloud with tenants of its own: <https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud>.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Cloud {
    #[default]
    Public,
    UsGovernment,
    China,
}

impl Cloud {
    pub(super) fn host(self) -> &'static str {
        match self {
            Cloud::Public => "login.microsoftonline.com",
            Cloud::UsGovernment => "login.microsoftonline.us",
            Cloud::China => "login.partner.microsoftonline.cn",
        }
    }
}

/// Whether it stands for one tenant.
pub(super) fn is_one(tenant: &str) -> bool {
    !matches!(tenant, "common" | "organizations" | "consumers")
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), InvalidConnector> {
        let tenant = self.tenant.as_str();
        let is_many = matches!(tenant, "common" | "organizations");
        let invalid = |place: &str, reason: String| Err(InvalidConnector::at(format!("settings.{place}"), reason));
        let wrong = |all: &[String], is_right: fn(&str) -> bool| all.iter().position(|one| !is_right(one));
        if is_one(tenant) && !is_guid(tenant) && !is_host(tenant) {
            let words = "is neither a tenant id (GUID), a verified domain, nor common | organizations | consumers";
            return invalid("tenant", format!("{tenant:?} {words}: all in lower case"));
        }
        if let Some(index) = wrong(&self.allowed_tenants, is_guid) {
            let reason = format!("{:?} is not a tenant id, a GUID in lower case", self.allowed_tenants[index]);
            return invalid(&format!("allowed_tenants[{index}]"), reason);
        }
        if let Some(index) = wrong(&self.verified_domains, is_host) {
            let reason =
                format!("{:?} is not a domain in lower case, such as contoso.com", self.verified_domains[index]);
            return invalid(&format!("verified_domains[{index}]"), reason);
        }
        match (is_many, self.allowed_tenants.is_empty(), self.any_tenant) {
            (true, true, false) => invalid(
                "allowed_tenants",
                format!(
                    "users of every tenant could sign in through {tenant}: list the ids of the tenants that may, or say \
                     any_tenant: true"
                ),
            ),
            (true, false, true) => {
                invalid("any_tenant", "stands beside allowed_tenants: one of them is enough".to_owned())
            }
            (false, false, _) => {
                invalid("allowed_tenants", "is for common and organizations: tenant is one already".to_owned())
            }
            (false, true, true) => {
                invalid("any_tenant", "is for common and organizations: tenant is one already".to_owned())
            }
            _ => Ok(()),
        }?;
        if !self.verified_domains.is_empty() && !is_one(tenant) {
            let reason = format!("are domains of one tenant, and tenant is {tenant}: make a connector for that tenant");
            return invalid("verified_domains", reason);
        }
        let Some(external) = &self.external_id else { return Ok(()) };
        if !is_label(external) && !is_host(external) || external.ends_with(".ciamlogin.com") {
            let words = "is neither the subdomain of ciamlogin.com, such as contoso, nor a domain of your own";
            return invalid("external_id", format!("{external:?} {words}"));
        }
        if !is_guid(tenant) {
            let reason = format!("{tenant:?} is not the external tenant's id (GUID), which its tokens name");
            return invalid("tenant", reason);
        }
        match self.cloud {
            Cloud::Public => Ok(()),
            _ => invalid("cloud", "stands beside external_id: external tenants are in the public cloud".to_owned()),
        }
    }
}
