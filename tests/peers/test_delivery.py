"""Events from an event source that is not ours reach handsets behind an SMSC that is not ours."""

from bellwire.control.v1 import policy_pb2
from google.protobuf.duration_pb2 import Duration

from handset import UTF_8, Handset, push
from peer import eventually
from traffic import HANDSET, PATH, activate, plain, send, send_all

EVERYTHING = [
    ("quote", "YHOO\n+2\n10", "1"),
    ("message", "plain", "1"),
    ("message", "", "2"),
    ("message", " a leading blank", "3"),
    ("naïve", "Grüße aus 東京 \N{BELL}\u2028", "4-ü"),
    ("message", "two\n\nparagraphs", "5"),
    ("message", "{\"json\": [1, 2.5, null]}", ""),
]
"""Type, data and last event id of events; an id is not sent again while it stays."""


def test_events_arrive_as_they_were_sent(router, source, inbox):
    activate(router, source)
    last = None
    for kind, data, identifier in EVERYTHING:
        known, last = identifier == last, identifier
        send(source, None if kind == "message" else kind, data, None if known else identifier)
    router.until_total(len(EVERYTHING), "bellwire_events_settled_total", outcome="delivered")
    handset = inbox(router.total("bellwire_segments_total"))
    assert handset.events() == EVERYTHING
    for datagram in handset.datagrams:
        assert (datagram.destination, datagram.ports) == (HANDSET.removeprefix("+"), (2948, 9200))
        arrived = push(datagram.octets)
        assert (arrived.content_type, arrived.charset) == ("text/event-stream", UTF_8)
        assert arrived.application == "urn:oma:xml:push"


def test_every_submit_is_a_binary_message_with_ports(router, source, centre, inbox):
    activate(router, source)
    send_all(source, plain(3))
    router.until_total(3, "bellwire_events_settled_total", outcome="delivered")
    assert centre.all("bind") == [
        {"mode": "bind_transceiver", "known": True, "system_id": "bell", "version": 0x34, "type": ""}
    ]
    for submit in centre.all("submit"):
        assert (submit["esm_class"], submit["data_coding"]) == (0x40, 0x04)
        assert submit["registered_delivery"] == 1
        assert submit["source"] == [3, 1, "12345"]
        assert submit["destination"] == [1, 1, HANDSET.removeprefix("+")]
        assert submit["udh"][-1] == "05040b8423f0"
        assert len(submit["message"]) // 2 + sum(len(element) // 2 for element in submit["udh"]) + 1 <= 140


def test_comments_and_retry_cost_no_push(router, source, centre, inbox):
    activate(router, source)
    send(source, comment="keep alive")
    send(source, retry=150)
    send(source, "only-a-type")
    send(source, data="data", identifier="1", comment="said along")
    router.until_total(1, "bellwire_events_settled_total", outcome="delivered")
    assert inbox(1).events() == [("message", "data", "1")]
    assert len(centre.all("submit")) == 1


def test_a_lost_stream_goes_on_where_it_broke(router, source, inbox):
    activate(router, source)
    before, meanwhile, after = plain(3), plain(2, 3), plain(2, 5)
    send_all(source, before)
    router.until_total(3, "bellwire_events_settled_total", outcome="delivered")
    source.tell("hold", {"path": PATH})
    source.tell("drop", {"path": PATH})
    # There may be more events with the last id, so it asks for what follows the one before, and knows what it had.
    source.wait("refused", path=PATH, lastEventId="1")
    send_all(source, meanwhile)
    source.tell("release", {"path": PATH})
    source.wait("opened", path=PATH, lastEventId="1")
    send_all(source, after)
    router.until_total(7, "bellwire_events_settled_total", outcome="delivered")
    handset = inbox(router.total("bellwire_segments_total"))
    assert handset.events() == before + meanwhile + after
    assert router.total("bellwire_upstream_reconnects_total") >= 1
    assert router.total("bellwire_events_known_again_total") >= 1


