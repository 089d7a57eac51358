//! A PDU in words, one line for each parameter: for a person who holds octets and asks what they say.
//!
//! Addresses and text are shown in full, so this is never for a log. Passwords are not shown.

use std::borrow::Cow;
use std::fmt;

use super::address::Address;
use super::bind::Bind;
use super::data_sm::DataSm;
use super::deliver_sm::DeliverSm;
use super::header::Header;
use super::pdu::{Body, Pdu};
use super::receipt::Receipt;
use super::submit_sm::SubmitSm;
use super::tlv::{Tlv, TlvTag, Tlvs};

/// Describes a PDU.
pub fn describe(pdu: &Pdu<'_>) -> Description {
    let mut description = Description { fields: Vec::new() };
    description.header(&pdu.header);
    description.body(&pdu.body);
    description
}

/// The parameters of a PDU by name, in the order of the wire. `Display` writes one line for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    fields: Vec<(Cow<'static, str>, String)>,
}

impl Description {
    /// Names and values.
    pub fn fields(&self) -> &[(Cow<'static, str>, String)] {
        &self.fields
    }

    fn put(&mut self, name: impl Into<Cow<'static, str>>, value: impl fmt::Display) {
        self.fields.push((name.into(), value.to_string()));
    }

    fn text(&mut self, name: &'static str, octets: &[u8]) {
        self.put(name, format_args!("\"{}\"", octets.escape_ascii()));
    }

    fn header(&mut self, header: &Header) {
        self.put("command_length", header.command_length);
        self.put("command_id", header.command_id);
        if header.command_status.is_ok() {
            self.put("command_status", header.command_status);
        } else {
            let status = header.command_status;
            self.put("command_status", format_args!("{status} ({})", status.description()));
        }
        self.put("sequence_number", header.sequence_number);
    }

    fn body(&mut self, body: &Body<'_>) {
        match body {
            Body::Bind(bind) => self.bind(bind),
            Body::BindResp(resp) => {
                self.text("system_id", resp.system_id);
                self.tlvs(&resp.tlvs);
            }
            Body::Outbind(outbind) => {
                self.text("system_id", outbind.system_id);
                self.put("password", Hidden(outbind.password));
            }
            Body::SubmitSm(message) => self.submit_sm(message),
            Body::SubmitSmResp(resp) => self.message_resp(resp.message_id, &resp.tlvs),
            Body::DeliverSm(message) => self.deliver_sm(message),
            Body::DeliverSmResp(resp) => self.message_resp(resp.message_id, &resp.tlvs),
            Body::DataSm(message) => self.data_sm(message),
            Body::DataSmResp(resp) => self.message_resp(resp.message_id, &resp.tlvs),
            Body::AlertNotification(alert) => {
                self.address(["source_addr_ton", "source_addr_npi", "source_addr"], &alert.source);
                self.address(["esme_addr_ton", "esme_addr_npi", "esme_addr"], &alert.esme);
                self.tlvs(&alert.tlvs);
            }
            Body::Unknown(octets) => self.put("body", Hex(octets)),
            Body::EnquireLink | Body::EnquireLinkResp | Body::Unbind | Body::UnbindResp | Body::GenericNack => {}
        }
    }

    fn bind(&mut self, bind: &Bind<'_>) {
        self.text("system_id", bind.system_id);
        self.put("password", Hidden(bind.password));
        self.text("system_type", bind.system_type);
        self.put("interface_version", bind.interface_version);
        self.address(["addr_ton", "addr_npi", "address_range"], &bind.address_range);
    }

    fn submit_sm(&mut self, message: &SubmitSm<'_>) {
        self.text("service_type", message.service_type);
        self.both_ends(&message.source, &message.destination);
        self.put("esm_class", message.esm_class);
        self.put("protocol_id", format_args!("{:#04x}", message.protocol_id));
        self.put("priority_flag", message.priority_flag);
        self.text("schedule_delivery_time", message.schedule_delivery_time);
        self.text("validity_period", message.validity_period);
        self.put("registered_delivery", message.registered_delivery);
        self.put("replace_if_present_flag", message.replace_if_present_flag);
        self.put("data_coding", message.data_coding);
        self.put("sm_default_msg_id", message.sm_default_msg_id);
        self.short_message(message.short_message);
        self.tlvs(&message.tlvs);
    }

    fn deliver_sm(&mut self, message: &DeliverSm<'_>) {
        self.text("service_type", message.service_type);
        self.both_ends(&message.source, &message.destination);
        self.put("esm_class", message.esm_class);
        self.put("protocol_id", format_args!("{:#04x}", message.protocol_id));
        self.put("priority_flag", message.priority_flag);
        self.put("registered_delivery", message.registered_delivery);
        self.put("data_coding", message.data_coding);
        self.short_message(message.short_message);
        self.tlvs(&message.tlvs);
        if let Some(receipt) = Receipt::decode(message) {
            self.receipt(&receipt);
        }
    }

    fn data_sm(&mut self, message: &DataSm<'_>) {
        self.text("service_type", message.service_type);
        self.both_ends(&message.source, &message.destination);
        self.put("esm_class", message.esm_class);
        self.put("registered_delivery", message.registered_delivery);
        self.put("data_coding", message.data_coding);
        self.tlvs(&message.tlvs);
    }

    fn message_resp(&mut self, message_id: &[u8], tlvs: &Tlvs<'_>) {
        self.text("message_id", message_id);
        self.tlvs(tlvs);
    }

    fn both_ends(&mut self, source: &Address<'_>, destination: &Address<'_>) {
        self.address(["source_addr_ton", "source_addr_npi", "source_addr"], source);
        self.address(["dest_addr_ton", "dest_addr_npi", "destination_addr"], destination);
    }

    fn address(&mut self, [ton, npi, addr]: [&'static str; 3], address: &Address<'_>) {
        self.put(ton, address.ton);
        self.put(npi, address.npi);
        self.text(addr, address.addr);
    }

    fn short_message(&mut self, message: &[u8]) {
        self.put("sm_length", message.len());
        self.put("short_message", Hex(message));
    }

    fn tlvs(&mut self, tlvs: &Tlvs<'_>) {
        for Tlv { tag, value } in tlvs.iter() {
            match (tag, value) {
                (TlvTag::SOURCE_PORT | TlvTag::DESTINATION_PORT, [high, low]) => {
                    self.put(tag.to_string(), u16::from_be_bytes([*high, *low]));
                }
                (TlvTag::RECEIPTED_MESSAGE_ID, _) => {
                    let id = tlvs.c_octets(tag).unwrap_or_default();
                    self.put(tag.to_string(), format_args!("\"{}\"", id.escape_ascii()));
                }
                _ => self.put(tag.to_string(), Hex(value)),
            }
        }
    }

    fn receipt(&mut self, receipt: &Receipt<'_>) {
        if let Some(message_id) = receipt.message_id {
            self.text("receipt.message_id", message_id);
        }
        if let Some(state) = receipt.state {
            self.put("receipt.state", state);
        }
        if let Some(error) = receipt.error {
            self.text("receipt.error", error);
        }
    }
}

impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.fields {
            writeln!(f, "{name}: {value}")?;
        }
        Ok(())
    }
}

