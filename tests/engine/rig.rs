//! A handset's engine on the bench: events in by hand, segments out to a decoder, the clock in the test's hand.

use bellwire::codec::segments::{Cut, Limits, Reassembled, Reassembler};
use bellwire::codec::smpp::{Body, CommandStatus, MessageState, Pdu, Receipt};
use bellwire::codec::sse::{EventsBuilder, Limits as StreamLimits, Parser};
use bellwire::codec::udh::{Ports, ReferenceWidth};
use bellwire::codec::{udh, wsp};
use bellwire::engine::chunk::{Chunk, Watch};
use bellwire::engine::clock::Now;
use bellwire::engine::encoder::Encoder;
use bellwire::engine::envelope::{self, Addressing, SenderSettings, push_template};
use bellwire::engine::handset::{Handset, Memo, Place, Segment};
use bellwire::engine::progress::{HandsetProgress, Progress};
use bellwire::engine::receipts::Receipts;
use bellwire::engine::references::References;
use bellwire::engine::subscription::{Answer, Backlog, BacklogRule, Settlement, Subscription, Taken};
use bellwire::engine::tally::Tally;
use bellwire::engine::verdict::{self, Verdict};
use bellwire::model::{ApplicationId, Coalesce, DropReason, EventTypes, Outcome, Policy, Profile, SubscriptionId};
use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub const THROTTLED: CommandStatus = CommandStatus(0x58);
pub const QUEUE_FULL: CommandStatus = CommandStatus(0x14);
pub const SYSTEM_ERROR: CommandStatus = CommandStatus(0x08);
pub const WRONG_NUMBER: CommandStatus = CommandStatus(0x0B);

/// A segment that was written, as octets.
#[derive(Clone)]
pub struct Written {
    pub segment: Segment,
    pub pdu: Vec<u8>,
}

impl Written {
    pub fn short_message(&self) -> Vec<u8> {
        self.submit(|submit| submit.short_message.to_vec())
    }

    pub fn validity_period(&self) -> Vec<u8> {
        self.submit(|submit| submit.validity_period.to_vec())
    }

