//! Event streams (being written).

/// The events completed by one piece of a stream.
#[derive(Debug)]
pub struct Events;
