//! How the mandatory parameters of a body are read and written, SMPP v3.4 §3.1: integers in network order, C-octet
//! strings that end in NUL within a limit, octet strings of a known length.

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::command_status::CommandStatus;
use super::tlv::TlvTag;

/// A mandatory parameter: its name, its limit and what a peer is told when it breaks the limit.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    name: &'static str,
    /// Octets at most, the NUL of a C-octet string included.
    max: usize,
    status: CommandStatus,
}

impl Field {
    const fn new(name: &'static str, max: usize, status: CommandStatus) -> Self {
        Self { name, max, status }
    }

    /// The name in the specification.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Octets at most, the NUL of a C-octet string included.
    pub const fn max_octets(&self) -> usize {
        self.max
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

// §5.2, in the order in which the bodies of §4 use them.
pub(super) static SYSTEM_ID: Field = Field::new("system_id", 16, CommandStatus::INVSYSID);
pub(super) static PASSWORD: Field = Field::new("password", 9, CommandStatus::INVPASWD);
pub(super) static SYSTEM_TYPE: Field = Field::new("system_type", 13, CommandStatus::INVSYSTYP);
pub(super) static INTERFACE_VERSION: Field = Field::new("interface_version", 1, CommandStatus::INVCMDLEN);
pub(super) static ADDRESS_RANGE: Field = Field::new("address_range", 41, CommandStatus::BINDFAIL);
pub(super) static SERVICE_TYPE: Field = Field::new("service_type", 6, CommandStatus::INVSERTYP);
pub(super) static SOURCE_ADDR: Field = Field::new("source_addr", 21, CommandStatus::INVSRCADR);
pub(super) static DESTINATION_ADDR: Field = Field::new("destination_addr", 21, CommandStatus::INVDSTADR);
pub(super) static LONG_SOURCE_ADDR: Field = Field::new("source_addr", 65, CommandStatus::INVSRCADR);
pub(super) static LONG_DESTINATION_ADDR: Field = Field::new("destination_addr", 65, CommandStatus::INVDSTADR);
pub(super) static ESME_ADDR: Field = Field::new("esme_addr", 65, CommandStatus::INVDSTADR);
pub(super) static ESM_CLASS: Field = Field::new("esm_class", 1, CommandStatus::INVESMCLASS);
pub(super) static PROTOCOL_ID: Field = Field::new("protocol_id", 1, CommandStatus::INVCMDLEN);
pub(super) static PRIORITY_FLAG: Field = Field::new("priority_flag", 1, CommandStatus::INVPRTFLG);
pub(super) static SCHEDULE_DELIVERY_TIME: Field = Field::new("schedule_delivery_time", 17, CommandStatus::INVSCHED);
pub(super) static VALIDITY_PERIOD: Field = Field::new("validity_period", 17, CommandStatus::INVEXPIRY);
pub(super) static REGISTERED_DELIVERY: Field = Field::new("registered_delivery", 1, CommandStatus::INVREGDLVFLG);
pub(super) static REPLACE_IF_PRESENT_FLAG: Field = Field::new("replace_if_present_flag", 1, CommandStatus::INVREPFLAG);
pub(super) static DATA_CODING: Field = Field::new("data_coding", 1, CommandStatus::INVCMDLEN);
pub(super) static SM_DEFAULT_MSG_ID: Field = Field::new("sm_default_msg_id", 1, CommandStatus::INVDFTMSGID);
pub(super) static SM_LENGTH: Field = Field::new("sm_length", 1, CommandStatus::INVMSGLEN);
// §4.4.1: at most 254; v5.0 §4.2.1.1 gives the last value of sm_length a meaning, too.
pub(super) static SHORT_MESSAGE: Field = Field::new("short_message", 255, CommandStatus::INVMSGLEN);
pub(super) static MESSAGE_ID: Field = Field::new("message_id", 65, CommandStatus::INVMSGID);
pub(super) static FINAL_DATE: Field = Field::new("final_date", 17, CommandStatus::INVPARLEN);
pub(super) static MESSAGE_STATE: Field = Field::new("message_state", 1, CommandStatus::INVCMDLEN);
pub(super) static ERROR_CODE: Field = Field::new("error_code", 1, CommandStatus::INVCMDLEN);
pub(super) static NUMBER_OF_DESTS: Field = Field::new("number_of_dests", 1, CommandStatus::INVNUMDESTS);
pub(super) static DEST_FLAG: Field = Field::new("dest_flag", 1, CommandStatus::INVDESTFLAG);
pub(super) static DL_NAME: Field = Field::new("dl_name", 21, CommandStatus::INVDLNAME);
pub(super) static NO_UNSUCCESS: Field = Field::new("no_unsuccess", 1, CommandStatus::INVCMDLEN);
pub(super) static ERROR_STATUS_CODE: Field = Field::new("error_status_code", 4, CommandStatus::INVCMDLEN);

/// Reads a body from front to back.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(body: &'a [u8]) -> Self {
        Self { rest: body }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// All that has not been read.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(super) fn u8(&mut self, field: &'static Field) -> Result<u8, FieldError> {
        let Some((&octet, rest)) = self.rest.split_first() else {
            return Err(FieldError::Missing { field });
        };
        self.rest = rest;
        Ok(octet)
    }

