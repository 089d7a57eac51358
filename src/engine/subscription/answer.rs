//! What comes back for a segment, and where it is counted.

use crate::codec::smpp::CommandStatus;
use crate::engine::receipts::Receipts;
use crate::engine::tally::Tally;
use crate::engine::verdict::Verdict;

/// What came back for a segment.
#[derive(Clone, Copy, Debug)]
pub enum Answer<'a> {
    /// The SMSC accepted it under a name of its own.
    Accepted {
        /// The name, for receipts.
        message_id: &'a [u8],
    },
    /// The SMSC refused it.
    Refused {
        /// Why.
        status: CommandStatus,
        /// What that means at this SMSC.
        verdict: Verdict,
    },
    /// Nobody knows: the link died, or no answer came in time.
    Unknown {
        /// Whether it may be sent once more.
        resend: bool,
    },
}

/// Where outcomes go: counted now, or when their receipts are in.
pub struct Settlement<'a> {
    /// Counts.
    pub tally: &'a mut Tally,
    /// Receipts of all SMSCs.
    pub receipts: &'a mut Receipts,
    /// The number of the SMSC that answers; of no matter where nothing is answered.
    pub smsc: u8,
}
