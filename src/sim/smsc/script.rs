//! The script of an SMSC's faults, in TOML.
//!
//! ```toml
//! [receipts]
//! form = "both"        # "tlv", "text", "both" or "none"
//! ids = "same"         # as in submit_sm_resp, or "decimal": the same number in base 10, as some SMSCs have it
//! delay = "0ms"        # from acceptance to the receipt
//!
//! [[fault]]
//! kind = "throttle"    # see the table
//! at = [5, 9]          # at these submits, counted from 1 over all connections; one number may stand alone
//! every = 100          # and at each hundredth
//! probability = 0.01   # and at one of a hundred by chance
//! count = 10           # each time for so many submits in a row
//! destination = "15551234567"   # only messages to this number
//! per_destination = true        # `at`, `every` and `count` count the messages to each number
//! ```
//!
//! | kind | what the SMSC does | further keys |
//! |---|---|---|
//! | `throttle`, `queue_full`, `system_error`, `invalid_destination` | refuses with 0x58, 0x14, 0x08, 0x0B | |
//! | `refuse` | refuses | `status` |
//! | `delay` | answers late | `delay` |
//! | `silent` | never answers | `accept` |
//! | `answer_twice` | answers twice | |
//! | `shuffle` | gathers answers and gives them in another order | `within`: how many |
//! | `receipt_first` | sends the receipt before the answer | |
//! | `receipt_late` | sends the receipt late | `delay` |
//! | `receipt_twice`, `no_receipt` | sends the receipt twice, or never | |
//! | `receipt_state` | reports another end | `state`: as in a receipt, `"UNDELIV"` |
//! | `close`, `reset` | ends the connection with FIN or RST, without an answer | `accept`: whether it took the message |
//! | `garbage`, `broken_body` | answers, then sends noise, or a PDU that ends early | |
//! | `short_length`, `long_length` | answers, then sends a command_length of 0, or of 2³¹ | |
//! | `unknown_command`, `unbind` | answers, then sends such a request | |
//! | `stall` | answers, then reads no more | |
//! | `half_open` | reads on, but never writes again | |
//! | `no_enquire` | answers everything but enquire_link from then on | |
//! | `refuse_bind` | refuses the bind: here binds are counted | `status`, 0x0E if not given |
//!
//! Of several faults at one submit, those of different kind add up; of the same kind, the first in the file holds.

use super::faults::{Fault, LinkFault, Rule};
use crate::codec::smpp::{CommandStatus, MessageState};
use serde::{Deserialize, Deserializer};
use std::str::FromStr;
use std::time::Duration;

/// What `shuffle` gathers when the script does not say.
const WITHIN_DEFAULT: usize = 4;

/// Everything that an SMSC does wrong, and how it sends receipts. The default does nothing wrong.
#[derive(Clone, Debug, Default)]
pub struct FaultScript {
    /// How receipts are sent.
    pub receipts: ReceiptScript,
    pub(super) rules: Vec<Rule>,
}

/// How receipts are sent when nothing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReceiptScript {
    /// Where a receipt says what it says.
    pub form: ReceiptForm,
    /// How it names the message.
    pub ids: ReceiptIds,
    /// From acceptance to the receipt.
    #[serde(deserialize_with = "duration")]
    pub delay: Duration,
}

impl Default for ReceiptScript {
    fn default() -> Self {
        Self { form: ReceiptForm::Both, ids: ReceiptIds::Same, delay: Duration::ZERO }
    }
}

/// Where a receipt says what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptForm {
    /// In receipted_message_id and message_state.
    Tlv,
    /// In the text of SMPP v3.4 appendix B.
    Text,
    /// In both.
    Both,
    /// There are none, whatever registered_delivery asks.
    None,
}

/// How a receipt names the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptIds {
    /// As submit_sm_resp did.
    Same,
    /// submit_sm_resp has the number in base 16, the receipt in base 10.
    Decimal,
}

impl FromStr for FaultScript {
    type Err = ScriptError;

    fn from_str(text: &str) -> Result<Self, ScriptError> {
        let written: Written = toml::from_str(text).map_err(|error| ScriptError::Toml(Box::new(error)))?;
        let rules = written.fault.into_iter().enumerate();
        let rules =
            rules.map(|(index, rule)| rule.rule().map_err(|what| ScriptError::Fault { number: index + 1, what }));
        Ok(Self { receipts: written.receipts, rules: rules.collect::<Result<_, _>>()? })
    }
}

