//! What a push asks of its SMSC: a receipt, so that it says what becomes of a segment (registered_delivery, SMPP v3.4
//! §5.2.17), and to be in a hurry (priority_flag, §5.2.14).
//!
//! What decides is the push and nothing else: a segment that is sent again, even by another process, asks for what it
//! asked for before.

use crate::codec::smpp::RegisteredDelivery;
use crate::engine::push::Push;
use crate::model::{Priority, Receipts as Wanted, SubscriptionId};

/// Of so many pushes a sample asks one.
const SAMPLED: u64 = 10;
/// 2⁶⁴ divided by the golden ratio: multiples of it are spread evenly, whatever the step from push to push.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// What the segment at `index` asks for.
#[inline]
pub(super) fn registered_delivery(wanted: Wanted, of: &SubscriptionId, push: &Push, index: u8) -> RegisteredDelivery {
    if asks(wanted, of, push, index) { RegisteredDelivery::FINAL } else { RegisteredDelivery::NONE }
}

/// Whether the segment at `index` asks for a receipt.
#[inline]
pub(super) fn asks(wanted: Wanted, of: &SubscriptionId, push: &Push, index: u8) -> bool {
    match wanted {
        Wanted::All => true,
        Wanted::Last => index + 1 == push.segments,
        Wanted::Sample => is_sampled(of, push.events.start),
        Wanted::None => false,
    }
}

/// How many receipts a push waits for, of which a segment is the first to be accepted. Those that an earlier process had
/// accepted owe theirs to that one.
#[inline]
pub(super) fn owed(wanted: Wanted, push: &Push) -> u8 {
    match wanted {
        Wanted::Last => 1,
        _ => push.segments.saturating_sub(push.accepted.saturating_sub(1)),
    }
}

/// What a priority is in a submit_sm: "GSM: None-priority (0)" and "Priority" of 1, 2 and 3, which makes an SMSC try a handset
/// that it thinks to be away. So nothing is below normal: low is only later in our own line. The highest level is left to
/// others: networks that tell them apart call it "Emergency" (IS-95) or "Very Urgent" (ANSI-136), and 2 is "Urgent" in both.
#[inline]
pub(super) fn priority_flag(priority: Priority) -> u8 {
    match priority {
        Priority::Low | Priority::Normal => 0,
        Priority::High => 1,
        Priority::Urgent => 2,
    }
}

/// Subscriptions of one source begin at different places, so that the pushes of one event are not all sampled at once.
fn is_sampled(of: &SubscriptionId, first_event: u64) -> bool {
    let [a, b, c, d, e, f, g, h, ..] = *of.octets();
    let begin = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
    first_event.wrapping_mul(SPREAD).wrapping_add(begin) <= u64::MAX / SAMPLED
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(wanted: Wanted, segments: u8) -> Vec<u8> {
        let (of, push) = (SubscriptionId::from_octets([9; 16]), Push::new(0..1, segments, 0));
        (0..segments).filter(|index| asks(wanted, &of, &push, *index)).collect()
    }

    #[test]
    fn all_ask_or_the_last_or_none() {
        assert_eq!(asking(Wanted::All, 3), [0, 1, 2]);
        assert_eq!(asking(Wanted::Last, 3), [2]);
        assert_eq!(asking(Wanted::Last, 1), [0]);
        assert_eq!(asking(Wanted::Last, 255), [254]);
        assert!(asking(Wanted::None, 3).is_empty());
    }

    #[test]
    fn a_sample_is_one_push_in_ten_whatever_its_length() {
        for (octet, step) in (0..50).flat_map(|octet| [1, 2, 3, 7, 10, 100].map(|step| (octet, step))) {
            let of = SubscriptionId::from_octets([octet * 5; 16]);
            let pushes = (0..1000).map(|number| Push::new(number * step..(number + 1) * step, 2, 0));
            let asked: Vec<bool> = pushes.map(|push| asks(Wanted::Sample, &of, &push, 0)).collect();
            let count = asked.iter().filter(|asks| **asks).count();
            assert!((95..=105).contains(&count), "{count} of 1000 in steps of {step}");
        }
    }

    #[test]
    fn all_segments_of_a_sampled_push_ask() {
        let of = SubscriptionId::from_octets([0; 16]);
        let all = (0..100).map(|first| Push::new(first..first + 1, 3, 0));
        for push in all {
            let asking = (0..3).filter(|index| asks(Wanted::Sample, &of, &push, *index)).count();
            assert!(asking == 0 || asking == 3);
        }
    }
}
