//! What the operator asked for: read, checked, and explained. Nothing is opened or resolved in here.
//!
//! Two steps: `load` lays environment and arguments over the file into one tree of what was written; each section then
//! reads what it means, with defaults. Everything wrong is reported at once, each with its place.

mod explain;
mod origin;
mod secret;
mod section;
mod written;

pub use origin::{ConfigError, ConfigErrors, Origin};
pub use secret::Secret;
