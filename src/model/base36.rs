//! Numbers in base 36, in the one form that has no more digits than it needs: `0`, `a`, `10`.

/// Digits that a number has at most.
pub(super) const MAX_DIGITS: usize = 13;

/// Writes `number` at the end of `out`, which has room for it, and returns where it begins.
pub(super) fn write(mut number: u64, out: &mut [u8]) -> usize {
    let mut at = out.len();
    while at > 0 {
        at -= 1;
        let digit = (number % 36) as u8;
        out[at] = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
        number /= 36;
        if number == 0 {
            break;
        }
    }
    at
}

/// How many digits `number` has.
pub(super) fn digits(number: u64) -> usize {
    number.checked_ilog(36).map_or(1, |log| log as usize + 1)
}

/// Reads what [`write()`] writes, and nothing else.
pub(super) fn read(text: &[u8]) -> Option<u64> {
    if text.is_empty() || (text.len() > 1 && text.starts_with(b"0")) {
        return None;
    }
    text.iter().try_fold(0u64, |number, octet| {
        let digit = match octet {
            b'0'..=b'9' => octet - b'0',
            b'a'..=b'z' => octet - b'a' + 10,
            _ => return None,
        };
        number.checked_mul(36)?.checked_add(digit.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(number: u64) -> String {
        let mut out = [0; MAX_DIGITS];
        let at = write(number, &mut out);
        String::from_utf8(out[at..].to_vec()).unwrap()
    }

    #[test]
    fn numbers_have_the_digits_that_others_give_them() {
        for (number, text) in [(0, "0"), (35, "z"), (36, "10"), (1295, "zz"), (u64::MAX, "3w5e11264sgsf")] {
            assert_eq!((written(number).as_str(), digits(number)), (text, text.len()));
        }
    }

    #[test]
    fn there_is_one_form() {
        for wrong in ["", "00", "0a", "A", "-1", "+1", " 1", "3w5e11264sgsg", "zzzzzzzzzzzzz", "1.2"] {
            assert_eq!(read(wrong.as_bytes()), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_number_is_read_back(number: u64, shift in 0u32..64) {
            let number = number >> shift;
            prop_assert_eq!(read(written(number).as_bytes()), Some(number));
            prop_assert_eq!(written(number).len(), digits(number));
        }
    }
}
