//! Delivery receipts of an SMSC (SMPP v3.4 §4.6.1 and appendix B), and where they wait when nobody can take them.

use super::script::{ReceiptForm, ReceiptIds, ReceiptScript};
use crate::codec::smpp::{
    Address, DeliverSm, Encode, EsmClass, MessageState, Npi, RegisteredDelivery, SubmitSm, TlvBuffer, TlvTag, Ton,
};
use bytes::BytesMut;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};

/// Receipts that wait for one account; the oldest go beyond that.
const WAITING_MAX: usize = 1 << 16;

/// A receipt that is to be sent.
#[derive(Clone, Debug)]
pub(super) struct Receipt {
    /// The number in the message id.
    pub(super) message: u64,
    pub(super) state: MessageState,
    /// Seconds since 1970-01-01 UTC.
    submitted: u64,
    handset: Party,
    sender: Party,
}

#[derive(Clone, Debug)]
struct Party {
    ton: Ton,
    npi: Npi,
    addr: Box<[u8]>,
}

impl Receipt {
    /// The receipt for message `message`, if `submit` asks for one that reports `state`.
    pub(super) fn for_submit(submit: &SubmitSm<'_>, message: u64, state: MessageState, unix: u64) -> Option<Self> {
        let delivered = state == MessageState::DELIVERED;
        // §5.2.17, bits 1 and 0.
        let asked = match RegisteredDelivery(submit.registered_delivery.0 & 0x03) {
            RegisteredDelivery::FINAL => true,
            RegisteredDelivery::FAILURE => !delivered,
            RegisteredDelivery::SUCCESS => delivered,
            _ => false,
        };
        asked.then(|| Self {
            message,
            state,
            submitted: unix,
            handset: Party::of(&submit.destination),
            sender: Party::of(&submit.source),
        })
    }

    /// Appends it as deliver_sm.
    pub(super) fn write(&self, script: ReceiptScript, sequence_number: u32, unix: u64, out: &mut BytesMut) {
        let id = match script.ids {
            ReceiptIds::Same => message_id(self.message),
            ReceiptIds::Decimal => format!("{:010}", self.message),
        };
        let (tlv, text) = match script.form {
            ReceiptForm::Tlv => (true, false),
            ReceiptForm::Text => (false, true),
            ReceiptForm::Both => (true, true),
            ReceiptForm::None => return,
        };
        let text = if text { self.text(&id, unix) } else { String::new() };
        let mut tlvs = TlvBuffer::new();
        if tlv {
            tlvs = tlvs.c_octets(TlvTag::RECEIPTED_MESSAGE_ID, id.as_bytes()).u8(TlvTag::MESSAGE_STATE, self.state.0);
        }
        let deliver = DeliverSm {
            // Who received the message reports it to who sent it: the addresses change places.
            source: self.handset.address(),
            destination: self.sender.address(),
            esm_class: EsmClass::DELIVERY_RECEIPT,
            short_message: text.as_bytes(),
            tlvs: tlvs.tlvs(),
            ..DeliverSm::default()
        };
        // Both addresses came in a submit_sm and the text is shorter than 254 octets, so all of it fits.
        let _ = deliver.encode(sequence_number, out);
    }

    fn text(&self, id: &str, unix: u64) -> String {
        let delivered = self.state == MessageState::DELIVERED;
        let (delivered, error) = if delivered { ("001", "000") } else { ("000", "027") };
        let (submitted, done) = (date(self.submitted), date(unix));
        let state = word(self.state);
        format!(
            "id:{id} sub:001 dlvrd:{delivered} submit date:{submitted} done date:{done} stat:{state} err:{error} text:"
        )
    }
}

impl Party {
    fn of(address: &Address<'_>) -> Self {
        Self { ton: address.ton, npi: address.npi, addr: address.addr.into() }
    }

    fn address(&self) -> Address<'_> {
        Address { ton: self.ton, npi: self.npi, addr: &self.addr }
    }
}

/// A message as submit_sm_resp names it.
pub(super) fn message_id(message: u64) -> String {
    format!("{message:08X}")
}

/// Appendix B: states in seven characters.
fn word(state: MessageState) -> &'static str {
    match state {
        MessageState::DELIVERED => "DELIVRD",
        MessageState::EXPIRED => "EXPIRED",
        MessageState::DELETED => "DELETED",
        MessageState::UNDELIVERABLE => "UNDELIV",
        MessageState::ACCEPTED => "ACCEPTD",
        MessageState::REJECTED => "REJECTD",
        MessageState::ENROUTE => "ENROUTE",
        _ => "UNKNOWN",
    }
}

