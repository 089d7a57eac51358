//! Sources that only the router could reach are nobody's to ask for.

use crate::client::{encoded, get};
use crate::house::{House, NUMBER, within};
use crate::origin::Origin;
use bellwire::actors::admission::Admission;
use bellwire::actors::clock::Clock;
use bellwire::actors::journal::Journal;
use bellwire::actors::ledger::Ledger;
use bellwire::actors::reach::Reaches;
use bellwire::actors::router::{Arguments, RelaySettings, Restored, Router};
use bellwire::actors::upstream::Upstreams;
use bellwire::engine::routing::Routes;
use bellwire::ingress::sse::{Resolve, Resolving, SseSettings, SseUpstreams};
use bellwire::model::{Policy, PushSettings, TenantId};
use bellwire::proxy::identity::Identities;
use bellwire::proxy::{self, Parts};
use bellwire::telemetry::Telemetry;
use ractor::Actor;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// The one loopback address that is let through, as if it were public.
const PUBLIC: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// `public.example` is there, everything else is in the inner network.
struct Names;

impl Resolve for Names {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Resolving<'a> {
        let ip = if host == "public.example" { PUBLIC } else { Ipv4Addr::new(10, 0, 0, 1) };
        Box::pin(async move { Ok(vec![SocketAddr::from((ip, port))]) })
    }
}

/// A proxy whose upstreams are guarded.
async fn guarded() -> SocketAddr {
    let settings = SseSettings { allowed_addresses: [PUBLIC.into()].into(), ..SseSettings::default() };
    let upstreams: Arc<dyn Upstreams> = Arc::new(SseUpstreams::with_resolver(settings, Arc::new(Names)).unwrap());
    let (admission, telemetry) = (Admission::new(1 << 20), Telemetry::detached());
    let ledger = Arc::new(Ledger::new(telemetry.clone()));
    let seconds = Duration::from_secs;
    let arguments = Arguments {
        push: PushSettings::default(),
        reaches: Reaches::new(Routes::default(), Vec::new()),
        upstreams: Arc::clone(&upstreams),
        admission: admission.clone(),
        log_octets: 1 << 16,
        relay: RelaySettings {
            linger: Duration::ZERO,
            push_after: Duration::ZERO,
            lifetime: seconds(60),
            subscriptions_per_handset: 1,
            probe_within: seconds(60),
        },
        suppressed: Vec::new(),
        journal: Journal::none(),
        ledger: Arc::clone(&ledger),
        telemetry: telemetry.clone(),
        clock: Clock::default(),
        budgets: Arc::default(),
        restored: Restored::default(),
    };
    let (router, _) = Router::spawn(None, Router, arguments).await.unwrap();
    let settings = proxy::Settings {
        tenant: TenantId::default(),
        policy: Policy::default(),
        push: PushSettings::default(),
        anonymous_relay: true,
        probe: false,
        prefixes: vec!["1".to_owned()],
        trusted: Vec::new(),
        suppressed: Vec::new(),
        sources: Vec::new(),
        heartbeat: seconds(15),
        tail: (NonZeroU64::MIN, seconds(1)),
        ack_window: NonZeroU64::MIN,
        open_timeout: seconds(10),
        catch_up_timeout: seconds(1),
        send_timeout: seconds(20),
        streams_per_client: 100,
        requests_per_minute: 100,
        max_connections: 100,
    };
    let parts =
        Parts { router, upstreams, admission, ledger, telemetry, identities: Identities::default(), pages: Vec::new() };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(proxy::serve(listener, None, settings, parts, std::future::pending()));
    address
}

#[tokio::test]
async fn an_address_of_the_inner_network_is_refused_by_name_number_and_redirect() {
    let (http, origin, inner) = (guarded().await, Origin::at(PUBLIC).await, Origin::start().await);
    let port = origin.address.port();
    for source in [
        inner.url("/stream"),
        "http://[::1]/".to_owned(),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "http://0x7f.1/".to_owned(),
        format!("http://inner.example:{port}/stream"),
        format!("http://public.example:{port}/to/{}", inner.url("/stream")),
        format!("http://public.example:{port}/to/http://inner.example/"),
    ] {
        let refused = within(get(http, &format!("/?eventsource={}", encoded(&source)))).await;
        let problem = refused.json();
        assert_eq!(
            (refused.status.as_u16(), problem["field"].as_str()),
            (403, Some("eventsource")),
            "{source} {}",
            refused.body
        );
        assert!(problem["detail"].as_str().unwrap().contains("not allowed"), "{}", refused.body);
    }
    assert_eq!(inner.asked(), [], "nothing was asked of it");
    assert_eq!(origin.asked().len(), 2, "those that redirect are asked, once each");
    let allowed = format!("/?eventsource={}", encoded(&format!("http://public.example:{port}/stream")));
    origin.tick("/stream");
    assert_eq!(crate::client::Stream::open(http, &allowed).await.data(1).await, ["1"]);
}

#[tokio::test]
async fn a_router_that_allows_no_inner_sources_activates_none() {
    let house = House::with(&crate::house::QUICK.replace("allow_private_sources = true\n", ""), "").await;
    let refused = house.act(NUMBER, "activatePush", "/stream", "").await;
    assert_eq!((refused.status.as_u16(), house.origin.asked()), (403, vec![]));
}
