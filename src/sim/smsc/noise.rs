//! What no SMSC should send, and some do.

use super::chance;
use crate::codec::smpp::{CommandId, CommandStatus, HEADER_OCTETS, Header};
use bytes::{BufMut, BytesMut};

/// Sequence numbers of such PDUs, away from those that are counted.
const SEQUENCE_NUMBER: u32 = 0x7F00_0001;

/// 64 octets whose first says that they are no PDU.
pub(super) fn garbage(seed: u32, out: &mut BytesMut) {
    out.put_u8(0xFF);
    let octets = (0..8).flat_map(|at| chance::draw(u64::from(seed), at).to_be_bytes());
    out.extend(octets.skip(1));
}

/// A deliver_sm that ends in its first address.
pub(super) fn broken_body(out: &mut BytesMut) {
    put(CommandId::DELIVER_SM, &[0, 1, 1, b'1', b'5'], out);
}

/// A header with this command_length.
pub(super) fn length(command_length: u32, out: &mut BytesMut) {
    let header = Header::bare(CommandId::DELIVER_SM, CommandStatus::OK, SEQUENCE_NUMBER);
    Header { command_length, ..header }.encode(out);
}

/// A request with a command_id from the range that is reserved for vendors.
pub(super) fn unknown_command(out: &mut BytesMut) {
    put(CommandId(0x0001_0200), b"?", out);
}

fn put(command_id: CommandId, body: &[u8], out: &mut BytesMut) {
    let header = Header::bare(command_id, CommandStatus::OK, SEQUENCE_NUMBER);
    Header { command_length: (HEADER_OCTETS + body.len()) as u32, ..header }.encode(out);
    out.put_slice(body);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::smpp::{DecodeError, FrameError, PDU_MAX_OCTETS, Pdu, frame};

    fn written(write: impl FnOnce(&mut BytesMut)) -> BytesMut {
        let mut out = BytesMut::new();
        write(&mut out);
        out
    }

    #[test]
    fn garbage_and_wrong_lengths_put_a_stream_out_of_step() {
        let too_long = |octets: &[u8]| matches!(frame(octets, PDU_MAX_OCTETS), Err(FrameError::TooLong { .. }));
        let noise = written(|out| garbage(7, out));
        assert!(noise.len() == 64 && too_long(&noise));
        assert!(too_long(&written(|out| length(1 << 31, out))));
        let short = written(|out| length(0, out));
        assert_eq!(frame(&short, PDU_MAX_OCTETS), Err(FrameError::TooShort { said: 0 }));
    }

    #[test]
    fn a_broken_body_leaves_the_stream_in_step() {
        let broken = written(broken_body);
        assert_eq!(frame(&broken, PDU_MAX_OCTETS), Ok(Some(broken.len())));
        assert!(matches!(Pdu::decode(&broken), Err(DecodeError::Body { .. })));
        assert!(Pdu::decode(&written(unknown_command)).is_ok());
    }
}
