//! Where a handset stands with its link, in one octet: there may be millions.

use crate::engine::line::CLASSES;

/// Whether a handset is in line, and for which priority.
///
/// Whoever gets something more urgent to send is put in line once more, for that; the place that he had is void, and is
/// kept only so that he never has two of one priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing(u8);

const _: () = assert!(CLASSES <= 4, "a bit for each, and two for the number of one");

const PLACES: u8 = 0b1111;
const IN_LINE: u8 = 1 << 6;
const BROKEN: u8 = 1 << 7;

impl Standing {
    /// It waits for nothing, or for a time to come.
    pub const OUT: Self = Self(0);

    /// Whether its engine panicked and must not be asked again.
    pub fn is_broken(self) -> bool {
        self.0 & BROKEN != 0
    }

    /// Its engine panicked.
    pub fn take_out_of_service(&mut self) {
        self.0 = self.0 & PLACES | BROKEN;
    }

    /// It is in service, and waits for nothing.
    pub fn mend(&mut self) {
        self.0 &= PLACES;
    }

    /// It has something to send with this priority; true if it is to be given a place for that.
    pub fn enters(&mut self, class: u8) -> bool {
        let stands = self.0 & IN_LINE != 0 && self.class() >= class;
        if stands || self.is_broken() {
            return false;
        }
        let places = self.0 & PLACES;
        self.0 = places | 1 << class | class << 4 | IN_LINE;
        places & 1 << class == 0
    }

    /// Its place for this priority was reached; false if that was void.
    pub fn leaves(&mut self, class: u8) -> bool {
        self.0 &= !(1 << class);
        let stands = self.0 & IN_LINE != 0 && self.class() == class;
        if stands {
            self.0 &= PLACES;
        }
        stands || self.is_broken()
    }

    fn class(self) -> u8 {
        self.0 >> 4 & 0b11
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_stands_in_line_gets_no_second_place_unless_it_is_a_better_one() {
        let mut standing = Standing::OUT;
        assert!(standing.enters(1) && !standing.enters(1) && !standing.enters(0));
        assert!(standing.enters(3) && !standing.enters(1));
        assert!(standing.leaves(3), "the better one counts");
        assert!(!standing.enters(1), "the place that it had is good again");
        assert!(standing.enters(2) && standing.leaves(2) && !standing.leaves(1), "or is void");
        assert!(standing == Standing::OUT && !standing.leaves(1));
    }

    #[test]
    fn who_is_out_of_service_is_shown_to_whoever_finds_it_and_gets_no_place() {
        let mut standing = Standing::OUT;
        assert!(standing.enters(2));
        standing.take_out_of_service();
        assert!(standing.is_broken() && !standing.enters(3) && standing.leaves(2));
        standing.mend();
        assert!(standing == Standing::OUT && standing.enters(2));
    }
}
