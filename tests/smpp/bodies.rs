//! Any value that a body can hold, for the property tests.

use bellwire::codec::smpp::{
    Address, AlertNotification, Bind, BindMode, BindResp, Body, DataCoding, DataSm, DataSmResp, DeliverSm,
    DeliverSmResp, EsmClass, InterfaceVersion, Npi, Outbind, RegisteredDelivery, SubmitSm, SubmitSmResp, TlvBuffer,
    TlvTag, Ton,
};
use proptest::prelude::*;
use proptest::{array, collection, option, sample};

/// Owns what the bodies borrow.
#[derive(Clone, Debug)]
pub struct Parts {
    system_id: Vec<u8>,
    password: Vec<u8>,
    system_type: Vec<u8>,
    service_type: Vec<u8>,
    source: Vec<u8>,
    destination: Vec<u8>,
    message_id: Vec<u8>,
    validity_period: Option<Vec<u8>>,
    short_message: Vec<u8>,
    octets: [u8; 12],
    tlvs: TlvBuffer,
}

impl Parts {
    /// Every kind of body with these values.
    pub fn bodies(&self) -> Vec<Body<'_>> {
        let tlvs = self.tlvs.tlvs();
        let mut bodies = vec![
            Body::Outbind(Outbind { system_id: &self.system_id, password: &self.password }),
            Body::SubmitSm(self.submit_sm()),
            Body::SubmitSmResp(SubmitSmResp { message_id: &self.message_id, tlvs }),
            Body::DeliverSm(self.deliver_sm()),
            Body::DeliverSmResp(DeliverSmResp { message_id: &self.message_id, tlvs }),
            Body::DataSm(self.data_sm()),
            Body::DataSmResp(DataSmResp { message_id: &self.message_id, tlvs }),
            Body::AlertNotification(AlertNotification {
                source: self.address(&self.source),
                esme: self.address(&self.destination),
                tlvs,
            }),
        ];
        for mode in [BindMode::Transmitter, BindMode::Receiver, BindMode::Transceiver] {
            bodies.push(Body::Bind(self.bind(mode)));
            bodies.push(Body::BindResp(BindResp { mode, system_id: &self.system_id, tlvs }));
        }
        bodies
    }

    pub fn bind(&self, mode: BindMode) -> Bind<'_> {
        Bind {
            mode,
            system_id: &self.system_id,
            password: &self.password,
            system_type: &self.system_type,
            interface_version: InterfaceVersion(self.octets[0]),
            address_range: self.address(&self.source),
        }
    }

    pub fn submit_sm(&self) -> SubmitSm<'_> {
        SubmitSm {
            service_type: &self.service_type,
            source: self.address(&self.source),
            destination: self.address(&self.destination),
            esm_class: EsmClass(self.octets[3]),
            protocol_id: self.octets[4],
            priority_flag: self.octets[5],
            schedule_delivery_time: b"",
            validity_period: self.validity_period.as_deref().unwrap_or_default(),
            registered_delivery: RegisteredDelivery(self.octets[6]),
            replace_if_present_flag: self.octets[7],
            data_coding: DataCoding(self.octets[8]),
            sm_default_msg_id: self.octets[9],
            short_message: &self.short_message,
            tlvs: self.tlvs.tlvs(),
        }
    }

    pub fn deliver_sm(&self) -> DeliverSm<'_> {
        DeliverSm {
            service_type: &self.service_type,
            source: self.address(&self.source),
            destination: self.address(&self.destination),
            esm_class: EsmClass(self.octets[3]),
            protocol_id: self.octets[4],
            priority_flag: self.octets[5],
            registered_delivery: RegisteredDelivery(self.octets[6]),
            data_coding: DataCoding(self.octets[8]),
            short_message: &self.short_message,
            tlvs: self.tlvs.tlvs(),
        }
    }

    pub fn data_sm(&self) -> DataSm<'_> {
        DataSm {
            service_type: &self.service_type,
            source: self.address(&self.source),
            destination: self.address(&self.destination),
            esm_class: EsmClass(self.octets[3]),
            registered_delivery: RegisteredDelivery(self.octets[6]),
            data_coding: DataCoding(self.octets[8]),
            tlvs: self.tlvs.tlvs(),
        }
    }

    fn address<'a>(&self, addr: &'a [u8]) -> Address<'a> {
        Address { ton: Ton(self.octets[1]), npi: Npi(self.octets[2]), addr }
    }
}

/// Any parts; strings are ASCII, as §3.1 wants them.
pub fn parts() -> impl Strategy<Value = Parts> {
    let strings = (ascii(15), ascii(8), ascii(12), ascii(5), ascii(20), ascii(20), ascii(64));
    let rest = (
        option::of(collection::vec(1u8..128, 16)),
        collection::vec(any::<u8>(), 0..=254),
        array::uniform12(any::<u8>()),
        tlvs(),
    );
    (strings, rest).prop_map(|(strings, rest)| {
        let (system_id, password, system_type, service_type, source, destination, message_id) = strings;
        let (validity_period, short_message, octets, tlvs) = rest;
        Parts {
            system_id,
            password,
            system_type,
            service_type,
            source,
            destination,
            message_id,
            validity_period,
            short_message,
            octets,
            tlvs,
        }
    })
}

fn ascii(max: usize) -> impl Strategy<Value = Vec<u8>> {
    collection::vec(1u8..128, 0..=max)
}

/// Up to four optional parameters that any message may carry, and one of a vendor.
fn tlvs() -> impl Strategy<Value = TlvBuffer> {
    let ports = sample::select(vec![TlvTag::SOURCE_PORT, TlvTag::DESTINATION_PORT, TlvTag::SAR_MSG_REF_NUM]);
    let one = prop_oneof![
        (ports, any::<u16>()).prop_map(|(tag, value)| (tag, value.to_be_bytes().to_vec())),
        any::<u8>().prop_map(|value| (TlvTag::SAR_TOTAL_SEGMENTS, vec![value])),
        collection::vec(any::<u8>(), 0..300).prop_map(|value| (TlvTag::MESSAGE_PAYLOAD, value)),
        (0x1400u16..0x4000, collection::vec(any::<u8>(), 0..9)).prop_map(|(tag, value)| (TlvTag(tag), value)),
    ];
    collection::vec(one, 0..5).prop_map(|parameters| {
        parameters.iter().fold(TlvBuffer::new(), |buffer, (tag, value)| buffer.octets(*tag, value))
    })
}
