//! The cookies of a realm, set as the real server sets them.

use super::visit::Visit;
use crate::core::wire;

/// A cookie and how it is set.
pub(super) struct Cookie {
    name: &'static str,
    /// Out of reach of scripts.
    http_only: bool,
    /// Seconds; `None` until the browser is closed.
    max_age: Option<u32>,
}

const fn cookie(name: &'static str, http_only: bool, max_age: Option<u32>) -> Cookie {
    Cookie { name, http_only, max_age }
}

/// Binds the forms of a login to the browser that asked for them.
pub(super) const AUTH_SESSION: Cookie = cookie("AUTH_SESSION_ID", true, None);
/// Tells scripts in other tabs that a login has begun.
pub(super) const AUTH_SESSION_HASH: Cookie = cookie("KC_AUTH_SESSION_HASH", false, Some(60));
/// Begins a login anew when its session is gone.
pub(super) const RESTART: Cookie = cookie("KC_RESTART", true, None);
/// Signs the browser in.
pub(super) const IDENTITY: Cookie = cookie("KEYCLOAK_IDENTITY", true, None);
/// Tells scripts who is signed in.
pub(super) const SESSION: Cookie = cookie("KEYCLOAK_SESSION", false, Some(36_000));

impl Cookie {
    /// What the browser sent.
    pub(super) fn get<'a>(&self, visit: &'a Visit<'_>) -> Option<&'a str> {
        wire::cookie(visit.call.headers, self.name)
    }

    /// The header that sets it.
    pub(super) fn set(&self, visit: &Visit<'_>, value: &str) -> String {
        // RFC 2109's quotes, which the real server puts around what RFC 6265 needs none for.
        let value = if value.contains('/') { format!("\"{value}\"") } else { value.to_owned() };
        let max_age = self.max_age.map(|seconds| format!(";Max-Age={seconds}")).unwrap_or_default();
        // A browser drops `Secure` cookies that come over plain HTTP from anywhere but its own machine.
        let (secure, same_site) = if visit.is_secure() { (";Secure", "None") } else { ("", "Lax") };
        let http_only = if self.http_only { ";HttpOnly" } else { "" };
        let (name, path) = (self.name, visit.path());
        format!("{name}={value};Version=1;Path={path}/{max_age}{secure}{http_only};SameSite={same_site}")
    }

    /// The header that has the browser forget it.
    pub(super) fn clear(&self, visit: &Visit<'_>) -> String {
        format!("{}=;Version=1;Path={}/;Max-Age=0", self.name, visit.path())
    }
}
