//! The one-octet code spaces of SMPP v3.4 §5.2: type of number, numbering plan, `esm_class`, `registered_delivery`,
//! `data_coding`, message state, interface version. Each is a number with names, so that a code that is new to us
//! survives a round trip. Values of v5.0 that v3.4 peers are known to use are named too.

/// Declares a code space: a transparent number, its named constants and its `name()`.
macro_rules! code_space {
    ($(#[$meta:meta])* $space:ident($number:ty) { $($constant:ident = $value:literal => $name:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $space(pub $number);

        impl $space {
            $(#[doc = concat!("`", stringify!($value), "`: ", $name, ".")]
            pub const $constant: Self = Self($value);)*

            /// The name in the specification; `None` for a number that has none.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($name),)*
                    _ => None,
                }
            }
        }

        impl From<$number> for $space {
            fn from(number: $number) -> Self {
                Self(number)
            }
        }

        impl std::fmt::Display for $space {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => write!(f, "{:#04x} {name}", self.0),
                    None => write!(f, "{:#04x}", self.0),
                }
            }
        }

        impl std::fmt::Debug for $space {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({self})", stringify!($space))
            }
        }
    };
}
pub(super) use code_space;

code_space! {
    /// Type of number, §5.2.5.
    #[derive(Default)]
    Ton(u8) {
        UNKNOWN = 0x00 => "unknown",
        INTERNATIONAL = 0x01 => "international",
        NATIONAL = 0x02 => "national",
        NETWORK_SPECIFIC = 0x03 => "network specific",
        SUBSCRIBER = 0x04 => "subscriber number",
        ALPHANUMERIC = 0x05 => "alphanumeric",
        ABBREVIATED = 0x06 => "abbreviated",
    }
}

code_space! {
    /// Numbering plan indicator, §5.2.6.
    #[derive(Default)]
    Npi(u8) {
        UNKNOWN = 0x00 => "unknown",
        E164 = 0x01 => "E.164",
        X121 = 0x03 => "X.121",
        TELEX = 0x04 => "telex",
        E212 = 0x06 => "E.212",
        NATIONAL = 0x08 => "national",
        PRIVATE = 0x09 => "private",
        ERMES = 0x0A => "ERMES",
        INTERNET = 0x0E => "IP",
        WAP_CLIENT_ID = 0x12 => "WAP client id",
    }
}

code_space! {
    /// `interface_version`, §5.2.4: what the ESME speaks.
    InterfaceVersion(u8) {
        V3_3 = 0x33 => "3.3",
        V3_4 = 0x34 => "3.4",
        V5_0 = 0x50 => "5.0",
    }
}

impl InterfaceVersion {
    /// Whether the peer knows optional parameters: those before v3.4 do not, and none may be sent to them (§3.3).
    pub const fn has_tlvs(self) -> bool {
        self.0 >= Self::V3_4.0
    }
}

code_space! {
    /// `ms_availability_status`, §5.3.2.30: whether the handset of an `alert_notification` can be reached.
    #[derive(Default)]
    MsAvailability(u8) {
        AVAILABLE = 0x00 => "available",
        DENIED = 0x01 => "denied",
        UNAVAILABLE = 0x02 => "unavailable",
    }
}

code_space! {
    /// `data_coding`, §5.2.19.
    #[derive(Default)]
    DataCoding(u8) {
        SMSC_DEFAULT = 0x00 => "SMSC default alphabet",
        IA5 = 0x01 => "IA5",
        OCTETS_SMPP = 0x02 => "octets, SMPP only",
        LATIN_1 = 0x03 => "Latin 1",
        OCTETS = 0x04 => "octets",
        JIS = 0x05 => "JIS",
        CYRILLIC = 0x06 => "Cyrillic",
        HEBREW = 0x07 => "Latin/Hebrew",
        UCS2 = 0x08 => "UCS2",
        OCTETS_GENERAL_CLASS_1 = 0x15 => "octets, general group, class 1",
        OCTETS_CLASS_0 = 0xF4 => "octets, class 0 (flash)",
        OCTETS_CLASS_1 = 0xF5 => "octets, class 1 (handset)",
        OCTETS_CLASS_2 = 0xF6 => "octets, class 2 (SIM)",
        OCTETS_CLASS_3 = 0xF7 => "octets, class 3 (terminal equipment)",
    }
}

