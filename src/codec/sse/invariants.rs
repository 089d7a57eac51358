//! What holds for every octet sequence: the checks that property tests and fuzzing share, against a second reader written
//! straight from the text of HTML §9.2.6, which sees the whole stream and has no bounds.
//!
//! They panic when something does not hold.

use bytes::{Bytes, BytesMut};

use super::{Events, Limits, Parser, encode, encoded_len};

/// As good as no limits.
pub const UNBOUNDED: Limits = Limits { max_line_octets: usize::MAX, max_event_octets: usize::MAX };

/// An event with memory of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// Event type.
    pub event_type: Vec<u8>,
    /// Data.
    pub data: Vec<u8>,
    /// Last event ID.
    pub id: Vec<u8>,
}

/// All that a stream says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The events in order.
    pub events: Vec<Owned>,
    /// The last event ID string at the end.
    pub last_event_id: Vec<u8>,
    /// The reconnection time at the end, in milliseconds.
    pub retry: Option<u128>,
    /// How many repairs, summed over the pieces.
    pub repaired: u32,
    /// How many discarded events, summed over the pieces.
    pub oversize: u32,
}

/// Reads `stream` in pieces of `sizes` octets, over and over; in one piece if there are none or only zeros.
pub fn read(stream: &[u8], sizes: &[usize], limits: Limits) -> Reading {
    let mut parser = Parser::new(limits);
    let mut reading = Reading::default();
    let mut rest = Bytes::copy_from_slice(stream);
    let sizes: &[usize] = if sizes.iter().any(|size| *size > 0) { sizes } else { &[usize::MAX] };
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let size = sizes.next().map_or(rest.len(), |size| rest.len().min(*size));
        let events = parser.feed(rest.split_to(size));
        reading.repaired += events.repaired();
        reading.oversize += events.oversize();
        let before = owned(&events);
        assert_eq!(before.len(), events.len());
        let compact = events.compacted();
        assert_eq!(owned(&compact), before, "compaction changed the events");
        reading.events.extend(before);
    }
    reading.last_event_id = parser.last_event_id().to_vec();
    reading.retry = parser.retry().map(|retry| retry.as_millis());
    reading
}

/// Where the stream is cut makes no difference, fields are text, no event exceeds the limit, and without limits the
/// reading is the standard's.
pub fn check_cuts(stream: &[u8], sizes: &[usize], limits: Limits) {
    let whole = read(stream, &[], limits);
    assert_eq!(whole, read(stream, sizes, limits), "pieces of {sizes:?} differ from the whole");
    for event in &whole.events {
        assert!(event.data.len() <= limits.max_event_octets, "an event exceeds its limit");
        for field in [&event.event_type, &event.data, &event.id] {
            assert!(std::str::from_utf8(field).is_ok(), "a field is no text");
        }
    }
    let unbounded = read(stream, sizes, Limits { max_line_octets: usize::MAX, max_event_octets: usize::MAX });
    let (events, last_event_id) = read_as_the_standard_says(stream);
    assert_eq!((&unbounded.events, &unbounded.last_event_id), (&events, &last_event_id), "not the standard's reading");
}

/// What is written of the events of `stream` reads as the same events, but for those whose type holds NUL: a stream may
/// say that, and the writer does not.
pub fn check_round_trip(stream: &[u8]) {
    let events = Parser::new(Limits::default()).feed(Bytes::copy_from_slice(stream));
    let mut out = BytesMut::new();
    let mut previous_id: &[u8] = b"";
    for event in &events {
        let before = out.len();
        if encode(&event, previous_id, &mut out).is_ok() {
            assert_eq!(out.len(), before + encoded_len(&event, previous_id), "encoded_len is not what encode writes");
            previous_id = event.id;
        } else {
            assert!(event.event_type.contains(&0), "{event:?} was refused");
            assert_eq!(out.len(), before, "a refused event was written");
        }
    }
    let mut expected = owned(&events);
    expected.retain(|event| !event.event_type.contains(&0));
    assert_eq!(owned(&Parser::new(UNBOUNDED).feed(out.freeze())), expected, "the round trip changed the events");
}

/// The events of `stream` survive being a record.
pub fn check_record_of(stream: &[u8]) {
    let events = Parser::new(UNBOUNDED).feed(Bytes::copy_from_slice(stream));
    for events in [events.clone(), events.compacted()] {
        let mut record = Vec::new();
        events.write_record(&mut record);
        let read = Events::read_record(record.into());
        assert_eq!(read.as_ref().map(owned), Ok(owned(&events)), "a record has other events");
    }
}

/// `octets` are refused as a record, or make events that survive being one.
pub fn check_record(octets: &[u8]) {
    let Ok(events) = Events::read_record(Bytes::copy_from_slice(octets)) else { return };
    assert!(events.len() < octets.len(), "{} events of {} octets", events.len(), octets.len());
    let mut record = Vec::new();
    events.write_record(&mut record);
    assert!(record.len() <= octets.len(), "a record that was read is not the shortest, and grows when it is written");
    let again = Events::read_record(record.into());
    assert_eq!(again.as_ref().map(owned), Ok(owned(&events)), "a record has other events");
}

fn owned(events: &Events) -> Vec<Owned> {
    let own = |event: super::EventRef<'_>| Owned {
        event_type: event.event_type.to_vec(),
        data: event.data.to_vec(),
        id: event.id.to_vec(),
    };
    events.iter().map(own).collect()
}

fn read_as_the_standard_says(stream: &[u8]) -> (Vec<Owned>, Vec<u8>) {
    let text = String::from_utf8_lossy(stream.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(stream)).replace("\r\n", "\n");
    let mut lines: Vec<&str> = text.split(['\n', '\r']).collect();
    // What follows the last line end is no line.
    lines.pop();
    let (mut events, mut last_id) = (Vec::new(), "");
    let (mut data, mut kind, mut id) = (String::new(), "", "");
    for line in lines {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "" if line.is_empty() => {
                last_id = id;
                let kind = Some(std::mem::take(&mut kind)).filter(|kind| !kind.is_empty()).unwrap_or("message");
                if let Some(data) = std::mem::take(&mut data).strip_suffix('\n') {
                    events.push(Owned { event_type: kind.into(), data: data.into(), id: id.into() });
                }
            }
            "data" => data = data + value + "\n",
            "event" => kind = value,
            "id" if !value.contains('\0') => id = value,
            _ => {}
        }
    }
    (events, last_id.into())
}
