//! An address with its type of number and numbering plan, SMPP v3.4 §5.2.5 to §5.2.9.

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::codes::{Npi, Ton};
use super::fields::{EncodeError, Field, FieldError, Reader, put_c_octets};

/// Octets of an address from which on `Debug` masks it: short codes are nobody's number.
const MASKED_FROM_OCTETS: usize = 7;

/// Where a message comes from or goes to. `Debug` masks it, so that it cannot leak into a log by accident.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Address<'a> {
    /// Type of number.
    pub ton: Ton,
    /// Numbering plan.
    pub npi: Npi,
    /// Digits without "+", or the characters of an alphanumeric sender; at most 20 octets, 64 in `data_sm`.
    pub addr: &'a [u8],
}

impl<'a> Address<'a> {
    /// An E.164 number in international form, digits without "+".
    pub const fn international(digits: &'a [u8]) -> Self {
        Self { ton: Ton::INTERNATIONAL, npi: Npi::E164, addr: digits }
    }

    pub(super) fn decode(reader: &mut Reader<'a>, field: &'static Field) -> Result<Self, FieldError> {
        Ok(Self { ton: Ton(reader.u8(field)?), npi: Npi(reader.u8(field)?), addr: reader.c_octets(field)? })
    }

    pub(super) fn put(&self, field: &'static Field, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u8(self.ton.0);
        out.put_u8(self.npi.0);
        put_c_octets(field, self.addr, out)
    }
}

impl fmt::Debug for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} ", self.ton.0, self.npi.0)?;
        match self.addr {
            [first, second, .., last_but_one, last] if self.addr.len() >= MASKED_FROM_OCTETS => {
                let (head, tail) = ([*first, *second], [*last_but_one, *last]);
                write!(f, "{}…{}", head.escape_ascii(), tail.escape_ascii())
            }
            _ => write!(f, "{}", self.addr.escape_ascii()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_masked_and_a_short_code_is_not() {
        assert_eq!(format!("{:?}", Address::international(b"15551234567")), "1/1 15…67");
        let code = Address { ton: Ton::NETWORK_SPECIFIC, npi: Npi::E164, addr: b"12345" };
        assert_eq!(format!("{code:?}"), "3/1 12345");
    }
}
