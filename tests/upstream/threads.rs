//! Readers on the thread that opens them, or on threads of their own.

use super::origin::Origin;
use super::{open_source, quick, source, wide_door};
use bellwire::ingress::sse::{Resolve, Resolving, SseSettings, SseUpstreams};
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

/// Knows one address, and remembers the threads that asked.
struct Asked {
    address: SocketAddr,
    threads: Mutex<Vec<String>>,
}

impl Resolve for Asked {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> Resolving<'a> {
        self.threads.lock().push(thread::current().name().unwrap_or_default().to_owned());
        Box::pin(std::future::ready(Ok(vec![self.address])))
    }
}

/// Reads an event of each of four upstreams; the threads they were opened on.
async fn threads_of_four(threads: usize) -> Vec<String> {
    let origin = Origin::plain().await;
    let asked = Arc::new(Asked { address: origin.address(), threads: Mutex::default() });
    let settings = SseSettings { threads, ..quick() };
    let upstreams = SseUpstreams::with_resolver(settings, Arc::clone(&asked) as _).unwrap();
    for number in 0..4 {
        let url = format!("http://origin.test:{}/{number}", origin.address().port());
        let mut upstream = open_source(&upstreams, &source(&url, None), "", wide_door());
        let mut exchange = origin.accept().await.open().await;
        upstream.opened().await;
        exchange.say("data: one\n\n").await;
        assert_eq!(upstream.data(1).await, ["one"]);
    }
    asked.threads.lock().clone()
}

#[tokio::test]
async fn without_threads_whoever_opens_an_upstream_reads_it() {
    let here = thread::current().name().unwrap_or_default().to_owned();
    assert_eq!(threads_of_four(0).await, vec![here; 4]);
}

#[tokio::test]
async fn threads_of_their_own_take_turns() {
    assert_eq!(threads_of_four(2).await, ["upstream-0", "upstream-1", "upstream-0", "upstream-1"]);
}
