//! Room for control.
