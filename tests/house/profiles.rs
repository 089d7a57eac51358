//! Every profile, from the stream to what a page sees.

use crate::scene::{Scene, Setting};
use bellwire::model::{Ids, Overflow, Policy};

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
