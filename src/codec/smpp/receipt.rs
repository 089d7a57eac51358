//! Delivery receipts in `deliver_sm`: the optional parameters of SMPP v3.4 §5.3.2 first, then the text of Appendix B.
//!
//! Appendix B calls the text "SMSC vendor specific", and it is: keys differ in case, parts are missing or in another
//! order, states are written out or are numbers, dates have seconds or a century. So every part is looked for by its key
//! alone. Left out: texts in UCS2 or in packed septets, and languages other than English.

use super::codes::{EsmClass, MessageState};
use super::deliver_sm::DeliverSm;
use super::time::ReceiptTime;
use super::tlv::TlvTag;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Receipt<'a> {
    /// The message, by the name that `submit_sm_resp` gave it; vendors differ in base, case and leading zeros.
    pub message_id: Option<&'a [u8]>,
    /// How far it came.
    pub state: Option<MessageState>,
    /// `err` of the text: mostly three digits, whose meaning is the vendor's.
    pub error: Option<&'a [u8]>,
    /// Why the network did not deliver it.
    pub network_error: Option<NetworkError>,
    /// When it was submitted.
    pub submit_date: Option<ReceiptTime>,
    /// When it came into this state.
    pub done_date: Option<ReceiptTime>,
    /// Whether the state is on the way and another receipt follows.
    pub is_intermediate: bool,
}

/// `network_error_code`, §5.3.2.31.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkError {
    /// 1 ANSI-136, 2 IS-95, 3 GSM; v5.0 has more.
    pub network_type: u8,
    /// The code of that network.
    pub code: u16,
}

impl<'a> Receipt<'a> {
    /// Reads a receipt; `None` if the message is none.
    ///
    /// §5.2.12 marks a receipt in `esm_class`. A message without that mark, but with `receipted_message_id`, is taken
    /// for one too. An optional parameter of the wrong length counts as missing, and what is missing there is looked
    /// for in the text.
    pub fn decode(message: &DeliverSm<'a>) -> Option<Self> {
        let receipted_message_id = message.tlvs.c_octets(TlvTag::RECEIPTED_MESSAGE_ID);
        let receipted_message_id = receipted_message_id.map(<[u8]>::trim_ascii).filter(|id| !id.is_empty());
        let is_intermediate = match message.esm_class.message_type() {
            EsmClass::DELIVERY_RECEIPT => false,
            EsmClass::INTERMEDIATE_NOTIFICATION => true,
            EsmClass::DEFAULT if receipted_message_id.is_some() => false,
            _ => return None,
        };
        let text = Text::new(message.user_data());
        let tlv_state = message.tlvs.u8(TlvTag::MESSAGE_STATE).ok().flatten();
        let tlv_state = tlv_state.map(MessageState).filter(|state| state.0 <= MessageState::SKIPPED.0);
        let network_error = message.tlvs.array::<3>(TlvTag::NETWORK_ERROR_CODE).ok().flatten();
        Some(Self {
            message_id: receipted_message_id.or_else(|| text.value("id")),
            state: tlv_state.or_else(|| text.first(["stat", "status", "state"]).and_then(state_of_text)),
            error: text.first(["err", "error", "error_code"]),
            network_error: network_error
                .map(|[network_type, high, low]| NetworkError { network_type, code: u16::from_be_bytes([high, low]) }),
            submit_date: text.date(["submit date", "submitdate", "submit_date", "submit-date"]),
            done_date: text.date(["done date", "donedate", "done_date", "done-date"]),
            is_intermediate,
        })
    }
}

/// Appendix B shortens states to seven characters; some vendors write them out, shorten them otherwise, or have the number
/// of `message_state`. Five characters tell them all apart.
fn state_of_text(text: &[u8]) -> Option<MessageState> {
    if let [digit @ b'0'..=b'9'] = text {
        return Some(MessageState(digit - b'0'));
    }
    let mut start = *text.first_chunk::<5>()?;
    start.make_ascii_uppercase();
    Some(match &start {
        // Words like "delivery_failed" say the opposite of how they begin.
        b"DELIV" if text.get(5..8).is_some_and(|rest| rest.eq_ignore_ascii_case(b"ERY")) => return None,
        b"SCHED" => MessageState::SCHEDULED,
        b"ENROU" | b"BUFFE" | b"BUFFR" => MessageState::ENROUTE,
        b"DELIV" => MessageState::DELIVERED,
        b"EXPIR" => MessageState::EXPIRED,
        b"DELET" => MessageState::DELETED,
        b"UNDEL" | b"FAILE" => MessageState::UNDELIVERABLE,
        b"ACCEP" => MessageState::ACCEPTED,
        b"UNKNO" => MessageState::UNKNOWN,
        b"REJEC" => MessageState::REJECTED,
        b"SKIPP" => MessageState::SKIPPED,
        _ => return None,
    })
}

