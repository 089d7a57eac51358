//! Which SMSCs reach a number, and in which order they are asked.
//!
//! The longest prefix decides alone: an SMSC that lists a shorter one is no stand-in, for it may know the number under
//! another sender. Of those that list that prefix the lowest priority comes first, then the lowest cost; who is equal in
//! both shares the handsets, each of which keeps to one of them.

use crate::model::Msisdn;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Ways that one prefix may have: as many as let up to ten equals share evenly.
const MAX_WAYS: usize = 2520;

/// What an SMSC says of the numbers that it reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// Prefixes of the numbers; none, or an empty one, is every number.
    pub prefixes: Vec<String>,
    /// Lower is preferred.
    pub priority: u8,
    /// Per segment, in units of the operator's own; of equal priority the cheaper is preferred.
    pub cost: u32,
}

/// Priority, cost, and the SMSC's place in the configuration.
type Ranked = (u8, u32, usize);

/// Ways to numbers: each is a list of SMSCs, by their places in the configuration, best first.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// The longest prefix first, each with its ways, which handsets share.
    prefixes: Vec<(String, Vec<usize>)>,
    ways: Vec<Box<[usize]>>,
}

impl Routes {
    /// The ways that follow from what each SMSC says.
    pub fn new(routes: impl IntoIterator<Item = Route>) -> Self {
        let mut listed: BTreeMap<(Reverse<usize>, String), Vec<Ranked>> = BTreeMap::new();
        for (smsc, Route { mut prefixes, priority, cost }) in routes.into_iter().enumerate() {
            if prefixes.is_empty() {
                prefixes.push(String::new());
            }
            for prefix in prefixes {
                let ranked = listed.entry((Reverse(prefix.len()), prefix)).or_default();
                if ranked.iter().all(|(_, _, known)| *known != smsc) {
                    ranked.push((priority, cost, smsc));
                }
            }
        }
        let mut routes = Self::default();
        for ((_, prefix), mut ranked) in listed {
            ranked.sort_unstable();
            let ways = rotations(&ranked).into_iter().map(|way| routes.number(way)).collect();
            routes.prefixes.push((prefix, ways));
        }
        routes
    }

    /// The number of the way to `number`, if any SMSC reaches it. `spread` tells those apart that share equals.
    pub fn way(&self, number: &Msisdn, spread: u64) -> Option<usize> {
        let digits = number.digits();
        let (_, ways) = self.prefixes.iter().find(|(prefix, _)| digits.starts_with(prefix.as_str()))?;
        ways.get(usize::try_from(spread % ways.len() as u64).ok()?).copied()
    }

    /// The SMSCs of a way, best first.
    pub fn smscs(&self, way: usize) -> &[usize] {
        self.ways.get(way).map_or(&[], |way| way)
    }

    /// Whether others can stand in for this SMSC, and it for them.
    pub fn has_stand_ins(&self, smsc: usize) -> bool {
        self.ways.iter().any(|way| way.len() > 1 && way.contains(&smsc))
    }

    fn number(&mut self, way: Box<[usize]>) -> usize {
        self.ways.iter().position(|known| *known == way).unwrap_or_else(|| {
            self.ways.push(way);
            self.ways.len() - 1
        })
    }
}

/// The ways among SMSCs that are sorted by rank: equals in turn, so that each is the first of as many ways as any other,
/// and likewise the next when all before it are gone.
fn rotations(ranked: &[Ranked]) -> Vec<Box<[usize]>> {
    let equals: Vec<_> = ranked.chunk_by(|one, other| (one.0, one.1) == (other.0, other.1)).collect();
    let count = equals.iter().fold(1, |count, group| lowest_multiple(count, group.len())).min(MAX_WAYS);
    let turned = |group: &[Ranked], by: usize| {
        let mut smscs: Vec<usize> = group.iter().map(|(_, _, smsc)| *smsc).collect();
        smscs.rotate_left(by % group.len());
        smscs
    };
    (0..count).map(|by| equals.iter().flat_map(|group| turned(group, by)).collect()).collect()
}

