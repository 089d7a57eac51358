//! Octets as hexadecimal digits, the way people copy them from traces.

/// Reads digits in either case. Blanks, colons and `0x` between octets are passed over.
///
/// # Errors
/// When something else is there, or half an octet.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, HexError> {
    let text = text.replace("0x", " ");
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace() && *c != ':').collect();
    if let Some(found) = digits.iter().find(|c| !c.is_ascii_hexdigit()) {
        return Err(HexError::NotADigit { found: *found });
    }
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(HexError::Odd { digits: digits.len() });
    }
    // Both are hexadecimal digits, so both have a value below 16.
    let octet =
        |pair: &[char; 2]| pair.iter().filter_map(|c| c.to_digit(16)).fold(0, |octet, digit| octet << 4 | digit);
    Ok(pairs.iter().map(|pair| octet(pair) as u8).collect())
}

/// Writes two digits for each octet.
pub(super) fn encode(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

/// Why a text is no octets.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub(super) enum HexError {
    /// Something that is no digit.
    #[error("found {found:?}, which is no hexadecimal digit")]
    NotADigit {
        /// The first such character.
        found: char,
    },
    /// Half an octet.
    #[error("{digits} hexadecimal digits are no whole number of octets")]
    Odd {
        /// How many there are.
        digits: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_read_as_they_are_written_and_as_traces_have_them() {
        assert_eq!(decode(&encode(&[0, 0x7F, 0xFF])), Ok(vec![0, 0x7F, 0xFF]));
        assert_eq!(decode("0x06 05:04\n0b84"), Ok(vec![6, 5, 4, 0x0B, 0x84]));
        assert_eq!(decode(""), Ok(vec![]));
        assert_eq!(decode("0605x"), Err(HexError::NotADigit { found: 'x' }));
        assert_eq!(decode("060"), Err(HexError::Odd { digits: 3 }));
    }
}
