//! SMPP v3.4, with what v5.0 added: the PDUs that an ESME and an SMSC exchange to send a message, to learn what became
//! of it and to change it on its way.
//!
//! [`frame`] cuts a PDU from a stream, [`Pdu::decode`] views it without a copy, [`Encode`] writes the typed bodies, and
//! [`SubmitTemplate`] writes `submit_sm` on the hot path. Left out: what is in the broadcasts of v5.0, which are known by
//! name alone.
//!
//! | file | holds |
//! |---|---|
//! | `header` | framing, header, `command_id` |
//! | `pdu` | a whole PDU, decoded and encoded |
//! | `encode` | what all bodies have in common when they are written |
//! | `fields` | reader and writer of mandatory parameters, their limits and errors |
//! | `tlv` | optional parameters |
//! | `codes`, `command_status` | the code spaces, by name |
//! | `address`, `time` | what several bodies are made of |
//! | `bind`, `submit_sm`, `submit_multi`, `deliver_sm`, `data_sm`, `message_resp`, `alert` | bodies |
//! | `query_sm`, `cancel_sm`, `replace_sm`, `broadcast` | bodies of what is seldom sent |
//! | `template` | `submit_sm` to one handset, prepared once |
//! | `receipt` | what a delivery receipt says |
//! | `describe` | a PDU in words |

mod address;
mod alert;
mod bind;
mod broadcast;
mod cancel_sm;
mod codes;
mod command_status;
mod data_sm;
mod deliver_sm;
mod describe;
mod encode;
mod fields;
mod header;
#[doc(hidden)]
pub mod invariants;
mod message_resp;
mod payload;
mod pdu;
mod query_sm;
mod receipt;
mod replace_sm;
mod submit_multi;
mod submit_sm;
mod template;
mod time;
mod tlv;

pub use address::Address;
pub use alert::AlertNotification;
pub use bind::{Bind, BindMode, BindResp, Outbind};
pub use broadcast::Broadcast;
pub use cancel_sm::{CancelSm, CancelSmResp};
pub use codes::{DataCoding, EsmClass, InterfaceVersion, MessageState, MsAvailability, Npi, RegisteredDelivery, Ton};
pub use command_status::CommandStatus;
pub use data_sm::DataSm;
pub use deliver_sm::DeliverSm;
pub use describe::{Description, describe};
pub use encode::Encode;
pub use fields::{EncodeError, Field, FieldError};
pub use header::{CommandId, FrameError, HEADER_OCTETS, Header, PDU_MAX_OCTETS, frame};
pub use message_resp::{DataSmResp, DeliverSmResp, SubmitSmResp};
pub use payload::OpenPayload;
pub use pdu::{Body, DecodeError, Pdu};
pub use query_sm::{QuerySm, QuerySmResp};
pub use receipt::{NetworkError, Receipt};
pub use replace_sm::{ReplaceSm, ReplaceSmResp};
pub use submit_multi::{
    DestinationBuffer, Destinations, MultiDestination, RefusedBuffer, RefusedDestination, RefusedDestinations,
    SubmitMulti, SubmitMultiResp,
};
pub use submit_sm::SubmitSm;
pub use template::{Destination, Open, SubmitTemplate};
pub use time::{ReceiptTime, Time, TimeError, ValidityPeriod};
pub use tlv::{Tlv, TlvBuffer, TlvIter, TlvTag, Tlvs};
