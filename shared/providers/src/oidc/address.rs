//! Addresses as connectors and discovery documents may write them.

use url::{Host, Url};

/// Why `url` is not acceptable: it has to be https, or http on this machine, without user name, password and fragment. Whether
/// it may be called is checked by egress when it is called.
pub fn check(url: &Url) -> Result<(), &'static str> {
    if url.scheme() != "https" && !(url.scheme() == "http" && is_this_machine(url)) {
        return Err("is not an https address");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user name or password in it");
    }
    if url.fragment().is_some() {
        return Err("has a fragment");
    }
    Ok(())
}

/// Whether `text` is one label of a host name (RFC 1123 section 2.1), in lower case.
pub fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// Whether `text` is the name of a host of at least two labels, in lower case, and nothing else: no scheme, port or path.
pub fn is_host(text: &str) -> bool {
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_label)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_or_this_machine() {
        let check = |url: &str| check(&Url::parse(url).unwrap());
        for good in
            ["https://id.example/authorize?p=policy", "http://127.0.0.1:8080/", "http://[::1]/", "http://localhost/"]
        {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "http://id.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "http://localhost.id.example/",
        ] {
            assert_eq!(check(bad), Err("is not an https address"), "{bad}");
        }
        assert_eq!(check("https://a:b@id.example/"), Err("has a user name or password in it"));
        assert_eq!(check("https://id.example/#a"), Err("has a fragment"));
    }
}