code_space! {
    /// Message state, §5.2.28; `0` and `9` came with v5.0.
    MessageState(u8) {
        SCHEDULED = 0x00 => "SCHEDULED",
        ENROUTE = 0x01 => "ENROUTE",
        DELIVERED = 0x02 => "DELIVERED",
        EXPIRED = 0x03 => "EXPIRED",
        DELETED = 0x04 => "DELETED",
        UNDELIVERABLE = 0x05 => "UNDELIVERABLE",
        ACCEPTED = 0x06 => "ACCEPTED",
        UNKNOWN = 0x07 => "UNKNOWN",
        REJECTED = 0x08 => "REJECTED",
        SKIPPED = 0x09 => "SKIPPED",
    }
}

code_space! {
    /// `esm_class`, §5.2.12: messaging mode in bits 1-0, message type in bits 5-2, GSM features in bits 7-6.
    /// The default is `0x00`: the SMSC's own mode, an ordinary message, no feature.
    #[derive(Default)]
    EsmClass(u8) {
        DEFAULT = 0x00 => "default",
        DATAGRAM = 0x01 => "datagram mode",
        FORWARD = 0x02 => "forward mode",
        STORE_AND_FORWARD = 0x03 => "store and forward mode",
        DELIVERY_RECEIPT = 0x04 => "delivery receipt",
        DELIVERY_ACKNOWLEDGEMENT = 0x08 => "delivery acknowledgement",
        USER_ACKNOWLEDGEMENT = 0x10 => "user acknowledgement",
        CONVERSATION_ABORT = 0x18 => "conversation abort",
        INTERMEDIATE_NOTIFICATION = 0x20 => "intermediate notification",
        UDHI = 0x40 => "user data header",
        REPLY_PATH = 0x80 => "reply path",
    }
}

impl EsmClass {
    /// The message type alone, bits 5-2.
    pub const fn message_type(self) -> Self {
        Self(self.0 & 0x3C)
    }

    /// Whether the message starts with a user data header.
    pub const fn has_udh(self) -> bool {
        self.0 & Self::UDHI.0 != 0
    }
}

impl std::ops::BitOr for EsmClass {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

code_space! {
    /// `registered_delivery`, §5.2.17: which receipts and acknowledgements are asked for.
    #[derive(Default)]
    RegisteredDelivery(u8) {
        NONE = 0x00 => "none",
        FINAL = 0x01 => "receipt on success or failure",
        FAILURE = 0x02 => "receipt on failure",
        SUCCESS = 0x03 => "receipt on success (v5.0)",
        DELIVERY_ACKNOWLEDGEMENT = 0x04 => "delivery acknowledgement by the handset",
        USER_ACKNOWLEDGEMENT = 0x08 => "acknowledgement by the user",
        INTERMEDIATE = 0x10 => "intermediate notification",
    }
}

impl std::ops::BitOr for RegisteredDelivery {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_without_a_name_survives() {
        assert_eq!(Ton(0x33).name(), None);
        assert_eq!(format!("{} {:?}", Ton(0x33), DataCoding::OCTETS), "0x33 DataCoding(0x04 octets)");
    }

    #[test]
    fn optional_parameters_came_with_3_4() {
        assert!(!InterfaceVersion::V3_3.has_tlvs() && !InterfaceVersion(0).has_tlvs());
        assert!(InterfaceVersion::V3_4.has_tlvs() && InterfaceVersion::V5_0.has_tlvs());
    }

    #[test]
    fn the_default_esm_class_asks_for_nothing() {
        assert_eq!(EsmClass::default(), EsmClass(0));
    }

    #[test]
    fn mode_and_features_do_not_hide_the_message_type() {
        let class = EsmClass::DELIVERY_RECEIPT | EsmClass::UDHI | EsmClass::STORE_AND_FORWARD;
        assert_eq!(class.message_type(), EsmClass::DELIVERY_RECEIPT);
        assert!(class.has_udh());
    }
}
