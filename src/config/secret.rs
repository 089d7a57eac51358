//! A text that must not be read by whoever reads logs.

use std::fmt;
use std::sync::Arc;

/// A password or bearer. `Debug` masks it, and there is no `Display`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// What stands for a secret wherever it is shown: as long as the longest SMPP password, so that it is one itself.
    pub const MASK: &'static str = "********";

    /// Keeps `text` secret.
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text itself: only for the wire.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What may be shown: the mask, or nothing where there is nothing.
    pub fn masked(&self) -> &'static str {
        match self.is_empty() {
            true => "",
            false => Self::MASK,
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.masked())
    }
}
