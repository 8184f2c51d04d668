//! Which addresses are on the public internet.
//!
//! IPv4: everything but the blocks that the IANA special-purpose registry (RFC 6890 and its updates) does not call globally
//! reachable, plus two that are, and lead to services of a cloud or of a transition mechanism. IPv6: global unicast
//! (`2000::/3`) without its special blocks; everything else (mapped, translated, unique local, link local) is refused, because
//! such an address may carry any IPv4 address in it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// First address, length of the prefix.
const REFUSED_V4: [([u8; 4], u32); 18] = [
    ([0, 0, 0, 0], 8),        // "this network"
    ([10, 0, 0, 0], 8),       // private
    ([100, 64, 0, 0], 10),    // shared by a carrier (RFC 6598)
    ([127, 0, 0, 0], 8),      // loopback
    ([168, 63, 129, 16], 32), // Azure's host: global by its number only
    ([169, 254, 0, 0], 16),   // link local, metadata services
    ([172, 16, 0, 0], 12),    // private
    ([192, 0, 0, 0], 24),     // protocol assignments
    ([192, 0, 2, 0], 24),     // documentation
    ([192, 31, 196, 0], 24),  // AS112
    ([192, 52, 193, 0], 24),  // AMT relays
    ([192, 88, 99, 0], 24),   // 6to4 relays
    ([192, 168, 0, 0], 16),   // private
    ([192, 175, 48, 0], 24),  // AS112
    ([198, 18, 0, 0], 15),    // benchmarks
    ([198, 51, 100, 0], 24),  // documentation
    ([203, 0, 113, 0], 24),   // documentation
    ([224, 0, 0, 0], 3),      // multicast, reserved, broadcast
];

const REFUSED_V6: [([u16; 3], u32); 5] = [
    ([0x2001, 0, 0], 23),           // protocol assignments, Teredo
    ([0x2001, 0x0db8, 0], 32),      // documentation
    ([0x2002, 0, 0], 16),           // 6to4: carries an IPv4 address
    ([0x2620, 0x004f, 0x8000], 48), // AS112
    ([0x3fff, 0, 0], 20),           // documentation
];

/// Whether an address is on the public internet.
pub fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !REFUSED_V4.iter().any(|(first, length)| within_v4(address, *first, *length)),
        IpAddr::V6(address) => {
            within_v6(address, [0x2000, 0, 0], 3)
                && !REFUSED_V6.iter().any(|(first, length)| within_v6(address, *first, *length))
        }
    }
}

fn within_v4(address: Ipv4Addr, first: [u8; 4], length: u32) -> bool {
    (u32::from(address) ^ u32::from_be_bytes(first)) >> (32 - length) == 0
}

fn within_v6(address: Ipv6Addr, [a, b, c]: [u16; 3], length: u32) -> bool {
    let first = Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0);
    (u128::from(address) ^ u128::from(first)) >> (128 - length) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global(address: &str) -> bool {
        is_global(address.parse().unwrap())
    }

    #[test]
    fn the_edges_of_every_block() {
        for (inside, outside) in [
            ("0.255.255.255", "1.0.0.0"),
            ("10.0.0.0", "9.255.255.255"),
            ("10.255.255.255", "11.0.0.0"),
            ("100.64.0.0", "100.63.255.255"),
            ("100.127.255.255", "100.128.0.0"),
            ("127.0.0.0", "126.255.255.255"),
            ("127.255.255.255", "128.0.0.0"),
            ("168.63.129.16", "168.63.129.17"),
            ("169.254.0.0", "169.253.255.255"),
            ("169.254.255.255", "169.255.0.0"),
            ("172.16.0.0", "172.15.255.255"),
            ("172.31.255.255", "172.32.0.0"),
            ("192.0.0.255", "192.0.1.0"),
            ("192.168.255.255", "192.169.0.0"),
            ("198.18.0.0", "198.17.255.255"),
            ("198.19.255.255", "198.20.0.0"),
            ("224.0.0.0", "223.255.255.255"),
            ("2001:1ff:ffff::", "2001:200::"),
            ("2002:ffff::", "2003::"),
            ("3fff::1", "3ffe:ffff::1"),
            ("1fff::", "2000::"),
            ("4000::", "3ffe::"),
        ] {
            assert!(!global(inside), "{inside}");
            assert!(global(outside), "{outside}");
        }
    }
}
