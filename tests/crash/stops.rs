//! A router that is told to stop.

use crate::scene::{Keeping, Scene};

#[tokio::test]
async fn a_stop_in_good_order_repeats_nothing() {
    let mut scene = Scene::start(crate::seed(), Keeping::OnDisk).await;
    for _ in 0..3 {
        let segments = scene.random.u64(20..300);
        scene.accept(segments).await;
        scene.stop().await;
        scene.start_router().await;
    }
    scene.accept(100).await;
    scene.finish().await;
}

#[tokio::test]
async fn stops_and_kills_in_any_order_lose_nothing() {
    let mut scene = Scene::start(crate::seed(), Keeping::OnDisk).await;
    for _ in 0..4 {
        match scene.random.bool() {
            true => scene.kill().await,
            false => scene.stop().await,
        }
        scene.start_router().await;
    }
    scene.accept(100).await;
    scene.finish().await;
}
