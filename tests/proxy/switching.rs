//! A client that changes bearers at random, over real sockets: it sees every event once and in order.

use crate::client::Stream;
use crate::house::{House, NUMBER, within};
use http::StatusCode;
use std::time::Duration;

const SWITCHES: usize = 200;

/// What the client has seen, by stream and by push, copies left out.
struct Page {
    seen: u64,
    pushes_looked_at: usize,
    by_push: u64,
    copies: u64,
}

impl Page {
    fn see(&mut self, data: &str) -> bool {
        let event: u64 = data.parse().unwrap();
        assert!(event <= self.seen + 1, "{event} after {}: there is a gap", self.seen);
        let is_new = event == self.seen + 1;
        self.copies += u64::from(!is_new);
        self.seen = self.seen.max(event);
        is_new
    }

    fn look_at_pushes(&mut self, house: &House) {
        for event in house.pushed(NUMBER).split_off(self.pushes_looked_at) {
            self.pushes_looked_at += 1;
            self.by_push += u64::from(self.see(&event.data));
        }
    }
}

#[tokio::test]
async fn two_hundred_switches_lose_nothing() {
    let house =
        House::with(&crate::house::QUICK.replace("linger = \"1s\"", "linger = \"30s\"\nack_window = 8"), "").await;
    let house = &house;
    let mut random = fastrand::Rng::with_seed(5);
    let mut page = Page { seen: 0, pushes_looked_at: 0, by_push: 0, copies: 0 };
    let mut hanging = Vec::new();
    assert_eq!(house.act(NUMBER, "activatePush", "/stream", "").await.status, StatusCode::OK);
    let mut stream: Option<Stream> = None;
    let mut made = 0;
    for _ in 0..SWITCHES {
        for _ in 0..random.usize(1..6) {
            made = house.origin.tick("/stream") as u64;
        }
        if random.u8(..10) == 0 {
            house.origin.cut();
        }
        match stream.take() {
            Some(mut open) => {
                for _ in 0..random.usize(..5) {
                    match tokio::time::timeout(Duration::from_millis(5), open.next()).await {
                        Ok(Some(event)) => _ = page.see(&event.data),
                        _ => break,
                    }
                }
                match random.u8(..3) {
                    0 => {
                        // Says what it has, and goes on.
                        if page.seen > 0 {
                            house.act(NUMBER, "ack", "/stream", &format!("&id={}", page.seen)).await;
                        }
                        stream = Some(open);
                    }
                    // Closed in good order, as far as TCP goes.
                    1 => open.close().await,
                    // Half open: nobody reads any more, and nobody says so.
                    _ => hanging.push(open),
                }
            }
            None => {
                if hanging.len() > 3 {
                    hanging.remove(0).close().await;
                }
                page.look_at_pushes(house);
                let last = if page.seen == 0 { String::new() } else { page.seen.to_string() };
                stream = Some(house.open_as(NUMBER, "/stream", &last).await);
            }
        }
    }
    drop(stream);
    hanging.into_iter().for_each(drop);
    // With the word of the handset, whatever hangs is dead.
    let last = format!("&mode=now&lastEventId={}", page.seen);
    assert_eq!(house.act(NUMBER, "activatePush", "/stream", &last).await.status, StatusCode::OK);
    within(async {
        while page.seen < made {
            page.look_at_pushes(house);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
    assert!(page.by_push > 0, "both bearers were used");
    within(async { while house.released(NUMBER, "/stream").await != Some(made) {} }).await;
    println!("{made} events, {} by push, {} copies left out", page.by_push, page.copies);
}
