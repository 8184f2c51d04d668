//! The names and addresses of a local certificate, and the limits of its authority.
//!
//! Phones are asked to trust the authority, so its key must be worth little to a thief: a critical name constraint (RFC
//! 5280, section 4.2.1.10) permits private addresses and names that do not exist in the public DNS, besides the very host
//! that this installation has. A name of one word is permitted only when it cannot be a top-level domain, because a
//! permitted name includes everything below it: a machine called `shop` must not make an authority for all of `.shop`.

use std::collections::BTreeSet;
use std::net::IpAddr;

use anyhow::{Context as _, Result};
use ipnet::IpNet;
use rcgen::{CidrSubnet, GeneralSubtree, NameConstraints, SanType};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

/// Names that the public DNS does not have and never will: RFC 6761, 6762, 8375, ICANN's `internal`, and `lan`, which many
/// routers use.
const LOCAL_NAMES: [&str; 5] = ["localhost", "local", "lan", "internal", "home.arpa"];
/// Addresses that mean something else in every network.
const LOCAL_NETWORKS: [&str; 9] = [
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "100.64.0.0/10",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

/// What a certificate is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    names: BTreeSet<String>,
    addresses: BTreeSet<IpAddr>,
}

impl Names {
    /// This machine, seen from itself.
    pub fn beside() -> Self {
        let mut names = Self::default();
        names.add("localhost");
        names.addresses.extend(["127.0.0.1", "::1"].iter().filter_map(|text| text.parse::<IpAddr>().ok()));
        names
    }

    /// With the names of a machine: its own, and the one that it has in the network without any server (RFC 6762).
    pub fn with_machine(mut self, hostname: &str) -> Self {
        let hostname = hostname.trim_end_matches('.').to_ascii_lowercase();
        if let Some(first) = hostname.split('.').next().filter(|first| *first != "localhost") {
            self.add(&format!("{first}.local"));
        }
        self.add(&hostname);
        self
    }

    /// With these addresses.
    pub fn with_addresses(mut self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.addresses.extend(addresses.into_iter().filter(|ip| !ip.is_unspecified()));
        self
    }

    /// With a host as it stands in an address.
    pub fn with_host(mut self, host: &str) -> Self {
        match host.trim_start_matches('[').trim_end_matches(']').parse() {
            Ok(ip) => drop(self.addresses.insert(ip)),
            Err(_a_name) => self.add(&host.to_ascii_lowercase()),
        }
        self
    }

    /// Leaves out what cannot be certified.
    fn add(&mut self, name: &str) {
        if is_name(name) && !could_be_top_level(name) {
            self.names.insert(name.to_owned());
        }
    }

    /// Whether it is for this host, written as in an address without brackets.
    pub fn covers(&self, host: &str) -> bool {
        match host.parse::<IpAddr>() {
            Ok(ip) => self.addresses.contains(&ip),
            Err(_a_name) => self.names.contains(&host.to_ascii_lowercase()),
        }
    }

    /// What the authority may vouch for, and the rest in words.
    pub fn within(&self, permitted: &Permitted) -> (Self, Vec<String>) {
        let (names, outside): (BTreeSet<_>, BTreeSet<_>) =
            self.names.iter().cloned().partition(|name| permitted.name(name));
        let (addresses, other_addresses): (BTreeSet<_>, BTreeSet<_>) =
            self.addresses.iter().copied().partition(|ip| permitted.address(*ip));
        let other_addresses = other_addresses.iter().map(IpAddr::to_string);
        (Self { names, addresses }, outside.into_iter().chain(other_addresses).collect())
    }

    /// As they stand in a certificate.
    pub fn alternative_names(&self) -> Result<Vec<SanType>> {
        let names = self.names.iter().map(|name| {
            Ok(SanType::DnsName(name.as_str().try_into().with_context(|| format!("{name} is not a name"))?))
        });
        names.chain(self.addresses.iter().map(|ip| Ok(SanType::IpAddress(*ip)))).collect()
    }
}

impl std::fmt::Display for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let addresses = self.addresses.iter().map(IpAddr::to_string);
        f.write_str(&self.names.iter().cloned().chain(addresses).collect::<Vec<_>>().join(", "))
    }
}

/// What an authority may vouch for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Permitted {
    names: Vec<String>,
    networks: Vec<IpNet>,
}

impl Permitted {
    /// Everything local, and these.
    pub fn for_names(names: &Names) -> Self {
        let mut permitted = Self {
            names: LOCAL_NAMES.iter().map(|&name| name.to_owned()).collect(),
            networks: LOCAL_NETWORKS.iter().filter_map(|text| text.parse().ok()).collect(),
        };
        for name in &names.names {
            if !permitted.name(name) {
                permitted.names.push(name.clone());
            }
        }
        for ip in &names.addresses {
            if !permitted.address(*ip) {
                permitted.networks.push(IpNet::from(*ip));
            }
        }
        permitted
    }

