//! One handset with one subscription, fed and answered in memory: no sockets, no actors.

use bellwire::codec::segments::Payload;
use bellwire::codec::sse::{Limits, Parser};
use bellwire::codec::udh::{Ports, ReferenceWidth};
use bellwire::engine::chunk::Chunk;
use bellwire::engine::clock::Now;
use bellwire::engine::encoder::Encoder;
use bellwire::engine::envelope::{SenderSettings, addressing, push_template};
use bellwire::engine::handset::{Handset, Memo, Place};
use bellwire::engine::receipts::Receipts;
use bellwire::engine::subscription::{Answer, Backlog, BacklogRule, Settlement, Subscription};
use bellwire::engine::tally::Tally;
use bellwire::model::{ApplicationId, Order, Policy, Profile, Receipts as Wanted, SubscriptionId};
use bytes::{Bytes, BytesMut};
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

/// Events of one round.
pub const EVENTS: u64 = 500;

/// The time of everything.
const NOW: Now = Now { monotonic: Duration::from_secs(5), unix_ms: 0 };

/// Numbers what a stream brings.
pub struct Stream {
    parser: Parser,
    next: u64,
}

impl Stream {
    pub fn new() -> Self {
        Self { parser: Parser::new(Limits::default()), next: 0 }
    }

    /// What one read brought.
    pub fn read(&mut self, input: Bytes) -> Arc<Chunk> {
        let chunk = Chunk::new(self.parser.feed(input), self.next, NOW, None, None);
        self.next = chunk.range().end;
        Arc::new(chunk)
    }
}

/// A handset's engine, and what a link needs to serve it.
pub struct Engine {
    handset: Handset,
    place: Place,
    receipts: Receipts,
    tally: Tally,
    encoder: Encoder,
    out: BytesMut,
    number: u32,
    message_id: u64,
}

impl Engine {
    /// An engine that keeps at most so many receipts waiting.
    pub fn new(policy: Policy, receipts: usize) -> Self {
        let (handset, place) = handset(policy);
        Self {
            handset,
            place,
            receipts: Receipts::new(Duration::from_secs(3600), receipts),
            tally: Tally::default(),
            encoder: Encoder::default(),
            out: BytesMut::with_capacity(256 * 1024),
            number: 0,
            message_id: 0,
        }
    }

    /// Forms pushes of the events, writes them and has each accepted; returns the octets written.
    pub fn step(&mut self, chunk: &Arc<Chunk>) -> usize {
        self.handset.handle_chunk(NOW, self.place, chunk, &mut self.tally);
        self.out.clear();
        let mut settlement = Settlement { tally: &mut self.tally, receipts: &mut self.receipts, smsc: 0 };
        let mut written = Vec::with_capacity(EVENTS as usize);
        loop {
            while let Some(segment) =
                self.handset.poll_segment(NOW, self.number, &mut self.encoder, &mut self.out, &mut settlement)
            {
                self.number = self.number.wrapping_add(1);
                written.push(segment);
            }
            if written.is_empty() {
                break;
            }
            for segment in written.drain(..) {
                self.message_id += 1;
                let id = self.message_id.to_be_bytes();
                self.handset.handle_answer(NOW, segment, Answer::Accepted { message_id: &id }, &mut settlement);
            }
        }
        self.tally.clear();
        self.out.len()
    }
}

/// A handset with one subscription.
pub fn handset(policy: Policy) -> (Handset, Place) {
    let sender = SenderSettings {
        service_type: String::new(),
        source_address: "447700900000".into(),
        source_ton: 1,
        source_npi: 1,
        dest_ton: 1,
        dest_npi: 1,
        data_coding: 4,
        reference_width: ReferenceWidth::Bits8,
        references: None,
        payload: Payload::Udh,
    };
    let addressing = Arc::new(addressing(&sender, Ports { destination: 2948, source: 9200 }).unwrap());
    let mut handset = Handset::new(1, addressing, &"447700000001".parse().unwrap(), Memo::default());
    let envelope = push_template(Profile::Compact, &ApplicationId::Code(2)).unwrap();
    let backlog = Backlog { limit: 1 << 20, rule: BacklogRule::DropOldest };
    let id = SubscriptionId::from_octets([1; 16]);
    let place = handset.insert(Subscription::new(id, policy, envelope, ReferenceWidth::Bits8, 0, backlog));
    (handset, place)
}

/// The ways of sending that are measured.
pub fn policies() -> [(&'static str, Policy); 3] {
    let single = Policy { order: Order::Pipelined, max_events: 1, receipts: Wanted::None, ..Policy::default() };
    [
        ("one event a push, pipelined", single.clone()),
        ("the same with receipts", Policy { receipts: Wanted::All, ..single.clone() }),
        ("batches, strict", Policy { order: Order::Strict, max_events: 0, ..single }),
    ]
}

/// A round's events as a stream: an id and one line of JSON each.
pub fn stream() -> Bytes {
    let mut text = String::new();
    for n in 0..EVENTS {
        write!(
            text,
            "id: {n}\ndata: {{\"sym\":\"YHOO\",\"chg\":\"+2\",\"last\":10,\"vol\":123456,\"ex\":\"NMS\"}}\n\n"
        )
        .unwrap();
    }
    text.into()
}
