//! The responses that carry a `message_id`: `submit_sm_resp` (SMPP v3.4 §4.4.2), `deliver_sm_resp` (§4.6.2) and
//! `data_sm_resp` (§4.7.2).
//!
//! Peers are sloppy here and a refused response means a message sent twice, so decoding is liberal: no body at all is an
//! empty `message_id`, and one that fills the rest of the PDU needs no NUL.

use bytes::{BufMut, BytesMut};

use super::command_status::CommandStatus;
use super::encode::Encode;
use super::fields::{EncodeError, FieldError, MESSAGE_ID, Reader, put_c_octets};
use super::header::CommandId;
use super::tlv::Tlvs;

macro_rules! message_resp {
    ($(#[$meta:meta])* $response:ident, $command_id:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
        pub struct $response<'a> {
            /// The message by the name that the SMSC gave it; opaque, at most 64 octets.
            pub message_id: &'a [u8],
            /// Optional parameters; in v3.4 only `data_sm_resp` has them.
            pub tlvs: Tlvs<'a>,
        }

        impl<'a> $response<'a> {
            /// A response with this `message_id` and no optional parameter.
            pub const fn new(message_id: &'a [u8]) -> Self {
                Self { message_id, tlvs: Tlvs::NONE }
            }

            pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, FieldError> {
                let (message_id, tlvs) = decode(reader)?;
                Ok(Self { message_id, tlvs })
            }
        }

        impl Encode for $response<'_> {
            fn command_id(&self) -> CommandId {
                CommandId::$command_id
            }

            fn put_body(&self, status: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError> {
                put(self.message_id, &self.tlvs, status, out)
            }
        }
    };
}

message_resp! {
    /// `submit_sm_resp`: the SMSC took the message, or, with a status, did not.
    SubmitSmResp, SUBMIT_SM_RESP
}

message_resp! {
    /// `deliver_sm_resp`: the ESME took the message. §4.6.2: `message_id` is unused and empty.
    DeliverSmResp, DELIVER_SM_RESP
}

message_resp! {
    /// `data_sm_resp`: the other side took the message.
    DataSmResp, DATA_SM_RESP
}

fn decode<'a>(reader: &mut Reader<'a>) -> Result<(&'a [u8], Tlvs<'a>), FieldError> {
    if reader.is_empty() {
        return Ok((b"", Tlvs::NONE));
    }
    match reader.c_octets(&MESSAGE_ID) {
        Ok(message_id) => Ok((message_id, Tlvs::decode(reader.rest())?)),
        Err(FieldError::Unterminated { .. }) => Ok((reader.rest(), Tlvs::NONE)),
        Err(error) => Err(error),
    }
}

fn put(message_id: &[u8], tlvs: &Tlvs<'_>, status: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError> {
    // §4.4.2: "The submit_sm_resp PDU Body is not returned if the command_status field contains a non-zero value."
    if !status.is_ok() && message_id.is_empty() && tlvs.is_empty() {
        return Ok(());
    }
    put_c_octets(&MESSAGE_ID, message_id, out)?;
    out.put_slice(tlvs.as_octets());
    Ok(())
}
