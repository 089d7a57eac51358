//! Fifty of the runs over sockets: the whole router, its metrics, and an SMSC that does wrong what the seed says.

use crate::faults;
use crate::scene::{Scene, Setting};
use bellwire::model::{Order, Policy};
use bellwire::telemetry::Exporter;

const RUNS: u64 = 50;
const EVENTS: u64 = 120;
/// Runs side by side: most of their time passes in pauses and back-off.
const AT_A_TIME: u64 = 25;

/// Two handsets that are there, and one whose queue is full for ever.
const NUMBERS: [&str; 3] = ["15555550101", "15555550102", "15555550100"];

#[tokio::test]
async fn the_books_of_fifty_routers_balance() {
    let mut figures = Figures::default();
    for first in (1..=RUNS).step_by(AT_A_TIME as usize) {
        let runs = futures_util::future::join_all((first..first + AT_A_TIME).map(play)).await;
        for (lost, duplicates, exporter) in runs {
            figures.lost += lost;
            figures.duplicates += duplicates;
            figures.metrics = exporter.render();
        }
    }
    let (settled, unknown) = (figures.sum("bellwire_events_settled_total"), figures.outcome("unknown"));
    println!("{} events settled, {unknown} unknown, {} lost, {} repeats", settled, figures.lost, figures.duplicates);
    assert_eq!(settled, RUNS * NUMBERS.len() as u64 * EVENTS, "each event of each subscription ends once");
    assert!(figures.lost <= unknown, "{} lost, {unknown} told", figures.lost);
    let resent = figures.sum("bellwire_resent_total");
    assert!(figures.duplicates <= resent, "{} repeats, {resent} told", figures.duplicates);
    assert!(figures.outcome("delivered") > 2 * RUNS * EVENTS * 9 / 10, "{}", figures.metrics);
}

#[derive(Default)]
struct Figures {
    lost: u64,
    duplicates: u64,
    /// Of all routers of this process.
    metrics: String,
}

impl Figures {
    fn sum(&self, metric: &str) -> u64 {
        let lines = self.metrics.lines().filter(|line| line.starts_with(metric));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }

    fn outcome(&self, outcome: &str) -> u64 {
        self.sum(&format!("bellwire_events_settled_total{{outcome=\"{outcome}\"}}"))
    }
}

async fn play(seed: u64) -> (u64, u64, Exporter) {
    let setting = Setting {
        seed,
        events: EVENTS,
        smsc: "links = 2\nwindow = 10\nresponse_timeout = \"1s\"\nenquire_link = \"1s\"\nreceipt_timeout = \"3s\"",
        script: faults::over_sockets(seed),
        grace: "1s",
        ..Setting::default()
    };
    let mut scene = Scene::start(setting).await;
    let (strict, mut ids) = (seed.is_multiple_of(2), Vec::new());
    for number in NUMBERS {
        let order = if strict { Order::Strict } else { Order::Pipelined };
        ids.push(scene.activate(number, Policy { order, max_events: 3, ..Policy::default() }).await);
    }
    scene.start_ticker();
    // Nothing waits for the third.
    scene.released(ids[0], EVENTS).await;
    scene.released(ids[1], EVENTS).await;
    let mut lost = 0;
    for number in &NUMBERS[..2] {
        let report = scene.report_of(number);
        assert_eq!((report.altered, report.strange), (0, 0), "seed {seed}: {report}");
        assert!(!strict || report.out_of_order == 0, "seed {seed}: {report}");
        lost += report.lost;
    }
    assert_eq!(scene.report_of(NUMBERS[2]).arrived, 0, "seed {seed}: it is switched off");
    let (duplicates, exporter) = (scene.smsc.stats().duplicates, scene.app.exporter().clone());
    scene.stop().await;
    (lost, duplicates, exporter)
}
