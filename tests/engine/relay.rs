//! The switch between a stream and pushes: what its client sees has no gap and no double, whatever dies when.

use crate::rig::{Rig, Written};
use bellwire::engine::tail::{Confirmation, Tail};
use bellwire::model::{DropReason, Order, Outcome, Policy, Receipts};
use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn policy() -> Policy {
    Policy { order: Order::Strict, receipts: Receipts::None, ttl: Duration::ZERO, ..Policy::default() }
}

fn open(rig: &mut Rig) {
    rig.handset.get(rig.place).unwrap().handle_stream_opened();
}

fn relayed(rig: &mut Rig, written: u64, confirmed: u64) {
    rig.handset.get(rig.place).unwrap().handle_relayed(written, confirmed, &mut rig.tally);
}

fn close_at(rig: &mut Rig, push_at: Duration) {
    rig.handset.get(rig.place).unwrap().handle_streams_closed(push_at);
}

#[test]
fn what_a_stream_brought_is_not_pushed_and_what_it_did_not_is() {
    let mut rig = Rig::new(policy());
    open(&mut rig);
    (0..5).for_each(|number| rig.tick(number));
    assert!(rig.poll().is_empty());
    assert_eq!(rig.handset.poll_timeout(), None);
    relayed(&mut rig, 4, 2);
    assert_eq!((rig.settled(Outcome::Relayed), rig.all_settled()), (2, 2));
    let now = rig.now.monotonic;
    close_at(&mut rig, now);
    assert_eq!(rig.run(), ["message|2|2", "message|3|3", "message|4|4"], "what was in doubt goes with the rest");
    assert_eq!((rig.settled(Outcome::Relayed), rig.settled(Outcome::Accepted)), (2, 3));
}

#[test]
fn a_stream_that_comes_back_in_time_costs_nothing() {
    let mut rig = Rig::new(policy());
    open(&mut rig);
    rig.tick(0);
    let push_at = rig.now.monotonic + 3 * SECOND;
    close_at(&mut rig, push_at);
    rig.advance(2 * SECOND);
    assert!(rig.poll().is_empty());
    assert_eq!(rig.handset.poll_timeout(), Some(push_at));
    open(&mut rig);
    rig.advance(2 * SECOND);
    assert!(rig.poll().is_empty());
    relayed(&mut rig, 1, 1);
    assert_eq!(rig.settled(Outcome::Relayed), 1);
    let push_at = rig.now.monotonic + SECOND;
    close_at(&mut rig, push_at);
    rig.tick(1);
    rig.advance(SECOND);
    assert_eq!(rig.run(), ["message|1|1"]);
}

#[test]
fn what_arrived_before_it_was_here_has_ended_all_the_same() {
    let mut rig = Rig::new(policy());
    open(&mut rig);
    relayed(&mut rig, 2, 2);
    assert_eq!(rig.handset.put_to_sleep(rig.now, rig.place), None, "it has something to remember");
    rig.feed(&[("t", "a", "1"), ("t", "b", "2"), ("t", "c", "3")]);
    assert_eq!((rig.settled(Outcome::Relayed), rig.all_settled()), (2, 2));
    assert_eq!(rig.handset.get(rig.place).unwrap().pending(), 1);
}

#[test]
fn a_push_under_way_when_a_stream_opens_is_still_answered() {
    let mut rig = Rig::new(policy());
    rig.tick(0);
    let written = rig.poll();
    open(&mut rig);
    rig.tick(1);
    rig.accept(&written[0]);
    assert!(rig.poll().is_empty());
    relayed(&mut rig, 2, 2);
    assert_eq!((rig.settled(Outcome::Accepted), rig.settled(Outcome::Relayed)), (1, 1));
    assert_eq!(rig.handset.put_to_sleep(rig.now, rig.place), None, "it has to be saved first");
}

#[test]
fn who_ends_it_while_a_stream_is_open_ends_what_was_written_well() {
    let mut rig = Rig::new(policy());
    open(&mut rig);
    (0..5).for_each(|number| rig.tick(number));
    relayed(&mut rig, 3, 1);
    rig.close(DropReason::Deactivated);
    assert_eq!((rig.settled(Outcome::Relayed), rig.dropped(DropReason::Deactivated)), (3, 2));
}

#[test]
fn one_that_drains_sends_what_it_has_and_is_gone() {
    let mut rig = Rig::new(policy());
    rig.tick(0);
    rig.handset.get(rig.place).unwrap().drain();
    rig.tick(1);
    assert_eq!(rig.run(), ["message|0|0"]);
    assert!(rig.handset.is_vacant());
}

/// A client, its network, and the SMSC in between, under a seed.
struct World {
    rig: Rig,
    random: fastrand::Rng,
    acknowledges: bool,
    /// The stream as the proxy has it.
    stream: Option<Stream>,
    /// Whether its client still has it: it is half open otherwise.
    alive: bool,
    /// Events on the wire to the client.
    wire: VecDeque<u64>,
    /// Pushes on their way to the handset, and segments without an answer.
    air: VecDeque<u64>,
    unanswered: VecDeque<Written>,
    /// One more than the last event that the client has seen.
    seen: u64,
    fed: u64,
    switches: u64,
}

struct Stream {
    tail: Tail,
    next: u64,
}

/// As many as a stream that is never acknowledged leaves in doubt.
const DOUBTFUL: u64 = 64;

