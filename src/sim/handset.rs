//! Handsets: short messages in, events out, as an OMA Push receiver and the page behind it would have them.
//!
//! Each number joins its own segments (TS 23.040 §9.2.3.24), looks at the port, reads the WSP push and parses its body
//! with a fresh parser, for every body is an event stream of its own. Without WSP, on another port, the message is the body.
//! What the proxy put into ids, a page does not see: the key of the stream, which pushes without a character set have, and
//! ids of its own. Time is an argument. Numbers, pushes remembered and
//! segments kept are bounded. Left out: SIM and WML applications; whatever is not an event stream is counted and dropped.

use super::chance;
use super::event::Event;
use crate::codec::segments::{Limits, Reassembled, Reassembler};
use crate::codec::smpp::EsmClass;
use crate::codec::sse::EventRef;
use crate::codec::wsp::{self, ApplicationRef, WspError};
use crate::codec::{sse, udh};
use crate::model::{OwnId, StreamKey};
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// What marks events as lost before a body's first one: a comment, so that every other reader passes over it.
const GAP: &[u8] = b":gap ";
/// Streams whose last id one handset remembers.
const STREAMS_MAX: usize = 64;

/// How handsets behave.
#[derive(Clone, Copy, Debug)]
pub struct HandsetSettings {
    /// UDH destination port that pushes are taken on; 2948 is IANA's wap-push.
    pub port: u16,
    /// UDH destination port on which a message is an event stream and nothing else.
    pub data_port: u16,
    /// UDH source port of the first stream there; the key of the others is added to it.
    pub data_source_port: u16,
    /// Numbers that are known at once; messages to others are refused.
    pub handsets: usize,
    /// How long a push is remembered, so that its copy is known as one.
    pub window: Duration,
    /// Pushes remembered per number. TIDs come round after 256, so more would hardly help.
    pub remembered: usize,
    /// What incomplete messages may take per number.
    pub limits: Limits,
}

impl Default for HandsetSettings {
    fn default() -> Self {
        Self {
            port: 2948,
            data_port: 16_500,
            data_source_port: 16_500,
            handsets: 1 << 20,
            window: Duration::from_secs(300),
            remembered: 64,
            limits: Limits::default(),
        }
    }
}

/// A short message as it reaches a handset.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Who sent it.
    pub source: &'a str,
    /// The handset's number.
    pub destination: &'a str,
    /// Says whether there is a user data header.
    pub esm_class: EsmClass,
    /// User data, header included.
    pub short_message: &'a [u8],
}

/// A push that a handset received whole. `Debug` shows the number: it is a played one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The handset's number.
    pub number: String,
    /// The application it is for, by name or as `0x` and a number; empty for none.
    pub application: String,
    /// Which of the handset's streams it belongs to, if it says so.
    pub stream: Option<StreamKey>,
    /// The URL that it is about, if it says so.
    pub content_uri: Option<String>,
    /// The media type.
    pub content_type: String,
    /// WSP transaction id; 0 without WSP.
    pub tid: u8,
    /// The events, in order.
    pub events: Vec<Event>,
    /// How many events were lost before the first one, when the body says so.
    pub gap: Option<u64>,
    /// Whether this push came before, octet for octet: a page does not see it again.
    pub duplicate: bool,
}

/// What handsets did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct HandsetStats {
    /// Short messages.
    pub segments: u64,
    /// Copies of segments that were there already.
    pub duplicate_segments: u64,
    /// Pushes received whole, copies left out.
    pub pushes: u64,
    /// Copies of pushes.
    pub duplicates: u64,
    /// Events in pushes, copies left out.
    pub events: u64,
    /// Messages that were no event stream in a push.
    pub malformed: u64,
    /// Marks of lost events.
    pub gaps: u64,
    /// Events that these marks count.
    pub gap_events: u64,
}

/// All handsets, by number.
#[derive(Debug)]
pub struct Handsets {
    settings: HandsetSettings,
    handsets: HashMap<Box<str>, Handset>,
    stats: HandsetStats,
}

#[derive(Debug)]
struct Handset {
    segments: Reassembler,
    /// When, and hash of TID and push.
    seen: VecDeque<(Duration, u64)>,
    /// By application.
    last_ids: HashMap<Box<str>, Box<str>>,
}

impl Handsets {
    /// Nobody received anything yet.
    pub fn new(settings: HandsetSettings) -> Self {
        Self { settings, handsets: HashMap::new(), stats: HandsetStats::default() }
    }

