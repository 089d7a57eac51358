//! A link without a socket: our session and the SMSC's, and the octets between them.

use crate::phone::{Line, Phone};
use crate::world::Books;
use bellwire::codec::smpp::{BindMode, InterfaceVersion, Receipt};
use bellwire::engine::backoff::Backoff;
use bellwire::engine::clock::Now;
use bellwire::engine::encoder::Encoder;
use bellwire::engine::handset::Segment;
use bellwire::engine::pacing::PacingSettings;
use bellwire::engine::session::{Session, SessionSettings, Sink, State};
use bellwire::engine::subscription::{Answer, Settlement};
use bellwire::engine::verdict::{Judge, Verdict};
use bellwire::sim::smsc::{OfflineSession, OfflineSmsc};
use bytes::{Buf, BytesMut};
use std::time::Duration;

pub const WINDOW: usize = 10;

/// What a link remembers of a segment.
pub struct Ticket {
    phone: usize,
    segment: Segment,
}

pub struct Link {
    open: Option<Open>,
    encoder: Encoder,
    backoff: Backoff,
    /// When it connects again.
    next_at: Duration,
    bound_at: Duration,
}

struct Open {
    ours: Session<Ticket>,
    theirs: OfflineSession,
    /// What they have to read, and we.
    out: BytesMut,
    input: BytesMut,
}

/// Everything that answers go to.
pub struct Around<'a> {
    pub phones: &'a mut [Phone],
    pub line: &'a mut Line,
    pub books: &'a mut Books,
}

impl Link {
    pub fn new() -> Self {
        let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(8));
        let encoder = Encoder::default();
        Self { open: None, encoder, backoff, next_at: Duration::ZERO, bound_at: Duration::ZERO }
    }

    /// Does all that can be done now: connects, carries octets to and fro, sends. Whether anything happened.
    pub fn work(&mut self, now: Now, smsc: &OfflineSmsc, random: f64, around: &mut Around<'_>) {
        if self.open.is_none() && self.next_at <= now.monotonic {
            let mut out = BytesMut::new();
            let ours = Session::new(settings(), now, &mut out).unwrap();
            let theirs = smsc.connect(now.monotonic);
            self.open = Some(Open { ours, theirs, out, input: BytesMut::new() });
            self.bound_at = now.monotonic;
        }
        let Some(open) = &mut self.open else { return };
        let lost = open.ours.handle_timeout(now, &mut open.out, &mut Answers { around }).is_err();
        let lost = lost || open.talk(now, &mut self.encoder, around);
        if lost {
            around.books.drops += 1;
            around.books.open_at_drops += open.ours.open() as u64;
            open.ours.handle_lost(now, &mut Answers { around });
            if now.monotonic > self.bound_at + Duration::from_secs(5) {
                self.backoff.reset();
            }
            self.next_at = now.monotonic + self.backoff.next(random).max(Duration::from_millis(500));
            self.open = None;
        }
    }

    /// When something is due.
    pub fn poll_timeout(&self, now: Now) -> Option<Duration> {
        match &self.open {
            Some(open) => {
                let ours = Some(open.ours.poll_timeout(now));
                [ours, open.theirs.poll_timeout()].into_iter().flatten().min()
            }
            None => Some(self.next_at),
        }
    }
}

impl Open {
    /// Until nobody has anything to say at this moment; whether the connection is over.
    fn talk(&mut self, now: Now, encoder: &mut Encoder, around: &mut Around<'_>) -> bool {
        loop {
            self.fill(now, encoder, around);
            let said = std::mem::take(&mut self.out);
            self.theirs.handle_input(&said, now.monotonic);
            self.theirs.handle_time(now.monotonic);
            let heard = self.theirs.take_output();
            self.input.extend_from_slice(&heard);
            let taken = self.ours.handle_input(now, &self.input, &mut self.out, &mut Answers { around });
            match taken {
                Ok(taken) => self.input.advance(taken),
                Err(_) => return true,
            }
            if self.theirs.is_over() {
                return true;
            }
            if said.is_empty() && heard.is_empty() && self.out.is_empty() {
                return false;
            }
        }
    }

    fn fill(&mut self, now: Now, encoder: &mut Encoder, around: &mut Around<'_>) {
        while self.ours.state() == State::Bound && self.ours.room(now) > 0 {
            let Some(at) = around.line.next() else { return };
            let phone = &mut around.phones[at];
            phone.in_line = false;
            let mut settlement =
                Settlement { tally: &mut around.books.tally, receipts: &mut around.books.receipts, smsc: 0 };
            while self.ours.room(now) > 0 {
                let number = self.ours.next_sequence_number();
                let segment = phone.engine.poll_segment(now, number, encoder, &mut self.out, &mut settlement);
                let Some(segment) = segment else { break };
                self.ours.track(now, number, Ticket { phone: at, segment });
            }
            around.line.offer(at, phone, now);
        }
    }
}

struct Answers<'a, 'b> {
    around: &'a mut Around<'b>,
}

impl Sink<Ticket> for Answers<'_, '_> {
    fn handle_answer(&mut self, now: Now, ticket: Ticket, _: Duration, answer: Answer<'_>) -> Verdict {
        let Around { phones, line, books } = &mut *self.around;
        books.unknown += u64::from(matches!(answer, Answer::Unknown { .. }));
        let phone = &mut phones[ticket.phone];
        let mut settlement = Settlement { tally: &mut books.tally, receipts: &mut books.receipts, smsc: 0 };
        let verdict = phone.engine.handle_answer(now, ticket.segment, answer, &mut settlement);
        line.offer(ticket.phone, phone, now);
        verdict
    }

    fn handle_receipt(&mut self, now: Now, receipt: &Receipt<'_>) {
        let Books { receipts, tally, .. } = &mut *self.around.books;
        receipts.handle_receipt(now.monotonic, 0, receipt, tally);
    }
}

fn settings() -> SessionSettings {
    SessionSettings {
        mode: BindMode::Transceiver,
        system_id: "bellwire".into(),
        password: "secret".into(),
        system_type: String::new(),
        version: InterfaceVersion::V3_4,
        needs_tlvs: false,
        window: WINDOW,
        pacing: PacingSettings::default(),
        judge: Judge::default(),
        enquire_link: Duration::from_secs(30),
        response_timeout: Duration::from_secs(10),
        bind_timeout: Duration::from_secs(5),
        resend_unknown: true,
    }
}
