//! What an SMSC does wrong, decided: a function of seed, script and the order of messages. No time, no I/O.

use super::super::chance;
use super::script::FaultScript;
use crate::codec::smpp::{CommandStatus, MessageState};
use std::collections::HashMap;
use std::time::Duration;

/// Destinations whose messages one rule counts; beyond that it starts to count anew.
const DESTINATIONS_MAX: usize = 1 << 16;

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Refuse(CommandStatus),
    Delay(Duration),
    Silent { accept: bool },
    AnswerTwice,
    Shuffle { within: usize },
    ReceiptFirst,
    ReceiptLate(Duration),
    Receipts(u8),
    ReceiptState(MessageState),
    Link { fault: LinkFault, accept: bool },
    RefuseBind(CommandStatus),
}

/// What goes wrong with a connection rather than with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkFault {
    /// FIN, without an answer.
    Close,
    /// RST, without an answer.
    Reset,
    /// Octets that are no PDU.
    Garbage,
    /// A PDU whose body ends early.
    BrokenBody,
    /// command_length 0.
    ShortLength,
    /// command_length 2³¹.
    LongLength,
    /// A request that nobody knows.
    UnknownCommand,
    /// unbind from the SMSC.
    Unbind,
    /// Nothing is read any more.
    Stall,
    /// Nothing is written any more.
    HalfOpen,
    /// enquire_link is not answered any more.
    NoEnquire,
}

/// A fault and when it comes.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) fault: Fault,
    pub(super) at: Vec<u64>,
    pub(super) every: Option<u64>,
    pub(super) probability: f64,
    pub(super) count: u64,
    pub(super) destination: Option<Vec<u8>>,
    pub(super) per_destination: bool,
}

/// What is to be done with one submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The status of the answer.
    pub status: CommandStatus,
    /// How the answer is given.
    pub answer: Answer,
    /// Whether the message is taken; a refused one never is.
    pub accept: bool,
    /// The receipt, if one is asked for.
    pub receipt: ReceiptPlan,
    /// What happens to the connection afterwards.
    pub link: Option<LinkFault>,
}

/// How an answer is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// At once.
    Now,
    /// At once, and again.
    Twice,
    /// Late.
    After(Duration),
    /// With others, in another order, once there are so many.
    Shuffled(usize),
    /// Not at all.
    Never,
}

/// How a receipt is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptPlan {
    /// What became of the message.
    pub state: MessageState,
    /// From acceptance to the receipt.
    pub delay: Duration,
    /// How often it is sent.
    pub copies: u8,
    /// Before the answer.
    pub first: bool,
}

/// Decides.
#[derive(Debug)]
pub struct Faults {
    seed: u64,
    delay: Duration,
    rules: Vec<Counted>,
}

#[derive(Debug)]
struct Counted {
    rule: Rule,
    /// Its own seed.
    seed: u64,
    all: Count,
    by_destination: HashMap<u64, Count>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    /// Messages that the rule looked at.
    seen: u64,
    /// Messages that the fault still lasts for.
    left: u64,
}

impl Faults {
    /// The faults of `script`, with chance from `seed`.
    pub fn new(seed: u64, script: &FaultScript) -> Self {
        let counted = |(index, rule): (usize, &Rule)| Counted {
            rule: rule.clone(),
            seed: chance::draw(seed, index as u64),
            all: Count::default(),
            by_destination: HashMap::new(),
        };
        let rules = script.rules.iter().enumerate().map(counted).collect();
        Self { seed, delay: script.receipts.delay, rules }
    }

    /// What is to be done with submit `n`, from 1 over all connections, to `destination`.
    pub fn decide(&mut self, n: u64, destination: &[u8]) -> Decision {
        let mut decision = Decision::right(self.delay);
        // In reverse, so that of two faults of the same kind the first has the last word.
        for counted in self.rules.iter_mut().rev() {
            if !matches!(counted.rule.fault, Fault::RefuseBind(_)) && counted.strikes(n, destination) {
                decision.spoil(counted.rule.fault);
            }
        }
        decision.accept &= decision.status.is_ok();
        decision
    }

