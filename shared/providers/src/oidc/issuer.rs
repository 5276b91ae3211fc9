//! How a provider may write its issuer, and under which key its accounts are stored.

use serde_json::{Map, Value};

/// What stands in an issuer in place of the tenant, where one address serves many: as Microsoft writes it in the discovery
/// document of all tenants.
pub const TENANT: &str = "{tenantid}";

/// The claim that names the tenant, and that the place of [`TENANT`] has to show.
const TENANT_CLAIM: &str = "tid";

/// How a provider may write its issuer, and under which key its accounts are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerPolicy {
    /// The discovery document names one of them. The first says where it is fetched.
    spellings: Vec<String>,
    /// Whether ID tokens may have any spelling, or only the one that the discovery document has.
    interchangeable: bool,
    /// Whether the discovery document may speak for every tenant at once.
    every_tenant: bool,
    key: String,
}

impl IssuerPolicy {
    /// One spelling, to the last slash (OpenID Connect Discovery 1.0 section 4.3).
    pub fn exact(issuer: impl Into<String>) -> Self {
        Self::of(vec![issuer.into()], false)
    }

    /// With or without one slash at the end: for settings in which it cannot be seen which it is. ID tokens match what the
    /// discovery document names.
    pub fn with_or_without_slash(issuer: &str) -> Self {
        let bare = issuer.trim_end_matches('/');
        Self::of(vec![bare.to_owned(), format!("{bare}/")], false)
    }

    /// Several names of one issuer: ID tokens may have any of them, whichever the discovery document has.
    pub fn any_of(spellings: impl IntoIterator<Item = String>) -> Self {
        Self::of(spellings.into_iter().collect(), true)
    }

    /// One issuer for each tenant: `template` has [`TENANT`] in it. The discovery document names the template, or one tenant;
    /// an ID token names the tenant that its own `tid` names.
    pub fn of_any_tenant(template: impl Into<String>) -> Self {
        Self { every_tenant: true, ..Self::of(vec![template.into()], false) }
    }

    /// The same where the discovery document names one tenant, whose id is not known before.
    pub fn of_one_tenant(template: impl Into<String>) -> Self {
        Self::of(vec![template.into()], false)
    }

    /// The same, but its accounts are known by `key`: where one pool of accounts has several issuers.
    #[must_use]
    pub fn known_as(self, key: impl Into<String>) -> Self {
        Self { key: key.into(), ..self }
    }

    fn of(spellings: Vec<String>, interchangeable: bool) -> Self {
        let key = spellings.first().map_or("", |first| first.trim_end_matches('/')).to_owned();
        Self { spellings, interchangeable, every_tenant: false, key }
    }

    /// The key of its accounts: the same for every spelling in the settings and in tokens.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The issuer as it is looked for.
    pub(super) fn first(&self) -> &str {
        self.spellings.first().map_or("", String::as_str)
    }

    /// Whether a discovery document may name `issuer`.
    pub fn admits(&self, issuer: &str) -> bool {
        let speaks = self.every_tenant || !issuer.contains(TENANT);
        speaks && self.spellings.iter().any(|spelling| is_one_of(spelling, issuer))
    }

    /// What ID tokens may name, where the discovery document names `found`; `None`: there is no document.
    pub(super) fn names(&self, found: Option<&str>) -> Vec<String> {
        match found {
            Some(found) if !self.interchangeable => vec![found.to_owned()],
            _ => self.spellings.clone(),
        }
    }
}

/// Whether `issuer`, which may have [`TENANT`] in it, is the one that `claims` name: exactly, and with their own tenant in its
/// place.
pub(super) fn is_named_by(issuer: &str, claims: &Map<String, Value>) -> bool {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let Some(named) = text("iss") else { return false };
    issuer == named || tenant_in(issuer, named).is_some_and(|tenant| text(TENANT_CLAIM) == Some(tenant))
}

