//! An event, as a page's listener would see it (HTML §9.2.6).

use crate::codec::sse::EventRef;

/// Type, data and lastEventId of one event. Ordered and hashed by all three.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// Its type; `message` when the stream names none.
    pub event_type: String,
    /// Its data lines, joined by LF.
    pub data: String,
    /// The last event id at this event.
    pub id: String,
}

impl From<EventRef<'_>> for Event {
    fn from(event: EventRef<'_>) -> Self {
        let text = |octets| String::from_utf8_lossy(octets).into_owned();
        Self { event_type: text(event.event_type), data: text(event.data), id: text(event.id) }
    }
}

impl Event {
    /// Appends the event to a stream as the examples of the HTML Standard write it: a blank after each colon.
    pub fn write(&self, out: &mut String) {
        let mut line = |name: &str, value: &str| {
            out.push_str(name);
            out.push_str(": ");
            out.push_str(value);
            out.push('\n');
        };
        if self.event_type != "message" {
            line("event", &self.event_type);
        }
        self.data.split('\n').for_each(|value| line("data", value));
        line("id", &self.id);
        out.push('\n');
    }
}
