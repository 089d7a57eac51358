//! The receipts of one SMSC: which are awaited, which came too early, and how they spell the ids they name.

use super::changes::Changes;
use super::ending::Ending;
use super::fates::FateId;
use super::spelling::{MessageIds, Spelling, is_telling};
use crate::engine::tally::ReceiptKind;
use crate::engine::waiting::{MessageId, Waiting};
use std::time::Duration;

/// Receipts in a row that fit only another spelling before what was learned is forgotten.
const MAX_DOUBTS: usize = 3;

/// The receipts of one SMSC.
pub(super) struct Desk {
    /// By the id of submit_sm_resp.
    pub expected: Waiting<FateId>,
    /// By the id of the receipt.
    pub parked: Waiting<Ending>,
    pub timeout: Duration,
    /// What has to be saved, if anything has to outlive the process.
    pub changes: Changes,
    ids: MessageIds,
    /// How ids are spelled, as told or as learned.
    spelling: Option<Spelling>,
    /// Parked since what was learned last fitted, though another spelling does.
    doubted: Vec<MessageId>,
    /// Whether `spelling` was learned since somebody asked.
    is_news: bool,
    /// Whether it was since those doubted were taken.
    is_relearned: bool,
}

impl Desk {
    /// For an SMSC of which `ids` is known and whose receipts are awaited for so long.
    pub fn new(timeout: Duration, ids: MessageIds, changes: Changes) -> Self {
        let spelling = match ids {
            MessageIds::Auto => None,
            MessageIds::Literal => Some(Spelling::Same),
            MessageIds::RespHex => Some(Spelling::RespHex),
            MessageIds::ReceiptHex => Some(Spelling::ReceiptHex),
        };
        Self {
            expected: Waiting::new(),
            parked: Waiting::new(),
            timeout,
            changes,
            ids,
            spelling,
            doubted: Vec::new(),
            is_news: false,
            is_relearned: false,
        }
    }

    /// Whether a receipt is looked for as it is before it is converted. It is, unless somebody said that it has to be.
    #[inline]
    pub fn is_literal_first(&self) -> bool {
        matches!(self.ids, MessageIds::Auto | MessageIds::Literal)
    }

    /// A receipt named a message as submit_sm_resp did.
    #[inline]
    pub fn note_same(&mut self, id: &[u8]) {
        if self.spelling != Some(Spelling::Same) || !self.doubted.is_empty() {
            self.weigh_same(id);
        }
    }

    #[cold]
    fn weigh_same(&mut self, id: &[u8]) {
        match self.spelling {
            _ if self.ids != MessageIds::Auto => {}
            Some(Spelling::Same) => self.doubted.clear(),
            Some(_) if self.doubted.len() + 1 < MAX_DOUBTS => {
                self.doubted.extend(is_telling(id).then(|| MessageId::new(id)))
            }
            _ if is_telling(id) => self.learn(Spelling::Same),
            _ => {}
        }
    }

    fn learn(&mut self, spelling: Spelling) {
        self.is_news |= self.spelling != Some(spelling);
        self.is_relearned |= self.spelling.is_some();
        self.spelling = Some(spelling);
    }

    /// What was learned since it was asked last.
    pub fn take_news(&mut self) -> Option<Spelling> {
        self.spelling.filter(|_| std::mem::take(&mut self.is_news))
    }

    /// Receipts that were parked because what was learned did not fit them, if that is forgotten now.
    pub fn take_doubted(&mut self) -> Vec<MessageId> {
        if std::mem::take(&mut self.is_relearned) { std::mem::take(&mut self.doubted) } else { Vec::new() }
    }

    /// The message that a receipt means which names none that is awaited: how it was found, and its own id. `last` if the
    /// receipt has waited for a message of that very name for as long as it may.
    pub fn find(&mut self, id: &[u8], last: bool) -> Option<(ReceiptKind, MessageId)> {
        if self.ids == MessageIds::Literal {
            return None;
        }
        let found = |spelling: Spelling| Self::alike(&self.expected, spelling.in_response(id)?.octets());
        if !self.is_literal_first() {
            let converted = self.spelling.and_then(found).map(|own| (ReceiptKind::Converted, own));
            let literal = || self.expected.find(id).map(|_| (ReceiptKind::Matched, MessageId::new(id)));
            let trimmed = || Self::alike(&self.expected, id).map(|own| (ReceiptKind::Trimmed, own));
            return converted.or_else(literal).or_else(trimmed);
        }
        if let Some(own) = Self::alike(&self.expected, id) {
            self.note_same(id);
            return Some((ReceiptKind::Trimmed, own));
        }
        if let Some(own) = self.spelling.and_then(found) {
            self.doubted.clear();
            return Some((ReceiptKind::Converted, own));
        }
        let (spelling, own) = self.guess(found)?;
        // A message of the receipt's own name may be accepted yet: too short a number is some other by chance.
        let tells = is_telling(id) || is_telling(own.octets());
        if self.spelling.is_some() && self.doubted.len() + 1 < MAX_DOUBTS {
            self.doubted.extend((tells && !last).then(|| MessageId::new(id)));
            return None;
        }
        if tells {
            self.learn(spelling);
        }
        (tells || last).then_some((ReceiptKind::Converted, own))
    }

    /// The only spelling that fits of those that are not thought to be the SMSC's.
    fn guess(&self, found: impl Fn(Spelling) -> Option<MessageId>) -> Option<(Spelling, MessageId)> {
        if self.ids != MessageIds::Auto {
            return None;
        }
        let others = Spelling::CONVERTED.into_iter().filter(|other| self.spelling != Some(*other));
        let mut fitting = others.filter_map(|other| found(other).map(|own| (other, own)));
        let first = fitting.next()?;
        fitting.next().is_none().then_some(first)
    }

    fn alike<T: Copy>(among: &Waiting<T>, id: &[u8]) -> Option<MessageId> {
        among.find_alike(id).map(MessageId::new)
    }

    /// The receipt that came before a message was accepted under `id`: the id that it names, and what it says.
    #[cold]
    pub fn unpark(&mut self, id: &[u8]) -> Option<(MessageId, Ending)> {
        let literal = |parked: &Waiting<Ending>| parked.find(id).map(|_| MessageId::new(id));
        let converted = |spelling: Spelling| Self::alike(&self.parked, spelling.in_receipt(id)?.octets());
        let named = match self.ids {
            MessageIds::Literal => literal(&self.parked),
            MessageIds::RespHex | MessageIds::ReceiptHex => self
                .spelling
                .and_then(converted)
                .or_else(|| literal(&self.parked))
                .or_else(|| Self::alike(&self.parked, id)),
            MessageIds::Auto => literal(&self.parked)
                .or_else(|| Self::alike(&self.parked, id))
                .or_else(|| self.spelling.and_then(converted)),
        };
        let named = match named {
            Some(named) => named,
            None if self.spelling.is_none() => {
                let (spelling, named) = self.guess(converted)?;
                if !is_telling(id) && !is_telling(named.octets()) {
                    return None;
                }
                self.learn(spelling);
                named
            }
            None => return None,
        };
        let ending = self.parked.take(named.octets())?;
        Some((named, ending))
    }
}
