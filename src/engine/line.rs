//! Who has the next turn at a link: tenants by deficit round robin, within a tenant by priority, within a priority who
//! came first.
//!
//! - **Tenants** have equal shares of the segments. The one at the front has [`QUANTUM`] of them, in one turn or in
//!   several, and then goes to the back (M. Shreedhar and G. Varghese, "Efficient fair queuing using deficit round
//!   robin", 1996); who has nothing in line leaves, and takes nothing with him that he did not use. A turn ends with
//!   what its tenant may still have, so nobody owes anything.
//! - **Priorities** are strict, but starve nobody: for each [`STEPS`] segments of higher priorities, one that waits has
//!   earned a segment, and takes it before they go on. So a lower one has an eighth of a tenant's segments at least,
//!   unless three are behind the highest, which share three tenths of them.
//! - A tenant that is alone and has one priority in line is served as a plain queue is.
//!
//! Every step takes the same time whatever stands in line, which is all that takes memory, but for 200 octets for each
//! tenant that ever stood here.

use std::collections::VecDeque;

/// Segments that a tenant may have before the next has its turn, if there is a next.
pub const QUANTUM: usize = 16;
/// The most segments of one turn.
pub const TURN: usize = 64;
/// Segments of a higher priority by which a lower one that waits earns one.
pub const STEPS: usize = 7;
/// Priorities.
pub const CLASSES: usize = 4;
/// A queue that is left empty keeps room for so many.
const KEPT: usize = 64;

/// A turn at the link.
#[derive(Debug, PartialEq, Eq)]
pub struct Turn<T> {
    /// Whose it is.
    pub item: T,
    /// The priority for which he stood in line.
    pub class: u8,
    /// The most segments of it.
    pub most: usize,
}

/// A line for one link.
#[derive(Debug)]
pub struct Line<T> {
    /// By index.
    tenants: Vec<Tenant<T>>,
    /// Those with somebody in line. The one at the front may have nobody left.
    ring: VecDeque<u16>,
    /// The priority that had the last turn, which was that of the tenant at the front.
    last: Option<Last>,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
struct Last {
    class: usize,
    /// It went before a higher one.
    earned: bool,
}

#[derive(Debug)]
struct Tenant<T> {
    classes: [VecDeque<T>; CLASSES],
    /// One bit for each priority with somebody in line.
    waiting: u8,
    in_ring: bool,
    /// Segments that it may have before the next has its turn.
    balance: usize,
    /// By priority: segments of higher ones since it had its last, those that were paid back left out.
    passed: [usize; CLASSES],
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { tenants: Vec::new(), ring: VecDeque::new(), last: None, len: 0 }
    }
}

impl<T> Line<T> {
    /// How many are in line.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nobody is in line.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts somebody of the tenant with this index in line for a priority below [`CLASSES`].
    pub fn push(&mut self, tenant: u16, class: u8, item: T) {
        let at = usize::from(tenant);
        if at >= self.tenants.len() {
            self.tenants.resize_with(at + 1, Tenant::default);
        }
        let (own, class) = (&mut self.tenants[at], usize::from(class).min(CLASSES - 1));
        own.classes[class].push_back(item);
        own.waiting |= 1 << class;
        self.len += 1;
        if !own.in_ring {
            own.in_ring = true;
            // At the front there is nobody who could give it.
            own.balance = if self.ring.is_empty() { QUANTUM } else { 0 };
            self.ring.push_back(tenant);
        }
    }

    /// The next turn. In the last one `used` segments were written.
    pub fn pop(&mut self, used: usize) -> Option<Turn<T>> {
        let front = usize::from(*self.ring.front()?);
        if self.ring.len() == 1 {
            let own = &mut self.tenants[front];
            if own.waiting & own.waiting.wrapping_sub(1) == 0 && self.last.is_none_or(|last| !last.earned) {
                // The only tenant, and at most one priority.
                let turn = own.pop(own.highest()?, TURN)?;
                (self.last, self.len) = (Some(Last { class: usize::from(turn.class), earned: false }), self.len - 1);
                return Some(turn);
            }
        }
        self.pop_fairly(used)
    }

    /// Everybody, in no order.
    pub fn take_all(&mut self) -> Vec<(T, u8)> {
        let mut all = Vec::with_capacity(self.len);
        for tenant in self.ring.drain(..) {
            let own = std::mem::take(&mut self.tenants[usize::from(tenant)]);
            for (class, queue) in own.classes.into_iter().enumerate() {
                all.extend(queue.into_iter().map(|item| (item, class as u8)));
            }
        }
        (self.last, self.len) = (None, 0);
        all
    }

