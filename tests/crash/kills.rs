//! A router that is killed, again and again.

use crate::scene::{Keeping, Scene};

#[tokio::test]
async fn without_a_kill_every_event_arrives_once() {
    let scene = Scene::start(crate::seed(), Keeping::InMemory).await;
    scene.accept(1500).await;
    scene.finish().await;
}

#[tokio::test]
async fn a_store_changes_nothing_as_long_as_the_router_lives() {
    let scene = Scene::start(crate::seed(), Keeping::OnDisk).await;
    scene.accept(1500).await;
    scene.finish().await;
}

#[tokio::test]
async fn no_event_is_lost_by_kills_and_few_come_again() {
    let mut scene = Scene::start(crate::seed(), Keeping::OnDisk).await;
    for _ in 0..crate::kills() {
        scene.kill().await;
        scene.start_router().await;
    }
    scene.accept(100).await;
    scene.finish().await;
}

#[tokio::test]
async fn an_smsc_away_for_a_whole_life_costs_nothing() {
    let mut scene = Scene::start(crate::seed(), Keeping::OnDisk).await;
    scene.kill().await;
    scene.smsc.close().await;
    scene.start_router().await;
    scene.receive(100).await;
    scene.kill_now().await;
    scene.smsc.open().await;
    scene.start_router().await;
    scene.accept(200).await;
    scene.finish().await;
}