/// Why a text is no script.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScriptError {
    /// Not TOML, or not these keys.
    #[error("{0}")]
    Toml(Box<toml::de::Error>),
    /// A fault that makes no sense.
    #[error("fault {number}: {what}")]
    Fault {
        /// Which one, from 1.
        number: usize,
        /// What is wrong with it.
        what: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    receipts: ReceiptScript,
    #[serde(default)]
    fault: Vec<WrittenFault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFault {
    kind: Kind,
    at: Option<At>,
    every: Option<u64>,
    #[serde(default)]
    probability: f64,
    #[serde(default = "one")]
    count: u64,
    destination: Option<String>,
    #[serde(default)]
    per_destination: bool,
    #[serde(default, deserialize_with = "some_duration")]
    delay: Option<Duration>,
    within: Option<usize>,
    status: Option<u32>,
    state: Option<String>,
    accept: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum At {
    One(u64),
    Many(Vec<u64>),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Throttle,
    QueueFull,
    SystemError,
    InvalidDestination,
    Refuse,
    Delay,
    Silent,
    AnswerTwice,
    Shuffle,
    ReceiptFirst,
    ReceiptLate,
    ReceiptTwice,
    NoReceipt,
    ReceiptState,
    Close,
    Reset,
    Garbage,
    BrokenBody,
    ShortLength,
    LongLength,
    UnknownCommand,
    Unbind,
    Stall,
    HalfOpen,
    NoEnquire,
    RefuseBind,
}

impl WrittenFault {
    fn rule(self) -> Result<Rule, &'static str> {
        if !(0.0..=1.0).contains(&self.probability) {
            return Err("probability is from 0 to 1");
        }
        if self.every == Some(0) || self.count == 0 {
            return Err("every and count are at least 1");
        }
        if self.at.is_none() && self.every.is_none() && self.probability == 0.0 {
            return Err("none of at, every and probability says when");
        }
        self.check_keys()?;
        let fault = self.fault()?;
        let at = match self.at {
            None => Vec::new(),
            Some(At::One(n)) => vec![n],
            Some(At::Many(all)) => all,
        };
        Ok(Rule {
            fault,
            at,
            every: self.every,
            probability: self.probability,
            count: self.count,
            destination: self.destination.map(String::into_bytes),
            per_destination: self.per_destination,
        })
    }

    /// A key that its kind does not look at is a mistake, most likely in the kind.
    fn check_keys(&self) -> Result<(), &'static str> {
        let kind = self.kind;
        if self.delay.is_some() && !matches!(kind, Kind::Delay | Kind::ReceiptLate) {
            return Err("delay is for delay and receipt_late");
        }
        if self.within.is_some() && !matches!(kind, Kind::Shuffle) {
            return Err("within is for shuffle");
        }
        if self.status.is_some() && !matches!(kind, Kind::Refuse | Kind::RefuseBind) {
            return Err("status is for refuse and refuse_bind");
        }
        if self.state.is_some() && !matches!(kind, Kind::ReceiptState) {
            return Err("state is for receipt_state");
        }
        if self.accept.is_some() && !matches!(kind, Kind::Silent | Kind::Close | Kind::Reset) {
            return Err("accept is for silent, close and reset");
        }
        if matches!(self.within, Some(0 | 1)) {
            return Err("within is at least 2");
        }
        Ok(())
    }

    fn fault(&self) -> Result<Fault, &'static str> {
        let accept = self.accept.unwrap_or(true);
        let delay = self.delay.ok_or("delay is missing");
        let link = |fault| Ok(Fault::Link { fault, accept });
        match self.kind {
            Kind::Throttle => Ok(Fault::Refuse(CommandStatus::THROTTLED)),
            Kind::QueueFull => Ok(Fault::Refuse(CommandStatus::MSGQFUL)),
            Kind::SystemError => Ok(Fault::Refuse(CommandStatus::SYSERR)),
            Kind::InvalidDestination => Ok(Fault::Refuse(CommandStatus::INVDSTADR)),
            Kind::Refuse => self.status.map(|status| Fault::Refuse(CommandStatus(status))).ok_or("status is missing"),
            Kind::Delay => delay.map(Fault::Delay),
            Kind::Silent => Ok(Fault::Silent { accept }),
            Kind::AnswerTwice => Ok(Fault::AnswerTwice),
            Kind::Shuffle => Ok(Fault::Shuffle { within: self.within.unwrap_or(WITHIN_DEFAULT) }),
            Kind::ReceiptFirst => Ok(Fault::ReceiptFirst),
            Kind::ReceiptLate => delay.map(Fault::ReceiptLate),
            Kind::ReceiptTwice => Ok(Fault::Receipts(2)),
            Kind::NoReceipt => Ok(Fault::Receipts(0)),
            Kind::ReceiptState => state(self.state.as_deref()).map(Fault::ReceiptState),
            Kind::Close => link(LinkFault::Close),
            Kind::Reset => link(LinkFault::Reset),
            Kind::Garbage => link(LinkFault::Garbage),
            Kind::BrokenBody => link(LinkFault::BrokenBody),
            Kind::ShortLength => link(LinkFault::ShortLength),
            Kind::LongLength => link(LinkFault::LongLength),
            Kind::UnknownCommand => link(LinkFault::UnknownCommand),
            Kind::Unbind => link(LinkFault::Unbind),
            Kind::Stall => link(LinkFault::Stall),
            Kind::HalfOpen => link(LinkFault::HalfOpen),
            Kind::NoEnquire => link(LinkFault::NoEnquire),
            Kind::RefuseBind => Ok(Fault::RefuseBind(self.status.map_or(CommandStatus::INVPASWD, CommandStatus))),
        }
    }
}

