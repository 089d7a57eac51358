//! Signs of life of a handset that waits.

/// What made a handset go on that the SMSC had no more room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A message to it has come to its end, so there is room for another.
    Receipt,
    /// alert_notification: it can be reached again (SMPP v3.4 §4.12.1).
    Alert,
    /// It has sent a message of its own.
    MobileOriginated,
    /// None of these; its pause is over.
    Timer,
}

impl Sign {
    /// Every sign, in the order of its index.
    pub const LABELS: [&'static str; 4] = ["receipt", "alert", "mo", "timer"];
}