    /// Takes a short message; gives the push that it completes, if it does.
    ///
    /// # Errors
    /// When it is no event stream in a WSP push on the right port; it is counted.
    pub fn handle_message(&mut self, message: Message<'_>, now: Duration) -> Result<Option<Received>, HandsetError> {
        self.stats.segments += 1;
        let received = self.receive(message, now);
        match &received {
            Ok(Some(push)) => self.count(push),
            Ok(None) => {}
            Err(_) => self.stats.malformed += 1,
        }
        received
    }

    /// What happened so far.
    pub fn stats(&self) -> HandsetStats {
        self.stats
    }

    /// Messages that are incomplete now.
    pub fn waiting(&self) -> usize {
        self.handsets.values().map(|handset| handset.segments.waiting()).sum()
    }

    /// The id that `application` on the handset would resume its stream from.
    pub fn last_event_id(&self, number: &str, application: &str) -> Option<&str> {
        self.handsets.get(number)?.last_ids.get(application).map(|id| &**id)
    }

    fn receive(&mut self, message: Message<'_>, now: Duration) -> Result<Option<Received>, HandsetError> {
        if !message.esm_class.has_udh() {
            return Err(HandsetError::NoHeader);
        }
        let (header, payload) = udh::decode(message.short_message)?;
        let ports = header.ports.ok_or(HandsetError::NoPort)?;
        let settings = self.settings;
        let is_data = ports.destination == settings.data_port;
        if !is_data && ports.destination != settings.port {
            return Err(HandsetError::OtherPort { port: ports.destination });
        }
        let handset = self.handset(message.destination)?;
        match handset.segments.handle_part(message.source, header.concatenation, payload, now) {
            Reassembled::Complete(body) if is_data => {
                Ok(Some(handset.read_data(message.destination, ports.source, &body, settings, now)))
            }
            Reassembled::Complete(pdu) => handset.read(message.destination, &pdu, settings, now).map(Some),
            Reassembled::Waiting { .. } => Ok(None),
            Reassembled::Duplicate => {
                self.stats.duplicate_segments += 1;
                Ok(None)
            }
        }
    }

    fn handset(&mut self, number: &str) -> Result<&mut Handset, HandsetError> {
        let known = self.handsets.len();
        if !self.handsets.contains_key(number) && known >= self.settings.handsets {
            return Err(HandsetError::TooMany { known });
        }
        let limits = self.settings.limits;
        Ok(self.handsets.entry(number.into()).or_insert_with(|| Handset {
            segments: Reassembler::new(limits),
            seen: VecDeque::new(),
            last_ids: HashMap::new(),
        }))
    }

    fn count(&mut self, push: &Received) {
        if push.duplicate {
            self.stats.duplicates += 1;
            return;
        }
        self.stats.pushes += 1;
        self.stats.events += push.events.len() as u64;
        if let Some(gap) = push.gap {
            self.stats.gaps += 1;
            self.stats.gap_events += gap;
        }
    }
}

impl Handset {
    fn read(
        &mut self,
        number: &str,
        pdu: &[u8],
        settings: HandsetSettings,
        now: Duration,
    ) -> Result<Received, HandsetError> {
        let push = wsp::decode(pdu)?;
        let content_type = push.content_type.media.name().unwrap_or_default();
        if content_type != "text/event-stream" {
            return Err(HandsetError::OtherContent { content_type: content_type.to_owned() });
        }
        let application = match push.application {
            ApplicationRef::Text(text) => text.to_owned(),
            ApplicationRef::Code(code) => format!("0x{code:x}"),
            ApplicationRef::Absent | ApplicationRef::Unreadable => String::new(),
        };
        let (events, stream) = parsed(push.body, push.content_type.charset.is_none());
        let duplicate = self.saw(chance::hash(pdu), settings, now);
        self.remember(&application, &events);
        Ok(Received {
            number: number.to_owned(),
            application,
            stream,
            content_uri: push.content_uri().map(str::to_owned),
            content_type: content_type.to_owned(),
            tid: push.tid,
            events,
            gap: gap(push.body),
            duplicate,
        })
    }

