//! Which addresses an upstream may have: the guard against requests forged through us (SSRF).
//!
//! Whoever subscribes names a URL, and the proxy stands where that somebody does not: inside the operator's network.
//! So every address of a host is judged after its name was resolved, and only a judged address is connected to; a
//! second resolution between the check and the connect could answer differently.
//!
//! Special-purpose blocks follow RFC 6890 and its registries.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;

/// Finds the addresses of a host; a seam, so that a name can be given any address in a test.
pub trait Resolve: Send + Sync {
    /// The addresses of `host`, in the order in which they should be tried.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a>;
}

/// A resolution under way.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>>;

/// The resolver of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}

/// What the guard lets through.
#[derive(Clone, Debug, Default)]
pub(super) struct Guard {
    /// Whether every address is let through.
    pub allow_private: bool,
    /// Addresses let through whatever their class.
    pub allowed: HashSet<IpAddr>,
}

impl Guard {
    /// Judges all `addresses` of `host`: one that is refused refuses the host, since a name that mixes public and
    /// private addresses has no honest use.
    ///
    /// # Errors
    /// [`Refused`] with the class of the first address that is not let through.
    pub(super) fn check(&self, host: &str, addresses: &[SocketAddr]) -> Result<(), Refused> {
        for address in addresses {
            let ip = address.ip();
            if self.allow_private || self.allowed.contains(&ip.to_canonical()) {
                continue;
            }
            if let Some(class) = AddressClass::of(ip) {
                return Err(Refused { host: host.to_owned(), class });
            }
        }
        Ok(())
    }
}

/// An address that the guard did not let through. The address itself is left out: it would map the inner network for
/// whoever asks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("host {host:?} has {class} address, and private upstreams are not allowed")]
pub(super) struct Refused {
    /// The host as named.
    pub host: String,
    /// What its address is.
    pub class: AddressClass,
}

/// Why an address is not on the public internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AddressClass {
    /// 0.0.0.0/8, `::`.
    Unspecified,
    /// 127.0.0.0/8, `::1`.
    Loopback,
    /// RFC 1918, fc00::/7, fec0::/10, 64:ff9b:1::/48.
    Private,
    /// 169.254.0.0/16, fe80::/10.
    LinkLocal,
    /// 100.64.0.0/10, RFC 6598.
    SharedCarrier,
    /// 224.0.0.0/4, ff00::/8.
    Multicast,
    /// 255.255.255.255.
    Broadcast,
    /// Documentation and benchmarking.
    Documentation,
    /// Compatible, 6to4 and Teredo: retired ways to wrap an IPv4 address, which no origin needs and a filter may miss.
    Transition,
    /// Whatever else the registries keep.
    Reserved,
}

impl AddressClass {
    /// The class of `ip`, none for a public unicast address.
    ///
    /// An IPv4 address inside a mapped or NAT64 one (the way out of an IPv6-only network) is judged as itself.
    pub(super) fn of(ip: IpAddr) -> Option<Self> {
        match ip {
            IpAddr::V4(v4) => Self::of_v4(v4),
            IpAddr::V6(v6) => Self::of_v6(v6),
        }
    }

