//! The networks that calls to providers may reach: public ones, and private ones that a deployment lists.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The networks that calls may reach. Code chooses the variant; configuration can only fill [`Networks`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses, by https.
    Public,
    /// Public addresses and the private networks that the deployment lists, by https.
    Networks(Networks),
    /// Public addresses by https, and this machine by https or http. For `landfall serve` and tests.
    Local,
}

/// A block of addresses (RFC 4632 section 3.1, RFC 4291 section 2.3).
#[derive(Clone, Copy, PartialEq, Eq)]
struct Cidr {
    first: IpAddr,
    prefix: u8,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Cidr {
    Cidr { first: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), prefix }
}

const fn v6(first: Ipv6Addr, prefix: u8) -> Cidr {
    Cidr { first: IpAddr::V6(first), prefix }
}

/// The ranges that may be listed: RFC 1918, RFC 6598 (carrier-grade NAT, which clouds assign to machines), RFC 4193
/// (unique local). None contains a loopback or link-local address.
const PRIVATE: &[Cidr] = &[
    v4(10, 0, 0, 0, 8),
    v4(172, 16, 0, 0, 12),
    v4(192, 168, 0, 0, 16),
    v4(100, 64, 0, 0, 10),
    v6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
];

/// Private addresses of a cloud's own services, such as instance metadata, which hands out credentials. Never called.
const SERVICES: &[Cidr] = &[
    // AWS: instance metadata, pod identity, DNS, time.
    // <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html>
    v6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0), 32),
    // Google Cloud. <https://cloud.google.com/compute/docs/metadata/querying-metadata>
    v6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0), 64),
    // Alibaba Cloud. <https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata>
    v4(100, 100, 100, 200, 32),
];

impl Cidr {
    /// Parses one block.
    fn parse(text: &str) -> Result<Self, NetworkFault> {
        let (first, prefix) = text.split_once('/').ok_or(NetworkFault::Form)?;
        let first: IpAddr = first.parse().map_err(|_| NetworkFault::Form)?;
        let bits: u8 = prefix.parse().map_err(|_| NetworkFault::Form)?;
        // Refuse a sign or leading zeros.
        if bits.to_string() != prefix {
            return Err(NetworkFault::Form);
        }
        let cidr = Self { first, prefix: bits };
        if bits > width(first) {
            return Err(NetworkFault::Prefix);
        }
        if cidr.masked(first) != number(first) {
            return Err(NetworkFault::HostBits);
        }
        if !PRIVATE.iter().any(|private| private.covers(cidr)) {
            return Err(NetworkFault::NotPrivate);
        }
        if SERVICES.iter().any(|services| services.covers(cidr)) {
            return Err(NetworkFault::Services);
        }
        Ok(cidr)
    }

    fn contains(self, address: IpAddr) -> bool {
        // An IPv4-mapped IPv6 address is in no IPv4 network: each address has one spelling.
        self.first.is_ipv4() == address.is_ipv4() && self.masked(address) == number(self.first)
    }

    fn covers(self, other: Self) -> bool {
        self.prefix <= other.prefix && self.contains(other.first)
    }

    /// The address without the host bits.
    fn masked(self, address: IpAddr) -> u128 {
        let host_bits = u32::from(width(self.first).saturating_sub(self.prefix));
        number(address).checked_shr(host_bits).and_then(|kept| kept.checked_shl(host_bits)).unwrap_or_default()
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

/// The private networks that calls may reach in addition to public addresses. None by default.
///
/// Loopback, link-local and metadata addresses of clouds are never reached, whatever is listed.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Networks([Option<Cidr>; Networks::MAX]);

impl Networks {
    /// The maximum number of networks. A deployment that needs more lists a wider network.
    pub const MAX: usize = 8;

    /// Whether `address` is in a listed network and may be called.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.0.iter().flatten().any(|network| network.contains(address))
            && !SERVICES.iter().any(|services| services.contains(address))
    }
}

/// Parses a comma-separated list, the format of the template parameter: `10.20.0.0/16, fd12:3456:789a::/48`. Spaces
/// around entries are ignored. An empty text is an empty list.
impl FromStr for Networks {
    type Err = InvalidNetworks;

    fn from_str(text: &str) -> Result<Self, InvalidNetworks> {
        let mut networks = Self::default();
        if text.trim().is_empty() {
            return Ok(networks);
        }
        for (index, entry) in text.split(',').enumerate() {
            let invalid = |fault| InvalidNetworks { position: index + 1, fault };
            let slot = networks.0.get_mut(index).ok_or(invalid(NetworkFault::TooMany))?;
            *slot = Some(Cidr::parse(entry.trim()).map_err(invalid)?);
        }
        Ok(networks)
    }
}

impl fmt::Debug for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().flatten().map(Cidr::to_string)).finish()
    }
}

/// A list of networks is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("network {position} of the list {fault}")]
pub struct InvalidNetworks {
    /// The position of the wrong network, from 1.
    pub position: usize,
    /// The problem.
    pub fault: NetworkFault,
}

