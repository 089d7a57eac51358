//! Which number each handset of a file has: the server looks at every line alone, and cannot see two that contradict.

use crate::cli::sub::rows::{Column, Wrong};
use crate::control::proto::ActivateRequest;
use crate::model::{HandsetId, Msisdn, PackedMsisdn, TenantId};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Handsets that go by a name or an identity: one that its number names cannot have two.
#[derive(Default)]
pub(super) struct Claims(HashMap<u64, (PackedMsisdn, u64)>);

impl Claims {
    /// Notes what line `number` says.
    ///
    /// # Errors
    /// When an earlier one says otherwise.
    pub fn note(&mut self, number: u64, activation: &ActivateRequest) -> Result<(), Wrong> {
        // What is no handset or number is the server's to refuse.
        let Some((handset, to)) = handset(activation).zip(activation.to.parse::<Msisdn>().ok()) else { return Ok(()) };
        match self.0.entry(handset.half()) {
            Entry::Vacant(free) => {
                free.insert((PackedMsisdn::from(&to), number));
                Ok(())
            }
            Entry::Occupied(claim) if claim.get().0 == PackedMsisdn::from(&to) => Ok(()),
            Entry::Occupied(claim) => {
                let why = format_args!("line {} has this handset under another number", claim.get().1);
                Err(Wrong::value(Column::To, &activation.to, why))
            }
        }
    }
}

fn handset(activation: &ActivateRequest) -> Option<HandsetId> {
    let ActivateRequest { tenant, handset, handset_id, .. } = activation;
    if !handset_id.is_empty() {
        return handset_id.parse().ok();
    }
    if handset.is_empty() {
        return None;
    }
    let tenant = if tenant.is_empty() { TenantId::default() } else { TenantId::new(tenant).ok()? };
    Some(HandsetId::from_name(&tenant, handset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handset_with_two_numbers_is_told() {
        let line = |handset: &str, to: &str| ActivateRequest {
            handset: handset.to_owned(),
            to: to.to_owned(),
            ..ActivateRequest::default()
        };
        let mut claims = Claims::default();
        assert_eq!(claims.note(2, &line("a", "+15551234567")), Ok(()));
        assert_eq!(claims.note(3, &line("a", "15551234567")), Ok(()));
        assert_eq!(claims.note(4, &line("b", "15551234568")), Ok(()));
        assert_eq!(claims.note(5, &line("", "15551234569")), Ok(()));
        let wrong = claims.note(6, &line("a", "15551234569")).unwrap_err();
        assert_eq!(wrong.words(false), "to: line 2 has this handset under another number");
        let id = HandsetId::from_name(&TenantId::default(), "b").to_string();
        let known = ActivateRequest { handset_id: id, ..line("", "15551234569") };
        assert!(claims.note(7, &known).is_err());
    }
}
