//! SMPP v3.4: the PDUs that an ESME and an SMSC exchange to send a message and to learn what became of it.
//!
//! [`frame`] cuts a PDU from a stream, [`Pdu::decode`] views it without a copy, [`Encode`] writes the typed bodies, and
//! [`SubmitTemplate`] writes `submit_sm` on the hot path. Left out, and decoded as [`Body::Unknown`]: `query_sm`,
//! `cancel_sm`, `replace_sm`, `submit_multi` and the broadcasts of v5.0.
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
//! | `bind`, `submit_sm`, `deliver_sm`, `data_sm`, `message_resp`, `alert` | bodies |
//! | `template` | `submit_sm` to one handset, prepared once |
//! | `receipt` | what a delivery receipt says |
//! | `describe` | a PDU in words |

mod address;
mod alert;
mod bind;
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
mod pdu;
mod receipt;
mod submit_sm;
mod template;
mod time;
mod tlv;

pub use address::Address;
pub use alert::AlertNotification;
pub use bind::{Bind, BindMode, BindResp, Outbind};
pub use codes::{DataCoding, EsmClass, InterfaceVersion, MessageState, Npi, RegisteredDelivery, Ton};
pub use command_status::CommandStatus;
pub use data_sm::DataSm;
pub use deliver_sm::DeliverSm;
pub use describe::{Description, describe};
pub use encode::Encode;
pub use fields::{EncodeError, Field, FieldError};
pub use header::{CommandId, FrameError, HEADER_OCTETS, Header, PDU_MAX_OCTETS, frame};
pub use message_resp::{DataSmResp, DeliverSmResp, SubmitSmResp};
pub use pdu::{Body, DecodeError, Pdu};
pub use receipt::{NetworkError, Receipt};
pub use submit_sm::SubmitSm;
pub use template::{Destination, Open, SubmitTemplate};
pub use time::{ReceiptTime, Time, TimeError, ValidityPeriod};
pub use tlv::{Tlv, TlvBuffer, TlvIter, TlvTag, Tlvs};
