//! Room for actors.
