//! Whom we may talk to.
//!
//! A connector's URL and every URL in a provider's documents come from outside, and a function in the cloud stands beside
//! addresses that answer anybody who is already inside: metadata services, its own runtime, the company's network. So a
//! literal address is checked on the URL (the client's resolver is never asked about literals), and a name by the
//! addresses it resolves to, which are then the ones that are dialled: an answer that changes between check and dial
//! changes nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::{EgressError, Refusal};

/// How far calls may reach. A value passed by code, never read from configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses, over https.
    Public,
    /// This machine as well, and that over plain http: for `landfall serve` and tests.
    Local,
}

impl Reach {
    /// Whether `address` may be dialled.
    fn admits(self, address: IpAddr) -> bool {
        is_public(address) || (self == Reach::Local && address.is_loopback())
    }

    /// Checks what a URL itself says. A name passes: what it resolves to is checked when it is dialled.
    pub(crate) fn vet(self, url: &Url) -> Result<(), EgressError> {
        match (url.scheme(), self) {
            ("https", _) => {}
            ("http", Reach::Local) if is_this_machine(url) => {}
            _ => return Err(EgressError::Refused(Refusal::Scheme)),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EgressError::Refused(Refusal::Credentials));
        }
        let admitted = match url.host() {
            Some(Host::Ipv4(address)) => self.admits(address.into()),
            Some(Host::Ipv6(address)) => self.admits(address.into()),
            Some(Host::Domain(_)) => true,
            None => false,
        };
        if admitted { Ok(()) } else { Err(EgressError::Refused(Refusal::Address)) }
    }
}

/// By what the URL says: over plain http nothing vouches for who answers, so the name has to be one that nobody else can
/// have (RFC 6761 section 6.3).
fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Whether anybody on the internet could reach `address`: the special-purpose registries of RFC 6890 are left out.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    // <https://www.iana.org/assignments/iana-ipv4-special-registry>
    !matches!(
        address.octets(),
        [0, ..] // this network
            | [10, ..] // private
            | [100, 64..=127, ..] // carrier-grade NAT
            | [127, ..] // loopback
            | [169, 254, ..] // link-local, metadata services
            | [172, 16..=31, ..] // private
            | [192, 0, 0 | 2, _] // protocol assignments, documentation
            | [192, 88, 99, _] // 6to4 relays
            | [192, 168, ..] // private
            | [198, 18..=19, ..] // benchmarks
            | [198, 51, 100, _] // documentation
            | [203, 0, 113, _] // documentation
            | [224..=255, ..] // multicast, reserved, broadcast
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Only 2000::/3 is handed out as global unicast (RFC 4291 section 2.4). That alone leaves out unspecified, loopback,
    // IPv4-mapped and -compatible, NAT64 (64:ff9b::/96, 64:ff9b:1::/48), discard, unique local, link-local, site-local
    // and multicast addresses; the rest within it: <https://www.iana.org/assignments/iana-ipv6-special-registry>
    match address.segments() {
        [0x2001, 0..=0x01ff, ..] => false, // protocol assignments, Teredo
        [0x2001, 0x0db8, ..] => false,     // documentation
        [0x2002, ..] => false,             // 6to4: an IPv4 address inside
        [0x3fff, 0..=0x0fff, ..] => false, // documentation
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}

/// Resolves names by the system, and hands on what may be dialled.
#[derive(Debug)]
pub(crate) struct VettingResolver(pub(crate) Reach);

/// A name resolves to an address that may not be dialled. Travels through the client's errors: see `crate::client`.
#[derive(Debug, thiserror::Error)]
#[error("the name resolves to an address that is not public")]
pub(crate) struct RefusedName;

impl VettingResolver {
    /// All of a name's addresses, or none: a name that has one private address beside a public one is an attempt at
    /// something.
    fn vetted(&self, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, RefusedName> {
        if addresses.iter().all(|address| self.0.admits(address.ip())) { Ok(addresses) } else { Err(RefusedName) }
    }
}

impl Resolve for VettingResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = Self(self.0);
        Box::pin(async move {
            // Port 0 stands for the URL's own.
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let vetted: Addrs = Box::new(resolver.vetted(addresses)?.into_iter());
            Ok(vetted)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(reach: Reach, url: &str) -> Option<Refusal> {
        match reach.vet(&Url::parse(url).unwrap()) {
            Ok(()) => None,
            Err(EgressError::Refused(refusal)) => Some(refusal),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn addresses_that_are_not_public_are_not_called() {
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
    fn local_reach_adds_this_machine_and_nothing_else() {
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
    fn a_name_with_one_private_address_is_refused_whole() {
        let resolved =
            |addresses: [&str; 2]| addresses.map(|address| SocketAddr::new(address.parse().unwrap(), 0)).to_vec();
        let resolver = VettingResolver(Reach::Public);
        assert!(resolver.vetted(resolved(["8.8.8.8", "2606:4700::1111"])).is_ok());
        assert!(resolver.vetted(resolved(["8.8.8.8", "10.0.0.1"])).is_err());
        assert!(resolver.vetted(resolved(["127.0.0.1", "::1"])).is_err());
        assert!(VettingResolver(Reach::Local).vetted(resolved(["127.0.0.1", "::1"])).is_ok());
    }
}
