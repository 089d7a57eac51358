//! Where responses begin and end, told by an origin that means no good.

use super::origin::{Exchange, Origin, chunk};
use super::{Upstream, open, quick};

const EVENT_STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n";
const ENDED: &str = "the origin ended it";

/// An upstream of a fresh origin, and the exchange in which to answer it.
async fn asked() -> (Upstream, Exchange) {
    let origin = Origin::plain().await;
    let upstream = open(quick(), &origin.url("/"));
    let exchange = origin.accept().await;
    (upstream, exchange)
}

/// The data of the events in `response`, and how the stream is lost when the connection ends behind it.
async fn read_of(response: impl AsRef<[u8]>, events: usize) -> (Vec<String>, String) {
    let (mut upstream, mut exchange) = asked().await;
    // The reader may hang up before all was said.
    let _ = exchange.try_say(response).await;
    drop(exchange);
    upstream.opened().await;
    (upstream.data(events).await, upstream.lost().await.0)
}

/// How a stream is lost whose head and body these are, behind an event that came whole.
async fn lost_by(fields: &str, body: &str) -> String {
    let (data, reason) = read_of(format!("{EVENT_STREAM}{fields}\r\n{body}"), 1).await;
    assert_eq!(data, ["whole"], "{fields:?} {body:?}");
    reason
}

#[tokio::test]
async fn a_response_reads_the_same_octet_by_octet() {
    let response = [
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
        EVENT_STREAM,
        "Transfer-Encoding: chunked\r\n\r\n8;a=b\r\ndata: on\r\n4 ; c\r\ne\n\nd\r\n9\r\nata: two\n\r\n001\r\n\n\r\n",
        "0;last\r\nTrailer: x\r\n\r\n",
    ]
    .concat();
    let (mut upstream, mut exchange) = asked().await;
    for octet in response.bytes() {
        exchange.say([octet]).await;
        tokio::task::yield_now().await;
    }
    upstream.opened().await;
    assert_eq!(upstream.data(2).await, ["one", "two"]);
    assert_eq!(upstream.lost().await.0, ENDED);
    assert_eq!(read_of(response, 2).await, (vec!["one".to_owned(), "two".to_owned()], ENDED.to_owned()));
}

#[tokio::test]
async fn chunks_of_one_octet_are_a_stream() {
    let chunks: String = "data: 0123456789\n\n".repeat(200).chars().map(|octet| chunk(&octet.to_string())).collect();
    let (data, reason) =
        read_of(format!("{EVENT_STREAM}Transfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"), 200).await;
    assert!(data.iter().all(|data| data == "0123456789"));
    assert_eq!(reason, ENDED);
}

#[tokio::test]
async fn a_chunk_may_be_larger_than_any_buffer() {
    let event = format!("data: {}\n\n", "x".repeat(1000));
    let chunks = [chunk(&event.repeat(500)), chunk(&event.repeat(500)), "0\r\n\r\n".to_owned()].concat();
    let (data, reason) = read_of(format!("{EVENT_STREAM}Transfer-Encoding: chunked\r\n\r\n{chunks}"), 1000).await;
    assert!(data.len() == 1000 && data.iter().all(|data| data.len() == 1000));
    assert_eq!(reason, ENDED);
}

#[tokio::test]
async fn a_body_ends_with_its_length_its_last_chunk_or_its_connection() {
    let event = "data: whole\n\n";
    let behind = "HTTP/1.1 200 OK\r\n\r\ndata: smuggled\n\n";
    assert_eq!(lost_by("", event).await, ENDED);
    assert_eq!(lost_by("Content-Length: 13\r\n", &format!("{event}{behind}")).await, ENDED);
    assert_eq!(lost_by("Content-Length: 13, 13\r\n", event).await, ENDED);
    assert_eq!(lost_by("Transfer-Encoding: chunked\r\n", &format!("{}0\r\n\r\n{behind}", chunk(event))).await, ENDED);
    let both = "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n";
    assert_eq!(lost_by(both, &format!("{}0\r\n\r\n", chunk(event))).await, ENDED);
    let (mut upstream, mut exchange) = asked().await;
    exchange.say("HTTP/1.0 200\r\ncontent-type:text/event-stream\r\n\r\ndata: old\n\n").await;
    upstream.opened().await;
    assert_eq!(upstream.data(1).await, ["old"]);
    drop(exchange);
    assert_eq!(upstream.lost().await.0, ENDED);
}

