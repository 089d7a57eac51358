//! What a script means, in words: for who wrote it, and wants to know before anything connects.

use super::super::fault::{BindFault, Fault, Rule};
use super::{Congestion, FaultScript, Intermediate, Over, ReceiptForm, Scope, Via};
use crate::codec::smpp::{CommandStatus, MessageState};
use std::fmt::{self, Write};
use std::time::Duration;

impl FaultScript {
    /// A line for each thing that is not as it is without a script.
    pub fn explain(&self) -> String {
        let mut lines = Lines::default();
        self.explain_binds(&mut lines);
        self.explain_limits(&mut lines);
        self.explain_answers(&mut lines);
        self.explain_handsets(&mut lines);
        self.explain_receipts(&mut lines);
        for rule in &self.rules {
            lines.add(rule);
        }
        lines.text
    }

    fn explain_binds(&self, lines: &mut Lines) {
        let binds = &self.binds;
        if let Some(seed) = self.seed {
            lines.add(format_args!("seed {seed}"));
        }
        let accounts: Vec<&str> = self.accounts.iter().map(|account| account.system_id.as_str()).collect();
        match accounts.as_slice() {
            [] => lines.add("binds: everybody may"),
            known => lines.add(format_args!("binds: only {}", known.join(", "))),
        }
        let version = binds.interface_version.name().unwrap_or("?");
        lines.add(format_args!("binds: speaks SMPP {version}, answered {}", self.latency.bind));
        if let Some(max) = binds.max {
            lines.add(format_args!("binds: {max} for a system_id, one more is refused with {}", binds.max_status));
        }
        if let Some(after) = binds.ban_after {
            let how = binds.ban_status.map_or("closed".to_owned(), |status| format!("refused with {status}"));
            let ban = humantime::format_duration(binds.ban);
            lines.add(format_args!("binds: after {after} wrong ones in a row an address is {how} for {ban}"));
        }
        for outbind in &self.outbinds {
            lines.add(format_args!("outbind: calls {} as {}", outbind.connect, outbind.system_id));
        }
    }

    fn explain_limits(&self, lines: &mut Lines) {
        if let Some(rate) = &self.rate {
            let per = match rate.per {
                Scope::Link => "each connection",
                Scope::Account => "each system_id",
                Scope::Smsc => "everybody together",
            };
            let how = match rate.window {
                Some(window) => format!("counted in windows of {}", humantime::format_duration(window)),
                None => format!("{} at once", rate.burst),
            };
            let (per_second, status) = (rate.per_second, rate.status);
            lines.add(format_args!(
                "rate: {per_second} a second for {per}, {how}; the others are refused with {status}"
            ));
        }
        if let Some(window) = &self.window {
            let over = match window.over {
                Over::Refuse(status) => format!("is refused with {status}"),
                Over::Close => "ends the connection".to_owned(),
                Over::Unbind => "is answered with unbind".to_owned(),
            };
            lines.add(format_args!("window: {} unanswered submits, one more {over}", window.outstanding));
        }
        match &self.congestion {
            Congestion::Silent => {}
            Congestion::OfRate => lines.add("congestion_state: how much of the rate is used, to peers of v5.0"),
            Congestion::Steps(steps) => {
                for (from, state) in steps {
                    lines.add(format_args!("congestion_state: {state} from submit {from} on, to peers of v5.0"));
                }
            }
        }
    }

    fn explain_answers(&self, lines: &mut Lines) {
        let order = if self.latency.in_order { ", in the order of submits" } else { "" };
        lines.add(format_args!("answers: {}{order}", self.latency.answer));
    }