    fn submit<R>(&self, look: impl FnOnce(&bellwire::codec::smpp::SubmitSm<'_>) -> R) -> R {
        match Pdu::decode(&self.pdu).unwrap().body {
            Body::SubmitSm(submit) => look(&submit),
            other => panic!("{other:?}"),
        }
    }
}

pub struct Rig {
    pub handset: Handset,
    pub place: Place,
    pub tally: Tally,
    pub receipts: Receipts,
    pub now: Now,
    pub held: Arc<AtomicUsize>,
    /// Which numbering events belong to.
    pub epoch: u32,
    encoder: Encoder,
    out: BytesMut,
    next: u64,
    sequence_number: u32,
    message_id: u64,
    phone: Reassembler,
}

/// Counts chunks whose hold was not given back.
struct Held(Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

pub const BACKLOG_LIMIT: usize = 128 * 1024;

impl Rig {
    pub fn new(policy: Policy) -> Self {
        Self::of_width(policy, ReferenceWidth::Bits8)
    }

    pub fn of_width(policy: Policy, width: ReferenceWidth) -> Self {
        Self::of_cut(policy, width, None)
    }

    /// One whose pushes are cut so, and have references of this range only.
    pub fn of_cut(policy: Policy, cut: impl Into<Cut>, references: Option<References>) -> Self {
        let cut = cut.into();
        let addressing = Arc::new(addressing_of(cut, references));
        let mut handset = Handset::new(1, addressing, &"15551234567".parse().unwrap(), Memo::default()).recorded();
        let place = handset.insert(subscription(policy, cut));
        Self {
            handset,
            place,
            tally: Tally::default(),
            receipts: Receipts::new(Duration::from_secs(3600), 10_000),
            now: Now { monotonic: Duration::from_secs(1000), unix_ms: 1_790_000_000_000 },
            held: Arc::default(),
            epoch: 0,
            encoder: Encoder::default(),
            out: BytesMut::new(),
            next: 0,
            sequence_number: 0,
            message_id: 0,
            phone: Reassembler::new(Limits::default()),
        }
    }

    /// A receipt comes.
    pub fn hear(&mut self, now: Duration, message_id: &[u8], state: MessageState) {
        let receipt = Receipt { message_id: Some(message_id), state: Some(state), ..Receipt::default() };
        self.receipts.handle_receipt(now, 0, &receipt, &mut self.tally);
    }

    /// Gives the subscription a chunk of events.
    pub fn feed(&mut self, events: &[(&str, &str, &str)]) {
        let chunk = self.chunk(events, None);
        self.handset.handle_chunk(self.now, self.place, &chunk, &mut self.tally);
    }

    pub fn chunk(&mut self, events: &[(&str, &str, &str)], watch: Option<Watch>) -> Arc<Chunk> {
        let mut builder = EventsBuilder::new();
        for (event_type, data, id) in events {
            builder.push(event_type.as_bytes(), data.as_bytes(), id.as_bytes()).unwrap();
        }
        self.held.fetch_add(1, Ordering::Relaxed);
        let hold = Box::new(Held(Arc::clone(&self.held)));
        let chunk = Chunk::new(builder.finish(), self.next, self.now, Some(hold), watch).in_epoch(self.epoch);
        self.next = chunk.range().end;
        Arc::new(chunk)
    }

    /// Another process takes the place of this one and goes on from what was saved.
    pub fn restart(&mut self, subscription: Subscription, saved: &(Progress, HandsetProgress), resends: bool) {
        let (progress, handset) = saved;
        let width = self.handset.cut().width;
        let (addressing, number) = (Arc::new(addressing(width)), "15551234567".parse().unwrap());
        self.handset = Handset::new(1, addressing, &number, Memo::past(handset, References::of(width))).recorded();
        self.handset.restore(self.now, &handset.quarantined);
        self.place = self.handset.resume(self.now, subscription, progress, resends);
        self.encoder = Encoder::default();
    }

    /// Gives the subscription events that an earlier process has read.
    pub fn replay(&mut self, chunk: &Chunk) -> Taken {
        let unix_ms = chunk.read_at().unix_ms;
        let ago = Duration::from_millis(self.now.unix_ms.saturating_sub(unix_ms));
        let read_at = Now { monotonic: self.now.monotonic.saturating_sub(ago), unix_ms };
        let chunk = Arc::new(Chunk::new(chunk.events().clone(), chunk.range().start, read_at, None, None));
        self.handset.handle_chunk(self.now, self.place, &chunk, &mut self.tally)
    }

    /// Feeds one event of a few octets with this number as id and data.
    pub fn tick(&mut self, number: u32) {
        let text = number.to_string();
        self.feed(&[("message", &text, &text)]);
    }

    /// The next event that comes is this one.
    pub fn next_is(&mut self, number: u64) {
        self.next = number;
    }

    /// Octets of a push that are not its body.
    pub fn envelope_octets(&mut self) -> usize {
        self.handset.get(self.place).unwrap().envelope().octets()
    }

    /// Everything that may be written now.
    pub fn poll(&mut self) -> Vec<Written> {
        std::iter::from_fn(|| self.poll_one()).collect()
    }

    pub fn poll_one(&mut self) -> Option<Written> {
        self.out.clear();
        self.sequence_number += 1;
        let mut settlement = Settlement { tally: &mut self.tally, receipts: &mut self.receipts, smsc: 0 };
        let ready = self.handset.is_ready(self.now);
        let (number, encoder) = (self.sequence_number, &mut self.encoder);
        let segment = self.handset.poll_segment(self.now, number, encoder, &mut self.out, &mut settlement);
        assert!(segment.is_none() || ready, "what is written was said to be ready");
        segment.map(|segment| Written { segment, pdu: self.out.to_vec() })
    }

    /// As [`Rig::poll_one`], with the engine's part of it done by `count`.
    pub fn poll_counted(&mut self, count: &mut dyn FnMut(&mut dyn FnMut()) -> u64) -> Option<(Written, u64)> {
        self.out.clear();
        self.sequence_number += 1;
        let mut settlement = Settlement { tally: &mut self.tally, receipts: &mut self.receipts, smsc: 0 };
        let (number, encoder, out) = (self.sequence_number, &mut self.encoder, &mut self.out);
        let mut segment = None;
        let counted =
            count(&mut || segment = self.handset.poll_segment(self.now, number, encoder, out, &mut settlement));
        segment.map(|segment| (Written { segment, pdu: self.out.to_vec() }, counted))
    }

    /// As [`Rig::accept`], with the engine's part of it done by `count`.
    pub fn accept_counted(&mut self, written: &Written, count: &mut dyn FnMut(&mut dyn FnMut()) -> u64) -> u64 {
        self.message_id += 1;
        let id = self.message_id.to_be_bytes();
        let answer = Answer::Accepted { message_id: &id };
        let mut settlement = Settlement { tally: &mut self.tally, receipts: &mut self.receipts, smsc: 0 };
        count(&mut || {
            self.handset.handle_answer(self.now, written.segment, answer, &mut settlement);
        })
    }

    pub fn accept(&mut self, written: &Written) -> String {
        self.message_id += 1;
        let id = format!("id-{}", self.message_id);
        assert_eq!(self.answer(written, Answer::Accepted { message_id: id.as_bytes() }), Verdict::Accept);
        id
    }

    pub fn refuse(&mut self, written: &Written, status: CommandStatus) -> Verdict {
        self.answer(written, Answer::Refused { status, verdict: verdict::judge(status) })
    }

    pub fn lose(&mut self, written: &Written, resend: bool) {
        self.answer(written, Answer::Unknown { resend });
    }

    fn answer(&mut self, written: &Written, answer: Answer<'_>) -> Verdict {
        let mut settlement = Settlement { tally: &mut self.tally, receipts: &mut self.receipts, smsc: 0 };
        self.handset.handle_answer(self.now, written.segment, answer, &mut settlement)
    }

    pub fn close(&mut self, reason: DropReason) {
        let mut settlement = Settlement { tally: &mut self.tally, receipts: &mut self.receipts, smsc: 0 };
        self.handset.close(self.now, self.place, reason, 0, &mut settlement);
    }

    /// Every event before `next` was for it.
    pub fn close_before(&mut self, reason: DropReason, next: u64) {
        let mut settlement = Settlement { tally: &mut self.tally, receipts: &mut self.receipts, smsc: 0 };
        self.handset.close(self.now, self.place, reason, next, &mut settlement);
    }

    pub fn abandon(&mut self) {
        let mut settlement = Settlement { tally: &mut self.tally, receipts: &mut self.receipts, smsc: 0 };
        self.handset.abandon(self.now, DropReason::Shutdown, &mut settlement);
        self.receipts.handle_shutdown(&mut self.tally);
    }

    pub fn advance(&mut self, by: Duration) {
        self.now = self.now.after(by);
    }

    /// Polls and accepts until there is nothing more to send; what the handset's stream says, in order.
    pub fn run(&mut self) -> Vec<String> {
        let mut seen = Vec::new();
        loop {
            let written = self.poll();
            if written.is_empty() {
                return seen;
            }
            for one in &written {
                seen.extend(self.receive(one));
                self.accept(one);
            }
        }
    }

    /// What the handset makes of a segment: the events of the push that it completes, as `type|data|id`.
    pub fn receive(&mut self, written: &Written) -> Vec<String> {
        self.receive_body(written).map_or_else(Vec::new, |body| read(&body))
    }

    /// The body of the push that this segment completes.
    pub fn receive_body(&mut self, written: &Written) -> Option<Vec<u8>> {
        let message = written.short_message();
        let (header, rest) = udh::decode(&message).unwrap();
        assert_eq!(header.ports, Some(Ports { destination: 2948, source: 9200 }));
        let pdu = match self.phone.handle_part("12345", header.concatenation, rest, self.now.monotonic) {
            Reassembled::Complete(pdu) => pdu,
            _ => return None,
        };
        Some(wsp::decode(&pdu).unwrap().body.to_vec())
    }

    pub fn settled(&self, outcome: Outcome) -> u64 {
        self.tally.settled[outcome.index()]
    }

    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.tally.dropped[reason.index()]
    }

    pub fn all_settled(&self) -> u64 {
        self.tally.settled.iter().sum()
    }

    pub fn fed(&self) -> u64 {
        self.next
    }
}

/// The type of an event in tests that have several.
pub fn kind(number: u64) -> &'static str {
    ["price", "alert", "message"][(number.wrapping_mul(2_654_435_761) >> 7) as usize % 3]
}

