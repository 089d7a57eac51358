//! Turns `proto/` into Rust, and into the descriptors that server reflection answers from. No protoc is needed.

use prost::Message;
use std::error::Error;
use std::path::PathBuf;

const ROOT: &str = "proto";
/// Whatever these import is compiled with them.
const SERVICES: [&str; 2] = ["bellwire/control/v1/control.proto", "bellwire/control/v1/smsc.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={ROOT}");
    let descriptors = protox::compile(SERVICES, [ROOT])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("bellwire.control.v1.descriptors"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
