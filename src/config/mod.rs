//! What the operator asked for: read, checked, and explained. Nothing is opened or resolved in here.
//!
//! Two steps: [`Config::load`] lays environment and arguments over the file into one tree of what was written; each
//! section then reads what it means, with defaults. Everything wrong is reported at once, each with its place.

mod access;
mod admission;
mod budgets;
mod explain;
mod grpc;
mod http;
mod load;
mod node;
mod ops;
mod origin;
mod policy;
mod push;
mod relay;
mod secret;
mod section;
mod smsc;
mod upstream;
mod written;

pub use access::{AccessConfig, Credential, GatewayConfig, KeyMaterial, TokenConfig, TokenKeyConfig};
pub use admission::AdmissionConfig;
pub use budgets::BudgetsConfig;
pub use grpc::GrpcConfig;
pub use http::HttpConfig;
pub use load::Config;
pub use node::{JournalMode, NodeConfig};
pub use ops::OpsConfig;
pub use origin::{ConfigError, ConfigErrors, Origin};
pub use relay::RelayConfig;
pub use secret::Secret;
pub use smsc::{
    BindMode, ConnectionConfig, CrowdingConfig, ErrandConfig, OutbindConfig, PacingConfig, PayloadConfig,
    ReceiptConfig, ReferenceWidth, ResendUnknown, RoutingConfig, SmscAddress, SmscConfig, SourceAddress, StatusMeaning,
    TlsConfig, Version, Withdraw,
};
pub use upstream::UpstreamConfig;
