//! A link without a socket: it takes segments from its lane when the test says so, and the test answers them.

use bellwire::actors::clock::Clock;
use bellwire::actors::handset::HandsetCell;
use bellwire::actors::lane::Lane;
use bellwire::actors::ledger;
use bellwire::actors::router::RouterMessage;
use bellwire::actors::smsc::Smsc;
use bellwire::codec::segments::{Limits, Reassembled, Reassembler};
use bellwire::codec::smpp::{Body, Pdu};
use bellwire::codec::sse::{Limits as StreamLimits, Parser};
use bellwire::codec::{udh, wsp};
use bellwire::engine::encoder::Encoder;
use bellwire::engine::handset::Segment;
use bellwire::engine::line::Turn;
use bellwire::engine::subscription::{Answer, Settlement};
use bellwire::engine::tally::{Answered, Tally};
use bellwire::telemetry::Telemetry;
use bytes::{Bytes, BytesMut};
use ractor::ActorRef;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A segment that was written.
#[derive(Clone)]
pub struct Written {
    pub cell: Arc<HandsetCell>,
    pub segment: Segment,
    pub number: String,
    pub short_message: Vec<u8>,
}

pub struct FakeLink {
    smsc: Arc<Smsc>,
    pub lane: Arc<Lane>,
    clock: Clock,
    router: ActorRef<RouterMessage>,
    telemetry: Telemetry,
    tally: Tally,
    encoder: Encoder,
    sequence_number: u32,
    phones: BTreeMap<String, Phone>,
    /// Segments written.
    pub written: usize,
}

struct Phone {
    reassembler: Reassembler,
    seen: Vec<String>,
    bodies: Vec<Vec<u8>>,
}

impl FakeLink {
    pub fn new(smsc: Arc<Smsc>, clock: Clock, router: ActorRef<RouterMessage>, telemetry: Telemetry) -> Self {
        Self {
            lane: Arc::clone(&smsc.lanes()[0]),
            smsc,
            clock,
            router,
            telemetry,
            tally: Tally::default(),
            encoder: Encoder::default(),
            sequence_number: 0,
            phones: BTreeMap::new(),
            written: 0,
        }
    }

    /// Everything that may be written now, as a link does it that has room.
    pub fn take(&mut self) -> Vec<Written> {
        let now = self.clock.now();
        let mut all = Vec::new();
        while self.smsc.journal().is_open(0)
            && let Some(Turn { item: cell, .. }) = self.lane.pop(now, 1)
        {
            let mut out = BytesMut::new();
            let mut receipts = self.smsc.receipts().lock();
            let (encoder, tally) = (&mut self.encoder, &mut self.tally);
            let number = self.sequence_number + 1;
            let segment = HandsetCell::serve(&cell, now, |engine| {
                let mut settlement = Settlement { tally, receipts: &mut receipts, smsc: self.smsc.number() };
                engine.poll_segment(now, number, encoder, &mut out, &mut settlement)
            });
            drop(receipts);
            match segment {
                None => self.router.cast(RouterMessage::Broken(cell.id())).unwrap(),
                Some(None) => {}
                Some(Some(segment)) => {
                    self.sequence_number = number;
                    all.push(written(cell, segment, &out));
                }
            }
        }
        self.written += all.len();
        ledger::carry(&mut self.tally, &self.telemetry);
        all
    }

    pub fn accept(&mut self, written: &Written) {
        let id = format!("id-{}", self.written);
        self.answer(written, Answer::Accepted { message_id: id.as_bytes() });
        let phone = self.phones.entry(written.number.clone()).or_insert_with(|| Phone {
            reassembler: Reassembler::new(Limits::default()),
            seen: Vec::new(),
            bodies: Vec::new(),
        });
        let (header, rest) = udh::decode(&written.short_message).unwrap();
        let part = phone.reassembler.handle_part("sender", header.concatenation, rest, self.clock.now().monotonic);
        if let Reassembled::Complete(pdu) = part {
            let body = wsp::decode(&pdu).unwrap().body.to_vec();
            phone.seen.extend(read(&body));
            phone.bodies.push(body);
        }
    }

    pub fn answer(&mut self, written: &Written, answer: Answer<'_>) {
        let now = self.clock.now();
        let mut receipts = self.smsc.receipts().lock();
        let tally = &mut self.tally;
        let served = HandsetCell::serve(&written.cell, now, |engine| {
            let mut settlement = Settlement { tally, receipts: &mut receipts, smsc: self.smsc.number() };
            engine.handle_answer(now, written.segment, answer, &mut settlement)
        });
        drop(receipts);
        if served.is_none() {
            self.router.cast(RouterMessage::Broken(written.cell.id())).unwrap();
        }
        self.smsc.journal().note_accepted(self.tally.answered[Answered::Accepted as usize]);
        ledger::carry(&mut self.tally, &self.telemetry);
    }

    /// Takes and accepts until there is nothing more.
    pub fn run(&mut self) {
        loop {
            let all = self.take();
            if all.is_empty() {
                return;
            }
            all.iter().for_each(|one| self.accept(one));
        }
    }

    /// The data of the events that this number's handset has seen, in order.
    pub fn seen(&self, number: &str) -> Vec<String> {
        self.phones.get(number).map(|phone| phone.seen.clone()).unwrap_or_default()
    }

    /// The bodies of the pushes that this number's handset has had.
    pub fn bodies(&self, number: &str) -> Vec<String> {
        let bodies = self.phones.get(number).map(|phone| phone.bodies.clone()).unwrap_or_default();
        bodies.into_iter().map(|body| String::from_utf8(body).unwrap()).collect()
    }
}

fn written(cell: Arc<HandsetCell>, segment: Segment, pdu: &[u8]) -> Written {
    let Body::SubmitSm(submit) = Pdu::decode(pdu).unwrap().body else { panic!("not a submit_sm") };
    let number = String::from_utf8(submit.destination.addr.to_vec()).unwrap();
    Written { cell, segment, number, short_message: submit.short_message.to_vec() }
}

fn read(body: &[u8]) -> Vec<String> {
    let events = Parser::new(StreamLimits::default()).feed(Bytes::copy_from_slice(body));
    events.iter().map(|event| String::from_utf8(event.data.to_vec()).unwrap()).collect()
}
