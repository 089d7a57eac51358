//! `command_status`, SMPP v3.4 §5.1.3 with the additions of v5.0 §4.7.6: how a request ended.

use std::fmt;

/// A status code. Codes without a name (vendors use 0x400-0x4FF) survive; the names are those of the specification
/// without its `ESME_R`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CommandStatus(pub u32);

impl CommandStatus {
    /// Whether the request was done.
    pub const fn is_ok(self) -> bool {
        self.0 == 0
    }

    /// Whether the code is in the range that v3.4 leaves to SMSC vendors.
    pub const fn is_vendor_specific(self) -> bool {
        self.0 >= 0x400 && self.0 <= 0x4FF
    }
}

impl fmt::Display for CommandStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{:#x} {name}", self.0),
            None => write!(f, "{:#x}", self.0),
        }
    }
}

impl fmt::Debug for CommandStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommandStatus({self})")
    }
}

macro_rules! statuses {
    ($($constant:ident = $value:literal => $description:literal,)*) => {
        impl CommandStatus {
            $(#[doc = concat!("`", stringify!($value), "`: ", $description, ".")]
            pub const $constant: Self = Self($value);)*

            /// The name in the specification, such as `ESME_RTHROTTLED`; `None` for a code that has none.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(concat!("ESME_R", stringify!($constant))),)*
                    _ => None,
                }
            }

            /// What the code says, in a few words.
            pub const fn description(self) -> &'static str {
                match self.0 {
                    $($value => $description,)*
                    0x400..=0x4FF => "vendor specific",
                    _ => "reserved",
                }
            }
        }
    };
}

statuses! {
    OK = 0x00 => "no error",
    INVMSGLEN = 0x01 => "message length is invalid",
    INVCMDLEN = 0x02 => "command length is invalid",
    INVCMDID = 0x03 => "command id is invalid",
    INVBNDSTS = 0x04 => "wrong bind state for the command",
    ALYBND = 0x05 => "already bound",
    INVPRTFLG = 0x06 => "priority flag is invalid",
    INVREGDLVFLG = 0x07 => "registered delivery flag is invalid",
    SYSERR = 0x08 => "system error",
    INVSRCADR = 0x0A => "source address is invalid",
    INVDSTADR = 0x0B => "destination address is invalid",
    INVMSGID = 0x0C => "message id is invalid",
    BINDFAIL = 0x0D => "bind failed",
    INVPASWD = 0x0E => "password is wrong",
    INVSYSID = 0x0F => "system id is wrong",
    CANCELFAIL = 0x11 => "cancelling the message failed",
    REPLACEFAIL = 0x13 => "replacing the message failed",
    MSGQFUL = 0x14 => "message queue is full",
    INVSERTYP = 0x15 => "service type is invalid",
    INVNUMDESTS = 0x33 => "number of destinations is invalid",
    INVDLNAME = 0x34 => "distribution list name is invalid",
    INVDESTFLAG = 0x40 => "destination flag is invalid",
    INVSUBREP = 0x42 => "submit with replace is not supported or not allowed",
    INVESMCLASS = 0x43 => "esm class is invalid",
    CNTSUBDL = 0x44 => "cannot submit to the distribution list",
    SUBMITFAIL = 0x45 => "submit failed",
    INVSRCTON = 0x48 => "type of number of the source is invalid",
    INVSRCNPI = 0x49 => "numbering plan of the source is invalid",
    INVDSTTON = 0x50 => "type of number of the destination is invalid",
    INVDSTNPI = 0x51 => "numbering plan of the destination is invalid",
    INVSYSTYP = 0x53 => "system type is invalid",
    INVREPFLAG = 0x54 => "replace if present flag is invalid",
    INVNUMMSGS = 0x55 => "number of messages is invalid",
    THROTTLED = 0x58 => "rate limit exceeded",
    INVSCHED = 0x61 => "scheduled delivery time is invalid",
    INVEXPIRY = 0x62 => "validity period is invalid",
    INVDFTMSGID = 0x63 => "predefined message is invalid or not found",
    X_T_APPN = 0x64 => "temporary error of the receiving application",
    X_P_APPN = 0x65 => "permanent error of the receiving application",
    X_R_APPN = 0x66 => "receiving application rejects the message",
    QUERYFAIL = 0x67 => "query failed",
    INVOPTPARSTREAM = 0xC0 => "optional part of the body is broken",
    OPTPARNOTALLWD = 0xC1 => "optional parameter is not allowed",
    INVPARLEN = 0xC2 => "parameter length is invalid",
    MISSINGOPTPARAM = 0xC3 => "expected optional parameter is missing",
    INVOPTPARAMVAL = 0xC4 => "optional parameter value is invalid",
    DELIVERYFAILURE = 0xFE => "delivery failed",
    UNKNOWNERR = 0xFF => "unknown error",
    SERTYPUNAUTH = 0x100 => "not authorised for the service type",
    PROHIBITED = 0x101 => "operation is prohibited",
    SERTYPUNAVAIL = 0x102 => "service type is unavailable",
    SERTYPDENIED = 0x103 => "service type is denied",
    INVDCS = 0x104 => "data coding scheme is invalid",
    INVSRCADDRSUBUNIT = 0x105 => "source address subunit is invalid",
    INVDSTADDRSUBUNIT = 0x106 => "destination address subunit is invalid",
    INVBCASTFREQINT = 0x107 => "broadcast frequency interval is invalid",
    INVBCASTALIAS_NAME = 0x108 => "broadcast alias name is invalid",
    INVBCASTAREAFMT = 0x109 => "broadcast area format is invalid",
    INVNUMBCAST_AREAS = 0x10A => "number of broadcast areas is invalid",
    INVBCASTCNTTYPE = 0x10B => "broadcast content type is invalid",
    INVBCASTMSGCLASS = 0x10C => "broadcast message class is invalid",
    BCASTFAIL = 0x10D => "broadcast failed",
    BCASTQUERYFAIL = 0x10E => "broadcast query failed",
    BCASTCANCELFAIL = 0x10F => "broadcast cancel failed",
    INVBCAST_REP = 0x110 => "number of broadcast repetitions is invalid",
    INVBCASTSRVGRP = 0x111 => "broadcast service group is invalid",
    INVBCASTCHANIND = 0x112 => "broadcast channel indicator is invalid",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_the_name_of_the_specification() {
        assert_eq!(CommandStatus(0x58).name(), Some("ESME_RTHROTTLED"));
        assert_eq!(CommandStatus(0).name(), Some("ESME_ROK"));
        assert_eq!(CommandStatus::MSGQFUL.to_string(), "0x14 ESME_RMSGQFUL");
    }

    #[test]
    fn a_vendors_status_survives_without_a_name() {
        let status = CommandStatus(0x0456);
        assert!(status.is_vendor_specific() && !status.is_ok());
        assert_eq!(status.to_string(), "0x456");
        assert_eq!(status.description(), "vendor specific");
        assert_eq!(CommandStatus(0xFFFF_FFFF).description(), "reserved");
    }
}
