//! Whatever happens, and whenever the process is killed: each event ends once, what had ended does not go again, and what
//! was open goes again as it was.

use crate::rig::{
    QUEUE_FULL, Rig, SYSTEM_ERROR, THROTTLED, WRONG_NUMBER, Written, data, kind, member, read, screens, subscription,
};
use bellwire::codec::smpp::CommandStatus;
use bellwire::codec::udh::{self, Reference, ReferenceWidth};
use bellwire::codec::wsp;
use bellwire::engine::chunk::Chunk;
use bellwire::engine::progress::{HandsetProgress, Progress, Saved};
use bellwire::model::{Coalesce, DropReason, Order, Outcome, Overflow, Policy, Receipts};
use proptest::prelude::*;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::num::NonZeroU8;
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone, Debug)]
enum Step {
    Feed { events: usize, octets: usize },
    Poll { most: usize },
    Answer { which: usize, how: How },
    Wait { seconds: u64 },
    Save,
    Kill { resend: bool },
}

#[derive(Clone, Copy, Debug)]
enum How {
    Accept,
    Refuse(CommandStatus),
    Lose,
}

fn steps(refusals: bool) -> impl Strategy<Value = Vec<Step>> {
    let refused = prop::sample::select(vec![THROTTLED, QUEUE_FULL, SYSTEM_ERROR, WRONG_NUMBER]).prop_map(How::Refuse);
    let how = match refusals {
        true => prop_oneof![6 => Just(How::Accept), 1 => refused, 1 => Just(How::Lose)].boxed(),
        false => Just(How::Accept).boxed(),
    };
    let step = prop_oneof![
        3 => (1usize..6, prop_oneof![0usize..40, 0usize..300, 300usize..600])
            .prop_map(|(events, octets)| Step::Feed { events, octets }),
        5 => (1usize..8).prop_map(|most| Step::Poll { most }),
        5 => (0usize..8, how).prop_map(|(which, how)| Step::Answer { which, how }),
        1 => (1u64..30).prop_map(|seconds| Step::Wait { seconds }),
        3 => Just(Step::Save),
        1 => any::<bool>().prop_map(move |never| Step::Kill { resend: !refusals || !never }),
    ];
    prop::collection::vec(step, 0..150)
}

fn policies() -> impl Strategy<Value = Policy> {
    let rules = prop::sample::select(vec![Overflow::Notify, Overflow::Drop, Overflow::Split]);
    let said = (prop_oneof![Just(0u64), 30u64..300], rules, screens());
    (0u64..20, 0u32..4, 1u8..4, any::<bool>(), said).prop_map(
        |(window, max_events, segments, strict, (ttl, overflow, (types, coalesce)))| Policy {
            batch_window: Duration::from_secs(window),
            max_events,
            max_segments: NonZeroU8::new(segments).unwrap(),
            order: if strict { Order::Strict } else { Order::Pipelined },
            ttl: Duration::from_secs(ttl),
            overflow,
            receipts: Receipts::None,
            types,
            coalesce,
            ..Policy::default()
        },
    )
}

/// What is on disk.
#[derive(Clone, Default)]
struct Disk {
    progress: Progress,
    handset: HandsetProgress,
    settled: [u64; Outcome::LABELS.len()],
    /// Segments of the pushes that were open and sent.
    open: HashSet<Vec<u8>>,
}

struct House {
    rig: Rig,
    policy: Policy,
    log: Vec<Arc<Chunk>>,
    /// Chunks of the log that an engine that was started again has still to get.
    to_come: VecDeque<Arc<Chunk>>,
    disk: Disk,
    outstanding: VecDeque<Written>,
    /// Segments written by this process, by the name of their push.
    written: HashMap<(u16, u64), Vec<Vec<u8>>>,
    /// Of the last process, if this one is to send them again.
    to_resend: HashSet<Vec<u8>>,
    /// Of the last process, if this one is not to send them again.
    not_to_resend: HashSet<Vec<u8>>,
    accepted: BTreeSet<u64>,
}

