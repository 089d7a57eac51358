//! Delivery receipts of an SMSC (SMPP v3.4 §4.6.1 and appendix B), and alerts.

use super::faults::ReceiptPlan;
use super::ids::Ids;
use super::script::{Dates, Intermediate, ReceiptForm, ReceiptScript};
use crate::codec::smpp::{
    Address, AlertNotification, DataCoding, DeliverSm, Encode, EsmClass, MessageState, Npi, RegisteredDelivery,
    SubmitSm, TlvBuffer, TlvTag, Ton,
};
use bytes::BytesMut;
use std::time::Duration;

/// Appendix B: how much of the message a text repeats.
const TEXT_OCTETS: usize = 20;
/// What short_message holds at most; a longer text goes into message_payload.
const SHORT_MESSAGE_OCTETS: usize = 254;

/// A receipt that is to be sent.
#[derive(Clone, Debug)]
pub(super) struct Receipt {
    /// The number in the message id.
    pub(super) message: u64,
    pub(super) state: MessageState,
    /// Whether it says itself that another follows.
    is_intermediate: bool,
    /// registered_delivery.
    asked: RegisteredDelivery,
    /// Seconds since 1970-01-01 UTC; `done` is `None` for when it is written.
    submitted: u64,
    done: Option<u64>,
    handset: Party,
    sender: Party,
    /// The start of the message, if it is text.
    text: Box<[u8]>,
}

/// One side of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Party {
    pub(super) ton: Ton,
    pub(super) npi: Npi,
    pub(super) addr: Box<[u8]>,
}

/// How a receipt is written.
#[derive(Clone, Copy)]
pub(super) struct Style<'a> {
    pub(super) script: &'a ReceiptScript,
    pub(super) ids: &'a Ids,
    /// Whether the peer knows optional parameters: v3.3 does not.
    pub(super) tlvs: bool,
}

impl Receipt {
    /// The receipts for message `message` of `submit`, if it asks for any.
    pub(super) fn for_submit(submit: &SubmitSm<'_>, message: u64, unix: u64) -> Option<Self> {
        // §5.2.17, bits 1 and 0.
        (submit.registered_delivery.0 & 0x03 != 0).then(|| Self {
            message,
            state: MessageState::ENROUTE,
            is_intermediate: false,
            asked: submit.registered_delivery,
            submitted: unix,
            done: None,
            handset: Party::of(&submit.destination),
            sender: Party::of(&submit.source),
            text: start(submit),
        })
    }

    /// The receipts that replace_sm asks for instead of those that `before` stands for, between handset and sender.
    pub(super) fn asked(
        asked: RegisteredDelivery,
        (handset, sender): (Party, Party),
        message: u64,
        before: Option<&Self>,
        unix: u64,
    ) -> Option<Self> {
        let state = MessageState::ENROUTE;
        let submitted = before.map_or(unix, |before| before.submitted);
        let message = before.map_or(message, |before| before.message);
        (asked.0 & 0x03 != 0).then(|| Self {
            message,
            state,
            is_intermediate: false,
            asked,
            submitted,
            done: None,
            handset,
            sender,
            text: Box::default(),
        })
    }

    /// The one for the end of the message, if that end is asked for.
    pub(super) fn ended(&self, state: MessageState, done: Option<u64>) -> Option<Self> {
        let delivered = state == MessageState::DELIVERED;
        let asked = match RegisteredDelivery(self.asked.0 & 0x03) {
            RegisteredDelivery::FINAL => true,
            RegisteredDelivery::FAILURE => !delivered,
            RegisteredDelivery::SUCCESS => delivered,
            _ => false,
        };
        asked.then(|| Self { state, done, ..self.clone() })
    }

