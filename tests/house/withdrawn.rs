//! What an SMSC still holds is taken back: the handset that was off gets what counts when it is on.

use crate::scene::{Scene, Setting, until};
use bellwire::model::{Coalesce, Policy, Receipts};

const NUMBER: &str = "15555550101";

fn policy() -> Policy {
    Policy { receipts: Receipts::All, coalesce: Coalesce::Latest, max_events: 1, ..Policy::default() }
}

#[tokio::test]
async fn a_handset_that_was_off_gets_the_latest_event_and_none_that_it_supersedes() {
    let script = "[destinations]\noff = [\"15555550101\"]\non_after = \"2s\"";
    let setting =
        Setting { events: 20, rate: 100.0, script: script.into(), smsc: "withdraw = \"cancel\"", ..Setting::default() };
    let mut scene = Scene::start(setting).await;
    let id = scene.activate(NUMBER, policy()).await;
    scene.start_ticker();
    until(|| scene.handsets().pushes > 0, || format!("{:?}", scene.smsc.stats())).await;
    let (stats, handsets) = (scene.smsc.stats(), scene.handsets());
    assert!(stats.errands >= 5, "{stats:?}");
    assert_eq!(stats.accepted, stats.errands + 1, "all but the last: {stats:?}");
    assert_eq!((handsets.pushes, handsets.events), (1, 1), "{stats:?}");
    assert_eq!(scene.view(id).await.released, 20);
    assert!(scene.stop().await.is_clean());
}

#[tokio::test]
async fn a_handset_that_is_off_gets_nothing_of_a_subscription_that_ended() {
    let script = "[destinations]\noff = [\"15555550101\"]";
    let setting = Setting { events: 5, script: script.into(), smsc: "withdraw = \"cancel\"", ..Setting::default() };
    let mut scene = Scene::start(setting).await;
    let id = scene.activate(NUMBER, Policy { coalesce: Coalesce::None, ..policy() }).await;
    scene.start_ticker();
    until(|| scene.smsc.stats().accepted == 5, || format!("{:?}", scene.smsc.stats())).await;
    scene.deactivate(id).await;
    until(|| scene.smsc.waiting() == 0, || format!("{:?}", scene.smsc.stats())).await;
    assert_eq!((scene.smsc.stats().errands, scene.handsets().segments), (5, 0));
    assert!(scene.stop().await.is_clean());
}
