//! What a subscriber wants done with its events.

use super::{Coalesce, EventTypes, FieldName};
use std::num::NonZeroU8;
use std::str::FromStr;
use std::time::Duration;

/// A subscription's policy. Every combination of values is legal; ranges are checked in [`Policy::check`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How long the first event of a push waits for company; zero sends at once.
    pub batch_window: Duration,
    /// Events per push; 0 for no limit.
    pub max_events: u32,
    /// Segments per push; an event that alone needs more is handled by `overflow`.
    pub max_segments: NonZeroU8,
    /// Whether a push waits for the answers to the one before.
    pub order: Order,
    /// How long after its arrival an event is still worth sending; zero for ever.
    pub ttl: Duration,
    /// What becomes of an event that needs more than `max_segments`.
    pub overflow: Overflow,
    /// What a push says of its events.
    pub content: Content,
    /// Which events have an id in a push.
    pub ids: Ids,
    /// Which receipts are asked for.
    pub receipts: Receipts,
    /// Whose turn it is when several handsets wait, and what the SMSC is told of it.
    pub priority: Priority,
    /// What becomes of events while a budget is used up.
    pub at_limit: AtLimit,
    /// Which events are wanted; the others end as filtered.
    pub types: EventTypes,
    /// Which events that wait end as coalesced when a later one comes.
    pub coalesce: Coalesce,
}

impl Policy {
    /// Longest batch window: beyond it a push proxy is a mailbox.
    pub const MAX_BATCH_WINDOW: Duration = Duration::from_secs(24 * 3600);
    /// Longest time to live. A relative validity_period counts days without ambiguity up to here.
    pub const MAX_TTL: Duration = Duration::from_secs(28 * 24 * 3600);

    /// Checks the ranges.
    ///
    /// # Errors
    /// Names the field, its value and what is allowed.
    pub fn check(&self) -> Result<(), PolicyError> {
        if self.batch_window > Self::MAX_BATCH_WINDOW {
            return Err(PolicyError::BatchWindow(self.batch_window));
        }
        if self.ttl > Self::MAX_TTL || (self.ttl > Duration::ZERO && self.ttl < Duration::from_secs(1)) {
            return Err(PolicyError::Ttl(self.ttl));
        }
        Ok(())
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            batch_window: Duration::ZERO,
            max_events: 0,
            max_segments: NonZeroU8::MIN.saturating_add(2),
            order: Order::Strict,
            ttl: Duration::from_secs(3600),
            overflow: Overflow::Notify,
            content: Content::All,
            ids: Ids::Origin,
            receipts: Receipts::All,
            priority: Priority::Normal,
            at_limit: AtLimit::Hold,
            types: EventTypes::default(),
            coalesce: Coalesce::None,
        }
    }
}

/// A policy's value outside its range.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// The batch window.
    #[error("batch_window {0:?} exceeds 24h")]
    BatchWindow(Duration),
    /// The time to live.
    #[error("ttl {0:?} is neither 0 nor from 1s to 28days")]
    Ttl(Duration),
    /// A type that no event has.
    #[error("types: {0:?} is not from 1 to {max} octets without CR, LF and NUL", max = EventTypes::MAX_OCTETS)]
    EventType(String),
    /// Too many types.
    #[error("types: more than {max}", max = EventTypes::MAX)]
    EventTypes,
    /// The name of a member that events are coalesced by.
    #[error("coalesce: the field {0:?} is not from 1 to {max} octets of printable ASCII", max = FieldName::MAX_OCTETS)]
    Field(String),
    /// A word that names no choice.
    #[error("{field} {value:?} is none of {allowed}")]
    Word {
        /// The field.
        field: &'static str,
        /// What was written.
        value: String,
        /// What could have been.
        allowed: &'static str,
    },
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $field:literal, $allowed:literal, $($(#[$case_doc:meta])* $case:ident = $word:literal,)+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$case_doc])* $case,)+
        }

        impl $name {
            /// Every word, in the order of the choices.
            pub const WORDS: &'static [&'static str] = &[$($word,)+];

            /// The word for it in configuration and API.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$case => $word,)+
                }
            }
        }

        impl FromStr for $name {
            type Err = PolicyError;

            fn from_str(text: &str) -> Result<Self, PolicyError> {
                match text {
                    $($word => Ok(Self::$case),)+
                    _ => Err(PolicyError::Word { field: $field, value: text.to_owned(), allowed: $allowed }),
                }
            }
        }
    };
}

