//! Streams and what they say: the examples of HTML §9.2.6 and the edges of its rules, cut everywhere; then random ones.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::invariants::{Reading, UNBOUNDED, check_cuts, check_round_trip, read};
use super::*;

/// Stream, and type, data and id of its events.
type Vector = (&'static [u8], &'static [(&'static str, &'static str, &'static str)]);

const VECTORS: &[Vector] = &[
    (b"data: YHOO\ndata: +2\ndata: 10\n\n", &[("message", "YHOO\n+2\n10", "")]),
    (
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
        &[("message", "first event", "1"), ("message", "second event", ""), ("message", " third event", "")],
    ),
    (b"data\n\ndata\ndata\n\ndata:", &[("message", "", ""), ("message", "\n", "")]),
    (b"data:test\n\ndata: test\n\n", &[("message", "test", ""), ("message", "test", "")]),
    (
        b"\xEF\xBB\xBFdata: a\r\n\r\ndata: b\r\rdata: c\n\n",
        &[("message", "a", ""), ("message", "b", ""), ("message", "c", "")],
    ),
    (b"id: 7\n\ndata: x\n\n", &[("message", "x", "7")]),
    (b"event: add\n\ndata: y\n\n", &[("message", "y", "")]),
    (b"retry: 3000\nretry: 3s\ndata: z\n\n", &[("message", "z", "")]),
    (b"id: a\0b\ndata: n\n\n", &[("message", "n", "")]),
    (b"Data: no\ndata: ok\n\n", &[("message", "ok", "")]),
    // Only one BOM, and only at the start; a comment may follow it.
    (b"\xEF\xBB\xBF\xEF\xBB\xBFdata: a\n\ndata: b\n\n", &[("message", "b", "")]),
    (b"\xEF\xBB\xBF: c\ndata: a\n\n\xEF\xBB\xBFdata: b\n\n", &[("message", "a", "")]),
    (b"\xEF\xBB\xBF\n\xEF\xBBdata: a\ndata: b\n\n", &[("message", "b", "")]),
    // Ids stay until they change, whatever their block held; the last of a block counts.
    (
        b"id: 1\ndata: a\n\ndata: b\n\nid: 2\nid: 3\ndata: c\n\nid\ndata: d\n\n",
        &[("message", "a", "1"), ("message", "b", "1"), ("message", "c", "3"), ("message", "d", "")],
    ),
    // A line of a known name and more is another field; white space counts.
    (b"data1: a\ndata : b\n data: c\ndatadata: d\ndata:\te\n\n", &[("message", "\te", "")]),
    (b"event:  x \nevent: y\ndata:a:b: c\n\n", &[("y", "a:b: c", "")]),
    (b"event: x\nevent\ndata: a\n\n", &[("message", "a", "")]),
    (b"data: a\xFFb\ndata: \xE6\x9D\n\n", &[("message", "a\u{FFFD}b\n\u{FFFD}", "")]),
    (b"id: \xFF\nevent: \xC3\ndata: \xF0\x9F\x91\x8D\n\n", &[("\u{FFFD}", "\u{1F44D}", "\u{FFFD}")]),
    (b"id: \xC3\xB1\nevent: gr\xC3\xB6\ndata: \xE6\x9D\xB1\r\n\r\n", &[("gr\u{F6}", "\u{6771}", "\u{F1}")]),
    (b"\n\r\n\r\r\n:\n\n", &[]),
    (b"data: a\n", &[]),
];

fn said(reading: &Reading) -> Vec<(&str, &str, &str)> {
    let text = |field| std::str::from_utf8(field).unwrap();
    reading.events.iter().map(|event| (text(&event.event_type), text(&event.data), text(&event.id))).collect()
}

#[test]
fn every_vector_reads_the_same_however_it_is_cut() {
    for (stream, expected) in VECTORS {
        let whole = read(stream, &[], UNBOUNDED);
        assert_eq!(said(&whole), *expected, "{}", stream.escape_ascii());
        assert_eq!(read(stream, &[1], UNBOUNDED), whole, "{}", stream.escape_ascii());
        for first in 1..=stream.len() {
            for second in 1..=(stream.len() - first).max(1) {
                let pieces = read(stream, &[first, second, stream.len()], UNBOUNDED);
                assert_eq!(pieces, whole, "{} at {first} and {second} later", stream.escape_ascii());
            }
        }
    }
}

#[test]
fn every_vector_survives_writing() {
    for (stream, _) in VECTORS {
        check_round_trip(stream);
    }
}

#[test]
fn a_lone_cr_ends_a_line_at_once() {
    let mut parser = Parser::new(Limits::default());
    assert_eq!(parser.feed(Bytes::from_static(b"data: a\r\r")).len(), 1);
    assert!(parser.feed(Bytes::new()).is_empty());
    // The LF belongs to the CR before it, and is no second blank line.
    assert_eq!(parser.feed(Bytes::from_static(b"\ndata: b\r\n\r")).len(), 1);
    assert_eq!(parser.feed(Bytes::from_static(b"\n")).len(), 0);
}

#[test]
fn the_last_event_id_is_what_the_last_block_set() {
    let mut parser = Parser::with_last_event_id(Limits::default(), b"41");
    assert_eq!(parser.last_event_id(), b"41");
    let events = parser.feed(Bytes::from_static(b"data: a\n\nid: 42\n"));
    assert_eq!(events.get(0).unwrap().id, b"41");
    assert_eq!(parser.last_event_id(), b"41", "an open block has said nothing yet");
    assert!(parser.feed(Bytes::from_static(b"\n")).is_empty());
    assert_eq!(parser.last_event_id(), b"42");
    parser.feed(Bytes::from_static(b"id\ndata: b\n\n"));
    assert_eq!(parser.last_event_id(), b"");
    for unusable in [&b"a\nb"[..], b"a\0", b"\xFF"] {
        assert_eq!(Parser::with_last_event_id(Limits::default(), unusable).last_event_id(), b"");
    }
}

#[test]
fn a_retry_is_digits_and_has_a_ceiling() {
    let retry = |stream: &'static str| {
        let mut parser = Parser::new(Limits::default());
        parser.feed(Bytes::from_static(stream.as_bytes()));
        parser.retry()
    };
    assert_eq!(retry("retry: 3000\nretry: 3s\nretry\nretry: -1\nretry: \u{661}\n"), Some(Duration::from_secs(3)));
    assert_eq!(retry("retry: 0\n"), Some(Duration::ZERO));
    assert_eq!(retry("retry: 99999999999999999999999999\n"), Some(MAX_RETRY));
    assert_eq!(retry("retry: 1"), None);
}

#[test]
fn events_are_slices_of_the_piece_and_pin_nothing_else() {
    let mut parser = Parser::new(Limits::default());
    let piece = Bytes::from_static(b"id: 1\nevent: e\ndata: one\n\nid: 2\ndata: two\n\n");
    let events = parser.feed(piece.clone());
    for event in &events {
        assert!(piece.as_ptr_range().contains(&event.data.as_ptr()));
        assert!(piece.as_ptr_range().contains(&event.id.as_ptr()));
    }
    let compact = events.compacted();
    assert_eq!(compact.octets(), "1eone2two".len() + 2 * 24);
    // Nothing of the second piece is left in the event that it completes.
    parser.feed(Bytes::from_static(b"data: three\n"));
    let piece = Bytes::from(b": a long comment that nobody needs\n\n".to_vec());
    assert_eq!(parser.feed(piece.clone()).get(0).unwrap().data, b"three");
    assert!(piece.is_unique());
}

#[test]
fn what_exceeds_a_limit_is_skipped_as_a_whole() {
    let limits = Limits { max_line_octets: 12, max_event_octets: 16 };
    let stream = b"id: 1\ndata: a\n\nid: 2\ndata: 0123456789\ndata: x\n\ndata: b\n\n\
        data: 01\ndata: 23\ndata: 45\ndata: 56\ndata: 78\ndata: 9A\nid: 3\n\ndata: c\n\n: comments may be long\ndata: d\n\n";
    let whole = read(stream, &[], limits);
    assert_eq!(whole.oversize, 2);
    assert_eq!(
        said(&whole),
        [("message", "a", "1"), ("message", "b", "1"), ("message", "c", "1"), ("message", "d", "1")]
    );
    for size in 1..stream.len() {
        assert_eq!(read(stream, &[size], limits), whole);
    }
}

#[test]
fn endless_lines_and_events_hold_bounded_memory() {
    let limits = Limits { max_line_octets: 1024, max_event_octets: 4096 };
    for (piece, oversize) in [(&b"data: x"[..], 1), (b": x", 0), (b"data: \xFF\n", 1), (b"event: a\nid: b\n", 0)] {
        let mut parser = Parser::new(limits);
        let mut seen = 0;
        for _ in 0..20_000 {
            let events = parser.feed(Bytes::from_static(piece));
            assert_eq!(events.octets(), 0);
            seen += events.oversize();
            assert!(parser.octets() <= 2 * (1024 + 4096), "{} octets held", parser.octets());
        }
        assert_eq!(seen, oversize, "{}", piece.escape_ascii());
    }
}

#[test]
fn parts_make_events_that_no_stream_could_forge() {
    let mut builder = EventsBuilder::new();
    builder.push(b"", b"a\r\nb\rc\n", b"1").unwrap();
    builder.push(b"add", b"", b"1").unwrap();
    for (field, parts) in [
        (Field::Type, [&b"a\nb"[..], b"", b""]),
        (Field::Type, [b"a\rb", b"", b""]),
        (Field::Id, [b"", b"", b"a\0b"]),
        (Field::Id, [b"", b"", b"a\nb"]),
    ] {
        let [event_type, data, id] = parts;
        assert_eq!(builder.push(event_type, data, id), Err(EventError::Forbidden { field, at: 1 }));
    }
    assert_eq!(builder.push(b"", b"a\xFF", b""), Err(EventError::NotUtf8 { field: Field::Data, at: 1 }));
    let long = vec![b'x'; 1 << 24];
    assert_eq!(builder.push(b"", &long, b""), Err(EventError::TooLong { field: Field::Data, octets: 1 << 24 }));
    let events = builder.finish();
    assert_eq!(events.len(), 2);
    assert_eq!(events.get(0), Some(EventRef { event_type: b"message", data: b"a\nb\nc\n", id: b"1" }));
    assert_eq!(events.get(1), Some(EventRef { event_type: b"add", data: b"", id: b"1" }));
    assert_eq!(events.get(2), None);
}

/// Octets as streams have them, line ends, field names and broken UTF-8 far more often than chance would.
fn streams() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        4 => prop::sample::select(vec![&b"\n"[..], b"\r", b"\r\n", b"\n\n", b"\r\n\r\n"]),
        4 => prop::sample::select(vec![&b"data"[..], b"data:", b"data: ", b"event: ", b"id: ", b"id", b"retry: 10", b":"]),
        2 => prop::sample::select(vec![&b" "[..], b"\0", b"\xEF\xBB\xBF", b"\xEF", b"\xF0\x9F", b"\x91\x8D", b"\xFF"]),
        1 => prop::sample::select(vec!["ñ".as_bytes(), "東".as_bytes(), "👍".as_bytes(), b"abc", &[b'x'; 70]]),
    ];
    let random = prop::collection::vec(any::<u8>(), 0..4);
    prop::collection::vec(prop_oneof![6 => token.prop_map(<[u8]>::to_vec), 1 => random], 0..40)
        .prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn where_a_stream_is_cut_makes_no_difference(
        stream in streams(),
        sizes in prop::collection::vec(0_usize..9, 1..6),
        limits in prop_oneof![Just(Limits::default()), (0_usize..20, 0_usize..40).prop_map(|(line, event)| Limits {
            max_line_octets: line,
            max_event_octets: event,
        })],
    ) {
        check_cuts(&stream, &sizes, limits);
    }

    #[test]
    fn what_is_written_reads_the_same(stream in streams()) {
        check_round_trip(&stream);
    }

    #[test]
    fn built_events_are_written_and_read(parts in prop::collection::vec((".*", "(.|[\r\n])*", ".*"), 0..8)) {
        let mut builder = EventsBuilder::new();
        let mut previous_id = Vec::new();
        let mut out = bytes::BytesMut::new();
        for (event_type, data, id) in &parts {
            let _refused = builder.push(event_type.as_bytes(), data.as_bytes(), id.as_bytes());
        }
        let events = builder.finish();
        for event in &events {
            let before = out.len();
            encode(&event, &previous_id, &mut out).unwrap();
            prop_assert_eq!(out.len() - before, encoded_len(&event, &previous_id));
            previous_id = event.id.to_vec();
        }
        let read = Parser::new(Limits::default()).feed(out.freeze());
        prop_assert!(read.iter().eq(events.iter()));
    }
}
