//! The broadcasts of SMPP v5.0 §4.4 to §4.6: `broadcast_sm`, `query_broadcast_sm`, `cancel_broadcast_sm`.
//!
//! They are known by name and nothing more: no part of a push proxy sends to everyone in an area. A request is answered
//! with `generic_nack` [`CommandStatus::INVCMDID`], whatever its body holds, so the body is not checked.

use bytes::{BufMut, BytesMut};

use super::command_status::CommandStatus;
use super::encode::Encode;
use super::fields::EncodeError;
use super::header::CommandId;

/// A request or a response of the three kinds, with its raw body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broadcast<'a> {
    command_id: CommandId,
    octets: &'a [u8],
}

impl<'a> Broadcast<'a> {
    /// `None` if the command is another.
    pub(super) fn decode(command_id: CommandId, octets: &'a [u8]) -> Option<Self> {
        let is_broadcast = matches!(
            command_id,
            CommandId::BROADCAST_SM
                | CommandId::QUERY_BROADCAST_SM
                | CommandId::CANCEL_BROADCAST_SM
                | CommandId::BROADCAST_SM_RESP
                | CommandId::QUERY_BROADCAST_SM_RESP
                | CommandId::CANCEL_BROADCAST_SM_RESP
        );
        is_broadcast.then_some(Self { command_id, octets })
    }

    /// The body as it stands on the wire.
    pub const fn as_octets(&self) -> &'a [u8] {
        self.octets
    }

    /// What the command is for, in words.
    pub const fn purpose(&self) -> &'static str {
        match self.command_id {
            CommandId::BROADCAST_SM => "sends a message to everyone in an area",
            CommandId::QUERY_BROADCAST_SM => "asks what became of a broadcast",
            CommandId::CANCEL_BROADCAST_SM => "takes a broadcast back",
            CommandId::BROADCAST_SM_RESP => "says whether a broadcast was taken",
            CommandId::QUERY_BROADCAST_SM_RESP => "says what became of a broadcast",
            _ => "says whether a broadcast was taken back",
        }
    }
}

impl Encode for Broadcast<'_> {
    fn command_id(&self) -> CommandId {
        self.command_id
    }

    fn put_body(&self, _: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_slice(self.octets);
        Ok(())
    }
}
