//! What became of every event, by what the SMSC accepted: what is missing, what came again, what came out of order.
//!
//! A segment that came again is charged to the life of the router in which it had been accepted before: the kill that
//! ended that life is why. The same octets again are one repeat; events that come again in other octets make a repeat of
//! every segment of the push that had brought them.

use crate::origin::{Log, place};
use bellwire::sim::Event;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

/// Examples of what is wrong that are kept.
const EXAMPLES: usize = 10;

/// One subscription's events, in the order of the origin.
#[derive(Debug)]
struct Track {
    strict: bool,
    /// Whether the origin itself repeats: then only loss counts.
    replays: bool,
    /// The push that brought each event last.
    brought_by: Vec<Option<usize>>,
    arrived: usize,
    /// One more than the furthest that arrived.
    furthest: usize,
}

#[derive(Debug)]
struct Push {
    segments: u64,
    life: usize,
    repeated: bool,
}

/// The account of one run. Lives count from 0.
#[derive(Debug, Default)]
pub struct Account {
    tracks: BTreeMap<(String, usize), Track>,
    pushes: Vec<Push>,
    /// Segments by a hash of destination and octets: the life in which each was accepted last.
    segments: HashMap<u64, usize>,
    /// By life, how many of its accepted segments came again in a later one.
    repeats: Vec<u64>,
    wrong: Vec<String>,
    wrongs: usize,
}

impl Account {
    /// Expects all of `stream` at `number`.
    pub fn expect(&mut self, number: &str, stream: usize, strict: bool, replays: bool) {
        let track = Track { strict, replays, brought_by: Vec::new(), arrived: 0, furthest: 0 };
        self.tracks.insert((number.to_owned(), stream), track);
    }

    /// Counts a segment for `number`; whether it is new. Where the origin itself repeats, the same event may come in the
    /// same octets: there are no more than 256 transaction ids.
    pub fn count_segment(&mut self, number: &str, hash: u64, life: usize) -> bool {
        let mut own = self.tracks.iter().filter(|((to, _), _)| to == number).map(|(_, track)| track);
        if own.all(|track| track.replays) {
            return true;
        }
        let Some(before) = self.segments.insert(hash, life) else { return true };
        self.count_repeats(1, before, life, || "a segment".to_owned());
        false
    }

    /// Counts a push that is whole.
    pub fn count_push(&mut self, number: &str, events: &[Event], segments: u64, life: usize, log: &Log) {
        self.count_events(number, events, segments, life, |stream, index| log.event(stream, index));
    }

    fn count_events(
        &mut self,
        number: &str,
        events: &[Event],
        segments: u64,
        life: usize,
        made: impl Fn(usize, usize) -> Option<Event>,
    ) {
        let push = self.pushes.len();
        self.pushes.push(Push { segments, life, repeated: false });
        for event in events {
            let Some((stream, index)) = place(&event.data).filter(|(stream, index)| made(*stream, *index).is_some())
            else {
                self.complain(|| format!("{number} received what nobody sent: {event:?}"));
                continue;
            };
            let sent = made(stream, index);
            if sent.as_ref() != Some(event) {
                self.complain(|| format!("{number} received {event:?}, sent as {sent:?}"));
            }
            self.count_event(number, stream, index, push);
        }
    }

    fn count_event(&mut self, number: &str, stream: usize, index: usize, push: usize) {
        let Some(track) = self.tracks.get_mut(&(number.to_owned(), stream)) else {
            return self.complain(|| format!("{number} received event {index} of stream {stream}, not its own"));
        };
        if track.brought_by.len() <= index {
            track.brought_by.resize(index + 1, None);
        }
        let before = track.brought_by[index].replace(push);
        let (late, replays) = (track.strict && index < track.furthest, track.replays);
        track.furthest = track.furthest.max(index + 1);
        match before {
            None => {
                track.arrived += 1;
                let furthest = track.furthest - 1;
                if late {
                    self.complain(|| format!("{number} received {stream}#{index} for the first time after {furthest}"));
                }
            }
            Some(before) if !replays => self.count_again(number, (stream, index), before, push),
            Some(_) => {}
        }
    }

    fn count_again(&mut self, number: &str, (stream, index): (usize, usize), before: usize, push: usize) {
        let life = self.pushes[push].life;
        let earlier = &mut self.pushes[before];
        if !std::mem::replace(&mut earlier.repeated, true) {
            let (segments, accepted_in) = (earlier.segments, earlier.life);
            self.count_repeats(segments, accepted_in, life, || format!("{number}: {stream}#{index}"));
        }
    }

