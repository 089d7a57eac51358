//! What the demo shows while it runs: the first pushes in words, then progress.

use crate::app::App;
use crate::sim::smsc::Delivered;
use crate::sim::{Check, Event, HandsetSettings, HandsetStats, Handsets, Message, Received, Report, Sequence, Ticker};
use parking_lot::Mutex;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Pushes shown in words before only progress is shown, in a demo that ends.
const SHOWN_IN_WORDS: u64 = 8;
/// Characters of the progress bar.
const BAR: usize = 40;
/// How often progress is shown where it cannot be overwritten.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// The simulated handset and what it shows; what others receive is counted.
pub(super) struct Board {
    seed: u64,
    events: Option<u64>,
    /// The handset that is shown.
    number: String,
    started: Instant,
    inner: Mutex<Inner>,
}

struct Inner {
    handsets: Handsets,
    check: Check,
    pushes: u64,
    segments: u64,
    sent: u64,
    arrived: u64,
    shown_at: Option<Instant>,
    bar_open: bool,
}

impl Board {
    pub fn new(seed: u64, events: Option<u64>, number: &str) -> Self {
        let mut check = Check::new();
        check.expect(number, Sequence::new(Ticker::sequence(seed, events.unwrap_or_default())));
        let inner = Inner {
            handsets: Handsets::new(HandsetSettings::default()),
            check,
            pushes: 0,
            segments: 0,
            sent: 0,
            arrived: 0,
            shown_at: None,
            bar_open: false,
        };
        Self { seed, events, number: number.to_owned(), started: Instant::now(), inner: Mutex::new(inner) }
    }

    /// Says who is there and how to look at it.
    pub fn introduce(&self, ticker: &str, app: &App, smsc: SocketAddr) {
        println!("bellwire demo: every part in one process, on sockets as between machines\n");
        println!("  ticker   {ticker}   stock quotes as Server-Sent Events, seed {}", self.seed);
        println!("  router   http://{}   gRPC;  metrics on http://{}/metrics", app.grpc_address(), app.ops_address());
        println!("  SMSC     {smsc}   SMPP v3.4, simulated");
        println!("  handset  reassembles segments, decodes WSP pushes, reads events");
        match app.http_address().filter(|_| self.events.is_none()) {
            Some(address) => println!("  console  http://{address}/console   a second handset, in a browser\n"),
            None => println!(),
        }
    }

    /// A message reaches the handset.
    pub fn deliver(&self, message: &Delivered<'_>) {
        let text = |octets| String::from_utf8_lossy(octets).into_owned();
        let (source, destination) = (text(message.source), text(message.destination));
        let shown = destination == self.number;
        let mut inner = self.inner.lock();
        inner.segments += u64::from(shown);
        let segment = Message {
            source: &source,
            destination: &destination,
            esm_class: message.esm_class,
            short_message: message.short_message,
        };
        let received = inner.handsets.handle_message(segment, self.started.elapsed());
        let Ok(Some(push)) = received else { return };
        if push.duplicate {
            return;
        }
        // What the proxy has to say of itself is no event of the ticker's.
        for event in push.events.iter().filter(|event| !event.event_type.starts_with("bellwire-")) {
            // Without an end there is no list of what will be sent: the event is made again from its number.
            let known = self.events.is_some() || self.is_as_sent(event);
            if self.events.is_some() {
                inner.check.receive(&push.number, event);
            }
            inner.sent += 1;
            inner.arrived += u64::from(known);
        }
        if !shown {
            return;
        }
        inner.pushes += 1;
        let segments = std::mem::take(&mut inner.segments);
        if self.events.is_none() || inner.pushes <= SHOWN_IN_WORDS {
            self.print_push(&push, segments, message.short_message.len());
        }
    }

    /// A bar where the output is a terminal, else a line now and then.
    pub fn show_progress(&self) {
        let Some(events) = self.events else { return };
        let mut inner = self.inner.lock();
        if inner.pushes <= SHOWN_IN_WORDS && inner.arrived < events {
            return;
        }
        let terminal = std::io::stdout().is_terminal();
        let due = terminal || inner.shown_at.is_none_or(|at| at.elapsed() >= LINE_EVERY) || inner.arrived >= events;
        if !due || (inner.arrived >= events && !terminal && inner.bar_open) {
            return;
        }
        let full = (inner.arrived.min(events) as usize * BAR) / events as usize;
        let (done, rest) = ("█".repeat(full), "░".repeat(BAR - full));
        let line = format!("  {done}{rest}  {} of {events} events in {} pushes", inner.arrived, inner.pushes);
        match terminal {
            true => print!("\r{line}"),
            false => println!("{line}"),
        }
        // Progress that cannot be shown is no reason to stop.
        let _ = std::io::stdout().flush();
        inner.shown_at = Some(Instant::now());
        inner.bar_open = inner.arrived >= events;
    }

    /// Events that arrived.
    pub fn arrived(&self) -> u64 {
        self.inner.lock().arrived
    }

    /// Whether the demo runs until it is stopped.
    pub fn is_endless(&self) -> bool {
        self.events.is_none()
    }

    /// The comparison with what was sent.
    pub fn report(&self) -> Report {
        let inner = self.inner.lock();
        match self.events {
            Some(_) => inner.check.report(),
            None => Report { sent: inner.sent, arrived: inner.arrived, ..Report::default() },
        }
    }

    /// What the handset counted.
    pub fn handset(&self) -> HandsetStats {
        self.inner.lock().handsets.stats()
    }

    fn is_as_sent(&self, event: &Event) -> bool {
        event.id.parse().is_ok_and(|number| Ticker::event(self.seed, number) == *event)
    }

    fn print_push(&self, push: &Received, segments: u64, octets: usize) {
        let at = self.started.elapsed().as_secs_f64();
        let plural = |count: u64, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        let (events, segments) = (plural(push.events.len() as u64, "event"), plural(segments, "segment"));
        println!("  {at:7.3}s  push {:<3} {events:<9} {segments:<10} last of {octets:>3} octets", push.tid);
        for event in push.events.iter().take(4) {
            println!("            └ {:<8} id {:<5} {}", event.event_type, event.id, event.data.replace('\n', "  "));
        }
        if push.events.len() > 4 {
            println!("            └ … and {} more", push.events.len() - 4);
        }
    }
}