/// The problem with a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NetworkFault {
    /// Not an address and a prefix length.
    #[error("is not an address with a prefix length, such as 10.20.0.0/16")]
    Form,
    /// The prefix is longer than the address.
    #[error("has a prefix longer than its address: at most 32 for IPv4, 128 for IPv6")]
    Prefix,
    /// It is an address inside the network, so it is unclear whether the address or the network is meant.
    #[error("has host bits set: write the first address of the network, or a longer prefix")]
    HostBits,
    /// Not in a private range: either public, which needs no listing, or never called.
    #[error(
        "is not within 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10 or fc00::/7: public addresses need not be \
         listed, and loopback and link-local addresses are never called"
    )]
    NotPrivate,
    /// It contains only a cloud's own services.
    #[error("contains only services of the cloud itself, which are never called")]
    Services,
    /// The list is too long.
    #[error("is one too many: at most 8 networks may be listed")]
    TooMany,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<(usize, NetworkFault)> {
        text.parse::<Networks>().err().map(|error| (error.position, error.fault))
    }

    #[test]
    fn a_list_contains_the_addresses_of_its_networks() {
        let networks: Networks = " 10.20.0.0/16,172.16.5.4/32 ,FD12:3456:789A::/48".parse().unwrap();
        assert_eq!(format!("{networks:?}"), r#"["10.20.0.0/16", "172.16.5.4/32", "fd12:3456:789a::/48"]"#);
        let allows = |address: &str| networks.allows(address.parse().unwrap());
        for named in ["10.20.0.0", "10.20.255.255", "172.16.5.4", "fd12:3456:789a::1", "fd12:3456:789a:ffff::1"] {
            assert!(allows(named), "{named}");
        }
        for other in
            ["10.19.255.255", "10.21.0.0", "172.16.5.5", "fd12:3456:789b::1", "::ffff:10.20.0.1", "::10.20.0.1"]
        {
            assert!(!allows(other), "{other}");
        }
        for none in ["", " "] {
            assert_eq!(none.parse(), Ok(Networks::default()));
        }
        assert!(!Networks::default().allows("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn metadata_addresses_are_never_reached() {
        let networks: Networks = "fc00::/7,100.64.0.0/10".parse().unwrap();
        let allows = |address: &str| networks.allows(address.parse().unwrap());
        for services in ["fd00:ec2::254", "fd00:ec2::23", "fd00:ec2::253", "fd20:ce::254", "100.100.100.200"] {
            assert!(!allows(services), "{services}");
        }
        assert!(allows("fd00:ec3::254") && allows("100.100.100.201"));
    }

    #[test]
    fn an_invalid_network_is_reported_with_its_position_and_problem() {
        for (text, expected) in [
            ("10.0.0.0", NetworkFault::Form),
            ("10.0.0/8", NetworkFault::Form),
            ("10.0.0.0/", NetworkFault::Form),
            ("10.0.0.0/+8", NetworkFault::Form),
            ("10.0.0.0/08", NetworkFault::Form),
            ("10.0.0.0/8/8", NetworkFault::Form),
            ("10.0.0.0/255.0.0.0", NetworkFault::Form),
            ("id.example.com", NetworkFault::Form),
            (",", NetworkFault::Form),
            ("10.0.0.0/33", NetworkFault::Prefix),
            ("fd12::/129", NetworkFault::Prefix),
            ("10.1.2.3/8", NetworkFault::HostBits),
            ("fd12::1/64", NetworkFault::HostBits),
            ("0.0.0.0/0", NetworkFault::NotPrivate),
            ("::/0", NetworkFault::NotPrivate),
            ("10.0.0.0/7", NetworkFault::NotPrivate),
            ("127.0.0.0/8", NetworkFault::NotPrivate),
            ("127.0.0.1/32", NetworkFault::NotPrivate),
            ("::1/128", NetworkFault::NotPrivate),
            ("169.254.0.0/16", NetworkFault::NotPrivate),
            ("169.254.169.254/32", NetworkFault::NotPrivate),
            ("fe80::/10", NetworkFault::NotPrivate),
            ("::ffff:10.0.0.0/104", NetworkFault::NotPrivate),
            ("8.8.8.0/24", NetworkFault::NotPrivate),
            ("fd00:ec2::/32", NetworkFault::Services),
            ("fd00:ec2::254/128", NetworkFault::Services),
            ("100.100.100.200/32", NetworkFault::Services),
        ] {
            assert_eq!(fault(text), Some((1, expected)), "{text}");
        }
        assert_eq!(fault("10.0.0.0/8,,192.168.0.0/16"), Some((2, NetworkFault::Form)));
        assert_eq!(fault(&["10.0.0.0/8"; Networks::MAX + 1].join(",")), Some((9, NetworkFault::TooMany)));
        assert_eq!(fault(&["10.0.0.0/8"; Networks::MAX].join(",")), None);
    }

    #[test]
    fn the_message_names_position_and_correction() {
        let error = "10.0.0.0/8,10.1.2.3/8".parse::<Networks>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "network 2 of the list has host bits set: write the first address of the network, or a longer prefix"
        );
    }
}
