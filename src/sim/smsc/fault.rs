//! What can go wrong, by name, and when it does.

use crate::codec::smpp::{CommandStatus, MessageState};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

/// Receipts that `receipt_states` sends at most.
pub(super) const STATES_MAX: usize = 4;

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Refuse(CommandStatus),
    /// One of these, by chance.
    RefuseOneOf(Arc<[CommandStatus]>),
    Delay(Duration),
    Silent {
        accept: bool,
    },
    AnswerTwice,
    Shuffle {
        within: usize,
    },
    Twist(Twist),
    ReceiptFirst,
    ReceiptLate(Duration),
    Receipts(u8),
    ReceiptState(MessageState),
    /// One after the other, whether they contradict or not.
    ReceiptStates([Option<MessageState>; STATES_MAX]),
    Link {
        fault: LinkFault,
        accept: bool,
    },
    Bind(BindFault),
}

/// What is wrong with an answer itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twist {
    /// generic_nack comes instead.
    Nack,
    /// Before it comes one to a request that nobody made.
    Stray,
    /// It accepts and names no message.
    Nameless,
    /// It names the message before.
    NameAgain,
}

/// What goes wrong with a connection rather than with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkFault {
    /// FIN, without an answer.
    Close,
    /// RST, without an answer.
    Reset,
    /// Half of the answer, then FIN.
    Cut,
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
    /// unbind from the SMSC, on every connection.
    UnbindAll,
    /// FIN on every connection.
    CloseAll,
    /// Nothing is read any more.
    Stall,
    /// Nothing is written any more.
    HalfOpen,
    /// enquire_link is not answered any more.
    NoEnquire,
}

/// What goes wrong with a bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindFault {
    /// It is refused.
    Refuse(CommandStatus),
    /// It is never answered.
    Silent,
    /// FIN, without an answer.
    Close,
}

/// A fault and when it comes.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) kind: Kind,
    pub(super) fault: Fault,
    pub(super) at: Vec<u64>,
    pub(super) every: Option<u64>,
    pub(super) probability: f64,
    pub(super) count: u64,
    /// Submits, or binds, that it looks at.
    pub(super) within: RangeInclusive<u64>,
    pub(super) destination: Option<Vec<u8>>,
    pub(super) per_destination: bool,
}

macro_rules! kinds {
    ($($kind:ident = $name:literal: $does:literal,)*) => {
        /// A fault by its name in scripts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $(#[doc = $does] $kind,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// As scripts have it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)*
                }
            }

            /// What the SMSC does, in words.
            pub const fn does(self) -> &'static str {
                match self {
                    $(Self::$kind => $does,)*
                }
            }
        }
    };
}

kinds! {
    Throttle = "throttle": "refuses with 0x58 ESME_RTHROTTLED",
    QueueFull = "queue_full": "refuses with 0x14 ESME_RMSGQFUL",
    SystemError = "system_error": "refuses with 0x08 ESME_RSYSERR",
    InvalidDestination = "invalid_destination": "refuses with 0x0B ESME_RINVDSTADR",
    Refuse = "refuse": "refuses with a status of the script",
    Delay = "delay": "answers late",
    Silent = "silent": "never answers",
    AnswerTwice = "answer_twice": "answers twice",
    Shuffle = "shuffle": "gathers answers and gives them in another order",
    Nack = "nack": "answers with generic_nack",
    StrayAnswer = "stray_answer": "sends an answer that nobody waits for, then the right one",
    NoId = "no_id": "accepts without a message id",
    SameId = "same_id": "accepts with the message id of the submit before",
    ReceiptFirst = "receipt_first": "sends the receipt before the answer",
    ReceiptLate = "receipt_late": "sends the receipt late",
    ReceiptTwice = "receipt_twice": "sends the receipt twice",
    NoReceipt = "no_receipt": "never sends the receipt",
    ReceiptState = "receipt_state": "reports another end",
    ReceiptStates = "receipt_states": "sends several receipts, whether they contradict or not",
    Close = "close": "ends the connection with FIN, without an answer",
    Reset = "reset": "ends the connection with RST, without an answer",
    Cut = "cut": "sends half of the answer, then FIN",
    Garbage = "garbage": "answers, then sends octets that are no PDU",
    BrokenBody = "broken_body": "answers, then sends a PDU that ends early",
    ShortLength = "short_length": "answers, then sends a command_length of 0",
    LongLength = "long_length": "answers, then sends a command_length of 2^31",
    UnknownCommand = "unknown_command": "answers, then sends a request that nobody knows",
    Unbind = "unbind": "answers, then sends unbind",
    UnbindAll = "unbind_all": "answers, then sends unbind on every connection",
    CloseAll = "close_all": "answers, then ends every connection with FIN",
    Stall = "stall": "answers, then reads no more",
    HalfOpen = "half_open": "reads on, but never writes again",
    NoEnquire = "no_enquire": "answers everything but enquire_link from then on",
    RefuseBind = "refuse_bind": "refuses the bind",
    SilentBind = "silent_bind": "never answers the bind",
    CloseBind = "close_bind": "ends the connection instead of answering the bind",
}

/// A few kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u64);

impl Kinds {
    pub(super) fn add(&mut self, kind: Kind) {
        self.0 |= 1 << kind as u32;
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.iter().copied().filter(move |kind| self.0 & (1 << *kind as u32) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_bit_for_each_kind() {
        assert!(Kind::ALL.len() <= 64);
        let mut kinds = Kinds::default();
        kinds.add(Kind::Throttle);
        kinds.add(Kind::CloseBind);
        assert_eq!(kinds.iter().collect::<Vec<_>>(), [Kind::Throttle, Kind::CloseBind]);
    }
}
