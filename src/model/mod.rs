//! The nouns of the house, as types that cannot hold a wrong value. No I/O, no clock, no protocol bytes in here.

mod base36;
mod coalesce;
mod event_types;
mod handset;
mod hash;
mod msisdn;
mod outcome;
mod own_id;
mod policy;
mod profile;
mod source;
mod source_url;
mod stream_key;
mod subscription;
mod tenant;

pub use coalesce::{Coalesce, FieldName};
pub use event_types::EventTypes;
pub use handset::{HandsetId, HandsetIdError};
pub use msisdn::{Msisdn, MsisdnError, PackedMsisdn};
pub use outcome::{DropReason, Outcome};
pub use own_id::{OwnId, OwnIdError, OwnIdText};
pub use policy::{AtLimit, Content, Ids, Order, Overflow, Policy, PolicyError, Priority, Receipts};
pub use profile::{ApplicationId, ApplicationIdError, Profile, PushSettings};
pub use source::{CredentialRef, FeedName, FeedNameError, SourceId, SourceOrigin};
pub use source_url::{SourceUrl, SourceUrlError};
pub use stream_key::{StreamKey, StreamKeyError, StreamKeyText};
pub use subscription::{SubscriptionId, SubscriptionIdError};
pub use tenant::{TenantId, TenantIdError};
