//! Opening a session, SMPP v3.4 §4.1: `bind_transmitter`, `bind_receiver`, `bind_transceiver`, their responses, and
//! `outbind`.

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::address::Address;
use super::codes::InterfaceVersion;
use super::command_status::CommandStatus;
use super::encode::Encode;
use super::fields::{
    ADDRESS_RANGE, EncodeError, FieldError, INTERFACE_VERSION, PASSWORD, Reader, SYSTEM_ID, SYSTEM_TYPE, put_c_octets,
};
use super::header::CommandId;
use super::tlv::{TlvTag, Tlvs};

/// Which way messages go in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BindMode {
    /// From the ESME to the SMSC.
    Transmitter,
    /// From the SMSC to the ESME.
    Receiver,
    /// Both ways.
    Transceiver,
}

impl BindMode {
    /// The request that opens such a session.
    pub const fn command_id(self) -> CommandId {
        match self {
            Self::Transmitter => CommandId::BIND_TRANSMITTER,
            Self::Receiver => CommandId::BIND_RECEIVER,
            Self::Transceiver => CommandId::BIND_TRANSCEIVER,
        }
    }
}

/// `bind_transmitter`, `bind_receiver` or `bind_transceiver`. `Debug` hides the password.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bind<'a> {
    /// Which of the three.
    pub mode: BindMode,
    /// Who binds; at most 15 octets.
    pub system_id: &'a [u8],
    /// At most 8 octets.
    pub password: &'a [u8],
    /// Kind of ESME, mostly empty; at most 12 octets.
    pub system_type: &'a [u8],
    /// What the ESME speaks.
    pub interface_version: InterfaceVersion,
    /// The addresses that the ESME serves, mostly empty; at most 40 octets.
    pub address_range: Address<'a>,
}

impl<'a> Bind<'a> {
    pub(super) fn decode(mode: BindMode, reader: &mut Reader<'a>) -> Result<Self, FieldError> {
        Ok(Self {
            mode,
            system_id: reader.c_octets(&SYSTEM_ID)?,
            password: reader.c_octets(&PASSWORD)?,
            system_type: reader.c_octets(&SYSTEM_TYPE)?,
            interface_version: InterfaceVersion(reader.u8(&INTERFACE_VERSION)?),
            address_range: Address::decode(reader, &ADDRESS_RANGE)?,
        })
    }
}

impl Encode for Bind<'_> {
    fn command_id(&self) -> CommandId {
        self.mode.command_id()
    }

    fn put_body(&self, _: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_c_octets(&SYSTEM_ID, self.system_id, out)?;
        put_c_octets(&PASSWORD, self.password, out)?;
        put_c_octets(&SYSTEM_TYPE, self.system_type, out)?;
        out.put_u8(self.interface_version.0);
        self.address_range.put(&ADDRESS_RANGE, out)
    }
}

impl fmt::Debug for Bind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bind")
            .field("mode", &self.mode)
            .field("system_id", &format_args!("{}", self.system_id.escape_ascii()))
            .field("interface_version", &self.interface_version)
            .finish_non_exhaustive()
    }
}

/// The response to a [`Bind`]. After an error it mostly has no body: then `system_id` is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindResp<'a> {
    /// To which of the three requests.
    pub mode: BindMode,
    /// Who answers; at most 15 octets.
    pub system_id: &'a [u8],
    /// Mostly `sc_interface_version` or nothing.
    pub tlvs: Tlvs<'a>,
}

impl<'a> BindResp<'a> {
    /// What the SMSC speaks; `None` if it does not say, which many of v3.4 do not.
    ///
    /// # Errors
    /// When the parameter has not one octet.
    pub fn sc_interface_version(&self) -> Result<Option<InterfaceVersion>, FieldError> {
        Ok(self.tlvs.u8(TlvTag::SC_INTERFACE_VERSION)?.map(InterfaceVersion))
    }

    pub(super) fn decode(mode: BindMode, reader: &mut Reader<'a>) -> Result<Self, FieldError> {
        if reader.is_empty() {
            return Ok(Self { mode, system_id: b"", tlvs: Tlvs::NONE });
        }
        Ok(Self { mode, system_id: reader.c_octets(&SYSTEM_ID)?, tlvs: Tlvs::decode(reader.rest())? })
    }
}

impl Encode for BindResp<'_> {
    fn command_id(&self) -> CommandId {
        self.mode.command_id().response()
    }

    fn put_body(&self, status: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError> {
        // §4.1.2: the body is not returned when the command_status field holds an error.
        if !status.is_ok() && self.system_id.is_empty() && self.tlvs.is_empty() {
            return Ok(());
        }
        put_c_octets(&SYSTEM_ID, self.system_id, out)?;
        out.put_slice(self.tlvs.as_octets());
        Ok(())
    }
}

/// `outbind`: an SMSC asks the ESME to bind as receiver. `Debug` hides the password.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Outbind<'a> {
    /// Who asks; at most 15 octets.
    pub system_id: &'a [u8],
    /// At most 8 octets.
    pub password: &'a [u8],
}

impl<'a> Outbind<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, FieldError> {
        Ok(Self { system_id: reader.c_octets(&SYSTEM_ID)?, password: reader.c_octets(&PASSWORD)? })
    }
}

impl Encode for Outbind<'_> {
    fn command_id(&self) -> CommandId {
        CommandId::OUTBIND
    }

    fn put_body(&self, _: CommandStatus, out: &mut BytesMut) -> Result<(), EncodeError> {
        put_c_octets(&SYSTEM_ID, self.system_id, out)?;
        put_c_octets(&PASSWORD, self.password, out)
    }
}

impl fmt::Debug for Outbind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbind")
            .field("system_id", &format_args!("{}", self.system_id.escape_ascii()))
            .finish_non_exhaustive()
    }
}
