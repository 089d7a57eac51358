//! The nouns of the house, as types that cannot hold a wrong value. No I/O, no clock, no protocol bytes in here.

mod handset;
mod hash;
mod msisdn;
mod outcome;
mod own_id;
mod policy;
mod profile;
mod source;
mod source_url;
mod subscription;
mod tenant;

pub use handset::{HandsetId, HandsetIdError};
pub use msisdn::{Msisdn, MsisdnError, PackedMsisdn};
pub use outcome::{DropReason, Outcome};
pub use own_id::{OwnId, OwnIdError};
pub use policy::{Order, Overflow, Policy, PolicyError, Receipts};
pub use profile::{ApplicationId, ApplicationIdError, Profile, PushSettings};
pub use source::{CredentialRef, FeedName, FeedNameError, SourceId, SourceOrigin};
pub use source_url::{SourceUrl, SourceUrlError};
pub use subscription::{SubscriptionId, SubscriptionIdError};
pub use tenant::{TenantId, TenantIdError};
