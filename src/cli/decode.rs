//! `decode`: a PDU, a short message or a push in words.

use super::{CommandError, hex};
use crate::codec::segments::{Limits, Reassembled, Reassembler};
use crate::codec::smpp::{self, Body, EsmClass, Pdu};
use crate::codec::sse;
use crate::codec::udh::{self, Concatenation, Reference, UserDataHeader};
use crate::codec::wsp::{self, ApplicationRef, Field, FieldName, MediaRef, PushType, Value};
use crate::model::{OwnId, StreamKey};
use bytes::Bytes;
use clap::Args;
use std::fmt::Display;
use std::io::{self, BufRead, Write};
use std::time::Duration;

const EXAMPLE: &str = "\
Example:
  bellwire decode 0605040B8423F0010624746578742F6576656E742D73747265616D00AF75726E3A6F6D613A786D6C3A7075736800646174613A68656C6C6F0A0A
  printf 'data: hello\\n\\n' | bellwire encode --as push | bellwire decode -

Takes an SMPP PDU, a short_message with its user data header, or a WSP push, and tells them apart by themselves. With -
each line of standard input is one; segments of the same message are joined once all are there.";

/// Print a PDU, short message or push in words
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(super) struct Decode {
    /// Hexadecimal digits; blanks and colons are passed over; - for lines on standard input
    #[arg(value_name = "HEX", required = true)]
    hex: Vec<String>,
}

impl Decode {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let mut words = Words::new();
        if self.hex == ["-"] {
            for line in io::stdin().lock().lines() {
                let line = line?;
                if !line.trim().is_empty() {
                    words.octets(&octets(&line)?)?;
                }
            }
        } else {
            words.octets(&octets(&self.hex.concat())?)?;
        }
        Ok(io::stdout().lock().write_all(words.text.as_bytes())?)
    }
}

fn octets(text: &str) -> Result<Vec<u8>, CommandError> {
    hex::decode(text).map_err(|error| CommandError::Usage(error.to_string()))
}

/// The text so far, indented by what lies in what.
struct Words {
    text: String,
    depth: usize,
    segments: Reassembler,
}

impl Words {
    fn new() -> Self {
        Self { text: String::new(), depth: 0, segments: Reassembler::new(Limits::default()) }
    }

    /// Says what `octets` are, at the left margin.
    fn octets(&mut self, octets: &[u8]) -> Result<(), CommandError> {
        self.depth = 0;
        let length = octets.first_chunk::<4>().map(|length| u32::from_be_bytes(*length) as usize);
        if octets.len() >= smpp::HEADER_OCTETS && length == Some(octets.len()) {
            let pdu = Pdu::decode(octets).map_err(|error| CommandError::Failed(error.to_string()))?;
            self.pdu(&pdu);
            return Ok(());
        }
        let no_udh = match udh::decode(octets) {
            Ok((header, payload)) if header != UserDataHeader::default() => {
                self.short_message("", &header, payload);
                return Ok(());
            }
            Ok(_) => "its user data header would have neither port nor part".to_owned(),
            Err(error) => error.to_string(),
        };
        match wsp::decode(octets) {
            Ok(push) => {
                self.push(&push);
                Ok(())
            }
            Err(wsp::WspError::NotAPush { .. }) if self.is_stream(octets) => {
                self.stream(octets);
                Ok(())
            }
            Err(no_push) => Err(CommandError::Failed(format!(
                "{} octets are no SMPP PDU (command_length), no short message ({no_udh}) and no push ({no_push})",
                octets.len()
            ))),
        }
    }

    fn line(&mut self, name: &str, value: impl Display) {
        let indent = "  ".repeat(self.depth);
        self.text.push_str(&format!("{indent}{name}: {value}\n"));
    }

    fn head(&mut self, what: &str) {
        let indent = "  ".repeat(self.depth);
        self.text.push_str(&format!("{indent}{what}\n"));
        self.depth += 1;
    }

    fn pdu(&mut self, pdu: &Pdu<'_>) {
        self.head(pdu.header.command_id.name().unwrap_or("unknown command"));
        for (name, value) in smpp::describe(pdu).fields() {
            self.line(name, value);
        }
        let (source, esm_class, user_data): (&[u8], EsmClass, &[u8]) = match &pdu.body {
            Body::SubmitSm(message) => (message.destination.addr, message.esm_class, message.user_data()),
            Body::DeliverSm(message) => (message.source.addr, message.esm_class, message.user_data()),
            Body::DataSm(message) => (message.destination.addr, message.esm_class, message.user_data()),
            // One text for all: it stands for nobody's number.
            Body::SubmitMulti(message) => (b"", message.esm_class, message.user_data()),
            _ => return,
        };
        if !esm_class.has_udh() {
            return;
        }
        match udh::decode(user_data) {
            Ok((header, payload)) => self.short_message(&source.escape_ascii().to_string(), &header, payload),
            Err(error) => self.line("user data header", error),
        }
    }

