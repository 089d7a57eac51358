//! Faults of the connection.

use super::super::fault::LinkFault;
use super::super::noise;
use super::submitting::put_answer;
use super::{Ending, Session};
use crate::codec::smpp::{CommandId, CommandStatus, Header, Tlvs};
use bytes::BytesMut;

impl Session {
    /// What comes after the answer to the submit `header`, if there was one.
    pub(super) fn break_link(&mut self, fault: LinkFault, header: &Header, message_id: &str) {
        match fault {
            LinkFault::Close => self.ending = Some(Ending::Close),
            LinkFault::Reset => self.ending = Some(Ending::Reset),
            LinkFault::Cut => {
                let mut whole = BytesMut::new();
                put_answer(header, CommandStatus::OK, header.sequence_number, message_id, Tlvs::NONE, &mut whole);
                self.out.extend_from_slice(whole.get(..whole.len() / 2).unwrap_or_default());
                self.ending = Some(Ending::Close);
            }
            LinkFault::Garbage => noise::garbage(self.sequence_number, &mut self.out),
            LinkFault::BrokenBody => noise::broken_body(&mut self.out),
            LinkFault::ShortLength => noise::length(0, &mut self.out),
            LinkFault::LongLength => noise::length(1 << 31, &mut self.out),
            LinkFault::UnknownCommand => noise::unknown_command(&mut self.out),
            LinkFault::Unbind => self.put_request(CommandId::UNBIND),
            LinkFault::UnbindAll | LinkFault::CloseAll => {
                self.shared.raise(fault);
                self.handle_alarms();
            }
            LinkFault::Stall | LinkFault::HalfOpen | LinkFault::NoEnquire => self.fault = Some(fault),
        }
    }

    /// What all connections were told meanwhile.
    pub(super) fn handle_alarms(&mut self) {
        let alarms = self.shared.alarms();
        if alarms == self.alarms {
            return;
        }
        if alarms.closes != self.alarms.closes {
            self.ending.get_or_insert(Ending::Close);
        } else if self.bound.is_some() && self.introduced {
            self.put_request(CommandId::UNBIND);
        }
        self.alarms = alarms;
    }
}
