//! Receipts and alerts on their way out (SMPP v3.4 §4.6 and §4.12).

use super::super::backlog::Parcel;
use super::super::faults::Decision;
use super::super::receipts::{HandsetAlert, Receipt, Style};
use super::super::script::Via;
use super::{Pending, Session};
use crate::codec::smpp::{BindMode, CommandStatus, Header};
use std::time::Duration;

/// deliver_sm that may be unanswered at once.
const RECEIPT_WINDOW: usize = 500;

impl Session {
    /// Whether receipts can go this way.
    pub(in super::super) fn receives(&self) -> bool {
        let mode_receives = match self.shared.settings.script.receipts.via {
            Via::Receiver => matches!(self.bound, Some(BindMode::Receiver)),
            Via::Same | Via::Any => matches!(self.bound, Some(BindMode::Receiver | BindMode::Transceiver)),
        };
        mode_receives && self.introduced && self.ending.is_none()
    }

    /// Sends what waits for this account, as much as the window takes.
    pub(in super::super) fn handle_backlog(&mut self) {
        if !self.receives() {
            return;
        }
        let room = RECEIPT_WINDOW.saturating_sub(self.receipts.len());
        for parcel in self.shared.backlog.take(&self.system_id, room) {
            match parcel {
                Parcel::Receipt(receipt) => self.put_receipt(receipt),
                Parcel::Alert(alert) => self.put_alert(&alert),
            }
        }
    }

    pub(super) fn handle_receipt_answer(&mut self, header: &Header, now: Duration) {
        if let Some(receipt) = self.receipts.remove(&header.sequence_number) {
            self.read.receipts_answered += 1;
            // §5.1.3: the ESME may ask for it once more.
            if header.command_status == CommandStatus::X_T_APPN
                && let Some(retry) = self.shared.settings.script.receipts.retry
            {
                self.pending.put(now + retry, Pending::Receipt(receipt));
            }
        }
        self.handle_backlog();
    }

    /// The receipts of a message that its handset has already.
    pub(super) fn schedule_receipts(&mut self, receipt: &Receipt, decision: &Decision, now: Duration) {
        let Some(ended) = receipt.ended(decision.receipt.state, None) else { return };
        for (after, receipt) in ended.sequence(&decision.receipt) {
            if after.is_zero() {
                self.offer_receipt(receipt);
            } else {
                self.pending.put(now + after, Pending::Receipt(receipt));
            }
        }
    }

    /// Sends a receipt, or leaves it to whoever can take it.
    pub(super) fn offer_receipt(&mut self, receipt: Receipt) {
        let here = self.shared.settings.script.receipts.via == Via::Same;
        if here && self.receives() && self.receipts.len() < RECEIPT_WINDOW {
            self.put_receipt(receipt);
        } else {
            self.shared.keep(&self.system_id, [Parcel::Receipt(receipt)]);
        }
    }

    /// Leaves what was not answered, and what was not sent, to other connections of the account.
    pub(super) fn leave_receipts(&mut self) {
        let mut unanswered: Vec<(u32, Receipt)> = self.receipts.drain().collect();
        unanswered.sort_unstable_by_key(|(sequence_number, _)| *sequence_number);
        let later = self.pending.drain().filter_map(|pending| match pending {
            Pending::Receipt(receipt) => Some(receipt),
            Pending::Answer(_) | Pending::BindAnswer(_) => None,
        });
        let all = unanswered.into_iter().map(|(_, receipt)| receipt).chain(later);
        let all: Vec<Parcel> = all.map(Parcel::Receipt).collect();
        if !all.is_empty() {
            self.shared.keep(&self.system_id, all);
        }
    }

    fn put_receipt(&mut self, receipt: Receipt) {
        let (number, tlvs) = (self.next_number(), self.knows_tlvs());
        let style = Style { script: &self.shared.settings.script.receipts, ids: &self.shared.ids, tlvs };
        receipt.write(style, number, self.shared.unix(self.now), &mut self.out);
        self.receipts.insert(number, receipt);
        self.read.receipts += 1;
    }

    fn put_alert(&mut self, alert: &HandsetAlert) {
        let (number, tlvs) = (self.next_number(), self.knows_tlvs());
        alert.write(tlvs, number, &mut self.out);
        self.read.alerts += 1;
    }
}
