//! The control plane: who is told what is to be done.

pub mod proto;