/// Octets as hex digits.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// A password: only its length.
struct Hidden<'a>(&'a [u8]);

impl fmt::Display for Hidden<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} octets)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::super::bind::BindMode;
    use super::super::codes::InterfaceVersion;
    use super::super::command_status::CommandStatus;
    use super::super::encode::Encode;
    use super::*;

    fn described(octets: &[u8]) -> String {
        describe(&Pdu::decode(octets).unwrap()).to_string()
    }

    #[test]
    fn an_error_is_explained() {
        let mut out = BytesMut::new();
        Header::nack(CommandStatus::INVCMDID, 11).encode(&mut out);
        let expected = "command_length: 16\ncommand_id: 0x80000000 generic_nack\n\
                        command_status: 0x3 ESME_RINVCMDID (command id is invalid)\nsequence_number: 11\n";
        assert_eq!(described(&out), expected);
    }

    #[test]
    fn a_password_is_never_shown() {
        let bind = Bind {
            mode: BindMode::Transceiver,
            system_id: b"esme",
            password: b"secret",
            system_type: b"",
            interface_version: InterfaceVersion::V3_4,
            address_range: Address::default(),
        };
        let mut out = BytesMut::new();
        bind.encode(1, &mut out).unwrap();
        let text = described(&out) + &format!("{bind:?}");
        assert!(text.contains("password: (6 octets)") && !text.contains("secret"));
        assert!(text.contains("interface_version: 0x34 3.4"));
    }
}
