//! What an open event stream costs that has nothing to say, everything on the reader's side counted.

use allocation_counter::measure;
use bellwire::actors::admission::Admission;
use bellwire::actors::port::Port;
use bellwire::actors::upstream::{ResumePoint, UpstreamFact, UpstreamHandle, Upstreams};
use bellwire::ingress::sse::{SseSettings, SseUpstreams};
use bellwire::model::{SourceId, SourceOrigin, TenantId};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use tokio::runtime::Runtime;

const STREAMS: usize = 200;

/// An origin that sends one event on each connection and then keeps it open, as long as its thread's handle lives.
fn origin() -> (SocketAddr, mpsc::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (keep, over) = mpsc::channel();
    thread::spawn(move || {
        let streams: Vec<TcpStream> = (0..STREAMS)
            .map(|_| {
                let (mut tcp, _) = listener.accept().unwrap();
                let _request = tcp.read(&mut [0; 4096]).unwrap();
                tcp.write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n\
                      c\r\nid: 7\ndata\n\n\r\n",
                )
                .unwrap();
                tcp
            })
            .collect();
        let _ = over.recv();
        drop(streams);
    });
    (address, keep)
}

/// Opens the streams and waits until each has brought its event.
fn open(runtime: &Runtime, upstreams: &SseUpstreams, address: SocketAddr) -> Vec<UpstreamHandle> {
    let admission = Admission::new(1 << 24);
    let (sender, mut events) = tokio::sync::mpsc::channel(STREAMS);
    let port = Port::new(move |fact| {
        if let UpstreamFact::Events { .. } = fact {
            sender.try_send(()).unwrap();
        }
    });
    runtime.block_on(async {
        let mut handles = Vec::with_capacity(STREAMS);
        for number in 0..STREAMS {
            let url = format!("http://{address}/streams/{number}");
            let source = SourceId::new(TenantId::default(), SourceOrigin::Url(url.parse().unwrap()), None);
            handles.push(upstreams.open(&source, ResumePoint::default(), admission.door(1 << 20), port.clone()));
            events.recv().await.unwrap();
        }
        handles
    })
}

#[test]
fn an_idle_stream_holds_no_buffer() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let upstreams = SseUpstreams::new(SseSettings { allow_private: true, ..SseSettings::default() }).unwrap();
    // The thread's own buffer and the runtime's tables are there before anything is counted.
    let (warm_up, _first) = origin();
    let _warm = open(&runtime, &upstreams, warm_up);
    let (address, _second) = origin();
    let mut handles = Vec::new();
    let held = measure(|| handles = open(&runtime, &upstreams, address)).bytes_current;
    assert_eq!(handles.len(), STREAMS);
    let each = held / STREAMS as i64;
    assert!((1..4096).contains(&each), "{each} octets for each of {STREAMS} streams");
}
