//! Under which addresses this machine is reached in its own network.

use std::net::{IpAddr, Ipv4Addr};

/// Interfaces of containers and virtual machines: nobody outside this machine is behind them.
const INSIDE: [&str; 13] = [
    "docker", "br-", "veth", "virbr", "vmnet", "vboxnet", "podman", "cni", "flannel", "cali", "lxcbr",
    "lxdbr", "kube",
];

/// What the operating system says about one address.
#[derive(Debug, Clone)]
struct Seen {
    interface: String,
    ip: IpAddr,
    up: bool,
}

/// The addresses of this machine in its network, the likeliest one first.
pub(crate) fn of_this_machine() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "The addresses of this machine could not be read");
        Vec::new()
    });
    let seen = |one: if_addrs::Interface| Seen { up: one.is_oper_up(), ip: one.ip(), interface: one.name };
    choose(interfaces.into_iter().map(seen).collect())
}

/// Private addresses of interfaces that are up. Only where there are none: public ones of version 4, which some networks
/// give to every machine.
fn choose(seen: Vec<Seen>) -> Vec<IpAddr> {
    let outward = |one: &Seen| one.up && !INSIDE.iter().any(|prefix| one.interface.starts_with(prefix));
    let mut found: Vec<(u8, IpAddr)> =
        seen.into_iter().filter(outward).filter_map(|one| Some((rank(one.ip)?, one.ip))).collect();
    found.sort();
    found.dedup();
    let private = found.iter().any(|(rank, _)| *rank < PUBLIC);
    found.into_iter().filter(|(rank, _)| *rank < PUBLIC || !private).map(|(_, ip)| ip).collect()
}

const PUBLIC: u8 = 5;

/// How likely a phone in the same network reaches it; `None`: never.
fn rank(ip: IpAddr) -> Option<u8> {
    match ip {
        IpAddr::V4(ip) if ip.is_loopback() || ip.is_unspecified() => None,
        IpAddr::V4(ip) => Some(match ip.octets() {
            [192, 168, ..] => 0,
            [10, ..] => 1,
            [172, 16..=31, ..] => 2,
            // Shared address space (RFC 6598), which private overlay networks use.
            [100, 64..=127, ..] => 3,
            [169, 254, ..] => 4,
            _ => PUBLIC,
        }),
        // Those of version 6 that begin with fe80 need the name of an interface and cannot be typed.
        IpAddr::V6(ip) => ip.is_unique_local().then_some(4),
    }
}

/// Those at which it is reached when it listens on this one. Version 6 takes connections of version 4 too, but not the
/// other way round.
pub(crate) fn reached_at(listen: IpAddr, lan: &[IpAddr]) -> Vec<IpAddr> {
    if !listen.is_unspecified() {
        return vec![listen];
    }
    lan.iter().copied().filter(|ip| listen.is_ipv6() || ip.is_ipv4()).collect()
}

/// The address to put into links for others, when it listens on this one.
pub(crate) fn to_go_to(listen: IpAddr, lan: &[IpAddr]) -> IpAddr {
    reached_at(listen, lan).first().copied().unwrap_or(match listen {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(seen: &[(&str, &str, bool)]) -> Vec<String> {
        let seen = seen.iter().map(|(interface, ip, up)| Seen {
            interface: (*interface).to_owned(),
            ip: ip.parse().unwrap(),
            up: *up,
        });
        choose(seen.collect()).into_iter().map(|ip| ip.to_string()).collect()
    }

    #[test]
    fn a_home_network_comes_before_the_others_and_containers_never() {
        let seen = [
            ("lo", "127.0.0.1", true),
            ("docker0", "172.17.0.1", true),
            ("br-4f1c", "172.18.0.1", true),
            ("veth12", "192.168.99.1", true),
            ("tailscale0", "100.80.1.2", true),
            ("eth0", "10.1.2.3", true),
            ("wlan0", "192.168.1.20", true),
            ("eth1", "192.168.2.7", false),
            ("wlan0", "fe80::1", true),
            ("wlan0", "fd12::20", true),
            ("wlan0", "2001:db8::20", true),
            ("ppp0", "203.0.113.7", true),
        ];
        assert_eq!(chosen(&seen), ["192.168.1.20", "10.1.2.3", "100.80.1.2", "fd12::20"]);
    }

    #[test]
    fn a_public_address_serves_only_where_there_is_no_private_one() {
        assert_eq!(chosen(&[("eth0", "203.0.113.7", true), ("lo", "127.0.0.1", true)]), ["203.0.113.7"]);
        assert!(chosen(&[("lo", "127.0.0.1", true), ("lo", "::1", true)]).is_empty());
    }

    #[test]
    fn all_addresses_to_listen_on_become_one_to_go_to() {
        let lan = ["192.168.1.20".parse().unwrap()];
        let to = |listen: &str, lan: &[IpAddr]| to_go_to(listen.parse().unwrap(), lan).to_string();
        assert_eq!(to("0.0.0.0", &lan), "192.168.1.20");
        assert_eq!(to("0.0.0.0", &[]), "127.0.0.1");
        assert_eq!(to("::", &[]), "::1");
        assert_eq!(to("127.0.0.1", &lan), "127.0.0.1");
        let lan: Vec<IpAddr> = ["fd00::2", "10.0.0.2"].iter().map(|ip| ip.parse().unwrap()).collect();
        assert_eq!(to("0.0.0.0", &lan), "10.0.0.2", "nobody reaches version 6 on an address of version 4");
        assert_eq!(reached_at("::".parse().unwrap(), &lan), lan);
    }
}
