//! A router's engines, an SMSC and handsets in one thread, in virtual time.

use crate::link::{Around, Link, WINDOW};
use crate::phone::{Line, Phone};
use bellwire::engine::clock::Now;
use bellwire::engine::receipts::Receipts;
use bellwire::engine::tally::Tally;
use bellwire::model::{DropReason, Outcome, Policy};
use bellwire::sim::smsc::{Delivered, OfflineSmsc, SmscSettings};
use bellwire::sim::{HandsetSettings, Handsets, Message};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A run ends by then at the latest: longer than any event is worth sending.
const END: Duration = Duration::from_secs(3 * 3600);

pub struct WorldSettings {
    pub seed: u64,
    pub phones: usize,
    pub links: usize,
    pub events: u64,
    pub policy: Policy,
}

impl Default for WorldSettings {
    fn default() -> Self {
        Self { seed: 1, phones: 5, links: 2, events: 60, policy: Policy::default() }
    }
}

/// What is counted on our side.
pub struct Books {
    pub tally: Tally,
    pub receipts: Receipts,
    pub drops: u64,
    pub open_at_drops: u64,
    pub unknown: u64,
}

/// What the handsets recorded: the numbers of events in the order in which they came, repeats left out, and how many
/// segments came twice.
#[derive(Default)]
struct Seen {
    events: HashMap<String, Vec<(u64, Duration)>>,
    repeats: u64,
}

pub struct World {
    settings: WorldSettings,
    now: Now,
    begun: Duration,
    smsc: OfflineSmsc,
    links: Vec<Link>,
    phones: Vec<Phone>,
    line: Line,
    books: Books,
    seen: Arc<Mutex<Seen>>,
    clock: Arc<Mutex<Duration>>,
    feeds: Vec<Feed>,
    /// The SMSC accepts messages that it does not deliver.
    loses_messages: bool,
    random: fastrand::Rng,
}

/// What a phone is given.
struct Feed {
    /// When it gets the next events.
    due: Duration,
    left: u64,
    /// Its own, so that what becomes of others changes nothing about it.
    random: fastrand::Rng,
}

impl World {
    pub fn new(settings: WorldSettings, script: &str) -> Self {
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let clock: Arc<Mutex<Duration>> = Arc::default();
        let port = port(Arc::clone(&seen), Arc::clone(&clock));
        let loses_messages = script.contains("receipt_state") || script.contains("[destinations]");
        let script = script.parse().unwrap_or_else(|error| panic!("{error}\n{script}"));
        let smsc = SmscSettings { seed: settings.seed, script, ..SmscSettings::default() };
        let begun = Duration::from_secs(1000);
        let feed = |at| {
            let mut random = fastrand::Rng::with_seed(settings.seed << 8 | at as u64);
            Feed { due: begun + Duration::from_millis(random.u64(0..2000)), left: settings.events, random }
        };
        Self {
            now: Now { monotonic: begun, unix_ms: 1_790_000_000_000 },
            begun,
            smsc: OfflineSmsc::new(smsc, port),
            links: (0..settings.links).map(|_| Link::new()).collect(),
            phones: (0..settings.phones).map(|at| Phone::new(at, settings.policy.clone())).collect(),
            line: Line::default(),
            books: Books {
                tally: Tally::default(),
                receipts: Receipts::new(Duration::from_secs(3600), 100_000),
                drops: 0,
                open_at_drops: 0,
                unknown: 0,
            },
            seen,
            clock,
            feeds: (0..settings.phones).map(feed).collect(),
            loses_messages,
            random: fastrand::Rng::with_seed(settings.seed),
            settings,
        }
    }

    /// Until every event has its outcome, or no event can have another any more.
    pub fn run(&mut self) {
        while self.settled() < self.fed() || self.feeds.iter().any(|feed| feed.left > 0) {
            if self.now.monotonic > self.begun + END || !self.step() {
                break;
            }
        }
    }

    /// Until so much time has passed.
    pub fn run_until(&mut self, time: Duration) {
        while self.now.monotonic < self.begun + time && self.step() {}
    }

    /// Does what can be done now, then lets time pass to where something is due; false if nothing ever is.
    fn step(&mut self) -> bool {
        *self.clock.lock() = self.now.monotonic;
        self.feed();
        let (now, line) = (self.now, &mut self.line);
        for at in line.due(now.monotonic) {
            line.offer(at, &mut self.phones[at], now);
        }
        for link in &mut self.links {
            let mut around = Around { phones: &mut self.phones, line: &mut self.line, books: &mut self.books };
            link.work(now, &self.smsc, self.random.f64(), &mut around);
        }
        self.smsc.handle_time(now.monotonic);
        self.books.receipts.handle_timeout(now.monotonic, 0, &mut self.books.tally);
        let links = self.links.iter().filter_map(|link| link.poll_timeout(now));
        let feeds = self.feeds.iter().filter(|feed| feed.left > 0).map(|feed| feed.due);
        let Some(next) = links.chain(feeds).chain(self.line.poll_timeout()).chain(self.smsc.poll_timeout()).min()
        else {
            return false;
        };
        let by = next.saturating_sub(now.monotonic).max(Duration::from_micros(10));
        self.now = now.after(by);
        true
    }

    fn feed(&mut self) {
        for (at, Feed { due, left, random }) in self.feeds.iter_mut().enumerate() {
            if *left == 0 || *due > self.now.monotonic {
                continue;
            }
            let count = random.u64(1..=4).min(*left);
            let octets = if random.u8(0..8) == 0 { random.usize(100..300) } else { random.usize(0..30) };
            self.phones[at].feed(self.now, count, octets, &mut self.books.tally);
            self.line.offer(at, &mut self.phones[at], self.now);
            (*left, *due) = (*left - count, *due + Duration::from_millis(random.u64(1..3000)));
        }
    }

