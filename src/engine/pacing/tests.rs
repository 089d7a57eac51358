//! A link beside an SMSC that takes so much and no more.

use super::*;
use std::collections::VecDeque;

const SECOND: Duration = Duration::from_secs(1);

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// An SMSC that takes so many in each second of its clock, and a link that always has something to send.
struct Scene {
    pacing: Pacing,
    window: usize,
    latency: Duration,
    per_second: Box<dyn Fn(Duration) -> u32>,
    now: Duration,
    second: (u64, u32),
    /// When each answer comes, when its segment was written, and whether it was accepted.
    open: VecDeque<(Duration, Duration, bool)>,
    accepted: u64,
    refused: u64,
}

impl Scene {
    fn new(
        settings: PacingSettings,
        window: usize,
        latency: Duration,
        per_second: impl Fn(Duration) -> u32 + 'static,
    ) -> Self {
        let now = Duration::from_millis(5_300);
        let pacing = Pacing::new(settings);
        let per_second = Box::new(per_second);
        Self {
            pacing,
            window,
            latency,
            per_second,
            now,
            second: (0, 0),
            open: VecDeque::new(),
            accepted: 0,
            refused: 0,
        }
    }

    /// Goes on for so long; what was accepted and refused in it.
    fn run(&mut self, time: Duration) -> (u64, u64) {
        let (end, before) = (self.now + time, (self.accepted, self.refused));
        while self.now < end {
            self.answer();
            self.send();
            let answer = self.open.front().map(|(at, ..)| *at);
            let room = (self.open.len() < self.window).then(|| self.pacing.poll_timeout(self.now)).flatten();
            // A timer is never early and seldom exact.
            let next = [answer, room.map(|at| at + Duration::from_micros(400))].into_iter().flatten().min();
            self.now = next.unwrap_or(end).max(self.now + Duration::from_micros(20)).min(end);
        }
        (self.accepted - before.0, self.refused - before.1)
    }

    fn answer(&mut self) {
        while let Some((_, written_at, accepted)) = self.open.pop_front_if(|(at, ..)| *at <= self.now) {
            match accepted {
                true => {
                    self.pacing.handle_accepted(self.now, 1);
                    self.pacing.handle_probe_accepted(written_at);
                }
                false => self.pacing.handle_throttled(self.now, written_at),
            }
        }
    }

    fn send(&mut self) {
        while self.open.len() < self.window && self.pacing.room(self.now) > 0 {
            self.pacing.spend(1);
            if self.second.0 != self.now.as_secs() {
                self.second = (self.now.as_secs(), 0);
            }
            let accepted = self.second.1 < (self.per_second)(self.now);
            self.second.1 += u32::from(accepted);
            self.accepted += u64::from(accepted);
            self.refused += u64::from(!accepted);
            self.open.push_back((self.now + self.latency, self.now, accepted));
        }
    }
}

#[test]
fn what_an_smsc_takes_is_found_and_kept_to_from_the_start_on() {
    for latency in [0, 5, 50] {
        for rate in [0, 500, 2000] {
            let settings = PacingSettings { rate, ..PacingSettings::default() };
            let mut scene = Scene::new(settings, 100, millis(latency), |_| 500);
            let (accepted, refused) = scene.run(60 * SECOND);
            let what = format!("{latency} ms, rate {rate}: {accepted} accepted, {refused} refused");
            assert!(accepted >= 30_000 * 95 / 100, "{what}");
            assert!(refused * 50 <= accepted, "{what}");
        }
    }
}

#[test]
fn an_smsc_that_takes_less_or_more_from_now_on_is_followed() {
    let mut scene = Scene::new(PacingSettings::default(), 100, millis(5), |now| match now.as_secs() {
        30..90 => 50,
        _ => 500,
    });
    scene.run(25 * SECOND);
    let (accepted, refused) = scene.run(60 * SECOND);
    assert!(accepted >= 60 * 50 * 8 / 10 && refused < 500, "{accepted} accepted, {refused} refused of 50 a second");
    scene.run(45 * SECOND);
    let (accepted, _) = scene.run(10 * SECOND);
    assert!(accepted >= 5_000 * 90 / 100, "{accepted} accepted of 500 a second");
}

#[test]
fn a_second_holds_no_more_than_its_rate() {
    for rate in [1u32, 7, 100, 1000] {
        let settings = PacingSettings { rate, ..PacingSettings::default() };
        let mut scene = Scene::new(settings, 10_000, SECOND, |_| u32::MAX);
        let (accepted, _) = scene.run(10 * SECOND);
        let most = u64::from(rate * 10 + rate / 20 + 1);
        assert!((u64::from(rate) * 10 * 95 / 100..=most).contains(&accepted), "{accepted} at {rate}/s");
    }
}

#[test]
fn without_a_rate_there_is_room_except_while_held() {
    let mut pacing = Pacing::new(PacingSettings::default());
    assert_eq!(pacing.room(Duration::ZERO), usize::MAX);
    pacing.hold(SECOND, 3 * SECOND);
    assert_eq!(pacing.room(2 * SECOND), 0);
    assert_eq!(pacing.poll_timeout(2 * SECOND), Some(3 * SECOND));
    assert_eq!(pacing.room(3 * SECOND), usize::MAX);
}

