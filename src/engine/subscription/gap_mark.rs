//! How a push tells of lost events: a comment line at the head of its body.

use bytes::{BufMut, BytesMut};

/// A comment line, which every parser of event streams ignores (HTML §9.2.6) and ours can read.
pub(super) fn write(lost: u64, out: &mut BytesMut) {
    if lost == 0 {
        return;
    }
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = lost;
    while rest > 0 {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.put_slice(b":gap ");
    out.put_slice(&digits[at..]);
    out.put_u8(b'\n');
}

/// Octets of the mark.
pub(super) fn octets(lost: u64) -> usize {
    lost.checked_ilog10().map_or(0, |log| b":gap \n".len() + log as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_as_long_as_it_was_said_to_be() {
        for (lost, mark) in [(0, ""), (1, ":gap 1\n"), (10, ":gap 10\n"), (u64::MAX, ":gap 18446744073709551615\n")] {
            let mut out = BytesMut::new();
            write(lost, &mut out);
            assert_eq!((&out[..], octets(lost)), (mark.as_bytes(), mark.len()));
        }
    }
}
