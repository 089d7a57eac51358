//! When the links of an SMSC bind, and when they had better not.
//!
//! Links bind one after the other, not all at the same moment. A bind that is refused because of what is configured is
//! tried again a few times only: SMSCs ban whoever goes on. It says so once for all links, for they bind as the same; but
//! what is refused to one link while another is bound (more links than the SMSC allows, for instance) is its own trouble.

use crate::codec::smpp::CommandStatus;
use std::time::Duration;

/// What counts as one try with wrong settings; a refusal without a reason counts less.
const WHOLE: u32 = 3;

/// How links bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindingSettings {
    /// Refusals in a row because of the settings, after which a link waits: 1 or more.
    pub attempts: u32,
    /// How long it waits then.
    pub retry: Duration,
    /// Time between two links that connect.
    pub spread: Duration,
}

/// What it means that a bind was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The SMSC does not take what is configured: going on does not help.
    Settings,
    /// It has such a session, which has to end first.
    Occupied,
    /// It cannot now.
    Busy,
    /// It does not say why.
    Unclear,
}

impl Refusal {
    /// What a status says.
    pub fn of(status: CommandStatus) -> Self {
        match status {
            CommandStatus::INVPASWD | CommandStatus::INVSYSID | CommandStatus::INVSYSTYP | CommandStatus::INVCMDID => {
                Self::Settings
            }
            CommandStatus::ALYBND | CommandStatus::INVBNDSTS => Self::Occupied,
            CommandStatus::SYSERR | CommandStatus::THROTTLED | CommandStatus::MSGQFUL => Self::Busy,
            _ => Self::Unclear,
        }
    }

    fn weight(self) -> u32 {
        match self {
            Self::Settings => WHOLE,
            Self::Unclear => 1,
            Self::Occupied | Self::Busy => 0,
        }
    }
}

/// What whoever runs the router should do about a bind that was refused so.
pub fn advice(status: CommandStatus) -> &'static str {
    match status {
        CommandStatus::INVPASWD => "check password",
        CommandStatus::INVSYSID => "check system_id",
        CommandStatus::INVSYSTYP => "check system_type",
        CommandStatus::INVCMDID => "the SMSC may know no transceivers: try bind = \"split\"",
        CommandStatus::ALYBND | CommandStatus::INVBNDSTS => {
            "an earlier session is still open there, another client binds as the same, or links is more than allowed"
        }
        CommandStatus::SYSERR | CommandStatus::THROTTLED | CommandStatus::MSGQFUL => "nothing: it is tried again",
        _ => "the SMSC gives no reason: check system_id, password, bind and links, and whether it lets this address in",
    }
}

/// When a link may connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Then; its turn is taken.
    At(Duration),
    /// Not before then, unless it is resumed: it was refused.
    Refused(Duration),
}

/// The binds of all links of an SMSC.
#[derive(Debug)]
pub struct Binding {
    settings: BindingSettings,
    links: Vec<Record>,
    /// Weight of the refusals while no link was bound.
    together: u32,
    /// When the next link may connect.
    next: Duration,
}

#[derive(Clone, Debug, Default)]
struct Record {
    bound: bool,
    /// Weight of the refusals in a row while another was bound.
    weight: u32,
    refused_until: Option<Duration>,
}

impl Binding {
    /// Of so many links.
    pub fn new(settings: BindingSettings, links: usize) -> Self {
        Self { settings, links: vec![Record::default(); links], together: 0, next: Duration::ZERO }
    }

    /// When the link at `index` may connect.
    pub fn turn(&mut self, now: Duration, index: usize) -> Turn {
        if let Some(until) = self.refused_until(now, index) {
            return Turn::Refused(until);
        }
        let at = self.next.max(now);
        self.next = at + self.settings.spread;
        Turn::At(at)
    }

    /// Until when a link waits because it was refused, if it does.
    pub fn refused_until(&self, now: Duration, index: usize) -> Option<Duration> {
        self.links.get(index)?.refused_until.filter(|until| now < *until)
    }

    /// A link is bound: what is configured is right. Whether that lets others try again who were refused.
    pub fn handle_bound(&mut self, index: usize) -> bool {
        self.together = 0;
        if let Some(link) = self.links.get_mut(index) {
            *link = Record { bound: true, ..Record::default() };
        }
        let limit = self.limit();
        let freed = self.links.iter_mut().filter(|link| link.weight < limit);
        freed.filter_map(|link| link.refused_until.take()).count() > 0
    }

    /// A link is not bound, or no more.
    pub fn handle_ended(&mut self, index: usize) {
        if let Some(link) = self.links.get_mut(index) {
            link.bound = false;
        }
    }

    /// A bind was refused. Until when its link waits if that was once too often.
    pub fn handle_refused(&mut self, now: Duration, index: usize, status: CommandStatus) -> Option<Duration> {
        let (weight, limit, until) = (Refusal::of(status).weight(), self.limit(), now + self.settings.retry);
        if weight == 0 {
            return None;
        }
        if self.links.iter().any(|link| link.bound) {
            let link = self.links.get_mut(index)?;
            link.weight = link.weight.saturating_add(weight);
            link.refused_until = (link.weight >= limit).then_some(until);
        } else {
            self.together = self.together.saturating_add(weight);
            let refused = (self.together >= limit).then_some(until);
            self.links.iter_mut().for_each(|link| link.refused_until = refused.or(link.refused_until));
        }
        self.refused_until(now, index)
    }

