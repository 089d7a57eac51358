//! `[[fault]]`: what goes wrong, and when.

use super::super::fault::{BindFault, Fault, Kind, LinkFault, Rule, STATES_MAX, Twist};
use super::table::{self, Table};
use crate::codec::smpp::{CommandStatus, MessageState};
use std::time::Duration;

/// What `shuffle` gathers when the script does not say.
const WITHIN_DEFAULT: u64 = 4;
/// States as receipts have them.
pub(super) const STATES: [(&str, MessageState); 8] = [
    ("ENROUTE", MessageState::ENROUTE),
    ("DELIVRD", MessageState::DELIVERED),
    ("EXPIRED", MessageState::EXPIRED),
    ("DELETED", MessageState::DELETED),
    ("UNDELIV", MessageState::UNDELIVERABLE),
    ("ACCEPTD", MessageState::ACCEPTED),
    ("UNKNOWN", MessageState::UNKNOWN),
    ("REJECTD", MessageState::REJECTED),
];

/// Reads one; `None` if something is wrong with it, which is noted.
pub(super) fn read(mut table: Table<'_>) -> Option<Rule> {
    let kinds: Vec<(&str, Kind)> = Kind::ALL.iter().map(|kind| (kind.name(), *kind)).collect();
    let kind = table.word("kind", &kinds);
    if kind.is_none() && !table.has("kind") {
        table.refuse("kind is missing");
    }
    let at = table.list("at", "a whole number from 1", |value| table::whole(value).filter(|n| *n > 0));
    let every = table.count("every", 1..=u64::MAX);
    let probability = table.probability("probability");
    let count = table.count("count", 1..=u64::MAX).unwrap_or(1);
    let from = table.count("from", 1..=u64::MAX).unwrap_or(1);
    let to = table.count("to", from..=u64::MAX).unwrap_or(u64::MAX);
    let destination = table.text("destination", 20).map(String::into_bytes);
    let per_destination = table.flag("per_destination").unwrap_or(false);
    if !["at", "every", "probability"].iter().any(|key| table.has(key)) {
        table.refuse("none of at, every and probability says when");
    }
    let fault = kind.and_then(|kind| fault(kind, &mut table));
    if kind.is_some() {
        table.finish();
    }
    let (kind, fault, probability) = (kind?, fault?, probability.unwrap_or(0.0));
    let at = at.unwrap_or_default();
    Some(Rule { kind, fault, at, every, probability, count, within: from..=to, destination, per_destination })
}

fn fault(kind: Kind, table: &mut Table<'_>) -> Option<Fault> {
    let refuse = |status| Some(Fault::Refuse(status));
    let twist = |twist| Some(Fault::Twist(twist));
    let link = |fault| Some(Fault::Link { fault, accept: true });
    match kind {
        Kind::Throttle => refuse(CommandStatus::THROTTLED),
        Kind::QueueFull => refuse(CommandStatus::MSGQFUL),
        Kind::SystemError => refuse(CommandStatus::SYSERR),
        Kind::InvalidDestination => refuse(CommandStatus::INVDSTADR),
        Kind::Refuse => refusal(table),
        Kind::Delay => delay(table).map(Fault::Delay),
        Kind::Silent => Some(Fault::Silent { accept: accept(table) }),
        Kind::AnswerTwice => Some(Fault::AnswerTwice),
        Kind::Shuffle => {
            let within = table.count("within", 2..=1_024).unwrap_or(WITHIN_DEFAULT);
            Some(Fault::Shuffle { within: within as usize })
        }
        Kind::Nack => twist(Twist::Nack),
        Kind::StrayAnswer => twist(Twist::Stray),
        Kind::NoId => twist(Twist::Nameless),
        Kind::SameId => twist(Twist::NameAgain),
        Kind::ReceiptFirst => Some(Fault::ReceiptFirst),
        Kind::ReceiptLate => delay(table).map(Fault::ReceiptLate),
        Kind::ReceiptTwice => Some(Fault::Receipts(2)),
        Kind::NoReceipt => Some(Fault::Receipts(0)),
        Kind::ReceiptState => needed(table, "state", |table| table.word("state", &STATES)).map(Fault::ReceiptState),
        Kind::ReceiptStates => needed(table, "states", states).map(Fault::ReceiptStates),
        Kind::Close | Kind::Reset | Kind::Cut => {
            let fault = match kind {
                Kind::Close => LinkFault::Close,
                Kind::Reset => LinkFault::Reset,
                _ => LinkFault::Cut,
            };
            Some(Fault::Link { fault, accept: accept(table) })
        }
        Kind::Garbage => link(LinkFault::Garbage),
        Kind::BrokenBody => link(LinkFault::BrokenBody),
        Kind::ShortLength => link(LinkFault::ShortLength),
        Kind::LongLength => link(LinkFault::LongLength),
        Kind::UnknownCommand => link(LinkFault::UnknownCommand),
        Kind::Unbind => link(LinkFault::Unbind),
        Kind::UnbindAll => link(LinkFault::UnbindAll),
        Kind::CloseAll => link(LinkFault::CloseAll),
        Kind::Stall => link(LinkFault::Stall),
        Kind::HalfOpen => link(LinkFault::HalfOpen),
        Kind::NoEnquire => link(LinkFault::NoEnquire),
        Kind::RefuseBind => {
            let status = table.status("status").unwrap_or(CommandStatus::INVPASWD);
            Some(Fault::Bind(BindFault::Refuse(status)))
        }
        Kind::SilentBind => Some(Fault::Bind(BindFault::Silent)),
        Kind::CloseBind => Some(Fault::Bind(BindFault::Close)),
    }
}

fn refusal(table: &mut Table<'_>) -> Option<Fault> {
    if table.has("statuses") && !table.has("status") {
        let statuses = table.list("statuses", "a command_status from 1 to 0xFFFFFFFF", table::status)?;
        return Some(Fault::RefuseOneOf(statuses.into()));
    }
    needed(table, "status", |table| table.status("status")).map(Fault::Refuse)
}

fn accept(table: &mut Table<'_>) -> bool {
    table.flag("accept").unwrap_or(true)
}

fn delay(table: &mut Table<'_>) -> Option<Duration> {
    needed(table, "delay", |table| table.duration("delay"))
}

fn states(table: &mut Table<'_>) -> Option<[Option<MessageState>; STATES_MAX]> {
    let words = STATES.map(|(word, _)| word).join(", ");
    let states = table.list("states", &format!("one of {words}"), |value| table::word(value, &STATES))?;
    if states.len() > STATES_MAX {
        table.refuse_key("states", format!("{} states, at most {STATES_MAX} are possible", states.len()));
        return None;
    }
    let mut all = [None; STATES_MAX];
    for (place, state) in all.iter_mut().zip(states) {
        *place = Some(state);
    }
    Some(all)
}

fn needed<T>(table: &mut Table<'_>, key: &'static str, read: impl FnOnce(&mut Table<'_>) -> Option<T>) -> Option<T> {
    if !table.has(key) {
        table.refuse(format!("{key} is missing"));
    }
    read(table)
}