    fn count_repeats(&mut self, segments: u64, before: usize, life: usize, what: impl Fn() -> String) {
        if before == life {
            return self.complain(|| format!("{} came twice in life {life}", what()));
        }
        if self.repeats.len() <= before {
            self.repeats.resize(before + 1, 0);
        }
        self.repeats[before] += segments;
    }

    /// Something is wrong whatever else happens.
    pub fn complain(&mut self, what: impl FnOnce() -> String) {
        self.wrongs += 1;
        if self.wrong.len() < EXAMPLES {
            self.wrong.push(what());
        }
    }

    /// Segments accepted in `life` that came again after it.
    pub fn repeats(&self, life: usize) -> u64 {
        self.repeats.get(life).copied().unwrap_or_default()
    }

    /// Whether every subscription has everything, if each stream has so many events.
    pub fn is_complete(&self, made: impl Fn(usize) -> usize) -> bool {
        self.tracks.iter().all(|((_, stream), track)| track.arrived >= made(*stream))
    }

    /// What is wrong, empty if nothing is: altered, foreign, early or unprovoked repeats, and what is lost if each stream
    /// has so many events.
    pub fn wrong(&self, made: impl Fn(usize) -> usize) -> String {
        let mut text = self.wrong.join("\n");
        if self.wrongs > self.wrong.len() {
            let _ = write!(text, "\nand {} more of the kind", self.wrongs - self.wrong.len());
        }
        for ((number, stream), track) in &self.tracks {
            let has = |index: usize| track.brought_by.get(index).is_some_and(Option::is_some);
            let lost: Vec<usize> = (0..made(*stream)).filter(|index| !has(*index)).collect();
            if let Some((first, last)) = lost.first().zip(lost.last()) {
                let some = &lost[..lost.len().min(EXAMPLES)];
                let _ = write!(text, "\n{number} lacks {} of {} events of stream {stream}", lost.len(), made(*stream));
                let _ = write!(text, ", from {first} to {last}: {some:?}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NUMBER: &str = "15555550100";

    fn event(index: usize) -> Event {
        Event { event_type: "message".into(), data: format!("0#{index} x"), id: String::new() }
    }

    fn account() -> Account {
        let mut account = Account::default();
        account.expect(NUMBER, 0, true, false);
        account
    }

    fn take(account: &mut Account, indexes: &[usize], segments: u64, life: usize) {
        let events: Vec<Event> = indexes.iter().map(|index| event(*index)).collect();
        account.count_events(NUMBER, &events, segments, life, |_, index| (index < 9).then(|| event(index)));
    }

    #[test]
    fn what_never_comes_is_lost_by_name() {
        let mut account = account();
        take(&mut account, &[0, 2], 1, 0);
        assert!(!account.is_complete(|_| 4));
        assert!(account.wrong(|_| 4).contains("lacks 2 of 4 events of stream 0, from 1 to 3: [1, 3]"));
        assert_eq!(account.wrong(|_| 1), "");
    }

    #[test]
    fn what_comes_again_is_charged_to_the_life_that_it_came_in_first_and_once_a_push() {
        let mut account = account();
        take(&mut account, &[0, 1], 3, 0);
        take(&mut account, &[0], 1, 1);
        take(&mut account, &[1], 1, 1);
        assert_eq!((account.repeats(0), account.repeats(1)), (3, 0));
        take(&mut account, &[1], 1, 2);
        assert_eq!((account.repeats(0), account.repeats(1)), (3, 1));
        assert!(account.count_segment(NUMBER, 7, 0) && !account.count_segment(NUMBER, 7, 2));
        assert_eq!((account.repeats(0), account.wrong(|_| 2)), (4, String::new()));
    }

    #[test]
    fn a_repeat_without_a_kill_is_wrong() {
        let mut account = account();
        take(&mut account, &[0], 1, 1);
        take(&mut account, &[0], 1, 1);
        assert!(account.wrong(|_| 1).contains("0#0 came twice in life 1"));
    }

    #[test]
    fn order_is_that_of_first_arrivals() {
        let mut account = account();
        take(&mut account, &[0, 1], 1, 0);
        take(&mut account, &[0, 1, 2], 1, 1);
        assert_eq!(account.wrong(|_| 3), "");
        take(&mut account, &[4], 1, 1);
        take(&mut account, &[3], 1, 1);
        assert!(account.wrong(|_| 5).contains("received 0#3 for the first time after 4"));
    }

    #[test]
    fn what_was_altered_or_never_sent_is_told() {
        let mut account = account();
        let altered = Event { id: "7".into(), ..event(0) };
        account.count_events(NUMBER, &[altered, event(9)], 1, 0, |_, index| (index < 9).then(|| event(index)));
        let wrong = account.wrong(|_| 1);
        assert!(wrong.contains("sent as") && wrong.contains("what nobody sent"), "{wrong}");
    }
}
