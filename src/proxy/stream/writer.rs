//! Events as an event stream, as the origin wrote them: type, data, id, `retry`.

use crate::codec::sse::{self, EventRef};
use crate::engine::chunk::Chunk;
use bytes::{BufMut, Bytes, BytesMut};
use std::ops::Range;
use std::time::Duration;

/// Writes one stream.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// The id in force at the client.
    previous_id: Bytes,
    retry: Option<Duration>,
}

impl Writer {
    /// A stream whose client has the event with this id, as it will say when it comes again.
    pub fn new(last_event_id: Bytes) -> Self {
        Self { previous_id: last_event_id, retry: None }
    }

    /// Writes the events of `chunk` that `range` names. One that its origin gave no id gets one of ours, or whoever
    /// comes back could not say what he has.
    pub fn write(&mut self, chunk: &Chunk, range: Range<u64>, out: &mut BytesMut) {
        for seq in range {
            let Some(event) = chunk.get(seq) else { continue };
            let own = event.id.is_empty().then(|| chunk.own_id(seq).text());
            let event = match &own {
                Some(own) => EventRef { id: own.as_bytes(), ..event },
                None => event,
            };
            // What no stream can carry, a NUL in the type, is left out.
            if sse::encode(&event, &self.previous_id, out).is_ok() && event.id != self.previous_id {
                self.previous_id = Bytes::copy_from_slice(event.id);
            }
        }
    }

    /// Writes the events of `chunk` that `range` names, which are not in the source's numbering: without ids of ours.
    pub fn write_foreign(&mut self, chunk: &Chunk, range: Range<u64>, out: &mut BytesMut) {
        for event in range.filter_map(|seq| chunk.get(seq)) {
            if sse::encode(&event, &self.previous_id, out).is_ok() && event.id != self.previous_id {
                self.previous_id = Bytes::copy_from_slice(event.id);
            }
        }
    }

    /// Writes how long a client should wait before it comes again, if that is news.
    pub fn write_retry(&mut self, retry: Option<Duration>, out: &mut BytesMut) {
        if let Some(time) = retry.filter(|_| self.retry != retry) {
            out.extend_from_slice(format!("retry: {}\n\n", time.as_millis()).as_bytes());
            self.retry = retry;
        }
    }

    /// Tells that events are missing here. It has no id: the one in force stays.
    pub fn write_gap(&mut self, reason: &str, out: &mut BytesMut) {
        let data = serde_json::json!({ "reason": reason });
        out.extend_from_slice(format!("event: bellwire-gap\ndata: {data}\n\n").as_bytes());
    }

    /// Writes a line that says nothing but that the stream is there.
    pub fn write_heartbeat(&self, out: &mut BytesMut) {
        out.put_slice(b":\n\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::sse::EventsBuilder;
    use crate::engine::clock::Now;

    #[test]
    fn events_are_as_their_origin_wrote_them_and_each_has_an_id() {
        let mut events = EventsBuilder::new();
        for (event_type, data, id) in [
            ("message", "a", "1"),
            ("t", "b\nc", "1"),
            ("message", "d", ""),
            ("message", "e", ""),
            ("message", "f", "2"),
        ] {
            events.push(event_type.as_bytes(), data.as_bytes(), id.as_bytes()).unwrap();
        }
        let chunk = Chunk::new(events.finish(), 35, Now::default(), None, None).in_epoch(36);
        let (mut writer, mut out) = (Writer::new(Bytes::from_static(b"0")), BytesMut::new());
        writer.write_retry(Some(Duration::from_millis(1500)), &mut out);
        writer.write(&chunk, 35..40, &mut out);
        writer.write_retry(Some(Duration::from_millis(1500)), &mut out);
        writer.write_gap("a \"b\"", &mut out);
        let text = std::str::from_utf8(&out).unwrap().replace(": ", ":");
        let expected = "retry:1500\n\nid:1\ndata:a\n\nevent:t\ndata:b\ndata:c\n\nid:~10.11\ndata:d\n\n\
                        id:~10.12\ndata:e\n\nid:2\ndata:f\n\nevent:bellwire-gap\ndata:{\"reason\":\"a \\\"b\\\"\"}\n\n";
        assert_eq!(text, expected);
    }
}