/// The member `k` of its data.
pub fn member(number: u64) -> u64 {
    number / 3 % 4
}

/// Its data.
pub fn data(number: u64, octets: usize) -> String {
    format!("{{\"k\":{},\"d\":\"{}\"}}", member(number), "d".repeat(octets))
}

/// Policies by which not every event is pushed, and such by which each is.
pub fn screens() -> impl Strategy<Value = (EventTypes, Coalesce)> {
    let types = [&[][..], &["price"], &["message", "alert"], &["none"]];
    let types = prop::sample::select(types.map(|types| EventTypes::new(types).unwrap()).to_vec());
    let keys = ["none", "latest", "type", "field:k", "field:none"].map(|word| word.parse().unwrap());
    (types, prop::sample::select(keys.to_vec()))
}

/// The events of a push body, each read by a parser of its own.
pub fn read(body: &[u8]) -> Vec<String> {
    let mut parser = Parser::new(StreamLimits::default());
    let events = parser.feed(Bytes::copy_from_slice(body));
    let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).unwrap();
    events.iter().map(|e| format!("{}|{}|{}", text(e.event_type), text(e.data), text(e.id))).collect()
}

pub fn addressing(width: ReferenceWidth) -> Addressing {
    addressing_of(width.into(), None)
}

fn addressing_of(Cut { width, payload }: Cut, references: Option<References>) -> Addressing {
    let sender = SenderSettings {
        service_type: String::new(),
        source_address: "12345".into(),
        source_ton: 3,
        source_npi: 1,
        dest_ton: 1,
        dest_npi: 1,
        data_coding: 4,
        reference_width: width,
        references,
        payload,
    };
    envelope::addressing(&sender, Ports { destination: 2948, source: 9200 }).unwrap()
}

pub fn handset(width: ReferenceWidth) -> Handset {
    Handset::new(1, Arc::new(addressing(width)), &"15551234567".parse().unwrap(), Memo::default())
}

pub fn subscription(policy: Policy, cut: impl Into<Cut>) -> Subscription {
    let envelope = push_template(Profile::Standard, &ApplicationId::default()).unwrap();
    let backlog = Backlog { limit: BACKLOG_LIMIT, rule: BacklogRule::DropOldest };
    Subscription::new(SubscriptionId::from_octets([1; 16]), policy, envelope, cut, 0, backlog)
}
