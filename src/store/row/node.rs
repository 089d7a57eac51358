//! What the node as a whole has counted: it goes on counting where the last process stopped, so that what came in and
//! what became of it stay equal through every restart.

use serde::{Deserialize, Serialize};

/// Where the counts are in their table.
pub const COUNTS_KEY: [u8; 6] = *b"counts";

/// Where the number of the next source is in their table: one that was given is never given again, for its events may
/// still be in the log.
pub const NEXT_SOURCE_KEY: [u8; 11] = *b"next-source";

/// Counts by label. One that a later version does not know is left out, one that it knows and is not here is zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Events taken in, by where they came in.
    pub received: Vec<(String, u64)>,
    /// Final outcomes.
    pub settled: Vec<(String, u64)>,
    /// Events left out, by reason.
    pub dropped: Vec<(String, u64)>,
}
