//! The encodings that all WSP headers are made of (WAP-230 §8.1.2, §8.4.1, §8.4.2).

use bytes::{BufMut, BytesMut};

use super::WspError;
use super::text::Text;

/// Quote, put before a text whose first octet is above 127: else it would pass for a Short-integer (§8.4.2.1).
const QUOTE: u8 = 0x7F;
/// Length-quote: a uintvar with the length follows (§8.4.2.2).
const LENGTH_QUOTE: u8 = 0x1F;
/// Longest uintvar: five groups of seven bits carry 32 (§8.1.2).
const UINTVAR_MAX_OCTETS: usize = 5;

/// Writes a uintvar: base 128, most significant group first, bit 7 set on all octets but the last; never longer than needed.
pub(crate) fn put_uintvar(out: &mut BytesMut, value: u32) {
    let groups = (u32::BITS - (value | 1).leading_zeros()).div_ceil(7);
    for group in (1..groups).rev() {
        out.put_u8(0x80 | (value >> (7 * group)) as u8);
    }
    out.put_u8(value as u8 & 0x7F);
}

/// Writes Value-length (§8.4.2.2): one octet up to 30, else 31 and a uintvar.
pub(crate) fn put_value_length(out: &mut BytesMut, octets: usize) {
    if octets < usize::from(LENGTH_QUOTE) {
        out.put_u8(octets as u8);
    } else {
        out.put_u8(LENGTH_QUOTE);
        put_length(out, octets);
    }
}

/// Writes a length as uintvar. Texts are bounded, so a length above 2³²-1 would need millions of headers.
pub(crate) fn put_length(out: &mut BytesMut, octets: usize) {
    debug_assert!(u32::try_from(octets).is_ok(), "a header block has less than 4 GiB");
    put_uintvar(out, u32::try_from(octets).unwrap_or(u32::MAX));
}

/// Writes Short-integer: the value is `value & 0x7F`.
pub(crate) fn put_short_integer(out: &mut BytesMut, value: u8) {
    out.put_u8(0x80 | value);
}

/// Writes Long-integer: the number of octets, then as few octets as the value needs, at least one.
pub(crate) fn put_long_integer(out: &mut BytesMut, value: u64) {
    let octets = (u64::BITS - (value | 1).leading_zeros()).div_ceil(8) as usize;
    out.put_u8(octets as u8);
    out.put_uint(value, octets);
}

/// Writes Integer-value: short up to 127, else long.
pub(crate) fn put_integer(out: &mut BytesMut, value: u64) {
    match u8::try_from(value) {
        Ok(short) if short <= 0x7F => put_short_integer(out, short),
        _ => put_long_integer(out, value),
    }
}

/// Writes Text-string: the octets and NUL, after a Quote where the first octet is above 127.
pub(crate) fn put_text(out: &mut BytesMut, text: &Text) {
    let octets = text.as_str().as_bytes();
    if octets.first().is_some_and(|first| *first >= 0x80) {
        out.put_u8(QUOTE);
    }
    out.put_slice(octets);
    out.put_u8(0);
}

/// Writes Quoted-string: `"`, the octets and NUL; the closing quote is not sent.
pub(crate) fn put_quoted_string(out: &mut BytesMut, text: &Text) {
    out.put_u8(b'"');
    out.put_slice(text.as_str().as_bytes());
    out.put_u8(0);
}

/// A header value by its shape, which the first octet tells (§8.4.1): so unknown values can be skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// 128 to 255: a complete value of seven bits.
    Short(u8),
    /// 32 to 127: a text; Quote and NUL are taken off.
    Text(&'a [u8]),
    /// 0 to 31: that many octets, or as many as the uintvar after it says.
    Octets(&'a [u8]),
}

impl Value<'_> {
    /// The value as Integer-value, or `None`: it is no integer, or above 2⁶⁴-1.
    pub fn integer(&self) -> Option<u64> {
        match *self {
            Self::Short(value) => Some(u64::from(value)),
            Self::Octets(octets) => big_endian(octets),
            Self::Text(_) => None,
        }
    }
}

/// The value of a Multi-octet-integer, or `None`: it has no octets, or is above 2⁶⁴-1.
pub(crate) fn big_endian(octets: &[u8]) -> Option<u64> {
    if octets.is_empty() {
        return None;
    }
    octets.iter().try_fold(0_u64, |value, octet| (value >> 56 == 0).then_some((value << 8) | u64::from(*octet)))
}

