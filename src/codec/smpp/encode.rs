//! What all bodies have in common when they are written: a header before them, and the length over both.

use super::command_status::CommandStatus;
use super::fields::EncodeError;
use super::header::{CommandId, Header};
use bytes::BytesMut;

/// A typed body that can be put on the wire. PDUs without a body are a [`Header`].
pub trait Encode {
    /// The command that the body belongs to.
    fn command_id(&self) -> CommandId;

    /// Appends the body alone; a response leaves it out when `status` is an error and there is nothing to say.
    ///
    /// # Errors
    /// When a value breaks the limits of its parameter; what was written before it stays in `out`.
    fn put_body(&self, status: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError>;

    /// Appends the PDU with status zero; returns the octets written.
    ///
    /// # Errors
    /// When a value breaks the limits of its parameter. Nothing is written then.
    fn encode(&self, sequence_number: u32, out: &mut BytesMut) -> Result<usize, EncodeError> {
        self.encode_with_status(CommandStatus::OK, sequence_number, out)
    }

    /// Appends the PDU with a status: a response that reports an error. Returns the octets written.
    ///
    /// # Errors
    /// When a value breaks the limits of its parameter. Nothing is written then.
    fn encode_with_status(
        &self,
        status: CommandStatus,
        sequence_number: u32,
        out: &mut BytesMut,
    ) -> Result<usize, EncodeError> {
        put_pdu(self.command_id(), status, sequence_number, out, |out| self.put_body(status, out))
    }
}

/// Writes a header, a body, and then the length over both.
pub(super) fn put_pdu(
    command_id: CommandId,
    status: CommandStatus,
    sequence_number: u32,
    out: &mut BytesMut,
    put_body: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
) -> Result<usize, EncodeError> {
    let start = out.len();
    Header::bare(command_id, status, sequence_number).encode(out);
    if let Err(error) = put_body(out) {
        out.truncate(start);
        return Err(error);
    }
    let octets = out.len() - start;
    out[start..start + 4].copy_from_slice(&(octets as u32).to_be_bytes());
    Ok(octets)
}