/// The keys and values of a receipt. What follows `text:` is the user's own and is not looked at.
struct Text<'a> {
    octets: &'a [u8],
}

impl<'a> Text<'a> {
    fn new(octets: &'a [u8]) -> Self {
        let whole = Self { octets };
        let end = whole.find("text").map_or(octets.len(), |(key, _)| key);
        Self { octets: &octets[..end] }
    }

    /// The word after the first of these keys that has one.
    fn first(&self, keys: [&str; 3]) -> Option<&'a [u8]> {
        keys.iter().find_map(|key| self.value(key))
    }

    /// The word after `key:`.
    fn value(&self, key: &str) -> Option<&'a [u8]> {
        let (_, at) = self.find(key)?;
        let value = self.octets.get(at..)?;
        let blanks = value.iter().take_while(|octet| **octet == b' ').count();
        let value = &value[blanks..];
        let end = value.iter().position(|octet| octet.is_ascii_whitespace() || matches!(octet, 0 | b',' | b';'));
        let end = end.unwrap_or(value.len());
        let word = &value[..end];
        // A word with a colon behind blanks is the next key: the value is missing.
        let is_next_key = blanks > 0 && word.iter().any(|octet| is_separator(*octet));
        (!word.is_empty() && !is_next_key).then_some(word)
    }

    fn date(&self, spellings: [&str; 4]) -> Option<ReceiptTime> {
        spellings.iter().find_map(|key| ReceiptTime::parse(self.value(key)?))
    }

    /// Where `key` starts as a word of its own before a colon or an equals sign, and where its value starts.
    fn find(&self, key: &str) -> Option<(usize, usize)> {
        memchr::memchr2_iter(b':', b'=', self.octets).find_map(|separator| {
            let before = self.octets.get(..separator)?.trim_ascii_end();
            let (before, word) = before.split_at_checked(before.len().checked_sub(key.len())?)?;
            let is_word = before.last().is_none_or(|octet| !octet.is_ascii_alphanumeric());
            (is_word && word.eq_ignore_ascii_case(key.as_bytes())).then_some((before.len(), separator + 1))
        })
    }
}

fn is_separator(octet: u8) -> bool {
    matches!(octet, b':' | b'=')
}

#[cfg(test)]
mod tests {
    use super::super::tlv::TlvBuffer;
    use super::*;

    const TEXT: &[u8] = b"id:0169552957 sub:001 dlvrd:001 submit date:2611230640 done date:2611230641 stat:DELIVRD err:007 text:stat:EXPIRED id:9";

