//! Streams as their readers see them.

use crate::client::{Stream, encoded, get};
use crate::house::{House, until};
use http::StatusCode;

#[tokio::test]
async fn a_stream_comes_as_its_origin_writes_it() {
    let house = House::quick().await;
    house
        .origin
        .write("/stream", ": a comment\nretry: 2500\nevent: trade\nid: a b\ndata: YHOO\ndata: +2\ndata: 10\n\n");
    let mut stream = Stream::open(house.http, &house.relay("/stream", "")).await;
    for (name, value) in
        [("content-type", "text/event-stream"), ("cache-control", "no-store"), ("x-accel-buffering", "no")]
    {
        assert_eq!(stream.headers[name], value);
    }
    let event = stream.next().await.unwrap();
    assert_eq!((event.event_type.as_str(), event.data.as_str(), event.id.as_str()), ("trade", "YHOO\n+2\n10", "a b"));
    house.origin.write("/stream", "data: x\n\n");
    let event = stream.next().await.unwrap();
    assert_eq!((event.event_type.as_str(), event.id.as_str()), ("message", "a b"), "an id stays in force");
    assert!(stream.text.contains("retry: 2500\n"), "{}", stream.text);
}

#[tokio::test]
async fn one_upstream_serves_all_and_a_new_reader_gets_what_comes() {
    let house = House::quick().await;
    house.origin.tick("/stream");
    let mut first = Stream::open(house.http, &house.relay("/stream", "")).await;
    assert_eq!(first.data(1).await, ["1"]);
    let mut second = Stream::open(house.http, &house.relay("/stream", "")).await;
    let mut third = Stream::open(house.http, &house.relay("/stream", "&lastEventId=0")).await;
    house.origin.tick("/stream");
    assert_eq!((first.data(1).await, second.data(1).await), (vec!["2".to_owned()], vec!["2".to_owned()]));
    // Nobody has event 0, so the origin is asked once more for this one.
    assert_eq!(third.data(2).await, ["1", "2"]);
    assert_eq!(house.origin.asked_for("/stream"), [None, Some("0".to_owned())]);
}

#[tokio::test]
async fn who_comes_back_gets_what_he_missed() {
    let house = House::quick().await;
    let mut keeps = Stream::open(house.http, &house.relay("/stream", "")).await;
    (0..5).for_each(|_| _ = house.origin.tick("/stream"));
    keeps.data(5).await;
    let by_query = house.relay("/stream", "&lastEventId=3");
    assert_eq!(Stream::open(house.http, &by_query).await.data(2).await, ["4", "5"]);
    let header = [("last-event-id", "4")];
    let mut by_header = Stream::try_open(house.http, &by_query, &header).await.ok().unwrap();
    assert_eq!(by_header.data(1).await, ["5"], "what a browser says last counts");
    assert_eq!(house.origin.asked().len(), 1);
    keeps.close().await;
}

#[tokio::test]
async fn events_without_ids_get_ids_that_never_go_to_the_origin() {
    let house = House::quick().await;
    let mut first = Stream::open(house.http, &house.relay("/bare", "")).await;
    (0..3).for_each(|_| _ = house.origin.tick("/bare"));
    let (one, _two, three) = (first.next().await.unwrap(), first.next().await, first.next().await.unwrap());
    assert!(one.id.starts_with('~') && one.id.ends_with(".0") && three.id.ends_with(".2"), "{} {}", one.id, three.id);
    let mut again =
        Stream::open(house.http, &house.relay("/bare", &format!("&lastEventId={}", encoded(&one.id)))).await;
    assert_eq!(again.data(2).await, ["2", "3"]);
    // Where the origin's stream breaks off, nobody knows what was missed, and every reader is told so.
    house.origin.cut();
    until(|| house.origin.asked_for("/bare").len() == 2).await;
    house.origin.tick("/bare");
    let gap = again.next().await.unwrap();
    assert_eq!(gap.event_type, "bellwire-gap");
    let four = again.next().await.unwrap();
    let epoch = |id: &str| id.split('.').next().map(str::to_owned);
    assert!(four.data == "4" && four.id.ends_with(".3") && epoch(&four.id) != epoch(&three.id), "{}", four.id);
    assert_eq!(house.origin.asked_for("/bare"), [None, None]);
    let stale = house.relay("/bare", "&lastEventId=~zzz.1");
    let gap = Stream::open(house.http, &stale).await.next().await.unwrap();
    assert_eq!(gap.event_type, "bellwire-gap");
    assert_eq!(house.origin.asked_for("/bare").len(), 2, "an id of ours means nothing to an origin");
}