fn state(word: Option<&str>) -> Result<MessageState, &'static str> {
    Ok(match word.ok_or("state is missing")? {
        "ENROUTE" => MessageState::ENROUTE,
        "DELIVRD" => MessageState::DELIVERED,
        "EXPIRED" => MessageState::EXPIRED,
        "DELETED" => MessageState::DELETED,
        "UNDELIV" => MessageState::UNDELIVERABLE,
        "ACCEPTD" => MessageState::ACCEPTED,
        "UNKNOWN" => MessageState::UNKNOWN,
        "REJECTD" => MessageState::REJECTED,
        _ => return Err("state is one of ENROUTE, DELIVRD, EXPIRED, DELETED, UNDELIV, ACCEPTD, UNKNOWN, REJECTD"),
    })
}

fn one() -> u64 {
    1
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(serde::de::Error::custom)
}

fn some_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_script_says_is_understood() {
        let script: FaultScript = "\
[receipts]
form = \"tlv\"
ids = \"decimal\"
delay = \"50ms\"

[[fault]]
kind = \"throttle\"
at = 5
count = 10

[[fault]]
kind = \"close\"
at = [7, 9]
accept = false"
            .parse()
            .unwrap();
        let receipts =
            ReceiptScript { form: ReceiptForm::Tlv, ids: ReceiptIds::Decimal, delay: Duration::from_millis(50) };
        assert_eq!(script.receipts, receipts);
        assert_eq!((script.rules[0].fault, script.rules[0].count), (Fault::Refuse(CommandStatus::THROTTLED), 10));
        assert_eq!(script.rules[1].fault, Fault::Link { fault: LinkFault::Close, accept: false });
        assert_eq!(script.rules[1].at, [7, 9]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_number() {
        for (text, told) in [
            ("[[fault]]\nkind = \"silent\"", "fault 1: none of at, every and probability says when"),
            ("[[fault]]\nkind = \"delay\"\nat = 1", "fault 1: delay is missing"),
            ("[[fault]]\nkind = \"silent\"\nprobability = 1.5", "fault 1: probability is from 0 to 1"),
            ("[[fault]]\nkind = \"silent\"\nevery = 0", "fault 1: every and count are at least 1"),
            ("[[fault]]\nkind = \"silent\"\nat = 1\ndelay = \"1s\"", "fault 1: delay is for delay and receipt_late"),
            ("[[fault]]\nkind = \"shuffle\"\nat = 1\nwithin = 1", "fault 1: within is at least 2"),
        ] {
            assert_eq!(text.parse::<FaultScript>().unwrap_err().to_string(), told);
        }
        assert!("[[fault]]\nkind = \"sing\"\nat = 1".parse::<FaultScript>().is_err());
        assert!("[[fault]]\nkind = \"silent\"\nat = 1\nwhen = 2".parse::<FaultScript>().is_err());
    }
}
