//! One source, many handsets.

use crate::scene::{Scene, Setting};
use bellwire::model::Policy;

#[tokio::test]
async fn a_thousand_handsets_share_one_upstream_and_each_sees_every_event_in_order() {
    const HANDSETS: u64 = 1000;
    const EVENTS: u64 = 20;
    let setting = Setting { events: EVENTS, rate: 100.0, smsc: "window = 100", ..Setting::default() };
    let mut scene = Scene::start(setting).await;
    for n in 0..HANDSETS {
        scene.activate(&format!("1555555{n:04}"), Policy::default()).await;
    }
    scene.start_ticker();
    scene.arrived(HANDSETS * EVENTS).await;
    let report = scene.report();
    assert!(report.is_complete(), "{report}");
    assert_eq!((report.repeated, report.out_of_order), (0, 0), "{report}");
    assert_eq!(scene.streams(), 1, "one upstream connection");
    let pushes = scene.handsets().pushes;
    assert!(pushes < report.arrived, "{pushes} pushes: events that come while one is outstanding share the next");
    assert!(scene.stop().await.is_clean());
}