#[tokio::test]
async fn what_the_log_no_longer_has_is_fetched_for_one_reader_alone_and_joined() {
    let house =
        House::with(&format!("{}[upstream]\nmax_event = 1024\nlog_octets = 2048\n", crate::house::QUICK), "").await;
    let mut live = Stream::open(house.http, &house.relay("/stream", "")).await;
    for number in 1..=40 {
        house.origin.write("/stream", &format!("id: {number}\ndata: {number} {}\n\n", "x".repeat(50)));
        live.next().await.unwrap();
    }
    let mut late = Stream::open(house.http, &house.relay("/stream", "&lastEventId=2")).await;
    let numbers = |data: Vec<String>| -> Vec<usize> {
        data.iter().map(|one| one.split(' ').next().unwrap().parse().unwrap()).collect()
    };
    assert_eq!(numbers(late.data(38).await), (3..=40).collect::<Vec<_>>());
    house.origin.write("/stream", "id: 41\ndata: 41\n\n");
    assert_eq!((numbers(late.data(1).await), numbers(live.data(1).await)), (vec![41], vec![41]));
    assert_eq!(house.origin.asked_for("/stream"), [None, Some("2".to_owned())]);
}

#[tokio::test]
async fn what_nobody_has_any_more_is_a_gap_that_is_seen() {
    let more = format!("{}[upstream]\nmax_event = 1024\nlog_octets = 2048\n", crate::house::QUICK)
        .replace("[relay]\n", "[relay]\ncatch_up_timeout = \"100ms\"\n");
    let house = House::with(&more, "").await;
    let mut live = Stream::open(house.http, &house.relay("/bare", "")).await;
    for number in 1..=40 {
        house.origin.write("/bare", &format!("id: {number}\ndata: {number} {}\n\n", "x".repeat(50)));
        live.next().await.unwrap();
    }
    house.origin.set_down(true);
    let mut late = Stream::open(house.http, &house.relay("/bare", "&lastEventId=2")).await;
    let gap = late.next().await.unwrap();
    assert_eq!(gap.event_type, "bellwire-gap");
    assert!(gap.data.contains("nobody has"), "{}", gap.data);
    house.origin.write("/bare", "id: 41\ndata: 41\n\n");
    assert_eq!(late.data(1).await, ["41"]);
}

#[tokio::test]
async fn what_an_origin_refuses_its_reader_hears() {
    let house = House::quick().await;
    for (path, status, words) in [
        ("/status/404", 502, "404"),
        ("/status/401", 502, "401"),
        ("/status/503", 502, "503"),
        ("/plain", 502, "text/plain"),
    ] {
        let refused = get(house.http, &house.relay(path, "")).await;
        assert_eq!(refused.status.as_u16(), status, "{path} {}", refused.body);
        assert!(refused.json()["detail"].as_str().unwrap().contains(words), "{}", refused.body);
        let refused = house.act(crate::house::NUMBER, "activatePush", path, "").await;
        assert_eq!(refused.status.as_u16(), status, "{path} {}", refused.body);
    }
    let no_more = get(house.http, &house.relay("/status/204", "")).await;
    assert_eq!((no_more.status, no_more.body.as_str()), (StatusCode::NO_CONTENT, ""));
    let again = get(house.http, &house.relay("/status/204", "")).await;
    assert_eq!((again.status, house.origin.asked_for("/status/204").len()), (StatusCode::NO_CONTENT, 2));
}

#[tokio::test]
async fn a_quiet_stream_says_that_it_is_there_and_one_of_an_origin_that_is_away_waits() {
    let more = crate::house::QUICK.replace("[relay]\n", "[relay]\nheartbeat = \"1s\"\nopen_timeout = \"100ms\"\n");
    let house = House::with(&more, "").await;
    house.origin.set_down(true);
    let mut stream = Stream::open(house.http, &house.relay("/stream", "")).await;
    house.origin.tick("/stream");
    house.origin.set_down(false);
    assert_eq!(stream.data(1).await, ["1"]);
    let quiet = async {
        while stream.text.matches(":\n\n").count() < 3 {
            let _ = tokio::time::timeout(std::time::Duration::from_millis(50), stream.next()).await;
        }
    };
    crate::house::within(quiet).await;
}

#[tokio::test]
async fn the_library_is_served() {
    let house = House::quick().await;
    let library = get(house.http, "/client/bellwire.js").await;
    assert!(library.status == StatusCode::OK && library.body.contains("ConnectionlessEventSource"));
    assert_eq!(library.headers["content-type"], "text/javascript; charset=utf-8");
}
