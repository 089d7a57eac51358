//! What is not understood, not believed or not allowed: each has its status and its reason, and nothing is asked of an
//! origin for it.

use crate::client::{Answer, Stream, ask, encoded, get};
use crate::house::{House, NUMBER, QUICK, SECRET, token, token_with, unix_seconds};
use http::{Method, StatusCode};
use serde_json::json;

fn problem(answer: &Answer) -> (u16, String, String) {
    assert_eq!(answer.headers["content-type"], "application/problem+json", "{}", answer.body);
    let body = answer.json();
    assert_eq!(body["status"], answer.status.as_u16());
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (answer.status.as_u16(), text("field"), text("detail"))
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_and_goes_no_further() {
    let house = House::quick().await;
    let long = format!("http://example.com/{}", "x".repeat(2048));
    let own = encoded(&house.origin.url("/stream"));
    for (path, status, field, words) in [
        ("/".to_owned(), 400, "eventsource", "required"),
        ("/?eventsource=".to_owned(), 400, "eventsource", "required"),
        ("/?eventsource=%2Fevents".to_owned(), 400, "eventsource", "not an absolute URL"),
        ("/?eventsource=file%3A%2F%2F%2Fetc%2Fpasswd".to_owned(), 400, "eventsource", "file"),
        ("/?eventsource=http%3A%2F%2Fme%3Aword%40example.com".to_owned(), 400, "eventsource", "user name"),
        (format!("/?eventsource={}", encoded(&long)), 400, "eventsource", "exceeds 2048"),
        (format!("/?eventsource={own}&eventsource={own}"), 400, "eventsource", "twice"),
        (format!("/?action=explode&eventsource={own}"), 400, "action", "explode"),
        (format!("/?eventsource={own}&lastEventId=a%0Ab"), 400, "lastEventId", "LF"),
        (format!("/?action=activatePush&mode=then&eventsource={own}"), 400, "mode", "then"),
        (format!("/?action=activatePush&eventsource={own}"), 401, "", "token"),
        (format!("/?action=deactivatePush&eventsource={own}"), 401, "", "token"),
        (format!("/?action=ack&id=1&eventsource={own}"), 401, "", "token"),
        ("/?action=confirm&nonce=feed".to_owned(), 404, "nonce", "no activation waits"),
        (
            format!("/?action=activatePush&application=a%20b&eventsource={own}&token={}", token(NUMBER)),
            400,
            "application",
            "a b",
        ),
        ("/elsewhere".to_owned(), 404, "", "nothing here"),
    ] {
        let answer = get(house.http, &path).await;
        let (found, of, detail) = problem(&answer);
        assert_eq!((found, of.as_str()), (status, field), "{path}: {detail}");
        assert!(detail.contains(words), "{path}: {detail}");
        assert_eq!(answer.headers["cache-control"], "no-store");
    }
    assert_eq!(house.origin.asked(), [], "nothing was asked of the origin");
    assert!(house.metric("bellwire_proxy_refused_total{blame=\"client\"}") >= 16);
    let put = ask(house.http, Method::PUT, "/", &[], "").await;
    assert_eq!((put.status.as_u16(), put.headers["allow"].to_str().unwrap()), (405, "GET, POST, OPTIONS"));
    let form = ask(house.http, Method::POST, "/", &[("content-type", "text/plain")], "eventsource=x").await;
    assert_eq!(problem(&form).0, 415);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(problem(&ask(house.http, Method::POST, "/", &form, &"x".repeat(20_000)).await).0, 413);
}

#[tokio::test]
async fn who_is_not_who_he_says_gets_nothing() {
    let house = House::quick().await;
    let (now, hour) = (unix_seconds(), 3600);
    let claims = |number: &str, audience: &str, expires: u64| json!({ "sub": number, "aud": audience, "exp": expires });
    for (what, token, words) in [
        (
            "forged",
            token_with(claims(NUMBER, "proxy", now + hour), &"f".repeat(16).repeat(2).replace("ff", "fa")),
            "signature",
        ),
        ("expired", token_with(claims(NUMBER, "proxy", now - hour), SECRET), "expired"),
        ("for another", token_with(claims(NUMBER, "shop", now + hour), SECRET), "audience"),
        ("of nobody", token_with(claims("somebody", "proxy", now + hour), SECRET), "sub"),
        ("no token", "no.token.atall".to_owned(), ""),
    ] {
        for action in ["", "&action=activatePush", "&action=deactivatePush"] {
            let answer = get(house.http, &house.relay("/stream", &format!("{action}&token={token}"))).await;
            let (status, _, detail) = problem(&answer);
            assert_eq!(status, 401, "{what}{action}");
            assert!(detail.contains(words), "{what}: {detail}");
            assert!(
                !answer.body.contains(&token)
                    && answer.headers["www-authenticate"].to_str().unwrap().contains("invalid_token")
            );
        }
    }
    assert_eq!(house.origin.asked(), []);
}

#[tokio::test]
async fn a_header_of_the_gateway_is_believed_from_the_gateway_only() {
    let gateway = |from: &str| format!("{QUICK}[access.gateway]\nheader = \"x-msisdn\"\nfrom = [\"{from}\"]\n");
    let outside = House::with(&gateway("10.0.0.0/8"), "").await;
    let activate = |house: &House| house.relay("/stream", "&action=activatePush");
    let header = [("x-msisdn", NUMBER)];
    let spoofed = ask(outside.http, Method::GET, &activate(&outside), &header, "").await;
    assert_eq!(problem(&spoofed).0, 401);
    assert!(outside.metric("bellwire_spoofed_headers_total") > 0 && outside.origin.asked().is_empty());
    let inside = House::with(&gateway("127.0.0.0/8"), "").await;
    inside.origin.tick("/stream");
    let known = ask(inside.http, Method::GET, &activate(&inside), &header, "").await;
    assert_eq!((known.status, known.json()["state"].as_str()), (StatusCode::OK, Some("active")));
}

#[tokio::test]
async fn numbers_and_sources_that_are_not_wanted_are_refused() {
    let more = format!(
        "{}sources = [\"http://*:1\"]\nsuppressed = [\"+15555550199\"]\n[access.token]\naudience = \"proxy\"\n",
        QUICK.replace("[access.token]\naudience = \"proxy\"\n", "")
    );
    let house = House::with(&more, "").await;
    let refused = house.act(NUMBER, "activatePush", "/stream", "").await;
    assert_eq!(problem(&refused).0, 403);
    assert!(problem(&refused).2.contains("scheme, host and port"));
    let house = House::with(&more.replace("sources = [\"http://*:1\"]\n", ""), "").await;
    assert_eq!(problem(&house.act("15555550199", "activatePush", "/stream", "").await).0, 403);
    assert_eq!(problem(&house.act("336123456789", "activatePush", "/stream", "").await).0, 403);
    assert_eq!(house.origin.asked(), []);
    assert_eq!(house.act(NUMBER, "activatePush", "/stream", "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn one_client_has_so_much_and_no_more() {
    let more = format!("{QUICK}[http]\nstreams_per_client = 2\nrequests_per_minute = 20\n");
    let house = House::with(&more, "").await;
    house.origin.tick("/stream");
    let first = Stream::open(house.http, &house.relay("/stream", "")).await;
    let _second = Stream::open(house.http, &house.relay("/stream", "")).await;
    let third = Stream::try_open(house.http, &house.relay("/stream", ""), &[]).await.err().unwrap();
    assert_eq!((third.status.as_u16(), third.headers.contains_key("retry-after")), (429, true));
    let _other = house.open_as(NUMBER, "/stream", "").await;
    first.close().await;
    let again = async {
        while Stream::try_open(house.http, &house.relay("/stream", ""), &[]).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    crate::house::within(again).await;
    for _ in 0..19 {
        assert_eq!(house.act(NUMBER, "deactivatePush", "/stream", "").await.status, StatusCode::OK);
    }
    let refused = house.act(NUMBER, "deactivatePush", "/stream", "").await;
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!(problem(&refused).0 == 429 && (1..=3).contains(&wait), "{wait}");
}

#[tokio::test]
async fn pages_of_other_origins_may_ask_and_read_and_only_some_with_cookies() {
    let more = QUICK.replace("[access]\n", "[access]\norigins = [\"https://app.example\"]\n");
    let house = House::with(&more, "").await;
    house.origin.tick("/stream");
    let path = house.relay("/stream", "&action=activatePush");
    let preflight = ask(house.http, Method::OPTIONS, "/", &[("origin", "https://any.example")], "").await;
    let allowed = preflight.headers["access-control-allow-headers"].to_str().unwrap();
    assert!(preflight.status == 204 && allowed.contains("last-event-id") && allowed.contains("authorization"));
    let cookie = format!("bellwire_token={}", token(NUMBER));
    let from = |origin: &'static str| [("origin", origin), ("cookie", cookie.as_str())];
    let foreign = ask(house.http, Method::GET, &path, &from("https://any.example"), "").await;
    assert_eq!((problem(&foreign).0, &foreign.headers["access-control-allow-origin"]), (401, &"*".parse().unwrap()));
    let own = ask(house.http, Method::GET, &path, &from("https://app.example"), "").await;
    assert_eq!(own.status, StatusCode::OK);
    assert_eq!(own.headers["access-control-allow-origin"], "https://app.example");
    assert_eq!(own.headers["access-control-allow-credentials"], "true");
    assert!(!house.origin.asked().iter().any(|asked| asked.cookie), "a client's cookies are not the origin's");
}

#[tokio::test]
async fn anonymous_streams_can_be_forbidden() {
    let more = QUICK.replace("[access]\n", "[access]\nanonymous_relay = false\n");
    let house = House::with(&more, "").await;
    house.origin.tick("/stream");
    let refused = get(house.http, &house.relay("/stream", "")).await;
    assert_eq!((problem(&refused).0, house.origin.asked()), (401, vec![]));
    assert_eq!(house.open_as(NUMBER, "/stream", "").await.data(1).await, ["1"]);
}
