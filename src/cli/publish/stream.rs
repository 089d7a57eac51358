//! Standard input as publications.

use crate::codec::sse::{EventRef, Events, Limits, Parser};
use crate::control::proto::{Event, PublishRequest};
use bytes::Bytes;
use std::io::{self, Read};
use tokio::sync::{mpsc, oneshot};

/// Octets read at a time: what one read brings is published together.
const READ_OCTETS: usize = 64 * 1024;
/// Octets of events in one publication, so that a message stays well below what a server takes; an event of its own
/// may be larger.
const PUBLICATION_OCTETS: usize = 1024 * 1024;

/// What was sent until the input ended.
pub(super) struct Sent {
    /// Publications.
    pub publications: u64,
    /// Events left out because they were too long.
    pub oversize: u64,
}

/// Reads standard input to its end in a thread of its own, for reading waits. Each publication is `empty` with events.
pub(super) fn read(
    empty: PublishRequest,
    requests: mpsc::Sender<PublishRequest>,
    finished: oneshot::Sender<io::Result<Sent>>,
) {
    std::thread::spawn(move || {
        let sent = publish(io::stdin().lock(), &empty, |request| requests.blocking_send(request).is_ok());
        // Whoever waits for it may have ended before.
        let _ = finished.send(sent);
    });
}

fn publish(
    mut input: impl Read,
    empty: &PublishRequest,
    mut send: impl FnMut(PublishRequest) -> bool,
) -> io::Result<Sent> {
    let mut parser = Parser::new(Limits::default());
    let mut sent = Sent { publications: 0, oversize: 0 };
    let mut buffer = vec![0; READ_OCTETS];
    loop {
        let octets = match input.read(&mut buffer) {
            Ok(0) => return Ok(sent),
            Ok(octets) => buffer.get(..octets).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let events = parser.feed(Bytes::copy_from_slice(octets));
        sent.oversize += u64::from(events.oversize());
        for events in publications(&events) {
            sent.publications += 1;
            if !send(PublishRequest { events, ..empty.clone() }) {
                return Ok(sent);
            }
        }
    }
}

/// What one read brought, in publications that a server takes.
fn publications(events: &Events) -> Vec<Vec<Event>> {
    let (mut publications, mut octets) = (Vec::<Vec<Event>>::new(), 0);
    for event in events {
        let own = event.event_type.len() + event.data.len() + event.id.len();
        match publications.last_mut().filter(|_| octets + own <= PUBLICATION_OCTETS) {
            Some(publication) => publication.push(message(&event)),
            None => {
                publications.push(vec![message(&event)]);
                octets = 0;
            }
        }
        octets += own;
    }
    publications
}

/// The parser's fields are UTF-8.
fn message(event: &EventRef<'_>) -> Event {
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    Event { r#type: text(event.event_type), data: text(event.data), id: text(event.id) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(input: &[u8]) -> (Sent, Vec<Vec<Event>>) {
        let mut requests = Vec::new();
        let sent = publish(input, &PublishRequest::default(), |request| {
            requests.push(request.events);
            true
        });
        (sent.unwrap(), requests)
    }

    #[test]
    fn what_one_read_brings_is_one_publication() {
        let (sent, requests) = published(b"id: 1\ndata: a\n\nevent: x\ndata: b\ndata: c\n\ndata: not complete\n");
        let event = |kind: &str, data: &str| Event { r#type: kind.into(), data: data.into(), id: "1".into() };
        assert_eq!(requests, [vec![event("message", "a"), event("x", "b\nc")]]);
        assert_eq!((sent.publications, sent.oversize), (1, 0));
    }

    #[test]
    fn many_octets_are_several_publications_in_order() {
        let mut builder = crate::codec::sse::EventsBuilder::new();
        let data = vec![b'x'; 400 * 1024];
        for id in [b"1", b"2", b"3"] {
            builder.push(b"message", &data, id).unwrap();
        }
        let ids = publications(&builder.finish());
        let ids: Vec<Vec<&str>> = ids.iter().map(|one| one.iter().map(|event| event.id.as_str()).collect()).collect();
        assert_eq!(ids, [vec!["1", "2"], vec!["3"]]);
    }

    #[test]
    fn events_too_long_are_counted() {
        let mut input = b"data: ".to_vec();
        input.resize(300 * 1024, b'x');
        input.extend_from_slice(b"\n\ndata: short\n\n");
        let (sent, requests) = published(&input);
        assert_eq!((sent.oversize, requests.len()), (1, 1));
    }
}
