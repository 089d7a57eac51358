//! A subscription as the store has it, apart from how far it is.

use super::{RowError, decode, encode};
use crate::model::{HandsetId, Msisdn, StreamKey};
use crate::store::Table;
use serde::{Deserialize, Serialize};

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionRow {
    /// The number of its terms.
    pub terms: u32,
    /// Whose.
    pub handset: HandsetId,
    /// Where the handset is reached.
    pub number: Msisdn,
    /// When it was activated, in milliseconds since 1970.
    pub activated_unix_ms: u64,
    /// Where it starts as long as nothing is known of how far it is.
    pub from: u64,
    /// Which of its handset's subscriptions it is.
    pub stream: StreamKey,
}

#[derive(Serialize, Deserialize)]
struct Written {
    terms: u32,
    handset: [u8; 16],
    number: u64,
    activated_unix_ms: u64,
    from: u64,
    stream: u16,
}

impl SubscriptionRow {
    /// As the store keeps it.
    pub fn encode(&self) -> Vec<u8> {
        encode(&Written {
            terms: self.terms,
            handset: *self.handset.octets(),
            // A number in E.164 form has at most 15 digits and starts with none that is 0.
            number: self.number.digits().parse().unwrap_or_default(),
            activated_unix_ms: self.activated_unix_ms,
            from: self.from,
            stream: self.stream.0,
        })
    }

    /// As it was kept.
    ///
    /// # Errors
    /// When it is not what was kept.
    pub fn decode(value: &[u8]) -> Result<Self, RowError> {
        let Written { terms, handset, number, activated_unix_ms, from, stream } = decode(Table::Subscriptions, value)?;
        let number = number.to_string().parse().map_err(|error| RowError::new(Table::Subscriptions, error))?;
        let (handset, stream) = (HandsetId::from_octets(handset), StreamKey(stream));
        Ok(Self { terms, handset, number, activated_unix_ms, from, stream })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TenantId;

    #[test]
    fn a_subscription_is_read_back_and_takes_few_octets() {
        let number: Msisdn = "15551234567".parse().unwrap();
        let handset = HandsetId::from_first_number(&TenantId::default(), &number);
        let (activated_unix_ms, from, stream) = (1_764_000_000_000, 1_000_000, StreamKey(40));
        let row = SubscriptionRow { terms: 3, handset, number, activated_unix_ms, from, stream };
        assert_eq!(SubscriptionRow::decode(&row.encode()), Ok(row.clone()));
        assert!(row.encode().len() <= 40, "{}", row.encode().len());
    }
}