impl World {
    fn new(seed: u64, acknowledges: bool) -> Self {
        Self {
            rig: Rig::new(Policy {
                receipts: if seed.is_multiple_of(3) { Receipts::All } else { Receipts::None },
                ..policy()
            }),
            switches: 0,
            random: fastrand::Rng::with_seed(seed),
            acknowledges,
            stream: None,
            alive: false,
            wire: VecDeque::new(),
            air: VecDeque::new(),
            unanswered: VecDeque::new(),
            seen: 0,
            fed: 0,
        }
    }

    fn step(&mut self) {
        match self.random.u8(..20) {
            0..6 => self.event(),
            6..9 => self.write(),
            9..12 => self.read(),
            12 => self.acknowledge(),
            13 => self.cut(),
            14 => self.notice(),
            15 => self.come_back(),
            16..18 => self.submit(),
            18 => self.answer(),
            _ => self.arrive(),
        }
    }

    fn event(&mut self) {
        if self.rig.handset.get(self.rig.place).unwrap().pending() > 100 {
            return; // more than a backlog holds is another matter
        }
        for _ in 0..self.random.u64(1..4) {
            self.rig.tick(self.fed as u32);
            self.fed += 1;
        }
    }

    fn write(&mut self) {
        let Some(stream) = &mut self.stream else { return };
        // A client that says nothing loses what a longer buffer would hold: no more than that is ever under way.
        let room = match self.acknowledges {
            true => stream.tail.room(),
            false => DOUBTFUL - self.wire.len() as u64,
        };
        let until = self.fed.min(stream.next + room);
        stream.tail.handle_written(self.rig.now.monotonic, stream.next..until);
        self.wire.extend(stream.next..until);
        stream.next = until;
        let (written, confirmed) = (stream.next, stream.tail.confirmed());
        relayed(&mut self.rig, written, confirmed);
    }

    fn read(&mut self) {
        if !self.alive {
            return; // what was on the wire stays there
        }
        for _ in 0..self.random.usize(1..4).min(self.wire.len()) {
            let event = self.wire.pop_front().unwrap();
            self.see(event);
        }
    }

    fn see(&mut self, event: u64) {
        assert!(event <= self.seen, "{event} after {}: there is a gap", self.seen);
        self.seen = self.seen.max(event + 1);
    }

    fn acknowledge(&mut self) {
        if let Some(stream) = self.stream.as_mut().filter(|_| self.alive && self.acknowledges) {
            stream.tail.handle_acknowledged(self.seen);
            let (written, confirmed) = (stream.next, stream.tail.confirmed());
            relayed(&mut self.rig, written, confirmed);
        }
    }

    /// The client loses its stream, and what was on the wire; the proxy does not know, and goes on writing.
    fn cut(&mut self) {
        self.alive = false;
    }

    /// The proxy finds out that the stream is dead.
    fn notice(&mut self) {
        if self.stream.is_some() && !self.alive {
            self.stream = None;
            self.switches += 1;
            let push_at = self.rig.now.monotonic + SECOND * self.random.u32(..3);
            close_at(&mut self.rig, push_at);
        }
        self.rig.advance(SECOND);
    }

    /// The client opens a stream behind what it has seen; the old one is found dead by that at the latest.
    fn come_back(&mut self) {
        if self.alive {
            return;
        }
        self.wire.clear();
        let confirmation = match self.acknowledges {
            true => Confirmation::Acknowledged { window: NonZeroU64::new(16).unwrap() },
            false => Confirmation::Assumed { events: NonZeroU64::new(DOUBTFUL).unwrap(), age: 3000 * SECOND },
        };
        self.stream = Some(Stream { tail: Tail::new(confirmation, self.seen), next: self.seen });
        self.alive = true;
        self.switches += 1;
        open(&mut self.rig);
        relayed(&mut self.rig, self.seen, self.seen);
    }

    fn submit(&mut self) {
        self.unanswered.extend(self.rig.poll());
    }

    fn answer(&mut self) {
        let Some(written) = self.unanswered.pop_front() else { return };
        for event in self.rig.receive(&written) {
            self.air.push_back(event.split('|').nth(1).unwrap().parse().unwrap());
        }
        self.rig.accept(&written);
    }

    fn arrive(&mut self) {
        for _ in 0..self.random.usize(1..6).min(self.air.len()) {
            let event = self.air.pop_front().unwrap();
            self.see(event);
        }
    }

    /// Everything comes to rest by pushes.
    fn finish(&mut self) {
        self.cut();
        self.stream = None;
        let now = self.rig.now.monotonic;
        close_at(&mut self.rig, now);
        while self.seen < self.fed {
            self.submit();
            assert!(!self.unanswered.is_empty() || !self.air.is_empty(), "{} never came", self.seen);
            self.answer();
            self.arrive();
        }
        while !self.unanswered.is_empty() {
            self.answer();
            self.submit();
        }
        // Receipts that have not come by now come too late.
        self.rig.receipts.handle_shutdown(&mut self.rig.tally);
        assert_eq!(self.rig.all_settled(), self.fed, "every event has one outcome");
    }
}

/// 10,000 switches: events are seen in order and without a gap (a double is told from its number and left out by the
/// client), and each has exactly one outcome.
#[test]
fn every_event_is_seen_in_order_however_bearers_change() {
    let mut switches = 0;
    for seed in 0..200 {
        let mut world = World::new(seed, seed % 2 == 0);
        (0..1500).for_each(|_| world.step());
        world.finish();
        switches += world.switches;
    }
    assert!(switches >= 10_000, "{switches}");
}