    /// The one that comes before, if it comes.
    pub(super) fn intermediate(&self, script: &ReceiptScript) -> Option<Self> {
        let comes = match script.intermediate {
            Intermediate::Never => false,
            Intermediate::Asked => self.asked.0 & RegisteredDelivery::INTERMEDIATE.0 != 0,
            Intermediate::Always => true,
        };
        comes.then(|| Self { is_intermediate: true, ..self.clone() })
    }

    /// It and its copies and those that follow, each with the time that it waits.
    pub(super) fn sequence(self, plan: &ReceiptPlan) -> Vec<(Duration, Self)> {
        let delay = if plan.first { Duration::ZERO } else { plan.delay };
        let mut sequence = vec![(delay, self); usize::from(plan.copies)];
        if let Some((_, last)) = sequence.last().cloned() {
            for (state, step) in plan.then.iter().flatten().zip(1..) {
                sequence.push((delay + plan.delay * step, Self { state: *state, ..last.clone() }));
            }
        }
        sequence
    }

    /// Appends it as deliver_sm.
    pub(super) fn write(&self, style: Style<'_>, sequence_number: u32, unix: u64, out: &mut BytesMut) {
        let id = style.ids.receipt(self.message);
        let (tlv, text) = match style.script.form {
            // Nothing else is left to a peer without optional parameters.
            _ if !style.tlvs => (false, true),
            ReceiptForm::Tlv => (true, false),
            ReceiptForm::Text => (false, true),
            ReceiptForm::Both => (true, true),
            ReceiptForm::None => return,
        };
        let text = if text { self.text(style.script, &id, self.done.unwrap_or(unix)) } else { Vec::new() };
        let mut tlvs = TlvBuffer::new();
        if tlv {
            tlvs = tlvs.c_octets(TlvTag::RECEIPTED_MESSAGE_ID, id.as_bytes()).u8(TlvTag::MESSAGE_STATE, self.state.0);
        }
        let in_payload = (style.script.payload && style.tlvs) || text.len() > SHORT_MESSAGE_OCTETS;
        if in_payload && !text.is_empty() {
            tlvs = tlvs.octets(TlvTag::MESSAGE_PAYLOAD, &text);
        }
        let deliver = DeliverSm {
            // Who received the message reports it to who sent it: the addresses change places.
            source: self.handset.address(),
            destination: self.sender.address(),
            esm_class: match self.is_intermediate {
                true => EsmClass::INTERMEDIATE_NOTIFICATION,
                false => EsmClass::DELIVERY_RECEIPT,
            },
            short_message: if in_payload { b"" } else { &text },
            tlvs: tlvs.tlvs(),
            ..DeliverSm::default()
        };
        // Both addresses came in a submit_sm and the text is no longer than its field, so all of it fits.
        let _ = deliver.encode(sequence_number, out);
    }

    fn text(&self, script: &ReceiptScript, id: &str, unix: u64) -> Vec<u8> {
        let delivered = self.state == MessageState::DELIVERED;
        let intermediate = self.state == MessageState::ENROUTE;
        let (short, long) = words(self.state);
        let mut text = Vec::with_capacity(script.template.len() + 64);
        let mut rest = &*script.template;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, behind)) = after.split_once('}') else { break };
            text.extend_from_slice(before.as_bytes());
            match name {
                "id" => text.extend_from_slice(id.as_bytes()),
                "sub" => text.extend_from_slice(b"001"),
                "dlvrd" => text.extend_from_slice(if delivered { b"001" } else { b"000" }),
                "submit" => text.extend_from_slice(date(self.submitted, script.dates).as_bytes()),
                "done" => text.extend_from_slice(date(unix, script.dates).as_bytes()),
                "state" => text.extend_from_slice(short.as_bytes()),
                "word" => text.extend_from_slice(long.as_bytes()),
                "err" => text.extend_from_slice(if delivered || intermediate { b"000" } else { b"027" }),
                "text" => text.extend_from_slice(&self.text),
                _ => {}
            }
            rest = behind;
        }
        text.extend_from_slice(rest.as_bytes());
        text
    }
}

