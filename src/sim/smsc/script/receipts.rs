//! `[receipts]` and `[ids]`: how messages are named and reported.

use super::super::ids::{IdBase, IdForm, IdScript};
use super::super::latency::Latency;
use super::table::{self, Table};
use std::sync::Arc;
use std::time::Duration;
use toml::de::DeValue;

/// How receipts are sent when nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptScript {
    /// Where a receipt says what it says.
    pub form: ReceiptForm,
    /// Its text: words with {id}, {sub}, {dlvrd}, {submit}, {done}, {state}, {word}, {err} and {text} to fill in.
    pub template: Arc<str>,
    /// How its text has dates.
    pub dates: Dates,
    /// Whether the text stands in message_payload.
    pub payload: bool,
    /// Where it goes.
    pub via: Via,
    /// When one for ENROUTE comes first.
    pub intermediate: Intermediate,
    /// When it is sent once more after X_T_APPN.
    pub retry: Option<Duration>,
}

impl Default for ReceiptScript {
    fn default() -> Self {
        Self {
            form: ReceiptForm::Both,
            template: STANDARD.into(),
            dates: Dates::Minutes,
            payload: false,
            via: Via::Same,
            intermediate: Intermediate::Never,
            retry: None,
        }
    }
}

/// Where a receipt says what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
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

/// Dates in texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dates {
    /// YYMMDDhhmm, as appendix B has it.
    Minutes,
    /// YYMMDDhhmmss.
    Seconds,
    /// YYYYMMDDhhmmss.
    Century,
}

/// Which connection of the account takes a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// The one that the message came on, if it can; else any.
    Same,
    /// Whichever comes to it first.
    Any,
    /// One that was bound as receiver.
    Receiver,
}

/// When a receipt for ENROUTE comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intermediate {
    /// Never.
    Never,
    /// When registered_delivery asks for it.
    Asked,
    /// Whenever a receipt is asked for.
    Always,
}

const STANDARD: &str =
    "id:{id} sub:{sub} dlvrd:{dlvrd} submit date:{submit} done date:{done} stat:{state} err:{err} text:{text}";
/// Texts as they are met.
const STYLES: [(&str, &str); 5] = [
    ("standard", STANDARD),
    (
        "capital",
        "id:{id} sub:{sub} dlvrd:{dlvrd} submit date:{submit} done date:{done} stat:{state} err:{err} Text:{text}",
    ),
    ("short", "id:{id} stat:{state}"),
    ("words", "ID: {id} Submit Date: {submit} Done Date: {done} Stat: {word} Err: {err}"),
    (
        "reordered",
        "stat:{state} err:{err} id:{id} done date:{done} submit date:{submit} dlvrd:{dlvrd} sub:{sub} text:{text}",
    ),
];
const FORMS: [(&str, ReceiptForm); 4] =
    [("tlv", ReceiptForm::Tlv), ("text", ReceiptForm::Text), ("both", ReceiptForm::Both), ("none", ReceiptForm::None)];

/// `delay` is what `[latency] receipt` is, if that is not written: older scripts have it.
pub(super) fn read(mut table: Table<'_>, receipt_latency: &mut Latency, ids: &mut IdScript) -> ReceiptScript {
    let usual = ReceiptScript::default();
    let form = table.word("form", &FORMS).unwrap_or(usual.form);
    let style = table.word("style", &STYLES).unwrap_or(STANDARD);
    let template = table.text("template", 160);
    let dates = [("minutes", Dates::Minutes), ("seconds", Dates::Seconds), ("century", Dates::Century)];
    let dates = table.word("dates", &dates).unwrap_or(usual.dates);
    let payload = table.flag("payload").unwrap_or(usual.payload);
    let via = table.word("via", &[("same", Via::Same), ("any", Via::Any), ("receiver", Via::Receiver)]);
    let words = [("never", Intermediate::Never), ("asked", Intermediate::Asked), ("always", Intermediate::Always)];
    let intermediate = table.word("intermediate", &words).unwrap_or(usual.intermediate);
    let retry = table.duration("retry");
    if let Some(delay) = table.duration("delay") {
        if !receipt_latency.is_none() {
            table.refuse_key("delay", "[latency] receipt says it already");
        }
        *receipt_latency = Latency::Fixed(delay);
    }
    if let Some(decimal) = table.word("ids", &[("same", false), ("decimal", true)]) {
        if ids.receipt.is_some() {
            table.refuse_key("ids", "[ids] receipt says it already");
        }
        ids.receipt = decimal.then(|| IdForm::of(IdBase::Decimal));
    }
    if template.is_some() && table.has("style") {
        table.refuse_key("style", "template says it already");
    }
    table.finish();
    let template = template.as_deref().unwrap_or(style).into();
    ReceiptScript { form, template, dates, payload, via: via.unwrap_or(usual.via), intermediate, retry }
}

pub(super) fn ids(mut table: Table<'_>) -> IdScript {
    let usual = IdScript::default();
    let response = form(&mut table, "response").unwrap_or(usual.response);
    let receipt = match table.has("receipt") {
        true if table.read("receipt", "", |value| Some(table::text(value) == Some("same"))) == Some(true) => None,
        true => form(&mut table, "receipt"),
        false => None,
    };
    let first = table.count("first", 1..=u64::from(u32::MAX)).unwrap_or(usual.first);
    table.finish();
    IdScript { response, receipt, first }
}

const BASES: [(&str, IdBase); 3] = [("hex", IdBase::Hex), ("decimal", IdBase::Decimal), ("uuid", IdBase::Uuid)];

/// `"hex"`, or a table that says more.
fn form(table: &mut Table<'_>, key: &'static str) -> Option<IdForm> {
    if !table.has_table(key) {
        let allowed = "one of hex, decimal, uuid, or { base, width, case, prefix },";
        return table.read(key, allowed, |value: &DeValue<'_>| table::word(value, &BASES)).map(IdForm::of);
    }
    let mut inner = table.table(key);
    let base = inner.word("base", &BASES).unwrap_or(IdBase::Hex);
    let usual = IdForm::of(base);
    let width = inner.count("width", 0..=40).map_or(usual.width, |width| width as usize);
    let upper = inner.word("case", &[("upper", true), ("lower", false)]).unwrap_or(usual.upper);
    let prefix = inner.text("prefix", 16).map_or(usual.prefix, |prefix| prefix.into());
    inner.finish();
    Some(IdForm { base, width, upper, prefix })
}