impl House {
    fn new(policy: Policy) -> Self {
        // Of 255 references, those that the first of several processes has left on the handset come round.
        let rig = Rig::of_width(policy.clone(), ReferenceWidth::Bits16);
        Self {
            rig,
            policy,
            log: Vec::new(),
            to_come: VecDeque::new(),
            disk: Disk::default(),
            outstanding: VecDeque::new(),
            written: HashMap::new(),
            to_resend: HashSet::new(),
            not_to_resend: HashSet::new(),
            accepted: BTreeSet::new(),
        }
    }

    fn play(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Feed { events, octets } => self.feed(*events, *octets),
                Step::Poll { most } => self.poll(*most),
                Step::Answer { which, how } => self.answer(*which, *how),
                Step::Wait { seconds } => self.rig.advance(Duration::from_secs(*seconds)),
                Step::Save => self.save(),
                Step::Kill { resend } => self.kill(*resend),
            }
        }
    }

    fn feed(&mut self, events: usize, octets: usize) {
        let first = self.rig.fed();
        let said: Vec<_> = (first..first + events as u64).map(|n| (kind(n), data(n, octets), n.to_string())).collect();
        let events: Vec<_> = said.iter().map(|(kind, data, id)| (*kind, data.as_str(), id.as_str())).collect();
        let chunk = self.rig.chunk(&events, None);
        self.log.push(Arc::clone(&chunk));
        self.to_come.push_back(chunk);
        if self.to_come.len() == 1 {
            self.come();
        }
    }

    fn come(&mut self) {
        if let Some(chunk) = self.to_come.pop_front() {
            self.rig.replay(&chunk);
        }
    }

    fn poll(&mut self, most: usize) {
        self.come();
        for _ in 0..most {
            let Some(written) = self.rig.poll_one() else { break };
            let message = written.short_message();
            assert!(!self.not_to_resend.contains(&message), "sent again against the rule");
            self.written.entry(name(&message)).or_default().push(message);
            self.outstanding.push_back(written);
        }
    }

    fn answer(&mut self, which: usize, how: How) {
        let Some(written) = self.outstanding.remove(which % self.outstanding.len().max(1)) else { return };
        match how {
            How::Accept => {
                let seen = self.rig.receive(&written);
                self.accepted.extend(seen.iter().filter_map(|event| event.rsplit('|').next()?.parse::<u64>().ok()));
                self.rig.accept(&written);
            }
            How::Refuse(status) => _ = self.rig.refuse(&written, status),
            How::Lose => self.rig.lose(&written, true),
        }
    }

    fn save(&mut self) {
        let disk = &mut self.disk;
        disk.settled = self.rig.tally.settled;
        let mut changed = false;
        self.rig.handset.save(self.rig.now, &mut |saved| match saved {
            Saved::Subscription(_, progress) => (disk.progress, changed) = (progress, true),
            Saved::Handset(progress) => disk.handset = progress,
        });
        let place = self.rig.place;
        let progress = self.rig.handset.get(place).unwrap().save();
        assert_eq!(disk.progress, progress, "nothing was forgotten");
        if changed {
            let sent = disk.progress.open.iter().filter(|run| run.sent && run.accepted.is_empty());
            let names = sent.flat_map(|run| {
                let first = |n: u64| if run.reference > 0 { 0 } else { run.first + run.events * n };
                (0..run.count).map(move |n| (run.reference, first(n)))
            });
            let written = names.filter_map(|name| self.written.get(&name)).flatten();
            disk.open = written.cloned().collect();
        }
    }

    fn kill(&mut self, resend: bool) {
        let Disk { progress, handset, settled, open } = self.disk.clone();
        self.outstanding.clear();
        self.written.clear();
        (self.to_resend, self.not_to_resend) = if resend { (open, HashSet::new()) } else { (HashSet::new(), open) };
        self.rig.advance(Duration::from_secs(3));
        self.rig.tally.clear();
        self.rig.tally.settled = settled;
        let released = progress.released;
        let one = subscription(self.policy.clone(), ReferenceWidth::Bits16);
        self.rig.restart(one, &(progress, handset), resend);
        self.rig.handset.save(self.rig.now, &mut |saved| match saved {
            Saved::Subscription(..) => panic!("{saved:?} has not changed"),
            Saved::Handset(progress) => self.disk.handset = progress,
        });
        self.to_come = self.log.iter().filter(|chunk| chunk.range().end > released).cloned().collect();
        if !resend {
            self.disk.open.clear();
        }
    }

    /// Lets everything come to its end.
    fn finish(&mut self) {
        for _ in 0..100_000 {
            self.poll(8);
            while !self.outstanding.is_empty() {
                self.answer(0, How::Accept);
            }
            self.rig.advance(Duration::from_millis(500));
            let (pending, outstanding) = self.rig.handset.load();
            if self.to_come.is_empty() && pending == 0 && outstanding == 0 {
                return;
            }
        }
        panic!("it does not come to an end");
    }
}

