//! Room for engine.