    /// A short message between here and `peer`, and the push that it completes.
    fn short_message(&mut self, peer: &str, header: &UserDataHeader, payload: &[u8]) {
        self.head("user data header");
        if let Some(part) = header.concatenation {
            self.part(part);
        }
        if let Some(ports) = header.ports {
            self.line("ports", format_args!("to {}, from {}", ports.destination, ports.source));
        }
        self.line("payload", format_args!("{} octets", payload.len()));
        match self.segments.handle_part(peer, header.concatenation, payload, Duration::ZERO) {
            Reassembled::Complete(pdu) => match wsp::decode(&pdu) {
                Ok(push) => self.push(&push),
                Err(wsp::WspError::NotAPush { .. }) if self.is_stream(&pdu) => {
                    self.stream(&pdu);
                }
                Err(error) => self.line("push", error),
            },
            Reassembled::Waiting { have, total } => self.line("push", format_args!("{have} of {total} parts so far")),
            Reassembled::Duplicate => self.line("push", "a part that was there already"),
        }
    }

    fn part(&mut self, part: Concatenation) {
        let (reference, bits) = match part.reference() {
            Reference::Bits8(reference) => (u16::from(reference), 8),
            Reference::Bits16(reference) => (reference, 16),
        };
        let (sequence, total) = (part.sequence(), part.total());
        self.line("part", format_args!("{sequence} of {total}, reference {reference:#x} of {bits} bits"));
    }

    fn push(&mut self, push: &wsp::Push<'_>) {
        self.head(match push.pdu_type {
            PushType::Push => "push",
            PushType::ConfirmedPush => "confirmed push",
        });
        self.line("transaction id", push.tid);
        let media = match push.content_type.media {
            MediaRef::Text(text) => text.to_owned(),
            MediaRef::Code(code) => code_and_name(code, wsp::content_type_name(code)),
        };
        self.line("Content-Type", media);
        match push.content_type.charset {
            Some(106) => self.line("charset", "106 UTF-8"),
            Some(charset) => self.line("charset", charset),
            None => {}
        }
        for field in push.headers() {
            self.field(&field, &push.application);
        }
        self.line("body", format_args!("{} octets", push.body.len()));
        if push.content_type.media.name() == Some("text/event-stream") {
            self.events(push.body, push.content_type.charset.is_none());
        } else {
            self.line("data", format_args!("\"{}\"", push.body.escape_ascii()));
        }
    }

    fn field(&mut self, field: &Field<'_>, application: &ApplicationRef<'_>) {
        let name = match field.name {
            FieldName::Code(code) => match wsp::header_name(code) {
                Some(name) => name.to_owned(),
                None => format!("header 0x{code:02x}"),
            },
            FieldName::OtherPage { page, code } => format!("header 0x{code:02x} of page {page}"),
            FieldName::Text(name) => name.escape_ascii().to_string(),
        };
        match (name.as_str(), application, field.value) {
            ("X-Wap-Application-Id", ApplicationRef::Code(code), Value::Short(_) | Value::Octets(_)) => {
                self.line(&name, code_and_name(*code, wsp::application_name(*code)));
            }
            (_, _, Value::Text(text)) => self.line(&name, format_args!("\"{}\"", text.escape_ascii())),
            (_, _, value) => match value.integer() {
                Some(number) => self.line(&name, format_args!("{number:#x}")),
                None => self.line(&name, format_args!("{value:02x?}")),
            },
        }
    }

    /// Whether a message that is no push is an event stream, as in the profile `data`.
    fn is_stream(&self, octets: &[u8]) -> bool {
        !sse::Parser::new(sse::Limits::default()).feed(Bytes::copy_from_slice(octets)).is_empty()
    }

    fn stream(&mut self, octets: &[u8]) {
        self.head("event stream without WSP");
        self.line("body", format_args!("{} octets", octets.len()));
        self.events(octets, false);
    }

    /// The events of a body. Where there is no character set, as in the profile `compact`, ids may begin with a key.
    fn events(&mut self, body: &[u8], may_have_key: bool) {
        if body.starts_with(b":") {
            let comment = body.split(|octet| matches!(octet, b'\r' | b'\n')).next().unwrap_or_default();
            self.line("comment", format_args!("\"{}\"", comment.escape_ascii()));
        }
        let events = sse::Parser::new(sse::Limits::default()).feed(Bytes::copy_from_slice(body));
        for event in &events {
            self.head("event");
            let fields = [("type", event.event_type), ("data", event.data), ("id", event.id)];
            for (name, value) in fields {
                self.line(name, format_args!("{:?}", String::from_utf8_lossy(value)));
            }
            self.id(event.id, may_have_key);
            self.depth -= 1;
        }
    }

    /// What the proxy has put into an id.
    fn id(&mut self, id: &[u8], may_have_key: bool) {
        let split = StreamKey::split(id).filter(|_| may_have_key);
        if let Some((key, _)) = split {
            self.line("stream key", key);
        }
        if let Some(OwnId { epoch, seq }) = OwnId::read(split.map_or(id, |(_, id)| id)) {
            self.line("id of the proxy", format_args!("numbering {epoch}, event {seq}"));
        }
    }
}

fn code_and_name(code: u32, name: Option<&str>) -> String {
    match name {
        Some(name) => format!("{code:#x} {name}"),
        None => format!("{code:#x}"),
    }
}
