//! Networks of IP addresses: an address and how many of its bits count (RFC 4632 §3.1, RFC 4291 §2.3).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Bits of an IPv4-mapped IPv6 address before the IPv4 one (RFC 4291 §2.5.5.2).
const MAPPED_BITS: u8 = 96;

/// Addresses that begin alike, such as `10.1.0.0/16`, or a single one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether `address` is one of it. IPv4 addresses that came as IPv6 ones are taken for what they are.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => masked_v4(own, self.bits) == masked_v4(other, self.bits),
            (IpAddr::V6(own), IpAddr::V6(other)) => masked_v6(own, self.bits) == masked_v6(other, self.bits),
            _ => false,
        }
    }
}

fn masked_v4(address: Ipv4Addr, bits: u8) -> u32 {
    address.to_bits() & u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0)
}

fn masked_v6(address: Ipv6Addr, bits: u8) -> u128 {
    address.to_bits() & u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0)
}

impl FromStr for Network {
    type Err = NetworkError;

    /// Takes `10.1.0.0/16`, `2001:db8::/32`, `192.0.2.7`. Bits that do not count have to be 0: `10.1.2.3/16` is more
    /// likely a slip than a network.
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match length {
            None => most,
            Some(length) if length.bytes().all(|octet| octet.is_ascii_digit()) => {
                length.parse().ok().filter(|bits| *bits <= most).ok_or(NetworkError::Length { most })?
            }
            Some(_) => return Err(NetworkError::Length { most }),
        };
        let rest = match address {
            IpAddr::V4(address) => masked_v4(address, bits) != address.to_bits(),
            IpAddr::V6(address) => masked_v6(address, bits) != address.to_bits(),
        };
        if rest {
            return Err(NetworkError::Rest { bits });
        }
        // Peers are compared as what they are, so networks have to be, too.
        match (address.to_canonical(), bits.checked_sub(MAPPED_BITS)) {
            (own @ IpAddr::V4(_), Some(bits)) if address.is_ipv6() => Ok(Self { address: own, bits }),
            _ => Ok(Self { address, bits }),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// Why a text is no network.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkError {
    /// No address before the slash.
    #[error("not an IP address")]
    Address,
    /// No length behind it.
    #[error("not a prefix length from 0 to {most}")]
    Length {
        /// The most bits an address of its family has.
        most: u8,
    },
    /// An address in the network instead of the network.
    #[error("bits are set behind the first {bits}")]
    Rest {
        /// How many count.
        bits: u8,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn contains(network: &str, address: &str) -> bool {
        network.parse::<Network>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_holds_what_begins_like_it() {
        for (network, inside, outside) in [
            ("10.1.0.0/16", "10.1.255.255", "10.2.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("192.0.2.6/31", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "2001:db8::1", "192.0.2.1"),
            ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::"),
            ("::1", "::1", "::2"),
        ] {
            assert!(contains(network, inside), "{network} {inside}");
            assert!(!contains(network, outside), "{network} {outside}");
        }
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_address_that_it_is() {
        assert!(contains("10.1.0.0/16", "::ffff:10.1.2.3"));
        assert!(!contains("10.1.0.0/16", "::ffff:10.2.2.3"));
        assert!(contains("::ffff:10.1.0.0/112", "10.1.2.3"));
        assert_eq!("::ffff:10.1.0.0/112".parse::<Network>().unwrap().to_string(), "10.1.0.0/16");
        assert!(!contains("::/0", "::ffff:10.1.2.3"), "an IPv4 address is in no network of IPv6");
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for (text, error) in [
            ("", NetworkError::Address),
            ("10.1", NetworkError::Address),
            ("gateway", NetworkError::Address),
            ("10.1.0.0/33", NetworkError::Length { most: 32 }),
            ("10.1.0.0/", NetworkError::Length { most: 32 }),
            ("10.1.0.0/+8", NetworkError::Length { most: 32 }),
            ("::/129", NetworkError::Length { most: 128 }),
            ("10.1.2.3/16", NetworkError::Rest { bits: 16 }),
            ("2001:db8::1/64", NetworkError::Rest { bits: 64 }),
        ] {
            assert_eq!(text.parse::<Network>(), Err(error), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_network_is_read_as_it_is_written(address in any::<IpAddr>(), bits in 0..=128_u8) {
            let bits = if address.is_ipv4() { bits % 33 } else { bits };
            if let Ok(network) = format!("{address}/{bits}").parse::<Network>() {
                prop_assert_eq!(network.to_string().parse(), Ok(network));
                prop_assert!(network.contains(address));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9a-f:./]{0,40}") {
            let _ = text.parse::<Network>();
        }
    }
}
