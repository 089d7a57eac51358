//! The control plane: who is told what is to be done.

pub mod grpc;
pub mod proto;
mod words;