    /// Without WSP there is no transaction id: a copy is known by its ids only.
    fn read_data(
        &mut self,
        number: &str,
        source: u16,
        body: &[u8],
        settings: HandsetSettings,
        now: Duration,
    ) -> Received {
        let (events, _) = parsed(body, false);
        let has_ids = body.starts_with(b"id:") || body.windows(4).any(|octets| octets == b"\nid:");
        let copy = chance::hash(&[&source.to_be_bytes(), body].concat());
        let duplicate = has_ids && self.saw(copy, settings, now);
        self.remember("", &events);
        Received {
            number: number.to_owned(),
            application: String::new(),
            stream: source.checked_sub(settings.data_source_port).map(StreamKey),
            content_uri: None,
            content_type: "text/event-stream".to_owned(),
            tid: 0,
            events,
            gap: gap(body),
            duplicate,
        }
    }

    /// Whether this push, TID included, came before; it is remembered if not.
    fn saw(&mut self, push: u64, settings: HandsetSettings, now: Duration) -> bool {
        while let Some((since, _)) = self.seen.front()
            && now.saturating_sub(*since) >= settings.window
        {
            self.seen.pop_front();
        }
        if self.seen.iter().any(|(_, seen)| *seen == push) {
            return true;
        }
        self.seen.push_back((now, push));
        if self.seen.len() > settings.remembered {
            self.seen.pop_front();
        }
        false
    }

    fn remember(&mut self, application: &str, events: &[Event]) {
        let known = self.last_ids.contains_key(application) || self.last_ids.len() < STREAMS_MAX;
        if let Some(event) = events.last().filter(|event| known && !event.id.is_empty()) {
            self.last_ids.insert(application.into(), event.id.as_str().into());
        }
    }
}

/// The events of a body as a page sees them, and the key that their ids begin with if they do.
fn parsed(body: &[u8], may_have_key: bool) -> (Vec<Event>, Option<StreamKey>) {
    let mut stream = None;
    let events = sse::Parser::new(sse::Limits::default()).feed(Bytes::copy_from_slice(body));
    let events = events.iter().map(|event| {
        let (key, id) = match StreamKey::split(event.id).filter(|_| may_have_key) {
            Some((key, id)) => (Some(key), id),
            None => (None, event.id),
        };
        stream = stream.or(key);
        Event::from(EventRef { id: if OwnId::read(id).is_some() { b"" } else { id }, ..event })
    });
    let events = events.collect();
    (events, stream)
}

/// How many events were lost, if the body begins with the mark that tells.
fn gap(body: &[u8]) -> Option<u64> {
    let digits = body.strip_prefix(GAP)?.split(|octet| matches!(octet, b'\n' | b'\r')).next()?;
    std::str::from_utf8(digits).ok()?.trim().parse().ok()
}