    pub(super) fn u32(&mut self, field: &'static Field) -> Result<u32, FieldError> {
        let Some((octets, rest)) = self.rest.split_first_chunk::<4>() else {
            return Err(match self.rest.len() {
                0 => FieldError::Missing { field },
                have => FieldError::Truncated { field, need: 4, have },
            });
        };
        self.rest = rest;
        Ok(u32::from_be_bytes(*octets))
    }

    /// What has not been read yet, without reading it.
    pub(super) const fn peek(&self) -> &'a [u8] {
        self.rest
    }

    /// A C-octet string, without its NUL.
    pub(super) fn c_octets(&mut self, field: &'static Field) -> Result<&'a [u8], FieldError> {
        let window = &self.rest[..self.rest.len().min(field.max)];
        let Some(end) = memchr::memchr(0, window) else {
            return Err(match self.rest.len() {
                0 => FieldError::Missing { field },
                have if have < field.max => FieldError::Unterminated { field, have },
                _ => FieldError::TooLong { field, max: field.max },
            });
        };
        let string = &window[..end];
        self.rest = &self.rest[end + 1..];
        Ok(string)
    }

    /// `sm_length` and the `short_message` that it announces.
    pub(super) fn short_message(&mut self) -> Result<&'a [u8], FieldError> {
        let need = usize::from(self.u8(&SM_LENGTH)?);
        // §5.2.21: "The sm_length parameter specifies the length of the short_message parameter in octets."
        let Some((message, rest)) = self.rest.split_at_checked(need) else {
            return Err(FieldError::Truncated { field: &SHORT_MESSAGE, need, have: self.rest.len() });
        };
        self.rest = rest;
        Ok(message)
    }
}

/// What is wrong with a parameter of a body.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldError {
    /// The body ends before the parameter.
    #[error("body ends before {field}")]
    Missing {
        /// The first parameter that is not there.
        field: &'static Field,
    },
    /// The body ends inside the parameter.
    #[error("{field} needs {need} octets, {have} are left")]
    Truncated {
        /// The parameter.
        field: &'static Field,
        /// Octets that it announces.
        need: usize,
        /// Octets that are left in the PDU.
        have: usize,
    },
    /// A C-octet string runs to the end of the PDU without NUL.
    #[error("{field} has no NUL in the {have} octets that are left")]
    Unterminated {
        /// The parameter.
        field: &'static Field,
        /// Octets that are left in the PDU.
        have: usize,
    },
    /// A parameter is longer than the specification allows.
    #[error("{field} has more than {max} octets")]
    TooLong {
        /// The parameter.
        field: &'static Field,
        /// Octets at most, the NUL included.
        max: usize,
    },
    /// A number that the specification does not allow.
    #[error("{field} is {found}, allowed are {allowed}")]
    Value {
        /// The parameter.
        field: &'static Field,
        /// What it is.
        found: u8,
        /// What it may be, in words.
        allowed: &'static str,
    },
    /// The optional part ends inside a parameter.
    #[error("optional parameters end inside one that needs {need} octets, {have} are left")]
    TlvTruncated {
        /// Octets of tag, length and value.
        need: usize,
        /// Octets that are left in the PDU.
        have: usize,
    },
    /// An optional parameter has a length that its tag does not allow.
    #[error("{tag} has {min} to {max} octets, found {have}")]
    TlvLength {
        /// The tag.
        tag: TlvTag,
        /// Octets at least.
        min: usize,
        /// Octets at most.
        max: usize,
        /// Octets that it has.
        have: usize,
    },
}

