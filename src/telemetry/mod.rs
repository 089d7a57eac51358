//! Room for telemetry.