/// What a text repeats of a message: nothing of one that is no text.
fn start(submit: &SubmitSm<'_>) -> Box<[u8]> {
    let is_text = matches!(submit.data_coding, DataCoding::SMSC_DEFAULT | DataCoding::IA5 | DataCoding::LATIN_1);
    if !is_text || submit.esm_class.has_udh() {
        return Box::default();
    }
    let text = submit.user_data();
    text.get(..TEXT_OCTETS).unwrap_or(text).into()
}

/// A handset is there again, and who sent to it wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HandsetAlert {
    handset: Party,
    esme: Party,
}

impl HandsetAlert {
    pub(super) fn of(submit: &SubmitSm<'_>) -> Self {
        Self { handset: Party::of(&submit.destination), esme: Party::of(&submit.source) }
    }

    /// Appends it as alert_notification.
    pub(super) fn write(&self, tlvs: bool, sequence_number: u32, out: &mut BytesMut) {
        let available = TlvBuffer::new().u8(TlvTag::MS_AVAILABILITY_STATUS, 0);
        let none = TlvBuffer::new();
        let tlvs = if tlvs { available.tlvs() } else { none.tlvs() };
        let alert = AlertNotification { source: self.handset.address(), esme: self.esme.address(), tlvs };
        // Both addresses came in a submit_sm, whose are shorter.
        let _ = alert.encode(sequence_number, out);
    }
}

impl Party {
    pub(super) fn of(address: &Address<'_>) -> Self {
        Self { ton: address.ton, npi: address.npi, addr: address.addr.into() }
    }

    pub(super) fn address(&self) -> Address<'_> {
        Address { ton: self.ton, npi: self.npi, addr: &self.addr }
    }
}

/// Appendix B: states in seven characters; and written out, as some vendors do.
const fn words(state: MessageState) -> (&'static str, &'static str) {
    match state {
        MessageState::DELIVERED => ("DELIVRD", "DELIVERED"),
        MessageState::EXPIRED => ("EXPIRED", "EXPIRED"),
        MessageState::DELETED => ("DELETED", "DELETED"),
        MessageState::UNDELIVERABLE => ("UNDELIV", "UNDELIVERABLE"),
        MessageState::ACCEPTED => ("ACCEPTD", "ACCEPTED"),
        MessageState::REJECTED => ("REJECTD", "REJECTED"),
        MessageState::ENROUTE => ("ENROUTE", "ENROUTE"),
        _ => ("UNKNOWN", "UNKNOWN"),
    }
}

