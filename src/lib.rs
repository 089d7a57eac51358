//! Bellwire is the push proxy of the HTML Standard, §9.2.8 "Connectionless push and other features": it keeps a
//! Server-Sent-Events stream open for a handset that went to sleep and carries each event to it over the signalling
//! network, as an OMA Push-OTA message in SMS through SMPP.
//!
//! # Layout
//! A file imports only from floors below it and from its own folder; `tests/floors.rs` keeps that true.
//!
//! | floor | module | holds |
//! |---|---|---|
//! | 0 | [`codec`] | bytes ⇄ values: SSE, WSP push, user data header, segments, SMPP |
//! | 0 | [`model`] | the nouns, as types that cannot hold a wrong value |
//! | 0 | [`telemetry`] | metric handles and logging, handed down |
//! | 1 | [`engine`] | every decision, sans-IO: time and randomness are arguments |
//! | 2 | [`store`] | what outlives the process |
//! | 3 | [`actors`] | ractor mailboxes around the engine |
//! | 4 | [`ingress`] | events in: SSE upstreams |
//! | 4 | [`egress`] | pushes out: SMPP links |
//! | 4 | [`control`] | the gRPC control plane |
//! | 4 | [`ops`] | metrics and health over HTTP |
//! | 4 | [`proxy`] | the push proxy over HTTP: streams, `activatePush`, who asks |
//! | 5 | [`config`], [`app`], [`cli`] | what was asked for, wired once at start and drained at the end |
//! | – | [`sim`] | SMSC, handset and ticker that `demo` and the tests run against |

pub mod actors;
pub mod app;
pub mod cli;
pub mod codec;
pub mod config;
pub mod control;
pub mod egress;
pub mod engine;
pub mod ingress;
pub mod model;
pub mod ops;
pub mod proxy;
pub mod sim;
pub mod store;
pub mod telemetry;
