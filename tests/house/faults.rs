//! An SMSC that fails in every way its script knows: nothing is lost, and repeats are bounded and counted.

use crate::scene::{Scene, Setting, until};
use bellwire::model::{Order, Policy, Receipts};

const WINDOW: u64 = 20;

fn pipelined() -> Policy {
    Policy { order: Order::Pipelined, max_events: 1, receipts: Receipts::None, ..Policy::default() }
}

#[tokio::test]
async fn an_smsc_killed_and_restarted_costs_no_event_and_at_most_a_window_of_repeats() {
    const EVENTS: u64 = 3000;
    let setting = Setting { events: EVENTS, rate: 3000.0, smsc: "window = 20", ..Setting::default() };
    let mut scene = Scene::start(setting).await;
    let id = scene.activate("15555550101", pipelined()).await;
    scene.start_ticker();
    let mut kills = 0;
    for quarter in 1..=3 {
        scene.arrived(EVENTS * quarter / 4).await;
        scene.smsc.kill().await;
        kills += 1;
        scene.smsc.revive().await.unwrap();
    }
    scene.arrived(EVENTS).await;
    let report = scene.report();
    assert!(report.is_complete(), "{report}");
    let stats = scene.smsc.stats();
    assert!(stats.duplicates <= kills * WINDOW, "{} repeats after {kills} kills", stats.duplicates);
    let counted = resent(&scene.app.exporter().render());
    assert!(counted >= stats.duplicates, "{} repeats, {counted} counted", stats.duplicates);
    until(|| scene.smsc.stats().submits >= EVENTS, || "submits".to_owned()).await;
    assert_eq!(scene.view(id).await.pending, 0);
    assert!(scene.stop().await.is_clean());
}

/// Segments sent again, as the metrics of this process count them: an upper bound of repeats.
fn resent(metrics: &str) -> u64 {
    let value = metrics.lines().find_map(|line| line.strip_prefix("bellwire_resent_total "));
    value.and_then(|value| value.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn whatever_goes_wrong_every_event_arrives() {
    // Side by side, since most of the time passes in pauses and back-off.
    futures_util::future::join_all((1..=8).map(play)).await;
}

async fn play(seed: u64) {
    let setting = Setting {
        seed,
        events: 400,
        smsc: "links = 2\nwindow = 20\nresponse_timeout = \"1s\"\nenquire_link = \"1s\"",
        script: SCRIPT.to_owned(),
        ..Setting::default()
    };
    let mut scene = Scene::start(setting).await;
    scene.activate("15555550101", pipelined()).await;
    scene.activate("15555550102", Policy::default()).await;
    scene.start_ticker();
    scene.arrived(800).await;
    let report = scene.report();
    assert!(report.is_complete(), "seed {seed}: {report}");
    let stopped = scene.stop().await;
    assert!(stopped.is_clean(), "seed {seed}: {stopped:?}");
}

/// Connections die far enough apart that no segment meets it twice: a segment whose outcome is unknown goes once more,
/// not for ever.
const SCRIPT: &str = r#"
[[fault]]
kind = "throttle"
probability = 0.01
[[fault]]
kind = "queue_full"
probability = 0.005
[[fault]]
kind = "system_error"
probability = 0.01
[[fault]]
kind = "delay"
probability = 0.02
delay = "20ms"
[[fault]]
kind = "shuffle"
probability = 0.05
[[fault]]
kind = "answer_twice"
probability = 0.02
[[fault]]
kind = "receipt_first"
probability = 0.2
[[fault]]
kind = "receipt_twice"
probability = 0.05
[[fault]]
kind = "unknown_command"
probability = 0.01
[[fault]]
kind = "close"
every = 200
accept = true
[[fault]]
kind = "silent"
every = 307
accept = true
[[fault]]
kind = "garbage"
at = [100, 300, 500, 700, 900, 1100]
"#;