/// Why a short message is nothing to an OMA Push receiver of event streams.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandsetError {
    /// esm_class says so.
    #[error("the message has no user data header")]
    NoHeader,
    /// The header is broken.
    #[error("{0}")]
    Udh(#[from] udh::UdhError),
    /// The header has no port.
    #[error("the user data header has no port")]
    NoPort,
    /// The message is for another application.
    #[error("the message is for port {port}")]
    OtherPort {
        /// Which one.
        port: u16,
    },
    /// The message is no push.
    #[error("{0}")]
    Wsp(#[from] WspError),
    /// The push is no event stream.
    #[error("the push holds {content_type:?}, not text/event-stream")]
    OtherContent {
        /// Its media type; empty if it has no name.
        content_type: String,
    },
    /// There are as many handsets as there may be.
    #[error("{known} handsets are known, this would be one more")]
    TooMany {
        /// How many there are.
        known: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Segment of port 2948, then TID 6, Push, content type text/event-stream, application urn:oma:xml:push.
    fn segment(tid: u8, body: &str) -> Vec<u8> {
        let mut block = b"text/event-stream\0\xAFurn:oma:xml:push\0".to_vec();
        let mut message = vec![6, 5, 4, 0x0B, 0x84, 0x23, 0xF0, tid, 6, block.len() as u8];
        message.append(&mut block);
        message.extend_from_slice(body.as_bytes());
        message
    }

    fn receive(handsets: &mut Handsets, message: &[u8], at: u64) -> Result<Option<Received>, HandsetError> {
        let message =
            Message { source: "12345", destination: "15551234567", esm_class: EsmClass::UDHI, short_message: message };
        handsets.handle_message(message, Duration::from_secs(at))
    }

    #[test]
    fn a_push_becomes_events_with_the_ids_of_its_own_body() {
        let mut handsets = Handsets::new(HandsetSettings::default());
        let first = receive(&mut handsets, &segment(1, "id:7\ndata:YHOO\n\n"), 0).unwrap().unwrap();
        assert_eq!(first.events, [Event { event_type: "message".into(), data: "YHOO".into(), id: "7".into() }]);
        assert_eq!((first.application.as_str(), first.tid, first.duplicate), ("urn:oma:xml:push", 1, false));
        let second = receive(&mut handsets, &segment(2, "data:x\n\n"), 0).unwrap().unwrap();
        assert_eq!(second.events[0].id, "");
        assert_eq!(handsets.last_event_id("15551234567", "urn:oma:xml:push"), Some("7"));
    }

    #[test]
    fn a_page_sees_neither_key_nor_ids_of_the_proxy() {
        let mut handsets = Handsets::new(HandsetSettings::default());
        let body = "id:1z.7\ndata:a\n\ndata:b\n\nid:1z.~k.4\ndata:c\n\n";
        let push = receive(&mut handsets, &segment(1, body), 0).unwrap().unwrap();
        assert_eq!(push.stream, Some(StreamKey(71)));
        assert_eq!(push.events.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["7", "7", ""]);
    }

    #[test]
    fn a_message_on_the_other_port_is_an_event_stream() {
        let mut handsets = Handsets::new(HandsetSettings::default());
        let message = |source: u16, body: &str| {
            let [high, low] = source.to_be_bytes();
            [&[6, 5, 4, 0x40, 0x74, high, low][..], body.as_bytes()].concat()
        };
        let first = receive(&mut handsets, &message(16_502, "id:1.7\ndata:a\n\n"), 0).unwrap().unwrap();
        assert_eq!((first.stream, first.events[0].id.as_str()), (Some(StreamKey(2)), "1.7"));
        assert!(receive(&mut handsets, &message(16_502, "id:1.7\ndata:a\n\n"), 0).unwrap().unwrap().duplicate);
        assert!(!receive(&mut handsets, &message(16_503, "id:1.7\ndata:a\n\n"), 0).unwrap().unwrap().duplicate);
        for _ in 0..2 {
            let same = receive(&mut handsets, &message(16_502, "data:a\n\n"), 0).unwrap().unwrap();
            assert!(!same.duplicate, "nobody can tell");
        }
    }

    #[test]
    fn a_copy_is_one_only_within_the_window_and_with_the_same_tid() {
        let mut handsets = Handsets::new(HandsetSettings::default());
        let mut duplicate =
            |tid, at| receive(&mut handsets, &segment(tid, "data:x\n\n"), at).unwrap().unwrap().duplicate;
        assert!(!duplicate(1, 0));
        assert!(duplicate(1, 299));
        assert!(!duplicate(2, 299));
        assert!(!duplicate(1, 300));
        assert_eq!((handsets.stats().duplicates, handsets.stats().events), (1, 3));
    }

    #[test]
    fn a_gap_is_read_where_it_stands_first_and_nowhere_else() {
        assert_eq!(gap(b":gap 12\ndata:x\n\n"), Some(12));
        assert_eq!(gap(b":gap 3\r\ndata:x\n\n"), Some(3));
        assert_eq!(gap(b"data:x\n\n:gap 12\n"), None);
        assert_eq!(gap(b":gap many\n"), None);
    }

    #[test]
    fn what_is_no_event_stream_is_refused_and_counted() {
        let mut handsets = Handsets::new(HandsetSettings { handsets: 1, ..HandsetSettings::default() });
        let mut other_port = segment(1, "data:x\n\n");
        other_port[3] = 0x0C;
        assert_eq!(receive(&mut handsets, &other_port, 0), Err(HandsetError::OtherPort { port: 0x0C84 }));
        assert_eq!(receive(&mut handsets, &[0, 1, 2], 0), Err(HandsetError::NoPort));
        assert!(matches!(receive(&mut handsets, &segment(1, "")[..12], 0), Err(HandsetError::Wsp(_))));
        let text = Message { source: "", destination: "", esm_class: EsmClass::DEFAULT, short_message: b"hello" };
        assert_eq!(handsets.handle_message(text, Duration::ZERO), Err(HandsetError::NoHeader));
        let message = segment(1, "data:x\n\n");
        let another = Message { source: "1", destination: "2", esm_class: EsmClass::UDHI, short_message: &message };
        assert_eq!(handsets.handle_message(another, Duration::ZERO), Err(HandsetError::TooMany { known: 1 }));
        assert_eq!(handsets.stats().malformed, 5);
    }
}
