//! Whether users may be sent to an address.

/// Where any port will do (RFC 8252 section 7.3).
const LOOPBACK: &str = "http://127.0.0.1";

/// Whether a client's registered redirect URI allows `address`: the same characters, or the same beginning where the
/// registered one ends in `*`.
pub(super) fn matches(registered: &str, address: &str) -> bool {
    if registered == address {
        return true;
    }
    let Some(prefix) = registered.strip_suffix('*') else { return false };
    if is_devious(address) {
        return false;
    }
    if prefix.is_empty() {
        return address.starts_with("https://") || address.starts_with("http://");
    }
    // A `*` in the host's place would let anybody register a host that begins alike.
    if !has_path(prefix) {
        return false;
    }
    let address = address.split('?').next().unwrap_or_default();
    [address.to_owned(), without_port(address)]
        .iter()
        .any(|address| address.starts_with(prefix) || prefix.strip_suffix('/') == Some(address))
}

/// Parts that make browsers go elsewhere than the text seems to say.
fn is_devious(address: &str) -> bool {
    let lower = address.to_lowercase();
    let authority = lower.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    authority.is_some_and(|authority| authority.contains('@'))
        || lower.contains("..")
        || lower.contains("%2e")
        || lower.contains(|character: char| character.is_whitespace() || character == '\\')
}

fn has_path(prefix: &str) -> bool {
    prefix.split_once("://").is_some_and(|(_, rest)| rest.contains('/'))
}

/// A loopback address without its port; any other as it is.
fn without_port(address: &str) -> String {
    let rest = address.strip_prefix(LOOPBACK).and_then(|rest| rest.strip_prefix(':'));
    match rest {
        Some(rest) => format!("{LOOPBACK}{}", rest.trim_start_matches(|character: char| character.is_ascii_digit())),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_uri_is_compared_character_by_character() {
        let registered = "https://app.example/callback";
        assert!(matches(registered, registered));
        for other in [
            "https://app.example/callback/",
            "https://app.example/CALLBACK",
            "https://APP.example/callback",
            "https://app.example:443/callback",
            "https://app.example/callback?a=1",
            "https://app.example/callback#a",
            "https://app.example/callback ",
            "https://x@app.example/callback",
            "",
        ] {
            assert!(!matches(registered, other), "{other}");
        }
    }

    #[test]
    fn a_star_at_the_end_stands_for_the_rest_of_the_path_and_for_nothing_else() {
        for (registered, address, allowed) in [
            ("https://app.example/a/*", "https://app.example/a/b/c?x=1", true),
            ("https://app.example/a/*", "https://app.example/a", true),
            ("https://app.example/a*", "https://app.example/abc", true),
            ("https://app.example/a/*", "https://app.example/ab", false),
            ("https://app.example/a/*", "https://app.example/a/../b", false),
            ("https://app.example/a/*", "https://app.example/a/%2E%2e/b", false),
            ("https://app.example/*", "https://x@app.example/", false),
            ("https://app.example*", "https://app.example.attacker.example/", false),
            ("http://127.0.0.1/*", "http://127.0.0.1:1234/x", true),
            ("*", "https://anywhere.example/", true),
            ("*", "javascript:alert(1)", false),
        ] {
            assert_eq!(matches(registered, address), allowed, "{registered} {address}");
        }
    }
}