    fn fed(&self) -> u64 {
        self.phones.iter().map(|phone| phone.fed).sum()
    }

    fn settled(&self) -> u64 {
        self.books.tally.settled.iter().sum()
    }

    /// When each of these phones had each of its events.
    pub fn done_at(&self, phones: std::ops::Range<usize>) -> Vec<Vec<(u64, Duration)>> {
        let seen = self.seen.lock();
        self.phones[phones].iter().map(|phone| seen.events.get(&phone.number).cloned().unwrap_or_default()).collect()
    }

    /// Ends everything and balances the books.
    pub fn check(mut self) -> Figures {
        let seed = self.settings.seed;
        for phone in &mut self.phones {
            let mut settlement = bellwire::engine::subscription::Settlement {
                tally: &mut self.books.tally,
                receipts: &mut self.books.receipts,
                smsc: 0,
            };
            phone.engine.abandon(self.now, DropReason::Shutdown, &mut settlement);
        }
        self.books.receipts.handle_shutdown(&mut self.books.tally);
        assert_eq!(self.books.receipts.waiting(), 0, "seed {seed}: nothing is awaited any more");
        assert_eq!(self.settled(), self.fed(), "seed {seed}: each event ends once");
        let (stats, seen) = (self.smsc.stats(), self.seen.lock());
        let mut distinct = 0;
        for phone in &self.phones {
            distinct += in_order(seed, phone, seen.events.get(&phone.number).map_or(&[], Vec::as_slice));
        }
        let Books { tally, drops, open_at_drops, unknown, .. } = &self.books;
        let settled = |outcome: Outcome| tally.settled[outcome.index()];
        // What was accepted may have been given up by the SMSC without a word.
        let (delivered, accepted) = (settled(Outcome::Delivered), settled(Outcome::Accepted));
        assert!(delivered <= distinct, "seed {seed}: {delivered} are said to have arrived, {distinct} did");
        let arrived = delivered + if self.loses_messages { 0 } else { accepted };
        assert!(arrived <= distinct, "seed {seed}: {arrived} must have arrived, {distinct} did");
        assert!(stats.duplicates <= tally.resent, "seed {seed}: {} repeats, {} told", stats.duplicates, tally.resent);
        assert!(tally.resent <= *unknown, "seed {seed}: what is known is not repeated");
        assert!(*open_at_drops <= drops * WINDOW as u64, "seed {seed}: {open_at_drops} open at {drops} drops");
        Figures {
            runs: 1,
            events: self.fed(),
            delivered: settled(Outcome::Delivered),
            accepted: settled(Outcome::Accepted),
            failed: settled(Outcome::Failed),
            expired: settled(Outcome::Expired),
            unknown: settled(Outcome::Unknown),
            repeats: stats.duplicates,
            drops: *drops,
            handset_repeats: seen.repeats,
        }
    }
}

/// What is new to a handset never comes behind what is newer; how many events it saw.
fn in_order(seed: u64, phone: &Phone, seen: &[(u64, Duration)]) -> u64 {
    let (mut known, mut highest) = (HashSet::new(), None);
    for (event, _) in seen {
        if known.insert(*event) {
            assert!(highest < Some(*event), "seed {seed}, {}: {event} came behind {highest:?}", phone.number);
            highest = Some(*event);
        }
    }
    known.len() as u64
}

fn port(seen: Arc<Mutex<Seen>>, clock: Arc<Mutex<Duration>>) -> Box<dyn Fn(&Delivered<'_>) + Send + Sync> {
    let handsets = Mutex::new(Handsets::new(HandsetSettings::default()));
    Box::new(move |message| {
        let text = |octets| String::from_utf8_lossy(octets).into_owned();
        let (source, destination) = (text(message.source), text(message.destination));
        let segment = Message {
            source: &source,
            destination: &destination,
            esm_class: message.esm_class,
            short_message: message.short_message,
        };
        let now = *clock.lock();
        let mut handsets = handsets.lock();
        let push = handsets.handle_message(segment, now).expect("a push");
        let mut seen = seen.lock();
        seen.repeats = handsets.stats().duplicate_segments;
        for push in push.into_iter().filter(|push| !push.duplicate) {
            let events = push.events.iter().filter_map(|event| event.data.split(' ').next()?.parse().ok());
            seen.events.entry(push.number.clone()).or_default().extend(events.map(|event: u64| (event, now)));
        }
    })
}

/// What came of all runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    runs: u64,
    events: u64,
    delivered: u64,
    accepted: u64,
    failed: u64,
    expired: u64,
    unknown: u64,
    repeats: u64,
    drops: u64,
    handset_repeats: u64,
}

impl Figures {
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.events += other.events;
        self.delivered += other.delivered;
        self.accepted += other.accepted;
        self.failed += other.failed;
        self.expired += other.expired;
        self.unknown += other.unknown;
        self.repeats += other.repeats;
        self.drops += other.drops;
        self.handset_repeats += other.handset_repeats;
    }

    /// Whether enough went wrong, and enough well, for the books to say something.
    pub fn is_telling(&self) -> bool {
        let each = |count: u64| count >= self.runs / 10;
        each(self.failed) && each(self.repeats) && each(self.drops) && self.delivered > self.events / 2
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, events, delivered, accepted, failed, expired, unknown, repeats, drops, handset_repeats } =
            self;
        write!(f, "{runs} runs, {events} events: {delivered} delivered, {accepted} accepted, {failed} failed, ")?;
        write!(f, "{expired} expired, {unknown} unknown; {drops} links lost, {repeats} segments accepted twice, ")?;
        write!(f, "{handset_repeats} seen twice")
    }
}
