//! Event streams, HTML Standard §9.2.5 "Parsing an event stream" and §9.2.6 "Interpreting an event stream".
//!
//! [`Parser`] turns pieces of a body into [`Events`], which point into the piece wherever they can; [`encode`] writes an
//! event in its shortest form; [`Events::write_record`] writes them for a log. Left out: the connection (§9.2.2, §9.2.3),
//! and relaying a block as it came.

mod block;
mod events;
#[doc(hidden)]
pub mod invariants;
mod parser;
mod record;
#[cfg(test)]
mod vectors;
mod writer;

pub use events::{EventError, EventRef, Events, EventsBuilder, Iter};
pub use parser::{Limits, MAX_RETRY, Parser};
pub use record::RecordError;
pub use writer::{Field, WriteError, encode, encode_id_line, encode_parsed, encoded_len, id_len, id_line_len};
