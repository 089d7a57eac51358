//! Every profile, from the stream to what a page sees.

use crate::scene::{Scene, Setting};
use bellwire::model::{Ids, Overflow, Policy};
use std::time::Duration;

#[tokio::test]
async fn a_page_sees_the_same_in_every_profile() {
    for (smsc, ids) in [
        ("[push]\nprofile = \"standard\"", Ids::All),
        ("[push]\nprofile = \"compact\"", Ids::Origin),
        ("[push]\nprofile = \"data\"", Ids::All),
    ] {
        let mut scene = Scene::start(Setting { events: 300, smsc, ..Setting::default() }).await;
        let policy = Policy { ids, overflow: Overflow::Split, ..Policy::default() };
        scene.activate("15555550101", policy.clone()).await;
        scene.activate("15555550102", policy).await;
        scene.start_ticker();
        scene.arrived(600).await;
        let report = scene.report();
        assert!(report.is_complete(), "{smsc}: {report}");
        assert!(scene.stop().await.is_clean());
    }
}

#[tokio::test]
async fn a_page_sees_the_same_however_pushes_are_put_into_messages() {
    for smsc in [
        "payload = \"udh\"\ndata_coding = 0xF5\nreference_range = [200, 230]",
        "payload = \"udh\"\ndata_coding = 0x15\nreference_width = \"16bit\"",
        "payload = \"sar\"\nreference_range = [100, 131]",
        "payload = \"message_payload\"\ndata_coding = 0x04",
        "payload = \"message_payload\"\n[push]\nprofile = \"data\"",
    ] {
        let mut scene = Scene::start(Setting { events: 300, smsc, ..Setting::default() }).await;
        let several = Duration::from_millis(20);
        let batches = Policy { ids: Ids::All, batch_window: several, overflow: Overflow::Split, ..Policy::default() };
        scene.activate("15555550101", batches).await;
        scene.activate("15555550102", Policy { ids: Ids::All, max_events: 1, ..Policy::default() }).await;
        scene.start_ticker();
        scene.arrived(600).await;
        let (report, handsets) = (scene.report(), scene.handsets());
        assert!(report.is_complete(), "{smsc}: {report}");
        assert!(handsets.segments > handsets.pushes, "{smsc}: some pushes are several messages");
        assert_eq!((handsets.malformed, handsets.duplicate_segments), (0, 0), "{smsc}");
        assert!(scene.stop().await.is_clean());
    }
}