#[tokio::test]
async fn an_empty_body_ends_while_its_connection_is_open() {
    for (fields, body) in [("Content-Length: 0\r\n", ""), ("Transfer-Encoding: chunked\r\n", "0\r\n\r\n")] {
        let (mut upstream, mut exchange) = asked().await;
        exchange.say(format!("{EVENT_STREAM}{fields}\r\n{body}")).await;
        upstream.opened().await;
        assert_eq!(upstream.lost().await.0, ENDED);
        exchange.closed().await;
    }
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_broken_and_not_complete() {
    let whole = chunk("data: whole\n\n");
    for cut in ["", "5", "5\r\n", "5\r\nab", "1\r\nx\r", "0\r\n", "0\r\nTrailer: x\r\n", "ffffffffffffffff\r\nid: 1\n"]
    {
        let reason = lost_by("Transfer-Encoding: chunked\r\n", &format!("{whole}{cut}")).await;
        assert_eq!(reason, "closed before the last chunk", "{cut:?}");
    }
    let reason = lost_by("Content-Length: 18446744073709551615\r\n", "data: whole\n\n").await;
    assert_eq!(reason, "closed 18446744073709551602 octets before the end of the body");
}

#[tokio::test]
async fn a_body_that_is_no_chunks_is_broken_behind_what_was() {
    let whole = chunk("data: whole\n\n");
    for (body, why) in [
        ("-1\r\nx", "octet 0x2d in the size of a chunk"),
        ("\r\n", "octet 0x0d in the size of a chunk"),
        ("10000000000000000\r\n", "a chunk of 2^64 octets or more"),
        ("3\r\nabcd", "octet 0x64 behind the data of a chunk"),
        ("3\nabc\r\n", "octet 0x0a in the size of a chunk"),
        ("3;x\nabc\r\n", "octet 0x0a where a line should end with CR LF"),
        ("HTTP/1.1 200 OK\r\n\r\n", "octet 0x48 in the size of a chunk"),
        (&format!("1;{}", "x".repeat(10_000)), "more than 4096 octets in the first line of a chunk"),
        (&format!("0\r\n{}", "x: y\r\n".repeat(10_000)), "more than 16384 octets of trailers"),
    ] {
        let reason = lost_by("Transfer-Encoding: chunked\r\n", &format!("{whole}{body}")).await;
        assert_eq!(reason, format!("malformed body: {why}"));
    }
}

#[tokio::test]
async fn a_head_that_cannot_be_relied_on_is_no_response() {
    for (head, why) in [
        (format!("{EVENT_STREAM}Content-Length: 1\r\nContent-Length: 2\r\n\r\n"), "content length \"1, 2\""),
        (format!("{EVENT_STREAM}Content-Length: -1\r\n\r\n"), "content length \"-1\""),
        (
            format!("{EVENT_STREAM}Transfer-Encoding: gzip, chunked\r\n\r\n"),
            "transfer coding \"gzip, chunked\" was not asked for",
        ),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(), "a transfer coding in HTTP/1.0"),
        (format!("{EVENT_STREAM}A: b\r\n c\r\n\r\n"), "malformed head: invalid header name"),
        (format!("{EVENT_STREAM}A : b\r\n\r\n"), "malformed head: invalid header name"),
        ("HTTP/2.0 200 OK\r\n\r\n".to_owned(), "malformed head: invalid HTTP version"),
        ("HTTP/1.1 200 O".to_owned(), "closed after 14 octets of the head"),
        (format!("{EVENT_STREAM}{}\r\n", "A: b\r\n".repeat(200)), "malformed head: too many headers"),
        ("HTTP/1.1 100 Continue\r\n\r\n".repeat(4000), "a head of more than 65536 octets"),
    ] {
        let (mut upstream, mut exchange) = asked().await;
        // The reader may hang up before all was said.
        let _ = exchange.try_say(&head).await;
        drop(exchange);
        assert_eq!(upstream.lost().await.0, format!("no response: {why}"));
    }
}

#[tokio::test]
async fn a_protocol_nobody_asked_for_ends_the_stream() {
    let (mut upstream, mut exchange) = asked().await;
    exchange.say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n").await;
    assert_eq!(upstream.ended().await, "status 101 Switching Protocols");
}