    fn pop_fairly(&mut self, used: usize) -> Option<Turn<T>> {
        let mut front = usize::from(*self.ring.front()?);
        if let Some(last) = self.last.take() {
            self.tenants[front].charge(last, used);
        }
        if self.ring.len() == 1 {
            self.tenants[front].balance = TURN;
        } else if self.tenants[front].is_spent() {
            front = self.turn_ring()?;
        }
        let own = &mut self.tenants[front];
        let (class, most, earned) = own.choose()?;
        let turn = own.pop(class, most.min(own.balance).min(TURN))?;
        (self.last, self.len) = (Some(Last { class, earned }), self.len - 1);
        Some(turn)
    }

    /// The tenant at the front goes to the back, or leaves; the next has its share.
    fn turn_ring(&mut self) -> Option<usize> {
        let tenant = self.ring.pop_front()?;
        let own = &mut self.tenants[usize::from(tenant)];
        own.balance = 0;
        match own.waiting {
            0 => own.leave(),
            _ => self.ring.push_back(tenant),
        }
        let next = usize::from(*self.ring.front()?);
        self.tenants[next].balance = QUANTUM;
        Some(next)
    }
}

impl<T> Default for Tenant<T> {
    fn default() -> Self {
        let classes = std::array::from_fn(|_| VecDeque::new());
        Self { classes, waiting: 0, in_ring: false, balance: 0, passed: [0; CLASSES] }
    }
}

impl<T> Tenant<T> {
    /// The highest priority with somebody in line.
    fn highest(&self) -> Option<usize> {
        self.waiting.checked_ilog2().map(|class| class as usize)
    }

    fn pop(&mut self, class: usize, most: usize) -> Option<Turn<T>> {
        let queue = &mut self.classes[class];
        let item = queue.pop_front()?;
        if queue.is_empty() {
            self.waiting &= !(1 << class);
        }
        Some(Turn { item, class: class as u8, most })
    }

    fn is_spent(&self) -> bool {
        self.balance == 0 || self.waiting == 0
    }

    /// Pays for the last turn. One in which nothing was written costs a segment.
    fn charge(&mut self, last: Last, used: usize) {
        let used = used.max(1);
        self.balance = self.balance.saturating_sub(used);
        for class in 0..last.class {
            let waits = self.waiting & 1 << class != 0;
            self.passed[class] = if waits { (self.passed[class] + used).min(STEPS * TURN) } else { 0 };
        }
        let passed = &mut self.passed[last.class];
        *passed = if last.earned { passed.saturating_sub(STEPS * used) } else { 0 };
    }

    /// Which priority is next, how many segments it may have, and whether it goes before a higher one.
    fn choose(&self) -> Option<(usize, usize, bool)> {
        let highest = self.highest()?;
        let earned = |class: &usize| self.waiting & 1 << class != 0 && self.passed[*class] >= STEPS;
        match (0..highest).find(earned) {
            Some(class) => Some((class, self.passed[class] / STEPS, true)),
            None => Some((highest, TURN, false)),
        }
    }

