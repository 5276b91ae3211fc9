//! The addresses that may be called.
//!
//! A connector's URL and every URL in a provider's documents come from outside. From inside the cloud, a function could
//! reach addresses that trust any caller: metadata services, its own runtime, the company's network. An attacker could
//! use such a URL for a request of ours to them (SSRF). So a literal address is checked in the URL (the client's
//! resolver is never asked about literals). A name is checked by the addresses to which it resolves, and only those
//! addresses are called ([`crate::resolver`]).

use std::net::IpAddr;

use domain::Reach;
use url::{Host, Url};

use crate::public::is_public;
use crate::{EgressError, Refusal};

/// Whether `address` may be called.
pub(crate) fn is_allowed(reach: Reach, address: IpAddr) -> bool {
    is_public(address)
        || match reach {
            Reach::Public => false,
            Reach::Networks(networks) => networks.allows(address),
            Reach::Local => address.is_loopback(),
        }
}

/// Checks the URL itself. A name passes: its addresses are checked when the connection is opened.
pub(crate) fn vet(reach: Reach, url: &Url) -> Result<(), EgressError> {
    let refused = |refusal| Err(EgressError::Refused(refusal));
    match (url.scheme(), reach) {
        ("https", _) => {}
        ("http", Reach::Local) if is_this_machine(url) => {}
        _ => return refused(Refusal::Scheme),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refused(Refusal::Credentials);
    }
    let allowed = match url.host() {
        Some(Host::Ipv4(address)) => is_allowed(reach, address.into()),
        Some(Host::Ipv6(address)) => is_allowed(reach, address.into()),
        Some(Host::Domain(name)) => reach == Reach::Local || !is_localhost(name),
        None => false,
    };
    if !allowed {
        return refused(Refusal::Address);
    }
    // Ports below 1024 belong to other services (SSH, mail, LDAP). Some of them execute any line they receive, so a
    // request could become a command. Providers use 443 or a port above 1023.
    match url.port_or_known_default() {
        Some(443 | 1024..) => Ok(()),
        Some(80) if reach == Reach::Local => Ok(()),
        _ => refused(Refusal::Port),
    }
}

