//! The reader of upstream event streams against real sockets: an origin whose every octet the test says.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod answers;
mod framing;
mod origin;
mod pressure;
mod redirects;
mod stream;
mod threads;

use bellwire::actors::admission::{Admission, Door};
use bellwire::actors::port::Port;
use bellwire::actors::upstream::{Resume, ResumePoint, UpstreamFact, UpstreamHandle, Upstreams};
use bellwire::codec::sse::Events;
use bellwire::ingress::sse::{Resolve, Resolving, SseSettings, SseUpstreams};
use bellwire::model::{CredentialRef, SourceId, SourceOrigin, TenantId};
use bytes::Bytes;
use origin::within;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::sync::mpsc;

/// Settings with which nothing waits longer than a test should.
fn quick() -> SseSettings {
    SseSettings {
        allow_private: true,
        backoff_base: Duration::from_millis(1),
        backoff_max: Duration::from_millis(2),
        reconnection_time: Duration::from_millis(1),
        min_reconnection_time: Duration::from_millis(1),
        seed: Some(1),
        ..SseSettings::default()
    }
}

fn source(url: &str, credential: Option<&str>) -> SourceId {
    let origin = SourceOrigin::Url(url.parse().unwrap());
    SourceId::new(TenantId::default(), origin, credential.map(CredentialRef::new))
}

fn wide_door() -> Door {
    Admission::new(1 << 24).door(1 << 24)
}

/// What a source would be told; closes its upstream when dropped.
struct Upstream {
    facts: mpsc::Receiver<UpstreamFact>,
    _handle: UpstreamHandle,
}

/// Opens `url` without credential or position.
fn open(settings: SseSettings, url: &str) -> Upstream {
    open_source(&SseUpstreams::new(settings).unwrap(), &source(url, None), "", wide_door())
}

fn open_source(upstreams: &SseUpstreams, source: &SourceId, last_event_id: &'static str, door: Door) -> Upstream {
    let (sender, facts) = mpsc::channel(10_000);
    let resume = ResumePoint::new(Resume { id: Bytes::from_static(last_event_id.as_bytes()), from: 0, after: 0 });
    let point = resume.clone();
    let port = Port::new(move |fact| {
        if let UpstreamFact::Events { events, .. } = &fact
            && let Some(last) = events.iter().last()
        {
            point.set(Resume { id: Bytes::copy_from_slice(last.id), from: 0, after: 0 });
        }
        // The test may have left.
        drop(sender.try_send(fact));
    });
    let handle = upstreams.open(source, resume, door, port);
    Upstream { facts, _handle: handle }
}

impl Upstream {
    /// What happens next, apart from how long to wait before coming again.
    async fn fact(&mut self) -> UpstreamFact {
        loop {
            match within(self.facts.recv()).await.expect("the reader has gone") {
                UpstreamFact::Retry(_) => {}
                fact => return fact,
            }
        }
    }

    /// Whether the origin was told where to go on.
    async fn opened(&mut self) -> bool {
        match self.fact().await {
            UpstreamFact::Opened { resumed } => resumed.is_some(),
            other => panic!("not opened: {other:?}"),
        }
    }

    /// The next events; their credit is given back.
    async fn events(&mut self) -> Events {
        match self.fact().await {
            UpstreamFact::Events { events, .. } => events,
            other => panic!("no events: {other:?}"),
        }
    }

    /// The data of the next `count` events.
    async fn data(&mut self, count: usize) -> Vec<String> {
        let mut data = Vec::new();
        while data.len() < count {
            data.extend(self.events().await.iter().map(|event| String::from_utf8_lossy(event.data).into_owned()));
        }
        data
    }

    async fn lost(&mut self) -> (String, Duration) {
        match self.fact().await {
            UpstreamFact::Lost { outage, retry_in } => (outage.reason, retry_in),
            other => panic!("not lost: {other:?}"),
        }
    }

    /// Why the upstream ended for good, and that its reader ended too.
    async fn ended(&mut self) -> String {
        let UpstreamFact::Ended { outage } = self.fact().await else { panic!("not ended") };
        assert!(within(self.facts.recv()).await.is_none(), "nothing follows the end");
        outage.reason
    }
}

/// A resolver that knows a few names.
struct Names(HashMap<&'static str, Vec<IpAddr>>);

impl Names {
    fn new(names: &[(&'static str, &[&str])]) -> Self {
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        Self(names.iter().map(|(name, texts)| (*name, addresses(texts))).collect())
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
        let known = self.0.get(host).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
        let found = known.map(|addresses| addresses.iter().map(|ip| SocketAddr::new(*ip, port)).collect());
        Box::pin(std::future::ready(found))
    }
}
