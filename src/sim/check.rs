//! What became of each event: sent and received compared by type, data and lastEventId.

use super::event::Event;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Events in the order they were sent, to be shared by all numbers that should receive them.
#[derive(Debug)]
pub struct Sequence {
    /// Where each event stands; the same event may be sent more than once.
    places: HashMap<Event, Vec<u32>>,
    /// Whose id is known, so that an altered event is told from one that nobody sent.
    ids: HashMap<String, u32>,
    count: u32,
}

impl Sequence {
    /// The sequence of these events.
    pub fn new(events: impl IntoIterator<Item = Event>) -> Arc<Self> {
        let mut sequence = Self { places: HashMap::new(), ids: HashMap::new(), count: 0 };
        for event in events {
            if !event.id.is_empty() {
                sequence.ids.insert(event.id.clone(), sequence.count);
            }
            sequence.places.entry(event).or_default().push(sequence.count);
            sequence.count += 1;
        }
        Arc::new(sequence)
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Compares, number by number.
#[derive(Debug, Default)]
pub struct Check {
    numbers: HashMap<String, Progress>,
    /// Events for numbers that should receive none.
    strangers: u64,
}

#[derive(Debug)]
struct Progress {
    sequence: Arc<Sequence>,
    arrived: Vec<bool>,
    /// Behind the furthest event that arrived.
    next: u32,
    report: Report,
}

impl Check {
    /// Nothing was sent to anybody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what `number` should receive, once for each number.
    pub fn expect(&mut self, number: impl Into<String>, sequence: Arc<Sequence>) {
        let arrived = vec![false; sequence.len()];
        let report = Report { sent: sequence.len() as u64, ..Report::default() };
        self.numbers.insert(number.into(), Progress { sequence, arrived, next: 0, report });
    }

    /// Takes an event that `number` received; copies that a handset removed are not given here.
    pub fn receive(&mut self, number: &str, event: &Event) {
        match self.numbers.get_mut(number) {
            Some(progress) => progress.receive(event),
            None => self.strangers += 1,
        }
    }

    /// The comparison for one number.
    pub fn of(&self, number: &str) -> Option<Report> {
        self.numbers.get(number).map(Progress::report)
    }

    /// One number.
    pub fn report_of(&self, number: &str) -> Report {
        self.numbers.get(number).map(Progress::report).unwrap_or_default()
    }

    /// All numbers together.
    pub fn report(&self) -> Report {
        let all = self.numbers.values().map(Progress::report);
        all.fold(Report { strange: self.strangers, ..Report::default() }, Report::and)
    }
}

impl Progress {
    fn receive(&mut self, event: &Event) {
        let Some(places) = self.sequence.places.get(event) else {
            match self.sequence.ids.contains_key(&event.id) {
                true => self.report.altered += 1,
                false => self.report.strange += 1,
            }
            return;
        };
        let missing = places.iter().find(|place| self.arrived.get(**place as usize) == Some(&false));
        let Some(place) = missing.copied() else {
            self.report.repeated += 1;
            return;
        };
        if let Some(arrived) = self.arrived.get_mut(place as usize) {
            *arrived = true;
        }
        self.report.arrived += 1;
        if place < self.next {
            self.report.out_of_order += 1;
        }
        self.next = self.next.max(place + 1);
    }

    fn report(&self) -> Report {
        Report { lost: self.report.sent - self.report.arrived, ..self.report }
    }
}

/// What became of the events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// Events that should arrive.
    pub sent: u64,
    /// Events that did, equal to what was sent.
    pub arrived: u64,
    /// Events that did not.
    pub lost: u64,
    /// Events that arrived once more.
    pub repeated: u64,
    /// Events that arrived after a later one.
    pub out_of_order: u64,
    /// Events with a known id and another type or data.
    pub altered: u64,
    /// Events that nobody sent to this number.
    pub strange: u64,
}

impl Report {
    /// Whether every event arrived, and nothing else did; repeated ones are forgiven.
    pub fn is_complete(&self) -> bool {
        self.lost == 0 && self.altered == 0 && self.strange == 0
    }

    fn and(self, other: Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            arrived: self.arrived + other.arrived,
            lost: self.lost + other.lost,
            repeated: self.repeated + other.repeated,
            out_of_order: self.out_of_order + other.out_of_order,
            altered: self.altered + other.altered,
            strange: self.strange + other.strange,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, arrived, lost, repeated, out_of_order, altered, strange } = self;
        write!(
            f,
            "{sent} sent, {arrived} arrived, {lost} lost, {repeated} repeated, {out_of_order} out of order, {altered} \
             altered, {strange} never sent"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, data: &str) -> Event {
        Event { event_type: "message".into(), data: data.into(), id: id.into() }
    }

    fn checked(received: &[Event]) -> Report {
        let mut check = Check::new();
        check.expect("1", Sequence::new(["a", "b", "c"].map(|id| event(id, "x"))));
        received.iter().for_each(|event| check.receive("1", event));
        check.report()
    }

    #[test]
    fn what_arrives_as_sent_is_complete() {
        let report = checked(&["a", "b", "c"].map(|id| event(id, "x")));
        assert_eq!(report, Report { sent: 3, arrived: 3, ..Report::default() });
        assert!(report.is_complete());
    }

    #[test]
    fn each_fault_has_its_own_count() {
        let report = checked(&[event("b", "x"), event("a", "x"), event("a", "x"), event("c", "y"), event("d", "x")]);
        let expected = Report { sent: 3, arrived: 2, lost: 1, repeated: 1, out_of_order: 1, altered: 1, strange: 1 };
        assert_eq!(report, expected);
        assert!(!report.is_complete());
        assert!(report.to_string().starts_with("3 sent, 2 arrived, 1 lost, 1 repeated, 1 out of order, 1 altered"));
    }

    #[test]
    fn equal_events_are_counted_one_by_one() {
        let mut check = Check::new();
        check.expect("1", Sequence::new([event("", "x"), event("", "x")]));
        for _ in 0..3 {
            check.receive("1", &event("", "x"));
        }
        check.receive("2", &event("", "x"));
        let report = Report { sent: 2, arrived: 2, repeated: 1, ..Report::default() };
        assert_eq!(check.of("1"), Some(report));
        assert_eq!(check.report(), Report { strange: 1, ..report });
    }
}