    fn receipt(text: &[u8]) -> Receipt<'_> {
        let message = DeliverSm { esm_class: EsmClass::DELIVERY_RECEIPT, short_message: text, ..DeliverSm::default() };
        Receipt::decode(&message).unwrap()
    }

    fn time(minute: u8) -> Option<ReceiptTime> {
        Some(ReceiptTime { year: 2026, month: 11, day: 23, hour: 6, minute, second: 0 })
    }

    #[test]
    fn the_text_of_appendix_b_is_read_whole() {
        let expected = Receipt {
            message_id: Some(b"0169552957"),
            state: Some(MessageState::DELIVERED),
            error: Some(b"007"),
            network_error: None,
            submit_date: time(40),
            done_date: time(41),
            is_intermediate: false,
        };
        assert_eq!(receipt(TEXT), expected);
    }

    #[test]
    fn case_order_and_missing_parts_do_not_matter() {
        let read = receipt(b"Stat:Undeliverable ID:ab-12:3 Err:0x1 SubmitDate:20261123064000 Text:");
        assert_eq!(read.message_id, Some(&b"ab-12:3"[..]));
        assert_eq!(read.state, Some(MessageState::UNDELIVERABLE));
        assert_eq!(read.error, Some(&b"0x1"[..]));
        assert_eq!((read.submit_date, read.done_date), (time(40), None));
    }

    /// Texts as SMSCs of many makes write them: id, state, err, minute of the submission, minute of the end.
    type Line = (&'static str, &'static str, Option<MessageState>, &'static str, Option<u8>, Option<u8>);

    const LINES: [Line; 28] = [
        (
            "id:0169552957 sub:001 dlvrd:001 submit date:2611230640 done date:2611230641 stat:DELIVRD err:000 text:hello",
            "0169552957",
            Some(MessageState::DELIVERED),
            "000",
            Some(40),
            Some(41),
        ),
        (
            "id:0A1B2C3D sub:1 dlvrd:1 submit date:261123064000 done date:261123064100 stat:DELIVRD err:0 Text:",
            "0A1B2C3D",
            Some(MessageState::DELIVERED),
            "0",
            Some(40),
            Some(41),
        ),
        (
            "id:c449ab9744f47b6af1879e49e75e4f40 sub:001 dlvrd:000 submit date:20261123064000 done date:20261123064100 stat:EXPIRED err:027 Text:x",
            "c449ab9744f47b6af1879e49e75e4f40",
            Some(MessageState::EXPIRED),
            "027",
            Some(40),
            Some(41),
        ),
        (
            "id:0e999f21-6ff2-4b7e-a5b6-3d2b11aa0c5e submit date:2611230640 done date:2611230641 stat:UNDELIV err:450",
            "0e999f21-6ff2-4b7e-a5b6-3d2b11aa0c5e",
            Some(MessageState::UNDELIVERABLE),
            "450",
            Some(40),
            Some(41),
        ),
        ("id:00121-14-6a-22 stat:REJECTD err:06F", "00121-14-6a-22", Some(MessageState::REJECTED), "06F", None, None),
        ("ID:77 STAT:DELETED ERR:0x0000000b", "77", Some(MessageState::DELETED), "0x0000000b", None, None),
        ("id: 77  sub: 001 dlvrd: 001 stat: ACCEPTD err: 000", "77", Some(MessageState::ACCEPTED), "000", None, None),
        ("id : 77 stat : UNKNOWN err : 5", "77", Some(MessageState::UNKNOWN), "5", None, None),
        ("id=77 stat=ENROUTE err=000 text=id=9", "77", Some(MessageState::ENROUTE), "000", None, None),
        ("id:77,sub:001,dlvrd:001,stat:DELIVRD,err:000,text:", "77", Some(MessageState::DELIVERED), "000", None, None),
        ("id:77;stat:DELIVERED;err:0", "77", Some(MessageState::DELIVERED), "0", None, None),
        ("id:77\r\nstat:UNDELIVERABLE\r\nerr:021\r\n", "77", Some(MessageState::UNDELIVERABLE), "021", None, None),
        ("id:77\tstat:delivrd\terr:none", "77", Some(MessageState::DELIVERED), "none", None, None),
        ("id:77 stat:Expired", "77", Some(MessageState::EXPIRED), "", None, None),
        ("id:77 status:Rejected error:ABSENT", "77", Some(MessageState::REJECTED), "ABSENT", None, None),
        ("id:77 stat:2 err:0", "77", Some(MessageState::DELIVERED), "0", None, None),
        ("id:77 stat:5 err:4", "77", Some(MessageState::UNDELIVERABLE), "4", None, None),
        ("id:77 stat:FAILED err:4", "77", Some(MessageState::UNDELIVERABLE), "4", None, None),
        ("id:77 stat:BUFFRED err:4", "77", Some(MessageState::ENROUTE), "4", None, None),
        ("id:77 stat:SCHEDULED err:", "77", Some(MessageState::SCHEDULED), "", None, None),
        ("id:77 stat:SKIPPED", "77", Some(MessageState::SKIPPED), "", None, None),
        ("id:77 stat:DELIVERY_FAILED err:1", "77", None, "1", None, None),
        ("id:77 stat:12 err:1", "77", None, "1", None, None),
        ("id:77 sub:001 dlvrd:001 submitdate:2611230640 donedate:2611230641", "77", None, "", Some(40), Some(41)),
        ("stat:DELIVRD err:000 done_date:2611230641 id:77", "77", Some(MessageState::DELIVERED), "000", None, Some(41)),
        ("id:77 done date:26-11-23T06:41 stat:DELIVRD", "77", Some(MessageState::DELIVERED), "", None, None),
        ("sub:001 dlvrd:001 stat:DELIVRD", "", Some(MessageState::DELIVERED), "", None, None),
        ("your message was delivered", "", None, "", None, None),
    ];

    #[test]
    fn texts_of_many_makes_are_read() {
        for (line, id, state, error, submitted, done) in LINES {
            let read = receipt(line.as_bytes());
            assert_eq!(read.message_id.unwrap_or_default().escape_ascii().to_string(), id, "{line}");
            assert_eq!(read.state, state, "{line}");
            assert_eq!(read.error.unwrap_or_default().escape_ascii().to_string(), error, "{line}");
            assert_eq!((read.submit_date, read.done_date), (submitted.and_then(time), done.and_then(time)), "{line}");
        }
    }

    #[test]
    fn blanks_around_an_id_are_not_part_of_it() {
        let buffer = TlvBuffer::new().c_octets(TlvTag::RECEIPTED_MESSAGE_ID, b" 0A1B ").u8(TlvTag::MESSAGE_STATE, 2);
        let message = DeliverSm { esm_class: EsmClass::DELIVERY_RECEIPT, tlvs: buffer.tlvs(), ..DeliverSm::default() };
        assert_eq!(Receipt::decode(&message).unwrap().message_id, Some(&b"0A1B"[..]));
    }

    #[test]
    fn a_state_that_nobody_knows_is_looked_for_in_the_text() {
        let buffer = TlvBuffer::new().u8(TlvTag::MESSAGE_STATE, 200);
        let message = DeliverSm {
            esm_class: EsmClass::DELIVERY_RECEIPT,
            short_message: TEXT,
            tlvs: buffer.tlvs(),
            ..DeliverSm::default()
        };
        assert_eq!(Receipt::decode(&message).unwrap().state, Some(MessageState::DELIVERED));
    }

    #[test]
    fn a_key_without_its_value_does_not_take_the_next() {
        let read = receipt(b"id: sub:001 submit date: done date:2611230641 stat: err: text:");
        assert_eq!(read, Receipt { done_date: time(41), ..Receipt::default() });
        assert_eq!(receipt(b"id: 42 stat: REJECTD").message_id, Some(&b"42"[..]));
        assert_eq!(receipt(b"msgid:42 estat:REJECTD"), Receipt::default());
    }

    #[test]
    fn what_the_user_wrote_is_not_read_as_a_receipt() {
        let read = receipt(b"stat:DELIVRD text:id:9 err:1");
        assert_eq!(read, Receipt { state: Some(MessageState::DELIVERED), ..Receipt::default() });
    }

    #[test]
    fn optional_parameters_go_before_the_text() {
        let buffer = TlvBuffer::new()
            .c_octets(TlvTag::RECEIPTED_MESSAGE_ID, b"0A1B2C3D")
            .u8(TlvTag::MESSAGE_STATE, 5)
            .octets(TlvTag::NETWORK_ERROR_CODE, &[3, 0, 27]);
        let message = DeliverSm {
            esm_class: EsmClass::DELIVERY_RECEIPT,
            short_message: TEXT,
            tlvs: buffer.tlvs(),
            ..DeliverSm::default()
        };
        let read = Receipt::decode(&message).unwrap();
        assert_eq!(read.message_id, Some(&b"0A1B2C3D"[..]));
        assert_eq!(read.state, Some(MessageState::UNDELIVERABLE));
        assert_eq!(read.network_error, Some(NetworkError { network_type: 3, code: 27 }));
        assert_eq!(read.done_date, time(41));
    }

    #[test]
    fn what_is_wrong_among_the_optional_parameters_is_looked_for_in_the_text() {
        let buffer = TlvBuffer::new()
            .octets(TlvTag::MESSAGE_STATE, &[2, 2])
            .c_octets(TlvTag::RECEIPTED_MESSAGE_ID, b"")
            .octets(TlvTag::MESSAGE_PAYLOAD, TEXT);
        let message = DeliverSm { esm_class: EsmClass::DELIVERY_RECEIPT, tlvs: buffer.tlvs(), ..DeliverSm::default() };
        let read = Receipt::decode(&message).unwrap();
        assert_eq!(read.state, Some(MessageState::DELIVERED));
        assert_eq!(read.message_id, Some(&b"0169552957"[..]));
    }

    #[test]
    fn an_ordinary_message_is_no_receipt() {
        let message = DeliverSm { short_message: TEXT, ..DeliverSm::default() };
        assert_eq!(Receipt::decode(&message), None);
        let acknowledgement = DeliverSm { esm_class: EsmClass::DELIVERY_ACKNOWLEDGEMENT, ..message };
        assert_eq!(Receipt::decode(&acknowledgement), None);
    }

    #[test]
    fn a_receipt_without_its_mark_is_known_by_its_message_id() {
        let buffer = TlvBuffer::new().c_octets(TlvTag::RECEIPTED_MESSAGE_ID, b"1");
        let message = DeliverSm { tlvs: buffer.tlvs(), ..DeliverSm::default() };
        assert_eq!(Receipt::decode(&message).and_then(|read| read.message_id), Some(&b"1"[..]));
    }

    #[test]
    fn an_intermediate_notification_says_so() {
        let message = DeliverSm {
            esm_class: EsmClass::INTERMEDIATE_NOTIFICATION,
            short_message: b"id:1 stat:ENROUTE",
            ..DeliverSm::default()
        };
        let read = Receipt::decode(&message).unwrap();
        assert!(read.is_intermediate);
        assert_eq!(read.state, Some(MessageState::ENROUTE));
    }
}
