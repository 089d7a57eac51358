//! The W3C page's third flow, and what a handset may ask for.

use crate::client::{Stream, ask, get};
use crate::house::{House, NUMBER, QUICK, token, until, within};
use http::{Method, StatusCode};
use std::time::{Duration, Instant};

/// Flow 3 of the page, step by step.
#[tokio::test]
async fn flow_3_the_push_server_as_proxy() {
    let house = House::quick().await;
    // 1-3: the client opens the stream by the proxy, which opens it at the server application.
    let mut stream = house.open_as(NUMBER, "/stream", "").await;
    until(|| house.origin.asked_for("/stream") == [None]).await;
    // 4-5: the client listens for pushes, and asks for them.
    let asked = Instant::now();
    let answer = house.act(NUMBER, "activatePush", "/stream", "").await;
    assert_eq!((answer.status, &answer.headers["cache-control"]), (StatusCode::OK, &"no-store".parse().unwrap()));
    let active = answer.json();
    assert_eq!((active["state"].as_str(), active["created"].as_bool()), (Some("active"), Some(true)));
    assert_eq!((active["application"].as_str(), active["port"].as_u64()), (Some("urn:oma:xml:push"), Some(2948)));
    assert!(active["expires"].as_str().unwrap().ends_with('Z') && asked.elapsed() < Duration::from_secs(20));
    // 6-8: events flow by the stream although push is active.
    house.origin.tick("/stream");
    assert_eq!(stream.data(1).await, ["1"]);
    assert_eq!(house.act(NUMBER, "ack", "/stream", "&id=1").await.status, StatusCode::NO_CONTENT);
    within(async { while house.released(NUMBER, "/stream").await != Some(1) {} }).await;
    // 9-10: the client closes the stream; the proxy keeps its own.
    stream.close().await;
    // 11-14: the next event comes by push.
    house.origin.tick("/stream");
    until(|| !house.pushed(NUMBER).is_empty()).await;
    let [event] = &house.pushed(NUMBER)[..] else { panic!("{:?}", house.pushed(NUMBER)) };
    assert_eq!((event.data.as_str(), event.id.as_str()), ("2", "2"));
    // 15-16: the client wants no more.
    let answer = house.act(NUMBER, "deactivatePush", "/stream", "").await.json();
    assert_eq!((answer["state"].as_str(), answer["wasActive"].as_bool()), (Some("inactive"), Some(true)));
    let answer = house.act(NUMBER, "deactivatePush", "/stream", "").await.json();
    assert_eq!((answer["state"].as_str(), answer["wasActive"].as_bool()), (Some("inactive"), Some(false)));
    until(|| house.origin.readers() == 0).await;
    assert_eq!(house.origin.asked_for("/stream"), [None], "one upstream for all of it");
    assert_eq!(house.pushed(NUMBER).len(), 1);
}

/// The timeline of HTML §9.2.8: the browser leaves the origin itself, and no stream was ever relayed.
#[tokio::test]
async fn a_browser_hands_its_connection_over() {
    let house = House::quick().await;
    (0..3).for_each(|_| _ = house.origin.tick("/stream"));
    let path = house.relay("/stream", &format!("&action=activatePush&lastEventId=1&token={}", token(NUMBER)));
    let answer = get(house.http, &path).await;
    assert_eq!((answer.status, answer.json()["lastEventId"].as_str()), (StatusCode::OK, Some("1")));
    until(|| house.pushed(NUMBER).len() == 2).await;
    assert_eq!(house.pushed_data(NUMBER), ["2", "3"]);
    assert_eq!(house.origin.asked_for("/stream"), [Some("1".to_owned())]);
    // Asking again changes nothing.
    let again = get(house.http, &path).await.json();
    assert_eq!((again["created"].as_bool(), again["subscription"].as_str().unwrap().len()), (Some(false), 32));
}