/// A Unix time, by the civil calendar from days (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
pub(super) fn date(unix: u64, dates: Dates) -> String {
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
    let short = year % 100;
    match dates {
        Dates::Minutes => format!("{short:02}{month:02}{day:02}{hour:02}{minute:02}"),
        Dates::Seconds => format!("{short:02}{month:02}{day:02}{hour:02}{minute:02}{:02}", unix % 60),
        Dates::Century => format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{:02}", unix % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::smpp::{self, Body, Pdu};
    use crate::sim::FaultScript;

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

    fn written(script: &str, receipt: &Receipt, tlvs: bool) -> BytesMut {
        let script: FaultScript = script.parse().unwrap();
        let ids = Ids::new(1, &script.ids);
        let mut out = BytesMut::new();
        receipt.write(Style { script: &script.receipts, ids: &ids, tlvs }, 3, 1_795_502_460, &mut out);
        out
    }

    fn expired(submit: &SubmitSm<'_>) -> Receipt {
        Receipt::for_submit(submit, 255, 1_795_502_400).unwrap().ended(MessageState::EXPIRED, None).unwrap()
    }

    #[test]
    fn a_receipt_is_read_back_in_each_form() {
        for (script, tlvs, id) in [
            ("[receipts]\nform = \"tlv\"", true, "000000FF"),
            ("[receipts]\nform = \"text\"\nids = \"decimal\"", true, "0000000255"),
            ("[receipts]\nform = \"both\"", true, "000000FF"),
            ("[receipts]\nform = \"tlv\"", false, "000000FF"),
            ("[receipts]\nform = \"text\"\npayload = true", true, "000000FF"),
            ("[receipts]\nform = \"text\"\nstyle = \"short\"", true, "000000FF"),
            ("[receipts]\nform = \"text\"\nstyle = \"words\"\ndates = \"century\"", true, "000000FF"),
            ("[receipts]\nform = \"text\"\nstyle = \"reordered\"\ndates = \"seconds\"", true, "000000FF"),
            ("[ids]\nreceipt = { base = \"hex\", width = 0, case = \"lower\" }", true, "ff"),
        ] {
            let out = written(script, &expired(&SUBMIT), tlvs);
            let Body::DeliverSm(deliver) = Pdu::decode(&out).unwrap().body else { panic!("a deliver_sm") };
            assert_eq!(deliver.source.addr, b"15551234567");
            assert!(tlvs || deliver.tlvs.is_empty());
            let read = smpp::Receipt::decode(&deliver).unwrap();
            assert_eq!(read.message_id, Some(id.as_bytes()), "{script}");
            assert_eq!((read.state, read.is_intermediate), (Some(MessageState::EXPIRED), false), "{script}");
        }
    }

    #[test]
    fn a_template_is_filled_in() {
        let submit =
            SubmitSm { esm_class: EsmClass::DEFAULT, data_coding: DataCoding::IA5, short_message: b"hello", ..SUBMIT };
        let script = "[receipts]\nform = \"text\"\ntemplate = \"<{id}|{word}|{done}|{text}|{nothing}> {\"";
        let out = written(script, &expired(&submit), true);
        let Body::DeliverSm(deliver) = Pdu::decode(&out).unwrap().body else { panic!("a deliver_sm") };
        assert_eq!(deliver.short_message.escape_ascii().to_string(), "<000000FF|EXPIRED|2611240641|hello|> {");
    }

    #[test]
    fn only_what_is_asked_for_is_reported() {
        let asks = |asked, state| {
            let submit = SubmitSm { registered_delivery: RegisteredDelivery(asked), ..SUBMIT };
            Receipt::for_submit(&submit, 1, 0).and_then(|receipt| receipt.ended(state, None)).is_some()
        };
        for (asked, success, failure) in [(0, false, false), (1, true, true), (2, false, true), (3, true, false)] {
            assert_eq!(asks(asked, MessageState::DELIVERED), success, "{asked}");
            assert_eq!(asks(asked, MessageState::UNDELIVERABLE), failure, "{asked}");
        }
    }

    #[test]
    fn one_on_the_way_comes_when_it_is_asked_for_and_the_script_has_it() {
        let comes = |script: &str, asked| {
            let script: FaultScript = script.parse().unwrap();
            let submit = SubmitSm { registered_delivery: RegisteredDelivery(asked), ..SUBMIT };
            let receipt = Receipt::for_submit(&submit, 1, 0).unwrap();
            receipt.intermediate(&script.receipts).is_some()
        };
        let [asked, always] = ["asked", "always"].map(|word| format!("[receipts]\nintermediate = \"{word}\""));
        assert!(!comes("", 0x11) && !comes(&asked, 0x01) && comes(&asked, 0x11) && comes(&always, 0x01));
    }

    #[test]
    fn a_date_is_that_of_the_calendar() {
        let date = |unix| date(unix, Dates::Minutes);
        assert_eq!(date(0), "7001010000");
        assert_eq!(date(951_782_399), "0002282359");
        assert_eq!(date(951_782_400), "0002290000");
        assert_eq!(date(1_704_067_199), "2312312359");
        assert_eq!(super::date(951_782_399, Dates::Century), "20000228235959");
    }
}
