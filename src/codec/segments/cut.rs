//! How a push comes to be several short messages: cut by us or by the SMSC, and who writes the header that says so.

use super::ReferenceWidth;

/// How ports and parts are said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Payload {
    /// In a user data header of ours: every SMSC takes it.
    #[default]
    Udh,
    /// In optional parameters, a segment in each message: the SMSC writes the header.
    Sar,
    /// In optional parameters, the whole push in one message: the SMSC cuts it, and writes the headers.
    Whole,
}

/// How pushes to a handset are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cut {
    /// How wide references are in the headers that handsets get.
    pub width: ReferenceWidth,
    /// How ports and parts are said.
    pub payload: Payload,
}

impl Cut {
    /// The width that segments have room for. A header that the SMSC writes by `sar_msg_ref_num`, which has 16 bits, may be
    /// the longer one, whatever references are given.
    pub fn room_width(self) -> ReferenceWidth {
        if self.payload == Payload::Sar { ReferenceWidth::Bits16 } else { self.width }
    }

    /// Whether a push goes in one message, however long it is.
    pub fn is_whole(self) -> bool {
        self.payload == Payload::Whole
    }
}

impl From<ReferenceWidth> for Cut {
    /// In user data headers of ours.
    fn from(width: ReferenceWidth) -> Self {
        Self { width, payload: Payload::Udh }
    }
}