words! {
    /// Order of pushes to one handset.
    Order, "order", "strict, pipelined",
    /// At most one push per handset awaits its responses.
    Strict = "strict",
    /// Many in flight; refused ones go again before anything new.
    Pipelined = "pipelined",
}

words! {
    /// What becomes of an event too long for `max_segments`.
    Overflow, "overflow", "notify, drop, split",
    /// Its type and id are sent with empty data, so that the application fetches it by HTTP.
    Notify = "notify",
    /// It is dropped and counted.
    Drop = "drop",
    /// It goes alone and whole, in as many segments as it needs; one that needs more than the 255 that concatenation
    /// has goes as with [`Overflow::Notify`].
    Split = "split",
}

words! {
    /// What a push says of its events.
    Content, "content", "all, wake",
    /// Everything.
    All = "all",
    /// Only that there are some, and the id of the newest: one push for all that wait, so that the application fetches
    /// them by HTTP.
    Wake = "wake",
}

words! {
    /// Which events have an id in a push.
    Ids, "ids", "origin, all",
    /// Those that their origin gave one.
    Origin = "origin",
    /// Every one: where the origin gave none it is an [`OwnId`](super::OwnId).
    All = "all",
}

words! {
    /// Which segments ask the SMSC for a delivery receipt.
    Receipts, "receipts", "all, last, sample, none",
    /// Every segment.
    All = "all",
    /// The last segment of a push, which stands for the others.
    Last = "last",
    /// The segments of some pushes, which stand for the others.
    Sample = "sample",
    /// None: an accepted event is final.
    None = "none",
}

words! {
    /// Whose turn it is when several handsets wait, and the priority_flag of SMPP v3.4 §5.2.14 in GSM networks.
    Priority, "priority", "low, normal, high, urgent",
    /// After all others: 0.
    Low = "low",
    /// As most: 1.
    Normal = "normal",
    /// Before most: 2.
    High = "high",
    /// Before all others: 3.
    Urgent = "urgent",
}

words! {
    /// What becomes of events while a budget is used up.
    AtLimit, "at_limit", "hold, drop, notify",
    /// They wait until there is something left of it, or their time to live is over.
    Hold = "hold",
    /// They are dropped and counted.
    Drop = "drop",
    /// One push says that there are some; then they wait as with [`AtLimit::Hold`].
    Notify = "notify",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_policy_is_legal_and_words_are_read_back() {
        assert_eq!(Policy::default().check(), Ok(()));
        for order in [Order::Strict, Order::Pipelined] {
            assert_eq!(order.as_str().parse(), Ok(order));
        }
        for overflow in [Overflow::Notify, Overflow::Drop, Overflow::Split] {
            assert_eq!(overflow.as_str().parse(), Ok(overflow));
            assert_eq!(Overflow::WORDS[overflow as usize], overflow.as_str());
        }
        for receipts in [Receipts::All, Receipts::Last, Receipts::Sample, Receipts::None] {
            assert_eq!(receipts.as_str().parse(), Ok(receipts));
        }
        for priority in [Priority::Low, Priority::Normal, Priority::High, Priority::Urgent] {
            assert_eq!(priority.as_str().parse(), Ok(priority));
            assert_eq!(Priority::WORDS[priority as usize], priority.as_str());
        }
        for at_limit in [AtLimit::Hold, AtLimit::Drop, AtLimit::Notify] {
            assert_eq!(at_limit.as_str().parse(), Ok(at_limit));
        }
        let error = "fifo".parse::<Order>().unwrap_err();
        assert_eq!(error.to_string(), r#"order "fifo" is none of strict, pipelined"#);
    }

    #[test]
    fn values_out_of_range_are_named() {
        let policy = Policy { ttl: Duration::from_secs(29 * 24 * 3600), ..Policy::default() };
        assert!(policy.check().unwrap_err().to_string().contains("28days"));
        let policy = Policy { batch_window: Duration::from_secs(90_000), ..Policy::default() };
        assert!(policy.check().unwrap_err().to_string().contains("24h"));
        let policy = Policy { ttl: Duration::from_millis(10), ..Policy::default() };
        assert!(policy.check().is_err());
    }
}