/// Takes primitives off the front of a block; nothing is ever read behind its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(octets: &'a [u8]) -> Self {
        Self { rest: octets }
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    pub(crate) fn octet(&mut self, what: &'static str) -> Result<u8, WspError> {
        let (first, rest) = self.rest.split_first().ok_or(WspError::Truncated { what, need: 1, have: 0 })?;
        self.rest = rest;
        Ok(*first)
    }

    pub(crate) fn take(&mut self, octets: usize, what: &'static str) -> Result<&'a [u8], WspError> {
        let have = self.rest.len();
        let (taken, rest) =
            self.rest.split_at_checked(octets).ok_or(WspError::Truncated { what, need: octets, have })?;
        self.rest = rest;
        Ok(taken)
    }

    /// A uintvar. Leading zero groups are accepted within the five octets.
    pub(crate) fn uintvar(&mut self, what: &'static str) -> Result<u32, WspError> {
        let mut value = 0_u64;
        for _ in 0..UINTVAR_MAX_OCTETS {
            let octet = self.octet(what)?;
            value = (value << 7) | u64::from(octet & 0x7F);
            if octet & 0x80 == 0 {
                return u32::try_from(value).map_err(|_| WspError::UintvarTooLarge);
            }
        }
        Err(WspError::UintvarTooLarge)
    }

    /// A text up to its NUL, which is taken off, and so is a Quote.
    pub(crate) fn text(&mut self, what: &'static str) -> Result<&'a [u8], WspError> {
        let octets = self.rest.len();
        let end = memchr::memchr(0, self.rest).ok_or(WspError::Unterminated { what, octets })?;
        let text = self.take(end, what)?;
        self.octet(what)?;
        Ok(text.strip_prefix(&[QUOTE]).unwrap_or(text))
    }

    /// The octets behind a Value-length.
    pub(crate) fn counted(&mut self, what: &'static str) -> Result<&'a [u8], WspError> {
        let octets = match self.octet(what)? {
            LENGTH_QUOTE => self.uintvar(what)? as usize,
            short => usize::from(short),
        };
        self.take(octets, what)
    }

    /// A value of any shape.
    pub(crate) fn value(&mut self, what: &'static str) -> Result<Value<'a>, WspError> {
        match self.peek() {
            Some(0..=LENGTH_QUOTE) => self.counted(what).map(Value::Octets),
            Some(0x20..=0x7F) => self.text(what).map(Value::Text),
            _ => self.octet(what).map(|octet| Value::Short(octet & 0x7F)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(put: impl FnOnce(&mut BytesMut)) -> Vec<u8> {
        let mut out = BytesMut::new();
        put(&mut out);
        out.to_vec()
    }

    #[test]
    fn a_uintvar_is_as_short_as_it_can_be() {
        for (value, octets) in [
            (0, &[0x00][..]),
            (127, &[0x7F]),
            (128, &[0x81, 0x00]),
            (160, &[0x81, 0x20]),
            (8192, &[0xC0, 0x00]),
            (0x87A5, &[0x82, 0x8F, 0x25]),
            (u32::MAX, &[0x8F, 0xFF, 0xFF, 0xFF, 0x7F]),
        ] {
            assert_eq!(written(|out| put_uintvar(out, value)), octets);
            assert_eq!(Reader::new(octets).uintvar("test"), Ok(value));
        }
    }

    #[test]
    fn a_uintvar_of_six_octets_or_33_bits_is_refused() {
        for octets in [&[0x80, 0x80, 0x80, 0x80, 0x80, 0x00][..], &[0x90, 0x80, 0x80, 0x80, 0x00]] {
            assert_eq!(Reader::new(octets).uintvar("test"), Err(WspError::UintvarTooLarge));
        }
        assert!(matches!(Reader::new(&[0x81]).uintvar("test"), Err(WspError::Truncated { .. })));
    }

    #[test]
    fn integers_are_short_up_to_127_and_long_above() {
        assert_eq!(written(|out| put_integer(out, 0)), [0x80]);
        assert_eq!(written(|out| put_integer(out, 127)), [0xFF]);
        assert_eq!(written(|out| put_integer(out, 128)), [1, 128]);
        assert_eq!(written(|out| put_integer(out, 0x9065)), [2, 0x90, 0x65]);
        assert_eq!(written(|out| put_long_integer(out, 0)), [1, 0]);
        assert_eq!(Value::Octets(&[0; 30]).integer(), Some(0));
        assert_eq!(Value::Octets(&[1, 0, 0, 0, 0, 0, 0, 0, 0]).integer(), None);
        assert_eq!(Value::Octets(&[]).integer(), None);
    }

    #[test]
    fn a_text_above_ascii_is_quoted() {
        let text = Text::new("ü").unwrap();
        let octets = written(|out| put_text(out, &text));
        assert_eq!(octets, [0x7F, 0xC3, 0xBC, 0]);
        assert_eq!(Reader::new(&octets).value("test"), Ok(Value::Text("ü".as_bytes())));
    }

    #[test]
    fn a_value_length_is_one_octet_up_to_30() {
        assert_eq!(written(|out| put_value_length(out, 30)), [30]);
        assert_eq!(written(|out| put_value_length(out, 31)), [31, 31]);
        assert_eq!(written(|out| put_value_length(out, 200)), [31, 0x81, 0x48]);
    }

    proptest! {
        #[test]
        fn integers_are_read_back(long: u64, short: u32) {
            let octets = written(|out| put_integer(out, long));
            prop_assert_eq!(Reader::new(&octets).value("test").unwrap().integer(), Some(long));
            let octets = written(|out| put_uintvar(out, short));
            prop_assert_eq!(Reader::new(&octets).uintvar("test"), Ok(short));
        }
    }
}
