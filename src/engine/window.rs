//! How many submits of a link may await their response: what is configured, or less while the SMSC cannot bear it.

/// The window of one link: additive up, multiplicative down, between 1 and what is configured.
#[derive(Debug)]
pub struct Window {
    most: usize,
    limit: usize,
    /// Acceptances since the limit changed.
    accepted: usize,
    /// So many windows full of them widen it by one.
    patience: usize,
}

/// The most windows that have to be accepted before a wider one is tried: one refusal of some hundred answers.
const MOST_PATIENCE: usize = 64;

impl Window {
    /// As wide as configured.
    pub fn new(most: usize) -> Self {
        let most = most.max(1);
        Self { most, limit: most, accepted: 0, patience: 1 }
    }

    /// Submits that may await their response now.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// The SMSC said that so many were too many; one alone is never too many.
    pub fn handle_refused(&mut self, open: usize) {
        if open < 2 {
            return;
        }
        self.patience = (self.patience * 4).min(MOST_PATIENCE);
        self.narrow(open.saturating_sub(1).max(self.limit / 2));
    }

    /// A response did not come in time: the SMSC has more to do than it can.
    pub fn handle_late(&mut self) {
        self.narrow(self.limit / 2);
    }

    /// `count` submits were accepted.
    pub fn handle_accepted(&mut self, count: usize) {
        if self.limit == self.most {
            return;
        }
        self.accepted += count;
        if self.accepted >= self.limit * self.patience {
            self.accepted = 0;
            self.limit += 1;
            self.patience = (self.patience / 2).max(1);
        }
    }

    fn narrow(&mut self, to: usize) {
        self.limit = to.clamp(1, self.limit);
        self.accepted = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_narrows_by_half_at_most_and_comes_back_by_one_and_one() {
        let mut window = Window::new(100);
        window.handle_refused(11);
        assert_eq!(window.limit(), 50, "not further, for the others may have been answered meanwhile");
        window.handle_refused(45);
        assert_eq!(window.limit(), 44);
        window.handle_late();
        assert_eq!(window.limit(), 22);
        (0..20).for_each(|_| window.handle_late());
        assert_eq!(window.limit(), 1);
        (0..100_000).for_each(|_| window.handle_accepted(1));
        assert_eq!(window.limit(), 100);
    }

    #[test]
    fn a_limit_that_the_smsc_has_is_found_and_seldom_tried() {
        let (mut window, mut refused) = (Window::new(100), 0);
        let smsc = 10;
        for _ in 0..100_000 {
            // Filled at once, as a link with work does.
            let open = window.limit();
            (smsc..open).for_each(|at| window.handle_refused(open + smsc - at));
            refused += open.saturating_sub(smsc);
            window.handle_accepted(open.min(smsc));
        }
        assert!((smsc - 1..=smsc + 1).contains(&window.limit()), "{}", window.limit());
        assert!(refused < 2_500, "{refused} of a million");
    }
}
