//! Room for egress.
