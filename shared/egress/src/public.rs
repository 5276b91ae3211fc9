//! Public addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether `address` is reachable on the internet: not in a special-purpose registry (RFC 6890).
pub(crate) fn is_public(address: IpAddr) -> bool {
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