    /// How bind `n`, from 1 over all connections, is answered.
    pub fn decide_bind(&mut self, n: u64) -> CommandStatus {
        let mut status = CommandStatus::OK;
        for counted in self.rules.iter_mut().rev() {
            if let Fault::RefuseBind(refusal) = counted.rule.fault
                && counted.strikes(n, b"")
            {
                status = refusal;
            }
        }
        status
    }

    /// The order in which `count` answers are given that were gathered up to submit `n`: never as they came, if there
    /// are two or more.
    pub fn shuffled(&self, n: u64, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        let seed = chance::draw(self.seed, n);
        for last in (1..count).rev() {
            order.swap(last, (chance::draw(seed, last as u64) % (last as u64 + 1)) as usize);
        }
        if order.is_sorted() {
            order.reverse();
        }
        order
    }
}

impl Counted {
    fn strikes(&mut self, n: u64, destination: &[u8]) -> bool {
        let Self { rule, seed, all, by_destination } = self;
        if rule.destination.as_ref().is_some_and(|only| only != destination) {
            return false;
        }
        let place = chance::hash(destination);
        let (count, n) = if rule.per_destination {
            if by_destination.len() >= DESTINATIONS_MAX && !by_destination.contains_key(&place) {
                by_destination.clear();
            }
            let count = by_destination.entry(place).or_default();
            count.seen += 1;
            let n = count.seen;
            (count, n)
        } else {
            (all, n)
        };
        let by_number = rule.at.contains(&n) || rule.every.is_some_and(|every| n.is_multiple_of(every));
        let draw_at = if rule.per_destination { place ^ n } else { n };
        if count.left == 0 && (by_number || chance::happens(rule.probability, *seed, draw_at)) {
            count.left = rule.count;
        }
        let strikes = count.left > 0;
        count.left = count.left.saturating_sub(1);
        strikes
    }
}

impl Decision {
    /// Nothing goes wrong.
    fn right(delay: Duration) -> Self {
        Self {
            status: CommandStatus::OK,
            answer: Answer::Now,
            accept: true,
            receipt: ReceiptPlan { state: MessageState::DELIVERED, delay, copies: 1, first: false },
            link: None,
        }
    }

    /// Whether anything goes wrong.
    pub fn is_fault(&self) -> bool {
        *self != Self::right(self.receipt.delay)
    }