#[test]
fn who_accepts_nothing_is_asked_less_and_less_often() {
    let mut scene = Scene::new(PacingSettings::default(), 8, millis(5), |_| 0);
    scene.run(60 * SECOND);
    assert_eq!(scene.refused, 8 + 5, "a window, and one after 1, 3, 7, 15 and 31 seconds");
}

#[test]
fn a_lone_refusal_of_a_quiet_link_is_soon_forgotten() {
    let mut pacing = Pacing::new(PacingSettings::default());
    pacing.handle_accepted(10 * SECOND, 1);
    pacing.handle_throttled(10 * SECOND, 10 * SECOND);
    assert_eq!((pacing.rate(10 * SECOND), pacing.room(10 * SECOND)), (None, 0), "it may be a slip");
    assert_eq!(pacing.room(10 * SECOND + millis(100)), 1, "which one segment finds out");
    pacing.spend(1);
    assert_eq!(pacing.room(10 * SECOND + millis(200)), 0);
    pacing.handle_throttled(10 * SECOND + millis(200), 10 * SECOND + millis(100));
    assert_eq!(pacing.rate(11 * SECOND), Some(1));
    pacing.handle_probe_accepted(12 * SECOND);
    assert!(pacing.rate(60 * SECOND) >= Some(15));
    assert_eq!(pacing.rate(121 * SECOND), None);
    assert!(pacing.room(121 * SECOND) > 1_000_000);
}

#[test]
fn a_window_full_of_refusals_is_one_word_even_if_it_is_longer_than_the_pause() {
    let mut pacing = Pacing::new(PacingSettings::default());
    pacing.handle_accepted(10 * SECOND, 1000);
    (0..3).for_each(|_| pacing.handle_throttled(10 * SECOND, millis(9_990)));
    let rate = pacing.rate(10 * SECOND);
    assert_eq!(rate, Some(970));
    (0..100).for_each(|n| pacing.handle_throttled(12 * SECOND + millis(n), millis(9_990)));
    assert_eq!(pacing.learnt.map(|learnt| learnt.since), Some(10 * SECOND));
    pacing.handle_throttled(13 * SECOND, 12 * SECOND);
    assert!(pacing.rate(13 * SECOND) < rate);
}

#[test]
fn a_rate_never_leaves_what_is_configured() {
    let mut pacing = Pacing::new(PacingSettings { rate: 100, rate_min: 40, adapts: true });
    for second in 1..20 {
        let now = second * SECOND * 60;
        pacing.handle_throttled(now, now);
        assert!((40..=100).contains(&pacing.rate(now).unwrap()));
    }
    assert_eq!(pacing.rate(3_000 * SECOND), Some(100));
    let mut rigid = Pacing::new(PacingSettings { rate: 100, rate_min: 1, adapts: false });
    rigid.handle_accepted(SECOND, 50);
    (0..3).for_each(|_| rigid.handle_throttled(SECOND, SECOND));
    assert_eq!((rigid.rate(SECOND), rigid.is_held(SECOND + millis(999))), (Some(100), true));
}

#[test]
fn a_congested_peer_is_given_less_and_one_at_its_optimum_no_more() {
    let mut pacing = Pacing::new(PacingSettings::default());
    pacing.handle_congestion(SECOND, 79);
    assert_eq!(pacing.rate(SECOND), None);
    pacing.handle_accepted(10 * SECOND, 1000);
    for _ in 0..100 {
        pacing.handle_congestion(10 * SECOND, 95);
    }
    assert_eq!(pacing.rate(10 * SECOND), Some(950), "one word a second");
    for second in 11..30 {
        pacing.handle_congestion(second * SECOND, 85);
        assert!(pacing.rate(second * SECOND) <= Some(1050));
    }
}

#[test]
fn slips_do_not_bring_the_rate_down() {
    let mut pacing = Pacing::new(PacingSettings::default());
    for second in 1..100 {
        let at = SECOND * second;
        pacing.handle_accepted(at, 100);
        pacing.handle_throttled(at, at - millis(1));
        assert_eq!(pacing.room(at + millis(101)), 1);
        pacing.spend(1);
        pacing.handle_probe_accepted(at + millis(101));
        assert_eq!((pacing.rate(at), pacing.room(at + millis(102))), (None, usize::MAX));
    }
}

#[test]
fn an_answer_to_the_question_that_never_comes_is_not_waited_for() {
    let mut pacing = Pacing::new(PacingSettings::default());
    pacing.handle_throttled(SECOND, millis(999));
    assert_eq!((pacing.poll_timeout(SECOND), pacing.room(SECOND + MOMENT)), (Some(SECOND + MOMENT), 1));
    pacing.spend(1);
    assert_eq!(pacing.room(2 * SECOND), 0);
    assert_eq!(pacing.poll_timeout(2 * SECOND), Some(2 * SECOND + PROBE_WITHIN));
    assert_eq!(pacing.room(2 * SECOND + PROBE_WITHIN), usize::MAX);
}
