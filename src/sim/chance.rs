//! Chance that can be had again: numbers as a function of a seed and of what is decided, never of what was drawn before.

/// A number that `seed` and `at` determine: SplitMix64 (Steele, Lea, Flood 2014) of both.
pub(super) fn draw(seed: u64, at: u64) -> u64 {
    let mut z = mix(seed).wrapping_add(at.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = mix(z);
    z
}

/// Whether something of `probability`, 0 to 1, happens.
pub(super) fn happens(probability: f64, seed: u64, at: u64) -> bool {
    // 53 bits are what a double holds.
    let drawn = (draw(seed, at) >> 11) as f64 / (1_u64 << 53) as f64;
    drawn < probability
}

/// A number that `octets` determine (FNV-1a, then mixed): the same in every process, unlike the standard library's.
pub(super) fn hash(octets: &[u8]) -> u64 {
    let fold = |hash: u64, octet: &u8| (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01B3);
    mix(octets.iter().fold(0xCBF2_9CE4_8422_2325, fold))
}

fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_is_as_frequent_as_its_probability() {
        let happened = (0..10_000).filter(|at| happens(0.1, 7, *at)).count();
        assert!((900..1_100).contains(&happened), "{happened}");
        assert!((0..1_000).all(|at| happens(1.0, 7, at) && !happens(0.0, 7, at)));
    }

    #[test]
    fn seeds_and_places_differ() {
        assert_ne!(draw(1, 1), draw(1, 2));
        assert_ne!(draw(1, 1), draw(2, 1));
        assert_ne!(hash(b"a"), hash(b"b"));
        assert_eq!(draw(1, 1), draw(1, 1));
    }
}
