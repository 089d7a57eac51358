//! How a push is put into messages: keys of `[[smsc]]`.

use super::ReferenceWidth;
use crate::codec::segments::Payload;
use crate::config::explain::Explained;
use crate::config::section::{self, Section};
use crate::config::written::Value;
use crate::engine::references::References;

const WORDS: [(&str, Payload); 3] = [("udh", Payload::Udh), ("sar", Payload::Sar), ("message_payload", Payload::Whole)];

/// How a push is put into messages, and which references tell it from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadConfig {
    /// How ports and parts are said. `udh` works everywhere. `sar` and `message_payload` need an SMSC that knows optional
    /// parameters and makes the header of them; with `message_payload` a push is one submit_sm with one answer and one
    /// receipt, and counts as one against `rate` and `window`, however many short messages the SMSC makes of it.
    pub mode: Payload,
    /// Width of the concatenation reference: 16 bits cost an octet a segment and wrap later. With `sar`, how wide the SMSC
    /// makes it at least; with `message_payload`, how wide the SMSC makes it.
    pub reference_width: ReferenceWidth,
    /// First and last concatenation reference, where others send from the same `source_address`; none for all there are. With
    /// `message_payload` the SMSC gives them.
    pub references: Option<(u16, u16)>,
}

impl PayloadConfig {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let mode = section.choice("payload", Payload::Udh, &WORDS);
        let reference_width = section.choice("reference_width", ReferenceWidth::Eight, &ReferenceWidth::WORDS);
        let last = match reference_width {
            ReferenceWidth::Eight => u16::from(u8::MAX),
            ReferenceWidth::Sixteen => u16::MAX,
        };
        let allowed = format!("[first, last], 1 to {last} and at least {} of them", References::MIN_COUNT);
        let references = section.read("reference_range", None, allowed, |value| {
            let (first, end) = pair(value)?;
            (end <= last && References::new(first, end).is_some()).then_some(Some((first, end)))
        });
        Self { mode, reference_width, references }
    }

    /// The word for how ports and parts are said.
    pub(super) fn mode(&self) -> &'static str {
        super::word(&WORDS, self.mode)
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        explained
            .text("payload", self.mode())
            .text("reference_width", super::word(&ReferenceWidth::WORDS, self.reference_width));
        if let Some((first, last)) = self.references {
            explained.plain("reference_range", format_args!("[{first}, {last}]"));
        }
    }
}

fn pair(value: &Value) -> Option<(u16, u16)> {
    let number = |value: &Value| section::integer(value).and_then(|number| u16::try_from(number).ok());
    match value {
        Value::List(items) => match &items[..] {
            [first, last] => Some((number(&first.value)?, number(&last.value)?)),
            _ => None,
        },
        Value::Raw(raw) => {
            let (first, last) = raw.split_once(',')?;
            Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
        }
        _ => None,
    }
}
