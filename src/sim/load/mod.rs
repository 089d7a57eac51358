//! Peers of a load test, as cheap as they can be: event streams and an SMSC that count marks instead of playing roles.
//!
//! | file | holds |
//! |---|---|
//! | `mark` | what an event says of itself: when it was due, and its number |
//! | `schedule` | which event of which source is due when |
//! | `streams` | the sources, as event streams of one listener |
//! | `pacer` | a thread that waits more exactly than the runtime's timer, which counts in milliseconds |
//! | `arrivals` | what came to which handset, and how late |
//! | `sink` | the SMSC |

mod arrivals;
mod mark;
mod pacer;
mod schedule;
mod sink;
mod streams;

pub use arrivals::{Arrivals, number};
pub use mark::{MARK_OCTETS, Mark};
pub use pacer::pace;
pub use schedule::Schedule;
pub use sink::{Sink, SinkSettings};
pub use streams::Streams;
