//! Where a request comes from.
//!
//! [`ClientAddr`] is the peer of the connection, set by the server. [`ClientIp`] is who is counted: the peer, or, when
//! the peer is a configured proxy, the last address of `X-Forwarded-For` that is not such a proxy itself. From
//! anybody else the header is ignored, so it cannot be used to escape a limit.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::HeaderMap;

use super::header::X_FORWARDED_FOR;

/// The other end of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddr(pub SocketAddr);

/// The address that is counted and logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientIp(pub IpAddr);

impl ClientIp {
    /// Under which name guesses and requests of this address are counted. Whoever has an IPv6 connection has at least
    /// 2^64 addresses: they count as one.
    pub fn counted(&self) -> String {
        match self.0.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let network = u128::from(address) & (u128::MAX << 64);
                format!("{}/64", std::net::Ipv6Addr::from(network))
            }
        }
    }
}

/// A range of addresses, `10.0.0.0/8` or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

/// A text that names no range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an address or a range such as 10.0.0.0/8")]
pub struct NotANetwork;

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(a, p)| (a, Some(p)));
        let base: IpAddr = address.trim().parse().map_err(|_not_an_address| NotANetwork)?;
        let widest = if base.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(widest), |p| p.trim().parse()).map_err(|_not_a_number| NotANetwork)?;
        if prefix > widest { Err(NotANetwork) } else { Ok(Self { base, prefix }) }
    }
}

impl Network {
    /// Whether the address lies in the range. IPv4 mapped into IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.base.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => same_prefix(
                u128::from(u32::from(base)) << 96,
                u128::from(u32::from(address)) << 96,
                self.prefix,
            ),
            (IpAddr::V6(base), IpAddr::V6(address)) => same_prefix(base.into(), address.into(), self.prefix),
            _ => false,
        }
    }
}

fn same_prefix(a: u128, b: u128, prefix: u8) -> bool {
    let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
    a & mask == b & mask
}

/// Who is behind the connection.
pub fn client_ip(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> ClientIp {
    let trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    let mut current = peer.to_canonical();
    if !trusted(current) {
        return ClientIp(current);
    }
    let values: Vec<_> =
        headers.get_all(X_FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    for hop in values.iter().flat_map(|value| value.split(',')).rev() {
        // A damaged entry ends the chain: what stands before it was not written by a proxy that we trust.
        let Ok(address) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        current = address.to_canonical();
        if !trusted(current) {
            break;
        }
    }
    ClientIp(current)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(X_FORWARDED_FOR, forwarded.parse().unwrap());
        let proxies = ["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
        client_ip(peer.parse().unwrap(), &headers, &proxies).0.to_string()
    }

    #[test]
    fn only_configured_proxies_are_believed() {
        assert_eq!(seen("203.0.113.9", "1.2.3.4"), "203.0.113.9");
        assert_eq!(seen("10.1.2.3", "1.2.3.4"), "1.2.3.4");
        assert_eq!(seen("::ffff:10.1.2.3", "1.2.3.4, 10.9.9.9"), "1.2.3.4");
        assert_eq!(seen("::1", "6.6.6.6, 1.2.3.4"), "1.2.3.4", "the caller's own entries stand further left");
        assert_eq!(seen("10.1.2.3", "6.6.6.6, nonsense"), "10.1.2.3");
    }

    #[test]
    fn the_addresses_of_one_connection_count_as_one() {
        let counted = |text: &str| ClientIp(text.parse().unwrap()).counted();
        assert_eq!(counted("2001:db8:1:2::7"), counted("2001:db8:1:2:ffff::1"));
        assert_ne!(counted("2001:db8:1:2::7"), counted("2001:db8:1:3::7"));
        assert_eq!(counted("::ffff:203.0.113.9"), "203.0.113.9");
    }

    #[test]
    fn ranges_are_read() {
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/x"] {
            assert_eq!(bad.parse::<Network>(), Err(NotANetwork), "{bad}");
        }
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("255.255.255.255".parse().unwrap()) && !all.contains("::1".parse().unwrap()));
    }
}