    fn of_v4(ip: Ipv4Addr) -> Option<Self> {
        Some(match ip.octets() {
            [0, ..] => Self::Unspecified,
            [127, ..] => Self::Loopback,
            [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Self::Private,
            [169, 254, ..] => Self::LinkLocal,
            [100, 64..=127, ..] => Self::SharedCarrier,
            [224..=239, ..] => Self::Multicast,
            [255, 255, 255, 255] => Self::Broadcast,
            [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [198, 18..=19, ..] => Self::Documentation,
            [192, 88, 99, _] => Self::Transition,
            [192, 0, 0, _] | [240..=255, ..] => Self::Reserved,
            _ => return None,
        })
    }

    fn of_v6(ip: Ipv6Addr) -> Option<Self> {
        Some(match ip.segments() {
            [0, 0, 0, 0, 0, 0, 0, 0] => Self::Unspecified,
            [0, 0, 0, 0, 0, 0, 0, 1] => Self::Loopback,
            [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                return Self::of_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
            }
            [0, 0, 0, 0, 0, 0, ..] | [0x2002, ..] | [0x2001, 0, ..] => Self::Transition,
            [0x64, 0xff9b, 1, ..] | [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Self::Private,
            [0xfe80..=0xfebf, ..] => Self::LinkLocal,
            [0xff00..=0xffff, ..] => Self::Multicast,
            [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] | [0x2001, 2, 0, ..] => Self::Documentation,
            // Global unicast is 2000::/3 (RFC 4291 §2.4 and IANA); 2001::/23 is kept for protocols.
            [0x2001, 0..=0x01ff, ..] => Self::Reserved,
            [0x2000..=0x3fff, ..] => return None,
            _ => Self::Reserved,
        })
    }
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "an unspecified",
            Self::Loopback => "a loopback",
            Self::Private => "a private",
            Self::LinkLocal => "a link-local",
            Self::SharedCarrier => "a carrier-grade NAT",
            Self::Multicast => "a multicast",
            Self::Broadcast => "a broadcast",
            Self::Documentation => "a documentation or benchmark",
            Self::Transition => "an IPv6 transition",
            Self::Reserved => "a reserved",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: &[(&str, AddressClass)] = &[
        ("0.0.0.0", AddressClass::Unspecified),
        ("0.1.2.3", AddressClass::Unspecified),
        ("::", AddressClass::Unspecified),
        ("127.0.0.1", AddressClass::Loopback),
        ("127.255.255.255", AddressClass::Loopback),
        ("::1", AddressClass::Loopback),
        ("10.0.0.1", AddressClass::Private),
        ("172.16.0.1", AddressClass::Private),
        ("172.31.255.255", AddressClass::Private),
        ("192.168.1.1", AddressClass::Private),
        ("fc00::1", AddressClass::Private),
        ("fdff:ffff::1", AddressClass::Private),
        ("fec0::1", AddressClass::Private),
        ("169.254.169.254", AddressClass::LinkLocal),
        ("fe80::1", AddressClass::LinkLocal),
        ("febf::1", AddressClass::LinkLocal),
        ("100.64.0.1", AddressClass::SharedCarrier),
        ("100.127.255.255", AddressClass::SharedCarrier),
        ("224.0.0.1", AddressClass::Multicast),
        ("239.255.255.255", AddressClass::Multicast),
        ("ff02::1", AddressClass::Multicast),
        ("255.255.255.255", AddressClass::Broadcast),
        ("192.0.2.1", AddressClass::Documentation),
        ("198.51.100.1", AddressClass::Documentation),
        ("203.0.113.1", AddressClass::Documentation),
        ("198.18.0.1", AddressClass::Documentation),
        ("198.19.255.255", AddressClass::Documentation),
        ("2001:db8::1", AddressClass::Documentation),
        ("3fff::1", AddressClass::Documentation),
        ("2001:2::1", AddressClass::Documentation),
        ("192.0.0.8", AddressClass::Reserved),
        ("240.0.0.1", AddressClass::Reserved),
        ("255.255.255.254", AddressClass::Reserved),
        ("100::1", AddressClass::Reserved),
        ("4000::1", AddressClass::Reserved),
        ("2001:20::1", AddressClass::Reserved),
        ("::ffff:127.0.0.1", AddressClass::Loopback),
        ("::ffff:10.0.0.1", AddressClass::Private),
        ("64:ff9b::10.0.0.1", AddressClass::Private),
        ("64:ff9b::169.254.169.254", AddressClass::LinkLocal),
        ("64:ff9b:1::8.8.8.8", AddressClass::Private),
        ("::10.0.0.1", AddressClass::Transition),
        ("::8.8.8.8", AddressClass::Transition),
        ("2002:0a00:0001::1", AddressClass::Transition),
        ("2002:0808:0808::1", AddressClass::Transition),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", AddressClass::Transition),
        ("192.88.99.1", AddressClass::Transition),
    ];

    const LET_THROUGH: &[&str] = &[
        "8.8.8.8",
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.0.1",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.0.1",
        "192.0.1.1",
        "198.17.0.1",
        "198.20.0.1",
        "223.255.255.255",
        "2606:4700::1111",
        "2a00:1450:4001::1",
        "2001:4860:4860::8888",
        "2001:200::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
    ];

    fn at(ip: &str) -> SocketAddr {
        SocketAddr::new(ip.parse().unwrap(), 443)
    }

    #[test]
    fn what_is_not_public_is_refused_by_its_class() {
        for (ip, class) in REFUSED {
            let refused = Guard::default().check("some.example", &[at(ip)]);
            assert_eq!(refused, Err(Refused { host: "some.example".into(), class: *class }), "{ip}");
        }
    }

    #[test]
    fn public_addresses_are_let_through() {
        for ip in LET_THROUGH {
            assert_eq!(Guard::default().check("some.example", &[at(ip)]), Ok(()), "{ip}");
        }
    }

    #[test]
    fn one_private_address_among_public_ones_refuses_the_host() {
        let error = Guard::default().check("mixed.example", &[at("8.8.8.8"), at("10.0.0.1")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "host \"mixed.example\" has a private address, and private upstreams are not allowed"
        );
    }

    #[test]
    fn what_the_operator_allows_passes_and_nothing_else() {
        let guard = Guard { allow_private: false, allowed: ["10.0.0.1".parse().unwrap()].into() };
        assert_eq!(guard.check("in.example", &[at("10.0.0.1"), at("::ffff:10.0.0.1")]), Ok(()));
        assert!(guard.check("in.example", &[at("10.0.0.2")]).is_err());
        let open = Guard { allow_private: true, ..Guard::default() };
        for (ip, _) in REFUSED {
            assert_eq!(open.check("in.example", &[at(ip)]), Ok(()), "{ip}");
        }
    }
}
