//! `encode`: an event stream on standard input, segments in hexadecimal digits on standard output.

use super::{CommandError, hex};
use crate::codec::segments::{self, Payload, ReferenceWidth};
use crate::codec::smpp::{Destination, RegisteredDelivery, SubmitTemplate};
use crate::codec::sse::{self, EventRef};
use crate::codec::udh::{Concatenation, Ports, Reference, UserDataHeader};
use crate::engine::envelope::{self, Envelope, Envelopes, SenderSettings};
use crate::engine::naming::Naming;
use crate::model::{
    ApplicationId, FeedName, Msisdn, OwnId, Profile, PushSettings, SourceId, SourceOrigin, StreamKey, TenantId,
};
use bytes::{Bytes, BytesMut};
use clap::{Args, ValueEnum};
use std::io::{self, Read, Write};
use std::num::NonZeroU8;

const EXAMPLE: &str = "\
Example:
  printf 'data: YHOO\\ndata: +2\\ndata: 10\\n\\n' | bellwire encode --to 15551234567
  curl -sN http://127.0.0.1:8081/stocks | head -40 | bellwire encode --as push --profile compact

One line for each segment, or, as push, for each push. As many events share a push as fit in --max-segments. An event
ends with a blank line; one that does not is not encoded, as HTML 9.2.6 has it.";

