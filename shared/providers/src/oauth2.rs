#![doc = include_str!("../guides/oauth2.md")]

mod presets;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use domain::Method;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, TE, TRANSFER_ENCODING,
    UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use self::presets::{PRESETS, Preset};
use crate::document::{self, InvalidConnector};
use crate::oidc::{
    Endpoints, Entry, IdentityFrom, IssuerPolicy, Lookup, OF_A_CODE, OF_A_REDIRECT, OF_AN_API, OidcProvider, Profile,
    Said, Verb, check_address,
};
use crate::registry::Provider;

pub(crate) const PROVIDER: Provider = Provider::oidc("oauth2", &[Method::Oidc], presets::REFUSALS, read);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// A provider whose settings are known here.
    preset: Option<String>,
    /// How the provider names itself at the callback (RFC 9207), and by which users are known; absent: the address that says the
    /// subject.
    issuer: Option<String>,
    /// What addresses in `userinfo` begin with that are paths.
    api: Option<String>,
    /// What the provider wants of every request.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// What is asked, in this order.
    #[serde(default)]
    userinfo: Vec<Userinfo>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Userinfo {
    url: String,
    #[serde(default)]
    method: Verb,
    list: Option<String>,
    #[serde(default, rename = "where")]
    having: Map<String, Value>,
    claims: BTreeMap<String, Said>,
}

fn read(settings: Map<String, Value>) -> Result<Box<dyn OidcProvider>, InvalidConnector> {
    let settings: Settings = document::settings(settings)?;
    let profile = match &settings.preset {
        Some(name) => settings.of_preset(preset(name)?)?,
        None => settings.of_its_own()?,
    };
    Ok(Box::new(profile))
}

fn preset(name: &str) -> Result<&'static Preset, InvalidConnector> {
    PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| {
        let known = PRESETS.iter().map(|preset| preset.name).collect::<Vec<_>>().join(", ");
        InvalidConnector::at("settings.preset", format!("unknown preset {name:?}, known are: {known}"))
    })
}

impl Settings {
    /// A provider that is described by this document alone.
    fn of_its_own(&self) -> Result<Profile, InvalidConnector> {
        if self.userinfo.is_empty() {
            return Err(InvalidConnector::at("settings", "missing field `userinfo`, or `preset` in its place"));
        }
        let lookups = lookups(&self.userinfo, self.api.as_deref())?;
        let issuer = match &self.issuer {
            Some(issuer) if issuer.is_empty() => return Err(InvalidConnector::at("settings.issuer", "is empty")),
            Some(issuer) => issuer.clone(),
            None => key_of(&lookups),
        };
        Ok(Profile {
            identity: IdentityFrom::Api(lookups),
            scopes: &[],
            headers: headers(self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())))?,
            ..Profile::new(IssuerPolicy::exact(issuer))
        })
    }

    /// A provider that is known here. Were its userinfo another, users could be known by something that they choose themselves.
    fn of_preset(&self, preset: &'static Preset) -> Result<Profile, InvalidConnector> {
        let beside = [
            ("issuer", self.issuer.is_some() && self.api.is_none()),
            ("headers", !self.headers.is_empty()),
            ("userinfo", !self.userinfo.is_empty()),
        ];
        if let Some((name, _)) = beside.into_iter().find(|(_, there)| *there) {
            let reason = "stands beside preset, which says it: leave one of them out";
            return Err(InvalidConnector::at(format!("settings.{name}"), reason));
        }
        let userinfo: Vec<Userinfo> = serde_json::from_str(preset.userinfo)
            .map_err(|error| InvalidConnector::at("settings.preset", error.to_string()))?;
        let lookups = lookups(&userinfo, Some(self.api.as_deref().unwrap_or(preset.api)))?;
        // The ids of another server are other accounts, however it names itself.
        let key = if self.api.is_some() { key_of(&lookups) } else { preset.issuer.to_owned() };
        let issuer = IssuerPolicy::exact(self.issuer.as_deref().unwrap_or(preset.names_itself)).known_as(key);
        Ok(Profile {
            endpoints: Endpoints {
                authorization_endpoint: Url::parse(preset.authorization_endpoint).ok(),
                token_endpoint: Url::parse(preset.token_endpoint).ok(),
                ..Endpoints::default()
            },
            identity: IdentityFrom::Api(lookups),
            is_pairwise: preset.is_pairwise,
            scopes: preset.scopes,
            pkce: preset.pkce,
            headers: headers(preset.headers.iter().copied())?,
            client_auth: preset.client_auth,
            of_a_redirect: preset.of_a_redirect,
            of_a_code: preset.of_a_code,
            of_api: preset.of_api,
            ..Profile::new(issuer)
        })
    }
}