fn lowest_multiple(a: usize, b: usize) -> usize {
    let (mut x, mut y) = (a, b);
    while y > 0 {
        (x, y) = (y, x % y);
    }
    a / x * b
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn route(prefixes: &[&str], priority: u8, cost: u32) -> Route {
        Route { prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(), priority, cost }
    }

    fn ways(routes: &Routes, number: &str) -> Vec<Vec<usize>> {
        let number = number.parse().unwrap();
        let mut ways: Vec<_> =
            (0..100).map(|spread| routes.smscs(routes.way(&number, spread).unwrap()).to_vec()).collect();
        ways.sort();
        ways.dedup();
        ways
    }

    #[test]
    fn the_longest_prefix_decides_alone() {
        let routes =
            Routes::new([route(&[], 0, 0), route(&["44", "4477"], 9, 9), route(&["447"], 0, 0), route(&["49"], 0, 0)]);
        assert_eq!(ways(&routes, "447700900123"), [[1]]);
        assert_eq!(ways(&routes, "447100900123"), [[2]]);
        assert_eq!(ways(&routes, "442000900123"), [[1]]);
        assert_eq!(ways(&routes, "15551234567"), [[0]]);
        let none = Routes::new([route(&["44"], 0, 0)]);
        assert_eq!(none.way(&"15551234567".parse().unwrap(), 0), None);
        assert!((0..4).all(|smsc| !routes.has_stand_ins(smsc)));
    }

    #[test]
    fn of_one_prefix_the_lower_priority_comes_first_then_the_lower_cost() {
        let routes = Routes::new([route(&["44"], 1, 0), route(&["44"], 0, 7), route(&["44"], 0, 5), route(&[], 0, 0)]);
        assert_eq!(ways(&routes, "447700900123"), [[2, 1, 0]]);
        assert_eq!([0, 1, 2, 3].map(|smsc| routes.has_stand_ins(smsc)), [true, true, true, false]);
    }

    #[test]
    fn equals_share_evenly_and_so_do_those_who_stand_in_for_them() {
        let routes =
            Routes::new([route(&["1", "1"], 0, 0), route(&["1"], 0, 0), route(&["1"], 5, 0), route(&["1"], 5, 0)]);
        assert_eq!(ways(&routes, "15551234567"), [[0, 1, 2, 3], [1, 0, 3, 2]]);
        let three = Routes::new((0..3).map(|_| route(&[], 0, 0)));
        let number = "15551234567".parse().unwrap();
        let firsts: Vec<_> = (0..6).map(|spread| three.smscs(three.way(&number, spread).unwrap())[0]).collect();
        assert_eq!(firsts, [0, 1, 2, 0, 1, 2]);
    }

    #[test]
    fn prefixes_that_are_reached_alike_share_their_ways() {
        let prefixes: Vec<String> = (10..99).map(|prefix| prefix.to_string()).collect();
        let routes = Routes::new((0..64).map(|_| Route { prefixes: prefixes.clone(), ..Route::default() }));
        assert_eq!(routes.ways.len(), 64);
    }

    proptest! {
        #[test]
        fn every_way_has_the_same_smscs_best_first(
            ranks in proptest::collection::vec((0u8..3, 0u32..3), 1..7),
            spread in any::<u64>(),
        ) {
            let routes = Routes::new(ranks.iter().map(|(priority, cost)| route(&["1"], *priority, *cost)));
            let way = routes.smscs(routes.way(&"15551234567".parse().unwrap(), spread).unwrap());
            let mut sorted = way.to_vec();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..ranks.len()).collect::<Vec<_>>());
            prop_assert!(way.is_sorted_by_key(|smsc| ranks[*smsc]));
        }
    }
}