    /// Somebody wants a link to try again.
    pub fn resume(&mut self, index: usize) {
        self.together = 0;
        if let Some(link) = self.links.get_mut(index) {
            (link.weight, link.refused_until) = (0, None);
        }
    }

    fn limit(&self) -> u32 {
        self.settings.attempts.max(1).saturating_mul(WHOLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Duration = Duration::from_secs(1800);
    const PASSWORD: CommandStatus = CommandStatus::INVPASWD;

    fn binding(links: usize) -> Binding {
        Binding::new(BindingSettings { attempts: 3, retry: RETRY, spread: Duration::from_millis(200) }, links)
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn links_connect_one_after_the_other() {
        let mut binding = binding(3);
        let turns: Vec<Turn> = (0..3).map(|index| binding.turn(at(10), index)).collect();
        assert_eq!(turns, [0, 200, 400].map(|millis| Turn::At(at(10) + Duration::from_millis(millis))));
        assert_eq!(binding.turn(at(60), 0), Turn::At(at(60)), "time that nobody used is over");
    }

    #[test]
    fn wrong_settings_are_tried_three_times_and_then_after_a_long_time_once() {
        for status in [0x0E, 0x0F, 0x53, 0x03].map(CommandStatus) {
            let mut binding = binding(1);
            assert_eq!(binding.handle_refused(at(1), 0, status), None);
            assert_eq!(binding.handle_refused(at(2), 0, status), None);
            assert_eq!(binding.handle_refused(at(3), 0, status), Some(at(3) + RETRY));
            assert_eq!(binding.turn(at(4), 0), Turn::Refused(at(3) + RETRY));
            assert_eq!(binding.turn(at(3) + RETRY, 0), Turn::At(at(3) + RETRY));
            assert_eq!(binding.handle_refused(at(2000), 0, status), Some(at(2000) + RETRY), "once");
        }
    }

    #[test]
    fn the_links_of_an_smsc_have_three_tries_together_and_one_that_binds_frees_all() {
        let mut binding = binding(64);
        assert_eq!(binding.handle_refused(at(1), 0, PASSWORD), None);
        assert_eq!(binding.handle_refused(at(1), 1, PASSWORD), None);
        assert_eq!(binding.handle_refused(at(1), 2, PASSWORD), Some(at(1) + RETRY));
        assert!((0..64).all(|index| binding.turn(at(2), index) == Turn::Refused(at(1) + RETRY)));
        binding.resume(7);
        assert!(matches!(binding.turn(at(2), 7), Turn::At(_)));
        assert!(binding.handle_bound(7));
        assert!((0..64).all(|index| matches!(binding.turn(at(3), index), Turn::At(_))));
    }

    #[test]
    fn what_is_refused_to_one_link_while_another_is_bound_is_its_own_trouble() {
        let mut binding = binding(3);
        binding.handle_bound(0);
        (0..2).for_each(|_| assert_eq!(binding.handle_refused(at(1), 2, PASSWORD), None));
        assert_eq!(binding.handle_refused(at(1), 2, PASSWORD), Some(at(1) + RETRY));
        binding.handle_ended(0);
        assert!(matches!(binding.turn(at(2), 0), Turn::At(_)), "a link that was bound may come back");
        assert!(!binding.handle_bound(0));
        assert_eq!(binding.turn(at(3), 2), Turn::Refused(at(1) + RETRY));
    }

    #[test]
    fn a_refusal_without_a_reason_is_believed_later() {
        let mut binding = binding(1);
        (0..8).for_each(|_| assert_eq!(binding.handle_refused(at(1), 0, CommandStatus::BINDFAIL), None));
        assert!(binding.handle_refused(at(1), 0, CommandStatus::BINDFAIL).is_some());
    }

    #[test]
    fn an_smsc_that_cannot_now_or_has_a_session_of_ours_is_asked_for_ever() {
        for status in [0x04, 0x05, 0x08, 0x14, 0x58].map(CommandStatus) {
            let mut binding = binding(1);
            assert!((0..1000).all(|_| binding.handle_refused(at(1), 0, status).is_none()), "{status}");
            (0..2).for_each(|_| assert_eq!(binding.handle_refused(at(1), 0, PASSWORD), None));
            assert_eq!(binding.handle_refused(at(1), 0, status), None);
            assert!(binding.handle_refused(at(1), 0, PASSWORD).is_some(), "that is no bind in between");
        }
    }

    #[test]
    fn a_bind_in_between_starts_over() {
        let mut binding = binding(1);
        (0..2).for_each(|_| assert_eq!(binding.handle_refused(at(1), 0, PASSWORD), None));
        binding.handle_bound(0);
        binding.handle_ended(0);
        (0..2).for_each(|_| assert_eq!(binding.handle_refused(at(1), 0, PASSWORD), None));
    }

    #[test]
    fn whatever_the_reason_somebody_is_told_what_to_do() {
        assert!((0..0x500).all(|status| !advice(CommandStatus(status)).is_empty()));
    }
}