#[tokio::test]
async fn a_form_does_what_a_query_does() {
    let house = House::quick().await;
    house.origin.tick("/stream");
    let form = house.relay("/stream", "&action=activatePush");
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", "Bearer x")];
    let refused = ask(house.http, Method::POST, "/", &headers, form.trim_start_matches("/?")).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let bearer = format!("Bearer {}", token(NUMBER));
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", bearer.as_str())];
    assert_eq!(
        ask(house.http, Method::POST, "/", &headers, form.trim_start_matches("/?")).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_number_is_proven_by_what_a_push_brings_it() {
    let house = House::with(&QUICK.replace("probe = false\n", ""), "").await;
    let answer = house.act(NUMBER, "activatePush", "/stream", "").await;
    assert_eq!((answer.status, answer.json()["state"].as_str()), (StatusCode::ACCEPTED, Some("pending")));
    assert_eq!(answer.json()["confirmWithin"], 300);
    house.origin.tick("/stream");
    until(|| !house.pushed(NUMBER).is_empty()).await;
    let probe = house.pushed(NUMBER).remove(0);
    assert_eq!((probe.event_type.as_str(), probe.data.len()), ("bellwire-probe", 32));
    let confirmed = get(house.http, &format!("/?action=confirm&nonce={}", probe.data)).await;
    let active = confirmed.json();
    assert_eq!((confirmed.status, active["state"].as_str()), (StatusCode::OK, Some("active")));
    assert_eq!(active["subscription"], answer.json()["subscription"]);
    until(|| house.pushed(NUMBER).len() == 2).await;
    assert_eq!(house.pushed_data(NUMBER)[1], "1", "what came meanwhile is not missed");
    let again = get(house.http, &format!("/?action=confirm&nonce={}", probe.data)).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn mode_now_ends_a_stream_that_may_be_dead_and_pushes_at_once() {
    let house = House::with(&QUICK.replace("push_after = \"0s\"", "push_after = \"10m\""), "").await;
    let mut stream = house.open_as(NUMBER, "/stream", "").await;
    assert_eq!(house.act(NUMBER, "activatePush", "/stream", "").await.status, StatusCode::OK);
    house.origin.tick("/stream");
    assert_eq!(stream.data(1).await, ["1"]);
    house.origin.tick("/stream");
    assert_eq!(stream.data(1).await, ["2"], "its client does not say that it has this one");
    let answer = house.act(NUMBER, "activatePush", "/stream", "&mode=now&lastEventId=1").await;
    assert_eq!(answer.status, StatusCode::OK);
    while stream.next().await.is_some() {}
    until(|| !house.pushed(NUMBER).is_empty()).await;
    assert_eq!(house.pushed_data(NUMBER), ["2"], "what it says that it has does not go again");
}

#[tokio::test]
async fn who_comes_back_with_an_id_that_nobody_has_is_still_brought_what_waits() {
    let house =
        House::with(&QUICK.replace("push_after = \"0s\"", "push_after = \"10m\"\ncatch_up_timeout = \"100ms\""), "")
            .await;
    let mut first = house.open_as(NUMBER, "/bare", "").await;
    house.act(NUMBER, "activatePush", "/bare", "").await;
    house.origin.tick("/bare");
    assert_eq!(first.data(1).await, ["1"]);
    first.close().await;
    house.origin.tick("/bare");
    let mut again = house.open_as(NUMBER, "/bare", "~zzz.7").await;
    assert_eq!(again.next().await.unwrap().event_type, "bellwire-gap");
    assert_eq!(again.data(2).await, ["1", "2"]);
}

#[tokio::test]
async fn streams_and_pushes_of_one_handset_do_not_meet_those_of_another() {
    let house = House::quick().await;
    let mut mine = house.open_as(NUMBER, "/stream", "").await;
    house.act(NUMBER, "activatePush", "/stream", "").await;
    house.act("15555550101", "activatePush", "/stream", "").await;
    let _anonymous = Stream::open(house.http, &house.relay("/stream", "")).await;
    house.origin.tick("/stream");
    assert_eq!(mine.data(1).await, ["1"]);
    until(|| house.pushed("15555550101").len() == 1).await;
    assert!(house.pushed(NUMBER).is_empty());
    assert_eq!(house.origin.asked_for("/stream"), [None]);
}

#[tokio::test]
async fn an_id_that_nobody_knows_is_a_gap_on_the_air() {
    let house = House::quick().await;
    let mut live = Stream::open(house.http, &house.relay("/bare", "")).await;
    house.origin.tick("/bare");
    live.data(1).await;
    house.act(NUMBER, "activatePush", "/bare", "&lastEventId=~zzz.5").await;
    house.origin.tick("/bare");
    until(|| house.pushed(NUMBER).len() == 1).await;
    assert_eq!((house.pushed_data(NUMBER), house.gaps_pushed()), (vec!["2".to_owned()], 1));
}