/// Print an event stream from standard input as segments in hexadecimal digits
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(super) struct Encode {
    /// The handset's number; needed for submit_sm
    #[arg(long, value_name = "MSISDN")]
    to: Option<Msisdn>,
    /// Who it comes from
    #[arg(long, value_name = "ADDRESS", default_value = "12345")]
    from: String,
    /// The application on the handset: a URI, a number, or empty for none
    #[arg(long, value_name = "ID", default_value = "urn:oma:xml:push")]
    application: ApplicationId,
    /// Which headers to spend octets on
    #[arg(long, value_enum, default_value = "standard")]
    profile: ProfileName,
    /// Which of the handset's streams it is: in ids of the profile compact, in the source port of data
    #[arg(long, value_name = "KEY", default_value = "0")]
    stream_key: StreamKey,
    /// What to print
    #[arg(long = "as", value_enum, default_value = "submit_sm")]
    what: What,
    /// Width of concatenation references
    #[arg(long, value_enum, default_value = "8bit")]
    width: Width,
    /// Segments that one push may take
    #[arg(long, value_name = "N", default_value = "3")]
    max_segments: NonZeroU8,
    /// WSP transaction id of the first push; the next ones count on
    #[arg(long, value_name = "N", default_value_t = 1)]
    tid: u8,
    /// Concatenation reference of the first push; the next ones count on
    #[arg(long, value_name = "N", default_value_t = 1)]
    reference: u16,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ProfileName {
    Standard,
    Compact,
    Data,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum What {
    SubmitSm,
    ShortMessage,
    Push,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Width {
    #[value(name = "8bit")]
    Bits8,
    #[value(name = "16bit")]
    Bits16,
}

impl Encode {
    pub(super) fn run(self) -> Result<(), CommandError> {
        let mut stream = Vec::new();
        io::stdin().lock().read_to_end(&mut stream)?;
        let events = sse::Parser::new(sse::Limits::default()).feed(Bytes::from(stream));
        if events.is_empty() {
            return Err(CommandError::Failed("there is no event; each ends with a blank line".to_owned()));
        }
        let encoder = Encoder::new(&self)?;
        let mut text = String::new();
        for (index, body) in encoder.bodies(events.iter())?.iter().enumerate() {
            encoder.push(index, body, &mut text)?;
        }
        Ok(io::stdout().lock().write_all(text.as_bytes())?)
    }
}

/// The arguments, as the codecs want them.
struct Encoder<'a> {
    args: &'a Encode,
    envelope: Envelope,
    address: Option<(SubmitTemplate, Destination)>,
    width: ReferenceWidth,
    ports: Ports,
}

impl<'a> Encoder<'a> {
    fn new(args: &'a Encode) -> Result<Self, CommandError> {
        let profile = match args.profile {
            ProfileName::Standard => Profile::Standard,
            ProfileName::Compact => Profile::Compact,
            ProfileName::Data => Profile::Data,
        };
        let width = match args.width {
            Width::Bits8 => ReferenceWidth::Bits8,
            Width::Bits16 => ReferenceWidth::Bits16,
        };
        // SMPP v3.4 §5.2.5: letters have a type of their own; what digits are is left to the SMSC.
        let is_number = args.from.bytes().all(|octet| octet.is_ascii_digit());
        let (source_ton, source_npi) = if is_number { (0, 1) } else { (5, 0) };
        let sender = SenderSettings {
            service_type: String::new(),
            source_address: args.from.clone(),
            source_ton,
            source_npi,
            dest_ton: 1,
            dest_npi: 1,
            data_coding: 0x04,
            reference_width: width,
            references: None,
            payload: Payload::Udh,
        };
        if args.what == What::SubmitSm && args.to.is_none() {
            return Err(usage("a submit_sm needs --to; without a number there is --as short_message or --as push"));
        }
        let address = args.to.filter(|_| args.what == What::SubmitSm);
        let address = match address {
            Some(to) => Some((envelope::submit_template(&sender).map_err(usage)?, envelope::destination(&to))),
            None => None,
        };
        let push = PushSettings { profile, ..PushSettings::default() };
        let feed = SourceOrigin::Feed(FeedName::new("stdin").map_err(usage)?);
        let source = SourceId::new(TenantId::default(), feed, None);
        let envelope = Envelopes::new(&push, &args.application, &source).map_err(usage)?.of(args.stream_key);
        let ports = Ports { destination: push.destination_port, source: push.source_port };
        Ok(Self { args, ports: envelope.ports.unwrap_or(ports), envelope, address, width })
    }

    /// The events as bodies, as many in each as fit.
    fn bodies<'e>(&self, events: impl Iterator<Item = EventRef<'e>>) -> Result<Vec<BytesMut>, CommandError> {
        let segments = self.args.max_segments.get();
        let room = segments::capacity(segments, self.width).saturating_sub(self.envelope.octets());
        let naming = Naming::of(self.envelope.key);
        let mut bodies = vec![BytesMut::new()];
        let mut previous: &[u8] = b"";
        let events: Vec<EventRef<'e>> = events.collect();
        for (number, event) in (1..).zip(&events) {
            let open = bodies.last().map_or(0, BytesMut::len);
            let own = OwnId { epoch: 0, seq: number };
            let block = sse::encoded_len(event, event.id);
            let octets = |starts: bool| {
                let id = if starts || naming.is_another(event.id, previous) { naming.octets(event.id, own) } else { 0 };
                id + block
            };
            let starts = open == 0 || open + octets(false) > room;
            if starts && open > 0 {
                bodies.push(BytesMut::new());
            }
            let octets = octets(starts);
            if octets > room {
                return Err(CommandError::Failed(format!(
                    "event {number} takes {octets} octets, {room} fit in {segments} segments"
                )));
            }
            if let Some(body) = bodies.last_mut() {
                if starts || naming.is_another(event.id, previous) {
                    naming.write(event.id, own, body);
                }
                sse::encode(event, event.id, body).map_err(usage)?;
            }
            previous = event.id;
        }
        Ok(bodies)
    }

    /// Appends the lines of push `index`.
    fn push(&self, index: usize, body: &[u8], text: &mut String) -> Result<(), CommandError> {
        let mut pdu = BytesMut::new();
        self.envelope.write(self.args.tid.wrapping_add(index as u8), &mut pdu);
        pdu.extend_from_slice(body);
        if self.args.what == What::Push {
            text.push_str(&hex::encode(&pdu));
            text.push('\n');
            return Ok(());
        }
        let total = segments::count(pdu.len(), self.width).map_err(usage)?;
        let count = u32::from(self.args.reference).wrapping_add(index as u32);
        for segment in 0..total.get() {
            let part = Concatenation::new(Reference::of(count, self.width), total.get(), segment + 1);
            let header = UserDataHeader { concatenation: part.filter(|_| total.get() > 1), ports: Some(self.ports) };
            let payload = pdu.get(segments::slice(segment, total, self.width, pdu.len())).unwrap_or_default();
            text.push_str(&hex::encode(&self.segment(&header, payload, u32::from(segment) + 1)?));
            text.push('\n');
        }
        Ok(())
    }

    fn segment(&self, header: &UserDataHeader, payload: &[u8], sequence_number: u32) -> Result<BytesMut, CommandError> {
        let mut out = BytesMut::new();
        let open = self.address.as_ref().map(|(template, destination)| {
            template.begin(sequence_number, destination, None, RegisteredDelivery::NONE, &mut out)
        });
        header.write(&mut out);
        out.extend_from_slice(payload);
        if let Some(open) = open {
            open.finish(&mut out).map_err(usage)?;
        }
        Ok(out)
    }
}

fn usage(error: impl std::fmt::Display) -> CommandError {
    CommandError::Usage(error.to_string())
}