/// Whether the URL names this machine. With plain http nothing authenticates the server, so only names that always mean
/// this machine are allowed (RFC 6761 section 6.3).
fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Whether `name` is reserved for this machine (RFC 6761 section 6.3), even if a resolver answers otherwise. URLs are
/// lower case.
fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(reach: Reach, url: &str) -> Option<Refusal> {
        match vet(reach, &Url::parse(url).unwrap()) {
            Ok(()) => None,
            Err(EgressError::Refused(refusal)) => Some(refusal),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn only_public_addresses_are_called() {
        for private in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.1",
            "0x7f000001",
            "2130706433",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:8.8.8.8]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::1]",
            "[100::1]",
            "[2001::1]",
            "[2001:db8::1]",
            "[2002:7f00:1::]",
            "[3fff::1]",
            "[fc00::1]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "[fec0::1]",
            "[ff02::1]",
        ] {
            assert_eq!(refused(Reach::Public, &format!("https://{private}/")), Some(Refusal::Address), "{private}");
        }
        for public in ["8.8.8.8", "100.63.255.255", "100.128.0.0", "172.32.0.1", "[2606:4700::1111]", "[2a00:1450::1]"]
        {
            assert_eq!(refused(Reach::Public, &format!("https://{public}/")), None, "{public}");
        }
    }

    #[test]
    fn only_https_and_no_credentials_in_urls() {
        for scheme in ["http://id.example/", "file:///etc/passwd", "ftp://id.example/", "gopher://id.example/"] {
            assert_eq!(refused(Reach::Public, scheme), Some(Refusal::Scheme), "{scheme}");
        }
        assert_eq!(refused(Reach::Local, "file:///etc/passwd"), Some(Refusal::Scheme));
        assert_eq!(refused(Reach::Public, "https://a:b@id.example/"), Some(Refusal::Credentials));
        assert_eq!(refused(Reach::Public, "https://id.example/"), None);
    }

    #[test]
    fn local_reach_adds_only_this_machine() {
        for local in ["http://127.0.0.1:8080/", "http://[::1]/", "http://localhost/", "https://8.8.8.8/"] {
            assert_eq!(refused(Reach::Local, local), None, "{local}");
        }
        for private in ["https://10.0.0.1/", "https://169.254.169.254/", "https://[fd00:ec2::254]/", "https://0.0.0.0/"]
        {
            assert_eq!(refused(Reach::Local, private), Some(Refusal::Address), "{private}");
        }
        for elsewhere in ["http://8.8.8.8/", "http://id.example/", "http://localhost.id.example/", "http://10.0.0.1/"] {
            assert_eq!(refused(Reach::Local, elsewhere), Some(Refusal::Scheme), "{elsewhere}");
        }
    }

    #[test]
    fn every_spelling_of_an_address_is_refused() {
        for spelling in [
            // 127.0.0.1
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0x7F.1",
            "017700000001",
            "0177.0.0.1",
            "127.0.0.1.",
            "127.1.",
            "%31%32%37.0.0.1",
            "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
            "\u{2460}\u{2461}\u{2466}.0.0.1",
            "127\u{3002}0\u{3002}0\u{3002}1",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[0:0:0:0:0:ffff:127.0.0.1]",
            "[::127.0.0.1]",
            "[0000:0000:0000:0000:0000:0000:0000:0001]",
            "[64:ff9b::127.0.0.1]",
            "[2002:7f00:1::1]",
            // 169.254.169.254
            "169.254.169.254.",
            "2852039166",
            "0xa9fea9fe",
            "0xa9.0xfe.0xa9.0xfe",
            "0251.0376.0251.0376",
            "169.254.43518",
            "169.16689662",
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[64:ff9b::a9fe:a9fe]",
            "[64:ff9b:1::a9fe:a9fe]",
            "[fd00:ec2::254]",
            "[FD00:0EC2:0:0:0:0:0:254]",
            // 10.0.0.1, 100.64.0.1, 0.0.0.0
            "012.1",
            "167772161",
            "0x64.64.1",
            "0",
            "0x0",
            // by name
            "localhost",
            "localhost.",
            "LOCALHOST",
            "LocalHost.",
            "metadata.localhost",
            "metadata.localhost.",
            "\u{24db}ocalhost",
        ] {
            for reach in [Reach::Public, Reach::Networks("10.20.0.0/16".parse().unwrap())] {
                assert_eq!(refused(reach, &format!("https://{spelling}/")), Some(Refusal::Address), "{spelling}");
            }
        }
        // Text that is neither an address nor a name is not a URL.
        for nonsense in ["127.0.0.0.1", "256.0.0.1", "[fe80::1%25eth0]", "[::1", "0x100000000", "a..b:x"] {
            assert!(Url::parse(&format!("https://{nonsense}/")).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn ports_of_other_services_are_not_called() {
        for port in [0, 1, 22, 23, 25, 53, 80, 110, 389, 442, 444, 445, 465, 587, 636, 993, 1023] {
            assert_eq!(refused(Reach::Public, &format!("https://id.example:{port}/")), Some(Refusal::Port), "{port}");
        }
        for port in [443, 1024, 8443, 9443, 65535] {
            assert_eq!(refused(Reach::Public, &format!("https://id.example:{port}/")), None, "{port}");
        }
        assert_eq!(refused(Reach::Local, "http://localhost/"), None);
        assert_eq!(refused(Reach::Local, "http://localhost:25/"), Some(Refusal::Port));
        // Addresses of a function's own runtime and extensions.
        for runtime in ["127.0.0.1:9001", "localhost:9001", "169.254.100.1:9001", "[::1]:2773"] {
            assert_eq!(refused(Reach::Public, &format!("https://{runtime}/")), Some(Refusal::Address), "{runtime}");
        }
    }

    #[test]
    fn only_listed_private_networks_are_reached_and_only_by_https() {
        let reach = Reach::Networks("10.20.0.0/16,fd00::/8,100.64.0.0/10".parse().unwrap());
        for named in ["10.20.0.1", "10.20.255.255:8443", "0x0a140001", "[fd12::1]", "100.64.0.1", "8.8.8.8"] {
            assert_eq!(refused(reach, &format!("https://{named}/")), None, "{named}");
        }
        for other in [
            "10.21.0.1",
            "192.168.1.1",
            "127.0.0.1",
            "[::1]",
            "0.0.0.0",
            "169.254.169.254",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "100.100.100.200",
            "[::ffff:10.20.0.1]",
            "[64:ff9b::10.20.0.1]",
        ] {
            assert_eq!(refused(reach, &format!("https://{other}/")), Some(Refusal::Address), "{other}");
        }
        assert_eq!(refused(reach, "http://10.20.0.1/"), Some(Refusal::Scheme));
        assert_eq!(refused(reach, "https://10.20.0.1:22/"), Some(Refusal::Port));
        assert_eq!(refused(reach, "http://localhost/"), Some(Refusal::Scheme));
    }
}
