//! Room for ops.