def test_an_upstream_is_asked_for_once_however_many_follow_it(router, source, inbox):
    numbers = [f"+49170000000{digit}" for digit in range(1, 6)]
    for number in numbers:
        activate(router, source, to=number)
    send_all(source, plain(4))
    router.until_total(20, "bellwire_events_settled_total", outcome="delivered")
    assert len(source.all("opened")) == 1
    assert source.all("opened")[0]["accept"] == "text/event-stream"
    assert router.total("bellwire_events_received_total", ingress="sse") == 4
    arrived = inbox(router.total("bellwire_segments_total"))
    for number in numbers:
        own = [datagram for datagram in arrived.datagrams if datagram.destination == number.removeprefix("+")]
        assert Handset(own).events() == plain(4)


def test_a_long_event_arrives_in_segments(router, source, inbox):
    activate(router, source)
    long = ("message", "x" * 300, "1")
    send_all(source, [long])
    router.until_total(1, "bellwire_events_settled_total", outcome="delivered")
    handset = inbox(3)
    assert handset.events() == [long]
    assert [datagram.segments for datagram in handset.datagrams] == [3]


def test_events_that_come_together_share_a_push(router, source, inbox):
    activate(router, source, batch_window=Duration(seconds=2), max_events=4)
    send_all(source, plain(4))
    router.until_total(4, "bellwire_events_settled_total", outcome="delivered")
    assert len(inbox(1).datagrams) == 1
    assert inbox(1).events() == plain(4)


def test_what_is_throttled_comes_later_and_in_order(router, source, centre, inbox):
    activate(router, source)
    centre.tell("throttle", 1)
    send_all(source, plain(5))
    router.until_total(5, "bellwire_events_settled_total", outcome="delivered")
    handset = inbox(router.total("bellwire_segments_total") - 1)
    assert handset.events() == plain(5)
    assert len(centre.all("submit", status="ESME_RTHROTTLED")) == 1
    assert router.total("bellwire_segments_answered_total", smsc="centre", verdict="throttled") == 1


def test_a_lost_link_costs_no_event_and_repeats_are_the_same_octets(router, source, centre, inbox):
    activate(router, source)
    send_all(source, plain(2))
    router.until_total(2, "bellwire_events_settled_total", outcome="delivered")
    centre.tell("lose", 1)
    send_all(source, plain(3, 2))
    router.until_total(5, "bellwire_events_settled_total", outcome="delivered")
    handset = inbox(router.total("bellwire_segments_total") - 1)
    assert handset.events() == plain(5)
    assert handset.repeats == len(centre.all("submit", status="LOST")) == 1
    assert router.total("bellwire_resent_total") == 1
    assert len(centre.all("bind", known=True)) == 2


def test_receipts_tell_how_events_end(router, source, centre):
    activate(router, source)
    send_all(source, plain(2))
    router.until_total(2, "bellwire_events_settled_total", outcome="delivered")
    centre.tell("receipts", "UNDELIV")
    send_all(source, plain(3, 2))
    router.until_total(3, "bellwire_events_settled_total", outcome="failed")
    eventually(lambda: len(centre.all("receipt")) == len(centre.all("submit")), "an answer to every receipt")
    assert {receipt["answer"] for receipt in centre.all("receipt")} == {0}
    assert router.total("bellwire_stray_receipts_total") == 0


def test_every_event_ends_once_for_every_subscription(router, source, centre):
    receipts = policy_pb2.RECEIPTS_NONE
    activate(router, source)
    activate(router, source, to="+491700000002", receipts=receipts)
    activate(router, source, to="+491700000003", overflow=policy_pb2.OVERFLOW_DROP)
    activate(router, source, to="+491700000003", path="/other")
    centre.tell("throttle", 2)
    send_all(source, [*plain(10), ("message", "y" * 1000, "long"), *plain(10, 10)])
    send_all(source, plain(5), path="/other")
    router.until_total(3 * 21 + 5, "bellwire_events_settled_total")
    outcomes = ("delivered", "accepted", "dropped")
    ended = {outcome: router.total("bellwire_events_settled_total", outcome=outcome) for outcome in outcomes}
    assert ended == {"delivered": 21 + 20 + 5, "accepted": 21, "dropped": 1}
    assert router.total("bellwire_events_dropped_total", reason="oversize") == 1
    assert router.total("bellwire_events_received_total", ingress="sse") == 21 + 5
    assert router.total("bellwire_resent_total") == 0
    assert router.total("bellwire_window_in_use") == 0
