//! A handset's engine, and the line it stands in.

use bellwire::codec::segments::{Payload, ReferenceWidth};
use bellwire::codec::sse::EventsBuilder;
use bellwire::codec::udh::Ports;
use bellwire::engine::chunk::Chunk;
use bellwire::engine::clock::Now;
use bellwire::engine::envelope::{self, SenderSettings, push_template};
use bellwire::engine::handset::{Handset, Memo, Place};
use bellwire::engine::subscription::{Backlog, BacklogRule, Subscription};
use bellwire::engine::tally::Tally;
use bellwire::model::{ApplicationId, Policy, Profile, SubscriptionId};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub const WIDTH: ReferenceWidth = ReferenceWidth::Bits8;

/// A handset with one subscription.
pub struct Phone {
    pub number: String,
    pub engine: Handset,
    place: Place,
    /// Events given so far.
    pub fed: u64,
    pub in_line: bool,
}

impl Phone {
    pub fn new(index: usize, policy: Policy) -> Self {
        let number = format!("155555501{index:02}");
        let sender = SenderSettings {
            service_type: String::new(),
            source_address: "12345".into(),
            source_ton: 3,
            source_npi: 1,
            dest_ton: 1,
            dest_npi: 1,
            data_coding: 4,
            reference_width: WIDTH,
            references: None,
            payload: Payload::Udh,
        };
        let addressing = envelope::addressing(&sender, Ports { destination: 2948, source: 9200 }).unwrap();
        let mut engine = Handset::new(index as u64, Arc::new(addressing), &number.parse().unwrap(), Memo::default());
        let envelope = push_template(Profile::Standard, &ApplicationId::default()).unwrap();
        let backlog = Backlog { limit: 1 << 20, rule: BacklogRule::DropOldest };
        let id = SubscriptionId::from_octets([index as u8 + 1; 16]);
        let place = engine.insert(Subscription::new(id, policy, envelope, WIDTH, 0, backlog));
        Self { number, engine, place, fed: 0, in_line: false }
    }

    /// Gives it `count` events whose data is their number, filled up to so many octets.
    pub fn feed(&mut self, now: Now, count: u64, octets: usize, tally: &mut Tally) {
        let mut events = EventsBuilder::new();
        for number in self.fed..self.fed + count {
            let data = format!("{number} {}", "x".repeat(octets));
            events.push(b"", data.as_bytes(), number.to_string().as_bytes()).unwrap();
        }
        let chunk = Arc::new(Chunk::new(events.finish(), self.fed, now, None, None));
        self.fed += count;
        self.engine.handle_chunk(now, self.place, &chunk, tally);
    }
}

/// Who waits for a link, in order, and who comes later.
#[derive(Default)]
pub struct Line {
    ready: std::collections::VecDeque<usize>,
    later: BTreeMap<(Duration, usize), ()>,
}

impl Line {
    /// Puts a phone in line if it has something to send, or will have.
    pub fn offer(&mut self, at: usize, phone: &mut Phone, now: Now) {
        if phone.engine.is_ready(now) {
            if !std::mem::replace(&mut phone.in_line, true) {
                self.ready.push_back(at);
            }
        } else if let Some(due) = phone.engine.poll_timeout() {
            self.later.insert((due.max(now.monotonic + Duration::from_micros(1)), at), ());
        }
    }

    pub fn next(&mut self) -> Option<usize> {
        self.ready.pop_front()
    }

    /// Those whose time has come.
    pub fn due(&mut self, now: Duration) -> Vec<usize> {
        let later = self.later.split_off(&(now + Duration::from_nanos(1), 0));
        std::mem::replace(&mut self.later, later).into_keys().map(|(_, at)| at).collect()
    }

    pub fn poll_timeout(&self) -> Option<Duration> {
        self.later.first_key_value().map(|((at, _), ())| *at)
    }
}
