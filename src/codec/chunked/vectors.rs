//! Bodies by hand, and the laws for those that nobody thought of.

use super::invariants::{Reading, check_cuts, check_round_trip, read};
use super::*;
use proptest::prelude::*;

fn end_of(body: &[u8]) -> Option<Result<(), ChunkedError>> {
    check_cuts(body, &[3, 1, 2]);
    read(body, &[]).end
}

fn refused(body: &[u8]) -> ChunkedError {
    end_of(body).expect("it ends").expect_err("it is refused")
}

fn data_of(body: &[u8]) -> Vec<u8> {
    check_cuts(body, &[3, 1, 2]);
    let Reading { data, end } = read(body, &[]);
    assert_eq!(end, Some(Ok(())));
    data
}

#[test]
fn chunks_are_joined_and_what_frames_them_is_skipped() {
    assert_eq!(data_of(b"0\r\n\r\n"), b"");
    assert_eq!(data_of(b"3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"), b"abc0123456789");
    assert_eq!(data_of(b"00003\r\na\r\n\r\n1 \t\r\nb\r\n000\r\n\r\n"), b"a\r\nb");
    assert_eq!(data_of(b"1;a=\"x;y\";b\r\n!\r\n1 ; c\r\n?\r\n0;last\r\n\r\n"), b"!?");
    assert_eq!(data_of(b"1\r\n!\r\n0\r\nExpires: never\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n"), b"!");
}

#[test]
fn the_first_data_of_a_piece_stays_where_it_is() {
    let mut piece = b"5\r\nhello\r\n6\r\n world\r\n".to_vec();
    let decoded = Decoder::default().decode(&mut piece);
    assert_eq!(decoded, Decoded { data: 3..14, end: None });
    assert_eq!(&piece[3..14], b"hello world");
}

#[test]
fn a_size_is_one_or_more_hexadecimal_digits() {
    for (body, octet) in [
        (&b"\r\n"[..], b'\r'),
        (b"-1\r\n", b'-'),
        (b"+1\r\n", b'+'),
        (b" 1\r\n", b' '),
        (b"0x1\r\n", b'x'),
        (b"g", b'g'),
    ] {
        assert_eq!(refused(body), ChunkedError::Size { octet }, "{body:?}");
    }
    assert_eq!(refused(b"1 1\r\n"), ChunkedError::Size { octet: b'1' });
    assert_eq!(refused(b"1\n!"), ChunkedError::Size { octet: b'\n' });
    assert_eq!(refused(b"\x80"), ChunkedError::Size { octet: 0x80 });
}

#[test]
fn a_size_does_not_overflow() {
    assert_eq!(end_of(b"ffffffffffffffff\r\nabc"), None);
    assert_eq!(read(b"ffffffffffffffff\r\nabc", &[]).data, b"abc");
    assert_eq!(refused(b"10000000000000000\r\n"), ChunkedError::TooLarge);
    assert_eq!(refused(b"fffffffffffffffff\r\n"), ChunkedError::TooLarge);
    assert_eq!(end_of(b"00000000000000000000000001\r\n!\r\n0\r\n\r\n"), Some(Ok(())));
}

#[test]
fn a_line_ends_with_cr_lf_alone() {
    assert_eq!(refused(b"1\rx"), ChunkedError::LineEnd { octet: b'x' });
    assert_eq!(refused(b"1;a\n!"), ChunkedError::LineEnd { octet: b'\n' });
    assert_eq!(refused(b"1\r\n!\n"), ChunkedError::DataEnd { octet: b'\n' });
    assert_eq!(refused(b"1\r\n!!"), ChunkedError::DataEnd { octet: b'!' });
    assert_eq!(refused(b"1\r\n!\rx"), ChunkedError::DataEnd { octet: b'x' });
    assert_eq!(refused(b"0\r\n\n"), ChunkedError::LineEnd { octet: b'\n' });
    assert_eq!(refused(b"0\r\na: b\n"), ChunkedError::LineEnd { octet: b'\n' });
    assert_eq!(refused(b"0\r\n\rx"), ChunkedError::LineEnd { octet: b'x' });
    assert_eq!(refused(b"0\r\na\rx"), ChunkedError::LineEnd { octet: b'x' });
}

#[test]
fn what_is_skipped_is_bounded() {
    let extension = |count: u32| [b"0;", "x".repeat(count as usize).as_bytes(), b"\r\n\r\n"].concat();
    assert_eq!(end_of(&extension(MAX_LINE_OCTETS - 2)), Some(Ok(())));
    assert_eq!(refused(&extension(MAX_LINE_OCTETS - 1)), ChunkedError::LineTooLong);
    assert_eq!(refused("0".repeat(MAX_LINE_OCTETS as usize + 1).as_bytes()), ChunkedError::LineTooLong);
    let trailers = |count: u32| [b"0\r\n", "ab\r\n".repeat(count as usize / 2).as_bytes(), b"\r\n"].concat();
    assert_eq!(end_of(&trailers(MAX_TRAILER_OCTETS)), Some(Ok(())));
    assert_eq!(refused(&trailers(MAX_TRAILER_OCTETS + 2)), ChunkedError::TrailersTooLong);
    let many = "1;x\r\n!\r\n".repeat(10_000);
    assert_eq!(read(many.as_bytes(), &[7]), Reading { data: vec![b'!'; 10_000], end: None }, "a bound per line");
}

#[test]
fn the_data_before_an_error_is_handed_out() {
    assert_eq!(read(b"2\r\nok\r\nno", &[]).data, b"ok");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_octets_read_the_same_however_they_are_cut(
        body in proptest::collection::vec(any::<u8>(), 0..200),
        cuts in proptest::collection::vec(0_usize..9, 0..6),
    ) {
        check_cuts(&body, &cuts);
    }

    #[test]
    fn octets_that_look_like_chunks_do_too(
        body in "([0-4a]|\r\n|\r|\n|;|x| |[1-3]\r\n[a-c]{1,3}\r\n|0\r\n){0,30}",
        cuts in proptest::collection::vec(0_usize..9, 0..6),
    ) {
        check_cuts(body.as_bytes(), &cuts);
    }

    #[test]
    fn what_is_written_as_chunks_is_read_back(
        data in proptest::collection::vec(any::<u8>(), 0..600),
        sizes in proptest::collection::vec(1_usize..200, 0..6),
        cuts in proptest::collection::vec(0_usize..90, 0..6),
    ) {
        check_round_trip(&data, &sizes, &cuts);
    }
}
