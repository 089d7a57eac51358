//! How receipts are told apart: keys of `[[smsc]]`.

use crate::config::explain::Explained;
use crate::config::section::Section;
use crate::engine::receipts::MessageIds;

const WORDS: [(&str, MessageIds); 4] = [
    ("auto", MessageIds::Auto),
    ("literal", MessageIds::Literal),
    ("resp_hex", MessageIds::RespHex),
    ("receipt_hex", MessageIds::ReceiptHex),
];

/// What is known of an SMSC's receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptConfig {
    /// How a receipt's id is spelled, seen from the id in submit_sm_resp.
    pub message_ids: MessageIds,
}

impl ReceiptConfig {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self { message_ids: section.choice("message_ids", MessageIds::Auto, &WORDS) }
    }

    pub(super) fn explain(&self, explained: &mut Explained) {
        explained.text("message_ids", super::word(&WORDS, self.message_ids));
    }
}
