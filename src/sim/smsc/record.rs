//! What came and what went, for whoever wants to compare runs.

use crate::codec::smpp::{CommandId, CommandStatus, Header, PDU_MAX_OCTETS, frame};
use std::time::Duration;

/// A PDU that came or went; or what is no PDU, and went as a fault.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    /// Since the SMSC started.
    pub at: Duration,
    /// Which connection, from 1.
    pub link: u64,
    /// Whether it came.
    pub came: bool,
    /// The octets. A bind has its password in them.
    pub octets: &'a [u8],
}

/// Takes what is recorded; called on the connection's task, so it must not wait.
pub type RecordPort = Box<dyn Fn(&Recorded<'_>) + Send + Sync>;

impl Recorded<'_> {
    /// The header, if it has one.
    pub fn header(&self) -> Option<Header> {
        Header::decode(self.octets)
    }

    /// Whether a password is in it.
    pub fn is_secret(&self) -> bool {
        let binds =
            [CommandId::BIND_TRANSMITTER, CommandId::BIND_RECEIVER, CommandId::BIND_TRANSCEIVER, CommandId::OUTBIND];
        self.header().is_some_and(|header| binds.contains(&header.command_id))
    }

    /// What it was, in a line of JSON: link, way, command, sequence number and status, then all octets in hexadecimal, then
    /// the time. Passwords are left out with the octets of their PDU.
    pub fn to_json(&self) -> String {
        let way = if self.came { "in" } else { "out" };
        let (command, status, number) = match self.header() {
            Some(Header { command_id, command_status, sequence_number, .. }) => (
                command_id.name().map_or_else(|| command_id.to_string(), str::to_owned),
                command_status,
                sequence_number,
            ),
            None => ("none".to_owned(), CommandStatus::OK, 0),
        };
        let octets = if self.is_secret() { String::new() } else { hex(self.octets) };
        let (link, status, micros) = (self.link, status.0, self.at.as_micros());
        format!(
            "{{\"link\":{link},\"way\":\"{way}\",\"command\":\"{command}\",\"sequence_number\":{number},\
             \"status\":{status},\"octets\":\"{octets}\",\"at_us\":{micros}}}"
        )
    }
}

/// Cuts octets that go into PDUs; what is none is one piece.
pub(super) fn pieces(mut octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let whole = match frame(octets, PDU_MAX_OCTETS) {
            Ok(Some(length)) => length,
            _ => octets.len(),
        };
        let (piece, rest) = octets.split_at_checked(whole)?;
        octets = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

fn hex(octets: &[u8]) -> String {
    use std::fmt::Write;
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
        let _ = write!(text, "{octet:02X}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;

    #[test]
    fn what_goes_is_cut_into_pdus_and_a_rest() {
        let mut out = BytesMut::new();
        Header::bare(CommandId::ENQUIRE_LINK, CommandStatus::OK, 7).encode(&mut out);
        out.extend_from_slice(&out.clone());
        out.extend_from_slice(&[0xFF; 5]);
        let pieces: Vec<&[u8]> = pieces(&out).collect();
        assert_eq!(pieces.iter().map(|piece| piece.len()).collect::<Vec<_>>(), [16, 16, 5]);
        let record = Recorded { at: Duration::from_micros(9), link: 2, came: false, octets: pieces[0] };
        assert_eq!(
            record.to_json(),
            "{\"link\":2,\"way\":\"out\",\"command\":\"enquire_link\",\"sequence_number\":7,\"status\":0,\
             \"octets\":\"00000010000000150000000000000007\",\"at_us\":9}"
        );
    }

    #[test]
    fn a_password_is_not_repeated() {
        let mut out = BytesMut::new();
        let outbind = crate::codec::smpp::Outbind { system_id: b"smsc", password: b"secret" };
        crate::codec::smpp::Encode::encode(&outbind, 1, &mut out).unwrap();
        let record = Recorded { at: Duration::ZERO, link: 1, came: true, octets: &out };
        assert!(record.is_secret() && !record.to_json().contains("736563726574"));
    }
}
