//! What must hold for every input: called by the property tests and by the fuzz targets.

use bytes::BytesMut;

use super::{ApplicationRef, ContentType, Field, Media, MediaRef, MediaType, PushHeader, Text, Value, decode};

/// Whatever decodes is made of slices of the input, in order, and what can be said again is read alike again.
pub fn check_push(pdu: &[u8]) {
    let Ok(push) = decode(pdu) else { return };
    assert!(pdu.ends_with(push.body), "the body is the end of the datagram");
    let octets: usize = push.headers().map(|field| value_octets(&field)).sum();
    assert!(octets + push.body.len() < pdu.len(), "headers and body share no octets");
    let Some(header) = said_again(pdu) else { return };
    let mut again = BytesMut::new();
    again.extend_from_slice(&pdu[..1]);
    header.encode(&mut again);
    again.extend_from_slice(push.body);
    let Ok(read) = decode(&again) else { panic!("what was encoded does not decode: {again:02x?}") };
    assert_eq!((read.tid, read.content_type, read.body), (push.tid, push.content_type, push.body));
    assert!(read.headers().filter_map(|field| field.interpret()).eq(header.headers), "headers changed");
    if read.application != push.application {
        assert!(
            matches!(push.application, ApplicationRef::Unreadable | ApplicationRef::Text(_)),
            "an application that can be said again was lost"
        );
    }
}

fn value_octets(field: &Field<'_>) -> usize {
    match field.value {
        Value::Short(_) => 1,
        Value::Text(octets) | Value::Octets(octets) => octets.len(),
    }
}

/// The push's own header as a sender would describe it, without the headers that have no description.
fn said_again(pdu: &[u8]) -> Option<PushHeader> {
    let push = decode(pdu).ok()?;
    let media = match push.content_type.media {
        MediaRef::Code(code) => Media::Code(code),
        MediaRef::Text(text) => match MediaType::new(text) {
            Ok(media) => Media::Type(media),
            Err(_) => Media::Verbatim(Text::new(text).ok()?),
        },
    };
    let content_type = ContentType { media, charset: push.content_type.charset };
    Some(PushHeader { content_type, headers: push.headers().filter_map(|field| field.interpret()).collect() })
}