/// Whether `named` is `issuer`, or one of its tenants.
pub(super) fn is_one_of(issuer: &str, named: &str) -> bool {
    issuer == named || tenant_in(issuer, named).is_some()
}

/// The tenant that `named` has wherever `template` has [`TENANT`]: a GUID, so that it brings no path of its own.
fn tenant_in<'a>(template: &str, named: &'a str) -> Option<&'a str> {
    let (before, _) = template.split_once(TENANT)?;
    let tenant = named.strip_prefix(before)?.get(..GUID)?;
    (is_guid(tenant) && of_tenant(template, tenant) == named).then_some(tenant)
}

/// The issuer of one tenant.
pub fn of_tenant(template: &str, tenant: &str) -> String {
    template.replace(TENANT, tenant)
}

/// In characters.
const GUID: usize = 36;

/// Whether `text` is a GUID as Microsoft writes it: lower-case hexadecimal digits in groups of 8, 4, 4, 4 and 12.
pub fn is_guid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let hex = |group: &str| group.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(|group| hex(group))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ONE: &str = "3b9c0d53-0000-4000-8000-0123456789ab";
    const OTHER: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

    #[test]
    fn an_issuer_is_admitted_in_its_own_spellings_only() {
        let exact = IssuerPolicy::exact("https://id.example/a/");
        assert!(exact.admits("https://id.example/a/"));
        let either = IssuerPolicy::with_or_without_slash("https://id.example/a");
        assert!(either.admits("https://id.example/a") && either.admits("https://id.example/a/"));
        assert_eq!((either.key(), exact.key()), ("https://id.example/a", "https://id.example/a"));
        for other in ["https://id.example/a", "https://id.example/A/", "https://id.example/a//", ""] {
            assert!(!exact.admits(other), "{other}");
        }
        assert!(!either.admits("https://id.example/a//"));
    }

    #[test]
    fn id_tokens_have_the_spelling_found_unless_any_will_do() {
        let either = IssuerPolicy::with_or_without_slash("https://id.example");
        assert_eq!(either.names(Some("https://id.example/")), ["https://id.example/"]);
        let any = IssuerPolicy::any_of(["https://id.example".to_owned(), "id.example".to_owned()]).known_as("pool");
        assert_eq!(any.names(Some("https://id.example")), ["https://id.example", "id.example"]);
        assert_eq!(any.key(), "pool");
    }

    #[test]
    fn a_tenant_is_named_by_its_own_tokens_only() {
        let template = format!("https://id.example/{TENANT}/v2.0");
        let policy = IssuerPolicy::of_any_tenant(template.clone());
        let one = IssuerPolicy::of_one_tenant(template.clone());
        let tenant = |id: &str| format!("https://id.example/{id}/v2.0");
        assert!(policy.admits(&template) && policy.admits(&tenant(ONE)));
        assert!(!one.admits(&template) && one.admits(&tenant(ONE)));
        for other in [tenant("a"), tenant(&ONE.to_uppercase()), tenant(&format!("{ONE}/x")), tenant("")] {
            assert!(!policy.admits(&other) && !is_one_of(&template, &other), "{other}");
        }
        let named = |iss: &str, tid: serde_json::Value| {
            is_named_by(&template, json!({ "iss": iss, "tid": tid }).as_object().unwrap())
        };
        assert!(named(&tenant(ONE), json!(ONE)));
        assert!(!named(&tenant(ONE), json!(OTHER)) && !named(&tenant(ONE), json!(null)));
        assert!(!named(&tenant("common"), json!("common")));
        let twice = format!("https://{TENANT}.id.example/{TENANT}");
        assert!(is_one_of(&twice, &of_tenant(&twice, ONE)));
        assert!(!is_one_of(&twice, &format!("https://{ONE}.id.example/{OTHER}")));
        // One tenant's own document is one issuer.
        assert_eq!(policy.names(Some(&tenant(ONE))), [tenant(ONE)]);
    }
}
