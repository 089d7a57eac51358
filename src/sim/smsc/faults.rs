//! What an SMSC does wrong, decided: a function of seed, script and the order of messages. No time, no I/O.

use super::super::chance;
use super::fault::{BindFault, Fault, Kinds, LinkFault, Rule, Twist};
use super::latency::Latency;
use super::script::FaultScript;
use crate::codec::smpp::{CommandStatus, MessageState};
use std::collections::HashMap;
use std::time::Duration;

/// Destinations whose messages one rule counts; beyond that it starts to count anew.
const DESTINATIONS_MAX: usize = 1 << 16;
/// What the seed is mixed with, so that no two kinds of chance are the same.
const ANSWERS: u64 = 0xA45E_0001;
const RECEIPTS: u64 = 0x5EC3_0002;

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
    /// What is wrong with the answer itself.
    pub twist: Option<Twist>,
    /// Which faults of the script struck.
    pub kinds: Kinds,
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
    /// Others that follow, each as long after the one before as the first after acceptance.
    pub then: [Option<MessageState>; 3],
}

/// Decides.
#[derive(Debug)]
pub struct Faults {
    seed: u64,
    answers: Latency,
    receipts: Latency,
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
        Self { seed, answers: script.latency.answer, receipts: script.latency.receipt, rules }
    }

    /// What is to be done with submit `n`, from 1 over all connections, to `destination`.
    pub fn decide(&mut self, n: u64, destination: &[u8]) -> Decision {
        let answer = self.answers.draw(self.seed ^ ANSWERS, n);
        let mut decision = Decision::right(answer, answer + self.receipts.draw(self.seed ^ RECEIPTS, n));
        // In reverse, so that of two faults of the same kind the first has the last word.
        for counted in self.rules.iter_mut().rev() {
            if !matches!(counted.rule.fault, Fault::Bind(_)) && counted.strikes(n, destination) {
                decision.kinds.add(counted.rule.kind);
                decision.spoil(&counted.rule.fault, counted.seed, n);
            }
        }
        // Who answers well has taken the message, whatever another fault would have had him do.
        decision.accept |= decision.answer != Answer::Never;
        decision.accept &= decision.status.is_ok();
        decision
    }

    /// What is wrong with bind `n`, from 1 over all connections.
    pub fn decide_bind(&mut self, n: u64) -> Option<BindFault> {
        let mut decided = None;
        for counted in self.rules.iter_mut().rev() {
            if let Fault::Bind(fault) = counted.rule.fault
                && counted.strikes(n, b"")
            {
                decided = Some(fault);
            }
        }
        decided
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
        if !rule.within.contains(&n) {
            return false;
        }
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
    fn right(answer: Duration, receipt: Duration) -> Self {
        let delivered = MessageState::DELIVERED;
        Self {
            status: CommandStatus::OK,
            answer: if answer.is_zero() { Answer::Now } else { Answer::After(answer) },
            accept: true,
            receipt: ReceiptPlan { state: delivered, delay: receipt, copies: 1, first: false, then: [None; 3] },
            link: None,
            twist: None,
            kinds: Kinds::default(),
        }
    }

    /// Whether the script has a fault for it.
    pub fn is_fault(&self) -> bool {
        !self.kinds.is_empty()
    }

    /// Refuses in good order, whatever was decided: what the script makes of a message is for those that are let in.
    pub(super) fn refuse(&mut self, status: CommandStatus) {
        let answer = match self.answer {
            late @ Answer::After(_) => late,
            _ => Answer::Now,
        };
        (self.status, self.answer, self.accept) = (status, answer, false);
        (self.link, self.twist, self.kinds) = (None, None, Kinds::default());
    }

    fn spoil(&mut self, fault: &Fault, seed: u64, n: u64) {
        match *fault {
            Fault::Refuse(status) => self.status = status,
            Fault::RefuseOneOf(ref statuses) => {
                let drawn = chance::draw(!seed, n) % statuses.len().max(1) as u64;
                self.status = statuses.get(drawn as usize).copied().unwrap_or(CommandStatus::SYSERR);
            }
            Fault::Delay(delay) => self.answer = Answer::After(delay),
            Fault::Silent { accept } => (self.answer, self.accept) = (Answer::Never, accept),
            Fault::AnswerTwice => self.answer = Answer::Twice,
            Fault::Shuffle { within } => self.answer = Answer::Shuffled(within),
            Fault::Twist(twist) => self.twist = Some(twist),
            Fault::ReceiptFirst => self.receipt.first = true,
            Fault::ReceiptLate(delay) => self.receipt.delay = delay,
            Fault::Receipts(copies) => self.receipt.copies = copies,
            Fault::ReceiptState(state) => self.receipt.state = state,
            Fault::ReceiptStates([first, second, third, fourth]) => {
                self.receipt.state = first.unwrap_or(self.receipt.state);
                self.receipt.then = [second, third, fourth];
            }
            Fault::Link { fault, accept } => {
                self.link = Some(fault);
                if matches!(fault, LinkFault::Close | LinkFault::Reset | LinkFault::Cut) {
                    (self.answer, self.accept) = (Answer::Never, accept);
                }
            }
            Fault::Bind(_) => {}
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
        assert_eq!(faults("").decide_bind(1), None);
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
    fn a_fault_has_its_time_and_a_refusal_its_choice() {
        let mut faults = faults("[[fault]]\nkind = \"refuse\"\nstatuses = [8, 0x45]\nevery = 1\nfrom = 11\nto = 60");
        let statuses: Vec<CommandStatus> = (1..=100).map(|n| faults.decide(n, b"1").status).collect();
        assert!(statuses[..10].iter().chain(&statuses[60..]).all(|status| status.is_ok()));
        let drawn = |only| statuses[10..60].iter().filter(|status| **status == only).count();
        let (errors, failures) = (drawn(CommandStatus::SYSERR), drawn(CommandStatus::SUBMITFAIL));
        assert!(errors + failures == 50 && errors > 10 && failures > 10, "{errors} {failures}");
    }

    #[test]
    fn answers_and_receipts_take_the_time_of_the_script() {
        let mut slow = faults("[latency]\nanswer = \"5ms\"\nreceipt = \"2ms\"");
        let decision = slow.decide(1, b"1");
        assert_eq!(decision.answer, Answer::After(Duration::from_millis(5)));
        assert_eq!((decision.receipt.delay, decision.is_fault()), (Duration::from_millis(7), false));
    }

    #[test]
    fn only_the_destination_that_is_named_is_refused() {
        let mut faults = faults("[[fault]]\nkind = \"invalid_destination\"\nprobability = 1\ndestination = \"1555\"");
        assert_eq!(faults.decide(1, b"1555").status, CommandStatus::INVDSTADR);
        assert_eq!(faults.decide(2, b"1556").status, CommandStatus::OK);
    }

    #[test]
    fn what_is_answered_well_was_accepted() {
        let mut faults = faults(
            "[[fault]]\nkind = \"delay\"\ndelay = \"1s\"\nat = 1\n[[fault]]\nkind = \"silent\"\naccept = false\nat = 1",
        );
        let decision = faults.decide(1, b"1");
        assert_eq!((decision.answer, decision.accept), (Answer::After(Duration::from_secs(1)), true));
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
        let refused = Some(BindFault::Refuse(CommandStatus::INVSYSID));
        assert_eq!([1, 2, 3].map(|n| faults.decide_bind(n)), [refused, refused, None]);
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
