//! The modem, by a listener that writes its request by hand.

use crate::within;
use bellwire::codec::smpp::{DataCoding, EsmClass};
use bellwire::sim::{Delivered, Modem};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const NUMBER: &str = "15555550123";

async fn modem() -> Modem {
    Modem::start(TcpListener::bind("127.0.0.1:0").await.unwrap()).unwrap()
}

fn deliver(modem: &Modem, destination: &str, short_message: &[u8]) {
    modem.deliver(&Delivered {
        source: b"12345",
        destination: destination.as_bytes(),
        esm_class: EsmClass::UDHI,
        data_coding: DataCoding::OCTETS,
        short_message,
        message_id: "1",
    });
}

/// What a message of one octet beside its empty header is in the stream.
fn event(octet: u8) -> String {
    format!("data: {{\"from\":\"12345\",\"userData\":\"00{octet:02x}\"}}\n\n")
}

struct Listener {
    socket: TcpStream,
    text: String,
}

impl Listener {
    async fn open(modem: &Modem, query: &str) -> Self {
        let mut socket = TcpStream::connect(modem.address()).await.unwrap();
        // HTTP/1.0 has no chunks, so that what follows the head is the stream itself.
        let request = format!("GET /modem?{query} HTTP/1.0\r\nhost: localhost\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        Self { socket, text: String::new() }
    }

    /// Reads until `end` is there, and gives what came.
    async fn until(&mut self, end: &str) -> &str {
        within(async {
            while !self.text.contains(end) {
                let mut octets = [0; 4096];
                let count = self.socket.read(&mut octets).await.unwrap();
                assert_ne!(count, 0, "{}", self.text);
                self.text.push_str(std::str::from_utf8(&octets[..count]).unwrap());
            }
        })
        .await;
        &self.text
    }
}

#[tokio::test]
async fn a_message_reaches_who_listens_to_its_number_and_nobody_else() {
    let modem = modem().await;
    let mut own = Listener::open(&modem, "number=15555550123").await;
    let mut second = Listener::open(&modem, "number=15555550123").await;
    let mut other = Listener::open(&modem, "number=15555550124").await;
    for listener in [&mut own, &mut second, &mut other] {
        let head = listener.until(":\n\n").await;
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        assert!(head.contains("access-control-allow-origin: *"), "{head}");
    }
    deliver(&modem, NUMBER, &[0, 7]);
    deliver(&modem, "15555550124", &[0, 8]);
    own.until(&event(7)).await;
    second.until(&event(7)).await;
    assert!(!other.until(&event(8)).await.contains(&event(7)));
}

#[tokio::test]
async fn what_nobody_reads_is_kept_the_newest_256() {
    let modem = modem().await;
    for number in 0..300_u16 {
        deliver(&modem, NUMBER, &[&[0], &number.to_be_bytes()[..]].concat());
    }
    let mut listener = Listener::open(&modem, "number=15555550123").await;
    let text = listener.until("\"00012b\"").await;
    assert_eq!(text.matches("data: ").count(), 256);
    assert!(text.contains("\"00002c\"") && !text.contains("\"00002b\""));
}

#[tokio::test]
async fn what_a_listener_left_is_for_the_next() {
    let modem = modem().await;
    let mut first = Listener::open(&modem, "number=15555550123&delay_ms=60000").await;
    first.until(":\n\n").await;
    deliver(&modem, NUMBER, &[0, 1]);
    deliver(&modem, NUMBER, &[0, 2]);
    drop(first);
    // Whether the next comes before it is noticed that the first has gone, or after.
    let mut next = Listener::open(&modem, "number=15555550123").await;
    assert!(next.until(&event(2)).await.contains(&event(1)));
}

#[tokio::test]
async fn what_is_no_request_for_messages_is_refused() {
    let modem = modem().await;
    for (query, words) in [("", "number"), ("number=+1", "number"), ("number=1&delay_ms=60001", "delay_ms")] {
        let refused = Listener::open(&modem, query).await.until(words).await.to_owned();
        assert!(refused.starts_with("HTTP/1.0 400"), "{refused}");
    }
}