    fn spoil(&mut self, fault: Fault) {
        match fault {
            Fault::Refuse(status) => self.status = status,
            Fault::Delay(delay) => self.answer = Answer::After(delay),
            Fault::Silent { accept } => (self.answer, self.accept) = (Answer::Never, accept),
            Fault::AnswerTwice => self.answer = Answer::Twice,
            Fault::Shuffle { within } => self.answer = Answer::Shuffled(within),
            Fault::ReceiptFirst => self.receipt.first = true,
            Fault::ReceiptLate(delay) => self.receipt.delay = delay,
            Fault::Receipts(copies) => self.receipt.copies = copies,
            Fault::ReceiptState(state) => self.receipt.state = state,
            Fault::Link { fault, accept } => {
                self.link = Some(fault);
                if matches!(fault, LinkFault::Close | LinkFault::Reset) {
                    (self.answer, self.accept) = (Answer::Never, accept);
                }
            }
            Fault::RefuseBind(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(script: &str) -> Faults {
        Faults::new(7, &script.parse().unwrap())
    }

    fn struck(faults: &mut Faults, submits: u64) -> Vec<u64> {
        (1..=submits).filter(|n| faults.decide(*n, b"1555").is_fault()).collect()
    }

    #[test]
    fn without_a_script_nothing_goes_wrong() {
        assert!(struck(&mut faults(""), 1_000).is_empty());
        assert_eq!(faults("").decide_bind(1), CommandStatus::OK);
    }

    #[test]
    fn a_fault_comes_when_the_script_says_and_as_often() {
        let mut burst = faults("[[fault]]\nkind = \"throttle\"\nat = [3, 10]\ncount = 2");
        assert_eq!(struck(&mut burst, 20), [3, 4, 10, 11]);
        let mut regular = faults("[[fault]]\nkind = \"silent\"\nevery = 8");
        assert_eq!(struck(&mut regular, 20), [8, 16]);
    }

    #[test]
    fn the_same_seed_and_script_decide_alike() {
        let script = "[[fault]]\nkind = \"throttle\"\nprobability = 0.1\n[[fault]]\nkind = \"delay\"\ndelay = \"1s\"\nprobability = 0.1";
        let decided = |seed| {
            let mut faults = Faults::new(seed, &script.parse().unwrap());
            (1..500).map(|n| faults.decide(n, b"1")).collect::<Vec<_>>()
        };
        assert_eq!(decided(1), decided(1));
        assert_ne!(decided(1), decided(2));
    }

    #[test]
    fn faults_of_different_kind_add_up_and_the_first_of_a_kind_holds() {
        let mut faults = faults(
            "[[fault]]\nkind = \"system_error\"\nat = 1\n[[fault]]\nkind = \"throttle\"\nat = 1\n[[fault]]\nkind = \"delay\"\ndelay = \"5ms\"\nat = 1",
        );
        let decision = faults.decide(1, b"1");
        assert_eq!(decision.status, CommandStatus::SYSERR);
        assert_eq!(decision.answer, Answer::After(Duration::from_millis(5)));
        assert!(!decision.accept);
    }

    #[test]
    fn destinations_can_be_counted_one_by_one() {
        let mut faults = faults("[[fault]]\nkind = \"queue_full\"\nat = 2\nper_destination = true");
        let mut status = |n, destination: &[u8]| faults.decide(n, destination).status;
        assert_eq!(status(1, b"a"), CommandStatus::OK);
        assert_eq!(status(2, b"b"), CommandStatus::OK);
        assert_eq!(status(3, b"b"), CommandStatus::MSGQFUL);
        assert_eq!(status(4, b"a"), CommandStatus::MSGQFUL);
        assert_eq!(status(5, b"a"), CommandStatus::OK);
    }

    #[test]
    fn only_the_destination_that_is_named_is_refused() {
        let mut faults = faults("[[fault]]\nkind = \"invalid_destination\"\nprobability = 1\ndestination = \"1555\"");
        assert_eq!(faults.decide(1, b"1555").status, CommandStatus::INVDSTADR);
        assert_eq!(faults.decide(2, b"1556").status, CommandStatus::OK);
    }

    #[test]
    fn a_connection_dropped_before_acceptance_takes_no_message() {
        let mut faults =
            faults("[[fault]]\nkind = \"reset\"\nat = 1\naccept = false\n[[fault]]\nkind = \"close\"\nat = 2");
        let before = faults.decide(1, b"1");
        assert_eq!((before.link, before.answer, before.accept), (Some(LinkFault::Reset), Answer::Never, false));
        let after = faults.decide(2, b"1");
        assert_eq!((after.link, after.answer, after.accept), (Some(LinkFault::Close), Answer::Never, true));
    }

    #[test]
    fn binds_are_counted_on_their_own() {
        let mut faults = faults("[[fault]]\nkind = \"refuse_bind\"\nat = 1\ncount = 2\nstatus = 15");
        assert!(!faults.decide(1, b"1").is_fault());
        let answers = [1, 2, 3].map(|n| faults.decide_bind(n));
        assert_eq!(answers, [CommandStatus::INVSYSID, CommandStatus::INVSYSID, CommandStatus::OK]);
    }

    #[test]
    fn a_shuffled_order_is_another_and_complete() {
        let faults = faults("");
        for (n, count) in (0..50).flat_map(|n| (2..6).map(move |count| (n, count))) {
            let mut order = faults.shuffled(n, count);
            assert!(!order.is_sorted(), "{n} {count}");
            order.sort_unstable();
            assert_eq!(order, (0..count).collect::<Vec<_>>());
        }
    }
}