impl FieldError {
    /// What the peer is told.
    pub fn status(&self) -> CommandStatus {
        match self {
            Self::Missing { .. } => CommandStatus::INVCMDLEN,
            Self::Truncated { field, .. }
            | Self::Unterminated { field, .. }
            | Self::TooLong { field, .. }
            | Self::Value { field, .. } => field.status,
            Self::TlvTruncated { .. } => CommandStatus::INVOPTPARSTREAM,
            Self::TlvLength { .. } => CommandStatus::INVPARLEN,
        }
    }
}

/// Appends a C-octet string and its NUL.
pub(super) fn put_c_octets(field: &'static Field, string: &[u8], out: &mut BytesMut) -> Result<(), EncodeError> {
    check_c_octets(field, string)?;
    out.put_slice(string);
    out.put_u8(0);
    Ok(())
}

/// Whether a string fits its field: shorter than that and without a NUL, which ends it on the wire.
pub(super) fn check_c_octets(field: &'static Field, string: &[u8]) -> Result<(), EncodeError> {
    if string.len() >= field.max {
        return Err(EncodeError::TooLong { field, max: field.max - 1, have: string.len() });
    }
    match memchr::memchr(0, string) {
        Some(at) => Err(EncodeError::Nul { field, at }),
        None => Ok(()),
    }
}

/// Appends `sm_length` and `short_message`.
pub(super) fn put_short_message(message: &[u8], out: &mut BytesMut) -> Result<(), EncodeError> {
    let Ok(length) = u8::try_from(message.len()) else {
        return Err(EncodeError::TooLong { field: &SHORT_MESSAGE, max: SHORT_MESSAGE.max, have: message.len() });
    };
    out.put_u8(length);
    out.put_slice(message);
    Ok(())
}

/// Why a value cannot be put on the wire.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// Longer than the parameter may be.
    #[error("{field} has at most {max} octets, {have} given")]
    TooLong {
        /// The parameter.
        field: &'static Field,
        /// Octets at most, without NUL.
        max: usize,
        /// Octets that were given.
        have: usize,
    },
    /// More entries than their count can say.
    #[error("{field} is at most {max}")]
    TooMany {
        /// The parameter that counts them.
        field: &'static Field,
        /// Entries at most.
        max: usize,
    },
    /// A C-octet string cannot hold NUL.
    #[error("{field} has a NUL at offset {at}")]
    Nul {
        /// The parameter.
        field: &'static Field,
        /// Offset of the first NUL.
        at: usize,
    },
    /// The buffer was cut or split between the start of a PDU and its end.
    #[error("the buffer has {have} octets, the open PDU needs {need} of them")]
    BufferCut {
        /// Octets that the PDU had when it was opened, and what stood before it.
        need: usize,
        /// Octets that are left.
        have: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_that_ends_behind_its_limit_is_too_long() {
        let mut octets = vec![b'a'; 15];
        octets.extend([0, 7]);
        let mut reader = Reader::new(&octets);
        assert_eq!(reader.c_octets(&SYSTEM_ID), Ok(&octets[..15]));
        assert_eq!(reader.rest(), &[7]);

        octets.insert(0, b'a');
        let error = FieldError::TooLong { field: &SYSTEM_ID, max: 16 };
        assert_eq!(Reader::new(&octets).c_octets(&SYSTEM_ID), Err(error));
        assert_eq!(error.status(), CommandStatus::INVSYSID);
    }

    #[test]
    fn the_limit_of_a_string_counts_its_nul() {
        let mut out = BytesMut::new();
        assert_eq!(put_c_octets(&PASSWORD, b"12345678", &mut out), Ok(()));
        let error = EncodeError::TooLong { field: &PASSWORD, max: 8, have: 9 };
        assert_eq!(put_c_octets(&PASSWORD, b"123456789", &mut out), Err(error));
        assert_eq!(&out[..], b"12345678\0");
    }

    #[test]
    fn a_string_cannot_hold_nul() {
        let mut out = BytesMut::new();
        let error = EncodeError::Nul { field: &PASSWORD, at: 1 };
        assert_eq!(put_c_octets(&PASSWORD, b"1\0", &mut out), Err(error));
    }

    #[test]
    fn a_body_that_ends_early_names_what_is_missing() {
        let error = Reader::new(b"").u8(&ESM_CLASS).unwrap_err();
        assert_eq!(error.to_string(), "body ends before esm_class");
        assert_eq!(error.status(), CommandStatus::INVCMDLEN);
    }
}