    /// It has nobody in line any more.
    fn leave(&mut self) {
        self.in_ring = false;
        self.passed = [0; CLASSES];
        self.classes.iter_mut().for_each(|queue| queue.shrink_to(KEPT));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Somebody who always has something to send: a turn uses all that it may, up to `room`.
    fn share(line: &mut Line<(u16, u8, u32)>, room: usize, segments: usize) -> BTreeMap<(u16, u8), usize> {
        let (mut shares, mut used, mut all) = (BTreeMap::new(), 0, 0);
        while all < segments {
            let turn = line.pop(used).expect("somebody is always in line");
            used = turn.most.min(room);
            assert!(used > 0);
            all += used;
            let (tenant, class, _) = turn.item;
            *shares.entry((tenant, class)).or_default() += used;
            line.push(tenant, class, turn.item);
        }
        shares
    }

    #[test]
    fn alone_and_of_one_priority_it_is_a_queue() {
        let mut line = Line::default();
        (0..5).for_each(|number| line.push(3, 1, number));
        for number in 0..5 {
            assert_eq!(line.pop(64), Some(Turn { item: number, class: 1, most: TURN }));
        }
        assert_eq!((line.pop(64), line.len()), (None, 0));
    }

    #[test]
    fn many_of_one_tenant_do_not_delay_the_only_one_of_another() {
        let mut line = Line::default();
        (0..10_000).for_each(|number| line.push(0, 1, number));
        (0..100).for_each(|_| assert!(line.pop(1).is_some()));
        line.push(1, 1, 77_777);
        let turns = (0..).take_while(|_| line.pop(1).is_some_and(|turn| turn.item != 77_777)).count();
        assert!(turns <= QUANTUM, "after {turns} turns");
    }

    #[test]
    fn a_higher_priority_goes_first_and_a_lower_one_has_an_eighth() {
        for room in [1, 5, 64] {
            let mut line = Line::default();
            (0..20).for_each(|number| {
                line.push(0, if number < 10 { 0 } else { 3 }, (0, u8::from(number >= 10) * 3, number))
            });
            assert_eq!(line.pop(0).unwrap().class, 3);
            let shares = share(&mut line, room, 8000);
            let low = shares[&(0, 0)];
            assert!((950..1050).contains(&low), "{low} of 8000 with room for {room}");
        }
    }

    #[test]
    fn whoever_leaves_takes_nothing_with_him() {
        let mut line = Line::default();
        line.push(0, 1, 'a');
        line.push(1, 1, 'b');
        assert_eq!(line.pop(0).unwrap().item, 'a');
        assert_eq!(line.pop(1).unwrap().item, 'b');
        assert!(line.pop(1).is_none() && line.is_empty());
        line.push(1, 1, 'b');
        line.push(0, 1, 'a');
        let turn = line.pop(1).unwrap();
        assert!(turn.most <= TURN && turn.item == 'b');
        assert_eq!(line.take_all().len(), 1);
        assert!(line.pop(1).is_none());
    }

    proptest! {
        /// Whatever room there is and whatever turns use, tenants that always have something in line differ by no more
        /// than a quantum, and each priority has its eighth.
        #[test]
        fn shares_are_equal_within_a_quantum_and_nobody_starves(
            tenants in 2u16..6,
            classes in proptest::collection::vec(0u8..4, 1..12),
            rooms in proptest::collection::vec(1usize..100, 1..20),
        ) {
            let mut line = Line::default();
            for tenant in 0..tenants {
                for (number, class) in classes.iter().enumerate() {
                    line.push(tenant, *class, (tenant, *class, number as u32));
                }
            }
            let (mut used, mut shares, mut by_class) = (0, vec![0usize; usize::from(tenants)], [0usize; 4]);
            for room in rooms.iter().cycle().take(4000) {
                let turn = line.pop(used).unwrap();
                used = turn.most.min(*room);
                prop_assert!(used > 0);
                let (tenant, class, _) = turn.item;
                shares[usize::from(tenant)] += used;
                by_class[usize::from(class)] += used;
                line.push(tenant, class, turn.item);
                let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
                prop_assert!(most - least <= QUANTUM, "{:?}", shares);
            }
            let all: usize = shares.iter().sum();
            for class in classes {
                let share = by_class[usize::from(class)];
                prop_assert!(share * 11 + 200 * usize::from(tenants) >= all, "{:?}", by_class);
            }
        }

        /// Everybody who is put in line is taken out once, those of one tenant and priority in their order.
        #[test]
        fn nobody_is_lost_and_order_is_kept(steps in proptest::collection::vec((0u16..4, 0u8..4, 0usize..70), 1..400)) {
            let mut line = Line::default();
            let mut taken: BTreeMap<(u16, u8), Vec<usize>> = BTreeMap::new();
            let mut put = taken.clone();
            let mut used = 0;
            let mut take = |line: &mut Line<(u16, u8, usize)>, used| {
                let turn = line.pop(used)?;
                let (tenant, class, number) = turn.item;
                assert_eq!(class, turn.class);
                taken.entry((tenant, class)).or_default().push(number);
                Some(turn.most)
            };
            for (number, (tenant, class, uses)) in steps.into_iter().enumerate() {
                if uses < 40 {
                    line.push(tenant, class, (tenant, class, number));
                    put.entry((tenant, class)).or_default().push(number);
                } else if let Some(most) = take(&mut line, used) {
                    used = uses.min(most);
                }
            }
            while take(&mut line, used).is_some() {}
            prop_assert!(line.is_empty());
            prop_assert_eq!(taken, put);
        }
    }
}