    fn explain_handsets(&self, lines: &mut Lines) {
        let destinations = &self.destinations;
        lines.add(format_args!("handsets: messages arrive {}", self.latency.delivery));
        if let Some(queue) = destinations.queue {
            lines.add(format_args!(
                "handsets: {queue} messages without receipt, one more is refused with 0x14 ESME_RMSGQFUL"
            ));
        }
        if !destinations.off.is_empty() || destinations.off_share > 0.0 {
            let (named, share) = (destinations.off.len(), destinations.off_share * 100.0);
            let on = match destinations.on_after {
                Some(after) => format!("until {} after the first message", humantime::format_duration(after)),
                None => "for ever".to_owned(),
            };
            lines.add(format_args!("handsets: {named} named and {share} % of the others are off, {on}"));
        }
        if self.store != super::StoreScript::default() {
            let say = |time: Duration| humantime::format_duration(time);
            lines.add(format_args!(
                "messages: {} wait at most, for {} if they do not say, never for longer than {}; {} are remembered",
                self.store.waiting,
                say(self.store.validity),
                say(self.store.validity_max),
                self.store.remember
            ));
        }
    }

    fn explain_receipts(&self, lines: &mut Lines) {
        let receipts = &self.receipts;
        let form = match receipts.form {
            ReceiptForm::None => return lines.add("receipts: none"),
            ReceiptForm::Tlv => "as optional parameters",
            ReceiptForm::Text => "as text",
            ReceiptForm::Both => "as text and optional parameters",
        };
        let via = match receipts.via {
            Via::Same => "on the connection of the message, or any other of the account",
            Via::Any => "on any connection of the account",
            Via::Receiver => "on receivers of the account only",
        };
        lines.add(format_args!("receipts: {form}, {}, {via}", self.latency.receipt));
        match receipts.intermediate {
            Intermediate::Never => {}
            Intermediate::Asked => lines.add("receipts: one for ENROUTE comes first where it is asked for"),
            Intermediate::Always => lines.add("receipts: one for ENROUTE comes first"),
        }
        let ids = super::super::ids::Ids::new(self.seed.unwrap_or(1), &self.ids);
        lines.add(format_args!("ids: the first message is {}, in receipts {}", ids.response(1), ids.receipt(1)));
    }
}

#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    fn add(&mut self, line: impl fmt::Display) {
        let _ = writeln!(self.text, "{line}");
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_bind = matches!(self.fault, Fault::Bind(_));
        let what = if is_bind { "bind" } else { "submit" };
        write!(f, "fault {}: {}", self.kind.name(), self.kind.does())?;
        match &self.fault {
            Fault::Refuse(status) | Fault::Bind(BindFault::Refuse(status)) => write!(f, " ({status})")?,
            Fault::RefuseOneOf(statuses) => {
                let statuses: Vec<String> = statuses.iter().map(CommandStatus::to_string).collect();
                write!(f, " (one of {})", statuses.join(", "))?;
            }
            Fault::Delay(delay) | Fault::ReceiptLate(delay) => write!(f, " ({})", humantime::format_duration(*delay))?,
            Fault::Silent { accept: false } | Fault::Link { accept: false, .. } => f.write_str(", takes no message")?,
            Fault::Shuffle { within } => write!(f, " ({within})")?,
            Fault::ReceiptState(state) => write!(f, " ({state})")?,
            Fault::ReceiptStates(states) => {
                let states: Vec<String> = states.iter().flatten().map(MessageState::to_string).collect();
                write!(f, " ({})", states.join(", then "))?;
            }
            _ => {}
        }
        let mut when = Vec::new();
        if !self.at.is_empty() {
            let at: Vec<String> = self.at.iter().map(u64::to_string).collect();
            when.push(format!("at {what} {}", at.join(", ")));
        }
        if let Some(every) = self.every {
            when.push(format!("at every {every}th {what}"));
        }
        if self.probability > 0.0 {
            when.push(format!("by chance at {} % of {what}s", self.probability * 100.0));
        }
        write!(f, "; {}", when.join(" and "))?;
        if self.count > 1 {
            write!(f, ", each time for {} in a row", self.count)?;
        }
        match (*self.within.start(), *self.within.end()) {
            (1, u64::MAX) => {}
            (from, u64::MAX) => write!(f, ", from the {from}th on")?,
            (from, to) => write!(f, ", from the {from}th to the {to}th")?,
        }
        if let Some(destination) = &self.destination {
            write!(f, ", to {} only", destination.escape_ascii())?;
        }
        f.write_str(if self.per_destination { ", counted for each handset" } else { "" })
    }
}