    /// Reads them from an authority's certificate. One without limits is refused: it is not ours.
    pub fn of(certificate: &[u8]) -> Result<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).context("it is not a certificate")?;
        let limits = certificate.name_constraints()?.context("it has no limits")?;
        let mut permitted = Self { names: Vec::new(), networks: Vec::new() };
        for subtree in limits.value.permitted_subtrees.iter().flatten() {
            match &subtree.base {
                GeneralName::DNSName(name) => permitted.names.push((*name).to_owned()),
                GeneralName::IPAddress(bytes) => {
                    permitted.networks.push(network(bytes).context("a network")?);
                }
                _ => {}
            }
        }
        Ok(permitted)
    }

    /// As they stand in the authority's certificate.
    pub fn constraints(&self) -> NameConstraints {
        let names = self.names.iter().cloned().map(GeneralSubtree::DnsName);
        let networks = self.networks.iter().map(|network| {
            GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(network.network(), network.prefix_len()))
        });
        NameConstraints { permitted_subtrees: names.chain(networks).collect(), excluded_subtrees: Vec::new() }
    }

    fn name(&self, name: &str) -> bool {
        self.names.iter().any(|of| {
            name.strip_suffix(of.as_str()).is_some_and(|left| left.is_empty() || left.ends_with('.'))
        })
    }

    fn address(&self, ip: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&ip))
    }
}

/// An address and a mask, each half of the bytes.
fn network(bytes: &[u8]) -> Option<IpNet> {
    let (address, mask) = bytes.split_at_checked(bytes.len() / 2)?;
    let read = |bytes: &[u8]| match bytes.len() {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?)),
        _ => None,
    };
    IpNet::with_netmask(read(address)?, read(mask)?).ok()
}

fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// Top-level domains have one label of letters only, or begin with `xn--` (ICANN's Applicant Guidebook, section 2.2.1.3.2).
pub(crate) fn could_be_top_level(name: &str) -> bool {
    let plain = !name.contains(|c: char| c == '-' || c.is_ascii_digit());
    !name.contains('.') && name != "localhost" && (plain || name.starts_with("xn--"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_machine_has_its_name_and_the_one_of_the_local_network() {
        let names = |hostname: &str| Names::default().with_machine(hostname).to_string();
        assert_eq!(names("Ada-Laptop"), "ada-laptop, ada-laptop.local");
        assert_eq!(names("web1.example.org."), "web1.example.org, web1.local");
        assert_eq!(names("localhost"), "localhost");
        assert_eq!(names("shop"), "shop.local", "`shop` is a top-level domain");
        assert_eq!(names("xn--p1ai"), "xn--p1ai.local");
        assert_eq!(names("under_score"), "");
        assert_eq!(names(""), "");
    }

    #[test]
    fn an_authority_may_vouch_for_what_is_local_and_for_its_own_hosts_only() {
        let own = Names::beside()
            .with_machine("shop-pc")
            .with_host("deliver.example.org")
            .with_host("[2001:db8::5]")
            .with_addresses([ip("192.168.1.20"), ip("203.0.113.7"), ip("0.0.0.0")]);
        let permitted = Permitted::for_names(&own);
        assert_eq!(own.within(&permitted), (own.clone(), Vec::new()));
        let other = Names::default()
            .with_host("bank.example")
            .with_host("example.org")
            .with_host("notdeliver.example.org")
            .with_host("eu.deliver.example.org")
            .with_host("till.lan")
            .with_addresses([ip("203.0.113.8"), ip("10.9.8.7"), ip("2001:db8::6"), ip("172.32.0.1")]);
        let (inside, outside) = other.within(&permitted);
        assert_eq!(inside.to_string(), "eu.deliver.example.org, till.lan, 10.9.8.7");
        let expected = [
            "bank.example",
            "example.org",
            "notdeliver.example.org",
            "172.32.0.1",
            "203.0.113.8",
            "2001:db8::6",
        ];
        assert_eq!(outside, expected);
    }

    #[test]
    fn covers_compares_hosts_as_browsers_send_them() {
        let names = Names::beside().with_machine("shop-pc").with_host("[fd00::1]");
        for (host, covered) in
            [("SHOP-PC.local", true), ("::1", true), ("fd00:0::1", true), ("other.local", false), ("", false)]
        {
            assert_eq!(names.covers(host), covered, "{host}");
        }
    }
}