/// What tells a push from others: its reference, or else its first event.
fn name(message: &[u8]) -> (u16, u64) {
    let (header, rest) = udh::decode(message).unwrap();
    match header.concatenation.map(|part| part.reference()) {
        Some(Reference::Bits8(reference)) => (reference.into(), 0),
        Some(Reference::Bits16(reference)) => (reference, 0),
        None => {
            let events = read(wsp::decode(rest).unwrap().body);
            (0, events[0].rsplit('|').next().unwrap().parse().unwrap())
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_event_ends_exactly_once_however_often_it_is_killed(policy in policies(), steps in steps(true)) {
        let mut house = House::new(policy);
        house.play(&steps);
        house.finish();
        let rig = &mut house.rig;
        prop_assert_eq!(rig.all_settled(), rig.fed());
        prop_assert!(rig.settled(Outcome::Accepted) <= house.accepted.len() as u64);
        let place = rig.place;
        let progress = rig.handset.get(place).unwrap().save();
        prop_assert_eq!(progress, Progress { released: rig.fed(), gap: 0, ..Progress::default() });
    }

    #[test]
    fn every_event_ends_exactly_once_when_it_stops_after_a_kill(policy in policies(), steps in steps(true)) {
        let mut house = House::new(policy);
        house.play(&steps);
        // What has not come yet is nobody's to count but the source's.
        while !house.to_come.is_empty() {
            house.come();
        }
        house.rig.close(DropReason::Deactivated);
        house.rig.abandon();
        prop_assert_eq!(house.rig.all_settled(), house.rig.fed());
    }

    #[test]
    fn with_everything_accepted_every_event_arrives_and_only_what_was_open_again(
        policy in policies(),
        steps in steps(false),
    ) {
        let overflow = if policy.overflow == Overflow::Drop { Overflow::Notify } else { policy.overflow };
        let mut house = House::new(Policy { ttl: Duration::ZERO, overflow, ..policy });
        house.play(&steps);
        house.save();
        let ended: Vec<u64> = (0..house.rig.fed())
            .filter(|seq| {
                let progress = &house.disk.progress;
                *seq < progress.released || progress.ended.iter().any(|range| range.contains(seq))
            })
            .collect();
        house.play(&[Step::Poll { most: 3 }, Step::Answer { which: 1, how: How::Accept }, Step::Kill { resend: true }]);
        let accepted = std::mem::take(&mut house.accepted);
        house.finish();
        prop_assert!(ended.iter().all(|seq| !house.accepted.contains(seq)), "what had ended went again");
        let all: BTreeSet<u64> = &accepted | &house.accepted;
        let rig = &house.rig;
        let needless = rig.settled(Outcome::Filtered) + rig.settled(Outcome::Coalesced);
        prop_assert_eq!(rig.settled(Outcome::Accepted) + needless, rig.fed());
        prop_assert!(all.iter().all(|seq| house.policy.types.wants(kind(*seq).as_bytes())), "filtered before it is sent");
        for seq in (0..rig.fed()).filter(|seq| house.policy.types.wants(kind(*seq).as_bytes()) && !all.contains(seq)) {
            let key = |seq: u64| match &house.policy.coalesce {
                Coalesce::None => (seq, "", 0),
                Coalesce::Latest => (0, "", 0),
                Coalesce::Type => (0, kind(seq), 0),
                Coalesce::Field(name) if name.as_str() == "k" => (0, kind(seq), member(seq)),
                Coalesce::Field(_) => (seq, "", 0),
            };
            prop_assert!(all.range(seq + 1..).any(|later| key(*later) == key(seq)), "{seq} is missing");
        }
        let again: HashSet<&Vec<u8>> = house.written.values().flatten().collect();
        prop_assert!(house.to_resend.iter().all(|message| again.contains(message)), "octet for octet");
    }
}
