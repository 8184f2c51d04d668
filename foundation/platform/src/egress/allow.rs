//! Exceptions: places outside the public internet that may be called.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// One entry of `egress.allow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    network: IpNet,
    port: Option<u16>,
}

/// An entry that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address or network, with or without a port")]
pub struct AllowError;

impl Allowed {
    /// Whether the entry permits this place.
    pub fn covers(&self, address: IpAddr, port: u16) -> bool {
        self.network.contains(&address) && self.port.is_none_or(|only| only == port)
    }
}

impl FromStr for Allowed {
    type Err = AllowError;

    /// `10.1.0.0/16`, `192.168.1.10`, `192.168.1.10:9000`, `fd00::1`, `[fd00::1]:8443`.
    fn from_str(text: &str) -> Result<Self, AllowError> {
        if let Ok(place) = text.parse::<std::net::SocketAddr>() {
            return Ok(Self { network: place.ip().into(), port: Some(place.port()) });
        }
        let network = text.parse::<IpNet>().or_else(|_plain| text.parse::<IpAddr>().map(IpNet::from));
        Ok(Self { network: network.map_err(|_neither| AllowError)?, port: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(entry: &str, address: &str, port: u16) -> bool {
        entry.parse::<Allowed>().unwrap().covers(address.parse().unwrap(), port)
    }

    #[test]
    fn an_entry_covers_what_it_says_and_no_more() {
        assert!(covers("10.1.0.0/16", "10.1.2.3", 1));
        assert!(!covers("10.1.0.0/16", "10.2.0.1", 1));
        assert!(covers("192.168.1.10", "192.168.1.10", 80));
        assert!(!covers("192.168.1.10", "192.168.1.11", 80));
        assert!(covers("192.168.1.10:9000", "192.168.1.10", 9000));
        assert!(!covers("192.168.1.10:9000", "192.168.1.10", 9001));
        assert!(covers("[fd00::1]:8443", "fd00::1", 8443) && covers("fd00::/8", "fd12::1", 1));
    }

    #[test]
    fn names_are_not_entries() {
        for bad in ["localhost", "", "10.0.0.0/33", "10.0.0.1:99999", "*"] {
            assert_eq!(bad.parse::<Allowed>(), Err(AllowError), "{bad}");
        }
    }
}