/// YYMMDDhhmm of a Unix time, by the civil calendar from days (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn date(unix: u64) -> String {
    let (days, seconds) = (unix / 86_400 + 719_468, unix % 86_400);
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute) = (seconds / 3_600, seconds % 3_600 / 60);
    format!("{:02}{month:02}{day:02}{hour:02}{minute:02}", year % 100)
}

/// Receipts for accounts of which no connection can take any, by system_id.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    waiting: Mutex<HashMap<Box<[u8]>, VecDeque<Receipt>>>,
}

impl Backlog {
    /// Keeps receipts; says how many had to go.
    pub(super) fn keep(&self, system_id: &[u8], receipts: impl IntoIterator<Item = Receipt>) -> u64 {
        let mut waiting = self.waiting.lock();
        let queue = waiting.entry(system_id.into()).or_default();
        queue.extend(receipts);
        let surplus = queue.len().saturating_sub(WAITING_MAX);
        queue.drain(..surplus);
        surplus as u64
    }

    /// At most `count` receipts for an account.
    pub(super) fn take(&self, system_id: &[u8], count: usize) -> Vec<Receipt> {
        let mut waiting = self.waiting.lock();
        let Some(queue) = waiting.get_mut(system_id) else {
            return Vec::new();
        };
        let count = count.min(queue.len());
        queue.drain(..count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::smpp::{self, Body, Pdu};
    use std::time::Duration;

    const SUBMIT: SubmitSm<'static> = SubmitSm {
        service_type: b"",
        source: Address::international(b"12345"),
        destination: Address::international(b"15551234567"),
        esm_class: EsmClass::UDHI,
        protocol_id: 0,
        priority_flag: 0,
        schedule_delivery_time: b"",
        validity_period: b"",
        registered_delivery: RegisteredDelivery::FINAL,
        replace_if_present_flag: 0,
        data_coding: smpp::DataCoding::OCTETS,
        sm_default_msg_id: 0,
        short_message: b"",
        tlvs: smpp::Tlvs::NONE,
    };

    #[test]
    fn a_receipt_is_read_back_in_each_form() {
        for (form, ids, id) in [
            (ReceiptForm::Tlv, ReceiptIds::Same, "000000FF"),
            (ReceiptForm::Text, ReceiptIds::Decimal, "0000000255"),
            (ReceiptForm::Both, ReceiptIds::Same, "000000FF"),
        ] {
            let mut out = BytesMut::new();
            let receipt = Receipt::for_submit(&SUBMIT, 255, MessageState::EXPIRED, 1_795_502_400).unwrap();
            receipt.write(ReceiptScript { form, ids, delay: Duration::ZERO }, 3, 1_795_502_460, &mut out);
            let Body::DeliverSm(deliver) = Pdu::decode(&out).unwrap().body else { panic!("a deliver_sm") };
            assert_eq!(deliver.source.addr, b"15551234567");
            let read = smpp::Receipt::decode(&deliver).unwrap();
            assert_eq!(read.message_id, Some(id.as_bytes()));
            assert_eq!(read.state, Some(MessageState::EXPIRED));
        }
    }

    #[test]
    fn only_what_is_asked_for_is_reported() {
        let asks = |asked, state| {
            let submit = SubmitSm { registered_delivery: RegisteredDelivery(asked), ..SUBMIT };
            Receipt::for_submit(&submit, 1, state, 0).is_some()
        };
        for (asked, success, failure) in [(0, false, false), (1, true, true), (2, false, true), (3, true, false)] {
            assert_eq!(asks(asked, MessageState::DELIVERED), success, "{asked}");
            assert_eq!(asks(asked, MessageState::UNDELIVERABLE), failure, "{asked}");
        }
    }

    #[test]
    fn a_date_is_that_of_the_calendar() {
        assert_eq!(date(0), "7001010000");
        assert_eq!(date(951_782_399), "0002282359");
        assert_eq!(date(951_782_400), "0002290000");
        assert_eq!(date(1_704_067_199), "2312312359");
    }

    #[test]
    fn receipts_wait_for_their_account_in_order() {
        let backlog = Backlog::default();
        let receipt = |n| Receipt::for_submit(&SUBMIT, n, MessageState::DELIVERED, 0).unwrap();
        assert_eq!(backlog.keep(b"a", [1, 2, 3].map(receipt)), 0);
        assert!(backlog.take(b"b", 9).is_empty());
        let taken: Vec<u64> = backlog.take(b"a", 2).iter().map(|receipt| receipt.message).collect();
        assert_eq!((taken.as_slice(), backlog.take(b"a", 9).len()), (&[1, 2][..], 1));
        assert_eq!(backlog.keep(b"a", (0..70_000).map(receipt)), 70_000 - WAITING_MAX as u64);
    }
}