/// The address that says the subject, without its query.
fn key_of(lookups: &[Lookup]) -> String {
    let url = lookups.first().and_then(|lookup| lookup.url.clone());
    url.map(|mut url| {
        url.set_query(None);
        url.into()
    })
    .unwrap_or_default()
}

fn lookups(userinfo: &[Userinfo], api: Option<&str>) -> Result<Vec<Lookup>, InvalidConnector> {
    let read = |(index, one): (usize, &Userinfo)| lookup(&format!("settings.userinfo[{index}]"), one, api);
    let lookups: Vec<Lookup> = userinfo.iter().enumerate().map(read).collect::<Result<_, _>>()?;
    match lookups.first() {
        Some(first) if !first.claims.contains_key("sub") => Err(InvalidConnector::at(
            "settings.userinfo[0].claims",
            "has no sub, by which users are known: an id that neither the user nor the provider ever changes",
        )),
        _ => Ok(lookups),
    }
}

fn lookup(place: &str, userinfo: &Userinfo, api: Option<&str>) -> Result<Lookup, InvalidConnector> {
    let invalid = |member: &str, reason: &str| InvalidConnector::at(format!("{place}.{member}"), reason);
    let Userinfo { url, method, list, having, claims } = userinfo;
    let url = match (url.starts_with('/'), api) {
        (true, Some(api)) => format!("{}{url}", api.trim_end_matches('/')),
        (true, None) => return Err(invalid("url", "is a path, and there is no settings.api that it begins at")),
        (false, _) => url.clone(),
    };
    let url = Url::parse(&url).map_err(|_| invalid("url", "is neither an address, nor a path below settings.api"))?;
    check_address(&url).map_err(|reason| invalid("url", reason))?;
    if list.as_deref().is_some_and(|list| !list.is_empty() && !list.starts_with('/')) {
        return Err(invalid("list", "is not a JSON Pointer, such as /values, or \"\" for the whole answer"));
    }
    let is_flag = |name: &str| name.ends_with("_verified");
    if let Some((name, _)) = claims.iter().find(|(name, said)| !is_flag(name) && !matches!(said, Said::At(_))) {
        let reason = "is yes or no, as only email_verified and phone_number_verified are: say a JSON Pointer";
        return Err(invalid(&format!("claims.{name}"), reason));
    }
    let entry = (list.is_some() || !having.is_empty())
        .then(|| Entry { list: list.clone().unwrap_or_default(), having: having.clone() });
    Ok(Lookup { url: Some(url), verb: *method, entry, claims: claims.clone() })
}

/// Those that are ours to say: whose request it is, and how it is sent.
const OURS: &[HeaderName] = &[
    AUTHORIZATION,
    COOKIE,
    HOST,
    CONTENT_TYPE,
    CONTENT_LENGTH,
    ACCEPT_ENCODING,
    CONNECTION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

fn headers<'a>(settings: impl Iterator<Item = (&'a str, &'a str)>) -> Result<HeaderMap, InvalidConnector> {
    let mut headers = HeaderMap::new();
    for (name, value) in settings {
        let invalid = |reason: &str| Err(InvalidConnector::at(format!("settings.headers.{name}"), reason));
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), _) if OURS.contains(&name) => return invalid("is the protocol's own: it cannot be set here"),
            (Ok(name), Ok(value)) => headers.insert(name, value),
            (Err(_), _) => return invalid("is not the name of a header"),
            (_, Err(_)) => return invalid("has a character that no header has"),
        };
    }
    Ok(headers)
}
