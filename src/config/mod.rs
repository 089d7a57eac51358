//! Room for config.
