//! A PDU in words, one line for each parameter: for a person who holds octets and asks what they say.
//!
//! Addresses and text are shown in full, so this is never for a log. Passwords are not shown.

use std::borrow::Cow;
use std::fmt;

use super::address::Address;
use super::bind::Bind;
use super::broadcast::Broadcast;
use super::cancel_sm::CancelSm;
use super::codes::{InterfaceVersion, MessageState, MsAvailability};
use super::command_status::CommandStatus;
use super::data_sm::DataSm;
use super::deliver_sm::DeliverSm;
use super::header::Header;
use super::pdu::{Body, Pdu};
use super::query_sm::{QuerySm, QuerySmResp};
use super::receipt::Receipt;
use super::replace_sm::ReplaceSm;
use super::submit_multi::{MultiDestination, SubmitMulti, SubmitMultiResp};
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
        self.status("command_status", header.command_status);
        self.put("sequence_number", header.sequence_number);
    }

    fn status(&mut self, name: &'static str, status: CommandStatus) {
        if status.is_ok() {
            self.put(name, status);
        } else {
            self.put(name, format_args!("{status} ({})", status.description()));
        }
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
                self.source(&alert.source);
                self.address(["esme_addr_ton", "esme_addr_npi", "esme_addr"], &alert.esme);
                self.tlvs(&alert.tlvs);
            }
            Body::QuerySm(query) => self.query_sm(query),
            Body::QuerySmResp(resp) => self.query_sm_resp(resp),
            Body::CancelSm(cancel) => self.cancel_sm(cancel),
            Body::ReplaceSm(message) => self.replace_sm(message),
            Body::SubmitMulti(message) => self.submit_multi(message),
            Body::SubmitMultiResp(resp) => self.submit_multi_resp(resp),
            Body::CancelSmResp(resp) => self.tlvs(&resp.tlvs),
            Body::ReplaceSmResp(resp) => self.tlvs(&resp.tlvs),
            Body::EnquireLinkResp(tlvs) => self.tlvs(tlvs),
            Body::Broadcast(broadcast) => self.broadcast(broadcast),
            Body::Unknown(octets) => self.put("body", Hex(octets)),
            Body::EnquireLink | Body::Unbind | Body::UnbindResp | Body::GenericNack => {}
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

    fn query_sm(&mut self, query: &QuerySm<'_>) {
        self.text("message_id", query.message_id);
        self.source(&query.source);
    }

    fn query_sm_resp(&mut self, resp: &QuerySmResp<'_>) {
        self.text("message_id", resp.message_id);
        self.text("final_date", resp.final_date);
        self.put("message_state", resp.message_state);
        self.put("error_code", resp.error_code);
        self.tlvs(&resp.tlvs);
    }

    fn cancel_sm(&mut self, cancel: &CancelSm<'_>) {
        self.text("service_type", cancel.service_type);
        self.text("message_id", cancel.message_id);
        self.both_ends(&cancel.source, &cancel.destination);
    }

    fn replace_sm(&mut self, message: &ReplaceSm<'_>) {
        self.text("message_id", message.message_id);
        self.source(&message.source);
        self.text("schedule_delivery_time", message.schedule_delivery_time);
        self.text("validity_period", message.validity_period);
        self.put("registered_delivery", message.registered_delivery);
        self.put("sm_default_msg_id", message.sm_default_msg_id);
        self.short_message(message.short_message);
        self.tlvs(&message.tlvs);
    }

    fn submit_multi(&mut self, message: &SubmitMulti<'_>) {
        self.text("service_type", message.service_type);
        self.source(&message.source);
        self.put("number_of_dests", message.destinations.len());
        for destination in message.destinations.iter() {
            match destination {
                MultiDestination::Sme(address) => self.destination(&address),
                MultiDestination::DistributionList(name) => self.text("dl_name", name),
            }
        }
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

    fn submit_multi_resp(&mut self, resp: &SubmitMultiResp<'_>) {
        self.text("message_id", resp.message_id);
        self.put("no_unsuccess", resp.refused.len());
        for refused in resp.refused.iter() {
            self.destination(&refused.address);
            self.status("error_status_code", refused.status);
        }
        self.tlvs(&resp.tlvs);
    }

    fn broadcast(&mut self, broadcast: &Broadcast<'_>) {
        self.put("purpose", broadcast.purpose());
        self.put("body", Hex(broadcast.as_octets()));
    }

    fn both_ends(&mut self, source: &Address<'_>, destination: &Address<'_>) {
        self.source(source);
        self.destination(destination);
    }

    fn source(&mut self, address: &Address<'_>) {
        self.address(["source_addr_ton", "source_addr_npi", "source_addr"], address);
    }

    fn destination(&mut self, address: &Address<'_>) {
        self.address(["dest_addr_ton", "dest_addr_npi", "destination_addr"], address);
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
                (TlvTag::MESSAGE_STATE, [state]) => self.put(tag.to_string(), MessageState(*state)),
                (TlvTag::SC_INTERFACE_VERSION, [version]) => self.put(tag.to_string(), InterfaceVersion(*version)),
                (TlvTag::MS_AVAILABILITY_STATUS, [status]) => self.put(tag.to_string(), MsAvailability(*status)),
                (TlvTag::CONGESTION_STATE, [percent]) => {
                    self.put(tag.to_string(), format_args!("{percent} ({})", load(*percent)));
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

/// The words of v5.0 §4.8.4.18 for `congestion_state`.
const fn load(percent: u8) -> &'static str {
    match percent {
        0 => "idle",
        1..=29 => "low load",
        30..=49 => "medium load",
        50..=79 => "high load",
        80..=89 => "optimum load",
        90..=99 => "nearing congestion",
        100 => "congested",
        _ => "reserved",
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
