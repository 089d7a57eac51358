//! Any value that a body can hold, for the property tests.

use bellwire::codec::smpp::{
    Address, AlertNotification, Bind, BindMode, BindResp, Body, CancelSm, CancelSmResp, CommandStatus, DataCoding,
    DataSm, DataSmResp, DeliverSm, DeliverSmResp, DestinationBuffer, EsmClass, InterfaceVersion, MessageState,
    MultiDestination, Npi, Outbind, QuerySm, QuerySmResp, RefusedBuffer, RefusedDestination, RegisteredDelivery,
    ReplaceSm, ReplaceSmResp, SubmitMulti, SubmitMultiResp, SubmitSm, SubmitSmResp, TlvBuffer, TlvTag, Ton,
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
    destinations: DestinationBuffer,
    refused: RefusedBuffer,
}

impl Parts {
    /// Every kind of body with these values.
    pub fn bodies(&self) -> Vec<Body<'_>> {
        let tlvs = self.tlvs.tlvs();
        let mut bodies = vec![
            Body::Outbind(self.outbind()),
            Body::SubmitSm(self.submit_sm()),
            Body::SubmitSmResp(SubmitSmResp { message_id: &self.message_id, tlvs }),
            Body::DeliverSm(self.deliver_sm()),
            Body::DeliverSmResp(DeliverSmResp { message_id: &self.message_id, tlvs }),
            Body::DataSm(self.data_sm()),
            Body::DataSmResp(DataSmResp { message_id: &self.message_id, tlvs }),
            Body::AlertNotification(self.alert_notification()),
            Body::QuerySm(self.query_sm()),
            Body::QuerySmResp(self.query_sm_resp()),
            Body::CancelSm(self.cancel_sm()),
            Body::CancelSmResp(CancelSmResp { tlvs }),
            Body::ReplaceSm(self.replace_sm()),
            Body::ReplaceSmResp(ReplaceSmResp { tlvs }),
            Body::SubmitMulti(self.submit_multi()),
            Body::SubmitMultiResp(self.submit_multi_resp()),
            Body::EnquireLinkResp(tlvs),
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

    pub fn outbind(&self) -> Outbind<'_> {
        Outbind { system_id: &self.system_id, password: &self.password }
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

    pub fn query_sm(&self) -> QuerySm<'_> {
        QuerySm { message_id: &self.message_id, source: self.address(&self.source) }
    }

    pub fn query_sm_resp(&self) -> QuerySmResp<'_> {
        QuerySmResp {
            message_id: &self.message_id,
            final_date: self.validity_period.as_deref().unwrap_or_default(),
            message_state: MessageState(self.octets[0]),
            error_code: self.octets[10],
            tlvs: self.tlvs.tlvs(),
        }
    }

    pub fn cancel_sm(&self) -> CancelSm<'_> {
        CancelSm {
            service_type: &self.service_type,
            message_id: &self.message_id,
            source: self.address(&self.source),
            destination: self.address(&self.destination),
        }
    }

    pub fn replace_sm(&self) -> ReplaceSm<'_> {
        ReplaceSm {
            message_id: &self.message_id,
            source: self.address(&self.source),
            schedule_delivery_time: b"",
            validity_period: self.validity_period.as_deref().unwrap_or_default(),
            registered_delivery: RegisteredDelivery(self.octets[6]),
            sm_default_msg_id: self.octets[9],
            short_message: &self.short_message,
            tlvs: self.tlvs.tlvs(),
        }
    }

    pub fn submit_multi(&self) -> SubmitMulti<'_> {
        SubmitMulti {
            service_type: &self.service_type,
            source: self.address(&self.source),
            destinations: self.destinations.destinations(),
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

    pub fn submit_multi_resp(&self) -> SubmitMultiResp<'_> {
        SubmitMultiResp { message_id: &self.message_id, refused: self.refused.refused(), tlvs: self.tlvs.tlvs() }
    }

    pub fn alert_notification(&self) -> AlertNotification<'_> {
        AlertNotification {
            source: self.address(&self.source),
            esme: self.address(&self.destination),
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
        collection::vec(any::<u8>(), 0..=255),
        array::uniform12(any::<u8>()),
        tlvs(),
        destinations(),
        refused(),
    );
    (strings, rest).prop_map(|(strings, rest)| {
        let (system_id, password, system_type, service_type, source, destination, message_id) = strings;
        let (validity_period, short_message, octets, tlvs, destinations, refused) = rest;
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
            destinations,
            refused,
        }
    })
}

fn destinations() -> impl Strategy<Value = DestinationBuffer> {
    collection::vec((any::<bool>(), any::<[u8; 2]>(), ascii(20)), 1..5).prop_map(|all| {
        let mut buffer = DestinationBuffer::default();
        for (is_list, [ton, npi], name) in &all {
            let to = if *is_list {
                MultiDestination::DistributionList(name)
            } else {
                MultiDestination::Sme(Address { ton: Ton(*ton), npi: Npi(*npi), addr: name })
            };
            buffer.push(&to).unwrap();
        }
        buffer
    })
}

fn refused() -> impl Strategy<Value = RefusedBuffer> {
    collection::vec((any::<u32>(), ascii(20)), 0..4).prop_map(|all| {
        let mut buffer = RefusedBuffer::default();
        for (status, digits) in &all {
            let address = Address::international(digits);
            buffer.push(&RefusedDestination { address, status: CommandStatus(*status) }).unwrap();
        }
        buffer
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
