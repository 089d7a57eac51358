//! The messages and services of `proto/bellwire/control/v1`, as `build.rs` generates them for server and client.

#![allow(
    missing_docs,
    clippy::all,
    clippy::too_many_lines,
    reason = "generated; what it means is documented in the .proto files"
)]

tonic::include_proto!("bellwire.control.v1");

/// The descriptors of everything in here, as an encoded `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/bellwire.control.v1.descriptors"));
