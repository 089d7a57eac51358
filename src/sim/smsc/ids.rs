//! How messages are named: in submit_sm_resp, and, with some SMSCs otherwise, in receipts.

use super::super::chance;
use std::sync::Arc;

/// How messages are named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdScript {
    /// In submit_sm_resp.
    pub(super) response: IdForm,
    /// In receipts; `None` is the same.
    pub(super) receipt: Option<IdForm>,
    /// The number of the first message.
    pub(super) first: u64,
}

/// A number, written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdForm {
    pub(super) base: IdBase,
    /// With so many characters, zeros in front. For a UUID 0 takes those away that it has.
    pub(super) width: usize,
    pub(super) upper: bool,
    pub(super) prefix: Arc<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdBase {
    Hex,
    Decimal,
    Uuid,
}

impl Default for IdScript {
    fn default() -> Self {
        Self { response: IdForm::of(IdBase::Hex), receipt: None, first: 1 }
    }
}

/// Names messages.
#[derive(Debug)]
pub(super) struct Ids {
    seed: u64,
    script: IdScript,
}

impl Ids {
    pub(super) fn new(seed: u64, script: &IdScript) -> Self {
        Self { seed, script: script.clone() }
    }

    /// Message `n`, from 1, in submit_sm_resp.
    pub(super) fn response(&self, n: u64) -> String {
        self.written(n, &self.script.response)
    }

    /// Message `n` in a receipt.
    pub(super) fn receipt(&self, n: u64) -> String {
        self.written(n, self.script.receipt.as_ref().unwrap_or(&self.script.response))
    }

    /// The message that submit_sm_resp named so; `None` for what is no name.
    pub(super) fn parse(&self, id: &[u8]) -> Option<u64> {
        let form = &self.script.response;
        let id = std::str::from_utf8(id).ok()?.strip_prefix(&*form.prefix)?;
        let number = match form.base {
            IdBase::Hex => u64::from_str_radix(id, 16).ok()?,
            IdBase::Decimal => id.parse().ok()?,
            // The number is in it, see `uuid`.
            IdBase::Uuid => u64::from_str_radix(id.get(id.len().checked_sub(12)?..)?, 16).ok()?,
        };
        let n = (number + 1).checked_sub(self.script.first)?;
        (n > 0 && self.response(n).strip_prefix(&*form.prefix) == Some(id)).then_some(n)
    }

    fn written(&self, n: u64, form: &IdForm) -> String {
        let (number, width, prefix) = (self.script.first - 1 + n, form.width, &form.prefix);
        match (form.base, form.upper) {
            (IdBase::Hex, true) => format!("{prefix}{number:0width$X}"),
            (IdBase::Hex, false) => format!("{prefix}{number:0width$x}"),
            (IdBase::Decimal, _) => format!("{prefix}{number:0width$}"),
            (IdBase::Uuid, upper) => {
                let id = self.uuid(number);
                let id = if width == 0 { id.trim_start_matches('0') } else { &id };
                if upper { format!("{prefix}{}", id.to_uppercase()) } else { format!("{prefix}{id}") }
            }
        }
    }

    /// RFC 9562 version 8: twelve digits of it are the number, the others chance.
    fn uuid(&self, number: u64) -> String {
        let drawn = chance::draw(self.seed, number);
        let (a, b, c, d) = (drawn >> 32, drawn >> 16 & 0xFFFF, drawn & 0xFFF, drawn >> 12 & 0x3FFF | 0x8000);
        format!("{a:08x}-{b:04x}-8{c:03x}-{d:04x}-{:012x}", number & 0xFFFF_FFFF_FFFF)
    }
}

impl IdForm {
    /// As many have it.
    pub(super) fn of(base: IdBase) -> Self {
        let width = match base {
            IdBase::Hex => 8,
            IdBase::Decimal => 10,
            IdBase::Uuid => 36,
        };
        Self { base, width, upper: base == IdBase::Hex, prefix: "".into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(response: IdForm, receipt: Option<IdForm>, first: u64) -> Ids {
        Ids::new(7, &IdScript { response, receipt, first })
    }

    #[test]
    fn a_receipt_can_name_a_message_otherwise() {
        let lower = IdForm { upper: false, width: 0, ..IdForm::of(IdBase::Hex) };
        let other = ids(IdForm::of(IdBase::Hex), Some(IdForm::of(IdBase::Decimal)), 0x0A1B_2C3D);
        assert_eq!((other.response(1), other.receipt(1)), ("0A1B2C3D".to_owned(), "0169552957".to_owned()));
        let stripped = ids(IdForm::of(IdBase::Hex), Some(lower), 0x0A1B_2C3D);
        assert_eq!(stripped.receipt(2), "a1b2c3e");
        let same = ids(IdForm { prefix: "m-".into(), ..IdForm::of(IdBase::Decimal) }, None, 1);
        assert_eq!((same.response(5), same.receipt(5)), ("m-0000000005".to_owned(), "m-0000000005".to_owned()));
    }

    #[test]
    fn a_name_leads_back_to_its_message() {
        for base in [IdBase::Hex, IdBase::Decimal, IdBase::Uuid] {
            let ids = ids(IdForm::of(base), None, 1_000);
            for n in [1, 2, 70_000] {
                let id = ids.response(n);
                assert_eq!(ids.parse(id.as_bytes()), Some(n), "{id}");
            }
            for wrong in [&b""[..], b"zzz", b"0", b"\xFF", b"00000000000000000000000000000000000000000000000001"] {
                assert_eq!(ids.parse(wrong), None);
            }
        }
    }
}
