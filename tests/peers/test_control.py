"""Control clients that are not ours: Python grpcio, and grpcurl by server reflection."""

import json
import queue
import threading

import grpc
import pytest
from bellwire.control.v1 import activation_pb2, control_pb2, publication_pb2, smsc_pb2, source_pb2, subscription_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from peer import eventually
from traffic import HANDSET, PATH, activate

CONTROL = "bellwire.control.v1.Control"
SMSC = "bellwire.control.v1.Smsc"
FEED = source_pb2.Source(feed="news")
NOBODY = "0" * 32


def violations(error):
    """The paths of the wrong fields that a BadRequest names."""
    details = error_details_pb2.BadRequest()
    assert rpc_status.from_call(error).details[0].Unpack(details)
    return sorted(violation.field for violation in details.field_violations)


def follow(router):
    """Activates a subscription to a feed."""
    return router.control.Activate(activation_pb2.ActivateRequest(to=HANDSET, source=FEED), timeout=10).subscription


class Publisher:
    """An open Publish stream."""

    def __init__(self, router):
        self._requests = queue.Queue()
        self.answers = router.control.Publish(iter(self._requests.get, None), timeout=30)

    def publish(self, identifier, *events, source=FEED):
        """Sends a publication and returns the first answer to it."""
        events = [publication_pb2.Event(data=data) for data in events]
        request = control_pb2.PublishRequest(publish_id=identifier, source=source, events=events)
        self._requests.put(request)
        return next(self.answers)

    def end(self):
        """Says that there is no more, and returns what is still answered."""
        self._requests.put(None)
        return list(self.answers)


def test_health_is_served(router, grpcurl):
    health = health_pb2_grpc.HealthStub(router.channel)
    answer = health.Check(health_pb2.HealthCheckRequest(), timeout=10)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    code, printed, _ = grpcurl("grpc.health.v1.Health/Check", request="{}")
    assert (code, json.loads(printed)) == (0, {"status": "SERVING"})


def test_reflection_tells_every_service(grpcurl):
    code, printed, _ = grpcurl("list")
    assert code == 0
    assert {CONTROL, SMSC, "grpc.health.v1.Health"} <= set(printed.split())
    code, printed, _ = grpcurl("describe", CONTROL)
    assert code == 0
    assert "rpc Publish ( stream .bellwire.control.v1.PublishRequest )" in printed


def test_what_one_client_activates_the_other_sees(router, source, grpcurl):
    url = f"http://127.0.0.1:{source.port}{PATH}"
    request = {"to": HANDSET, "source": {"url": url}, "policy": {"batchWindow": "1.5s", "maxSegments": 2}}
    code, printed, _ = grpcurl(f"{CONTROL}/Activate", request=json.dumps(request))
    activated = json.loads(printed)
    assert (code, activated["created"]) == (0, True)
    source.wait("opened")

    listed = router.control.ListSubscriptions(control_pb2.ListSubscriptionsRequest(), timeout=10)
    assert listed.next_page_token == ""
    (subscription,) = listed.subscriptions
    assert subscription.id == activated["subscription"]["id"]
    assert (subscription.tenant, subscription.to, subscription.source.url) == ("default", HANDSET, url)
    assert (subscription.policy.batch_window, subscription.policy.max_segments) == (
        Duration(seconds=1, nanos=500_000_000),
        2,
    )
    again = router.control.Activate(activation_pb2.ActivateRequest(to=HANDSET, source=subscription.source), timeout=10)
    assert (again.created, again.subscription.id) == (False, subscription.id)
    shown = router.control.GetSubscription(control_pb2.GetSubscriptionRequest(id=subscription.id), timeout=10)
    assert shown.subscription.id == subscription.id
    code, printed, _ = grpcurl(f"{CONTROL}/Deactivate", request=json.dumps({"id": subscription.id}))
    assert (code, json.loads(printed)["subscription"]["id"]) == (0, subscription.id)
    source.wait("closed")


def test_a_list_comes_page_by_page(router):
    numbers = [f"+49170000000{digit}" for digit in range(5)]
    for number in numbers:
        router.control.Activate(activation_pb2.ActivateRequest(to=number, source=FEED), timeout=10)
    request, pages = control_pb2.ListSubscriptionsRequest(page_size=2), []
    while not pages or request.page_token:
        page = router.control.ListSubscriptions(request, timeout=10)
        pages.append([subscription.to for subscription in page.subscriptions])
        request.page_token = page.next_page_token
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(sum(pages, [])) == numbers


def test_a_watcher_sees_every_change(router, source):
    watch, seen = control_pb2.WatchSubscriptionsResponse, []
    here = follow(router)
    changes = router.control.WatchSubscriptions(
        control_pb2.WatchSubscriptionsRequest(include_current=True), timeout=30
    )

    def reader():
        with pytest.raises(grpc.RpcError) as ended:
            for change in changes:
                seen.append((change.change, change.subscription))
        assert ended.value.code() == grpc.StatusCode.CANCELLED

    thread = threading.Thread(target=reader)
    thread.start()
    eventually(lambda: seen, "the current list")
    assert (seen[0][0], seen[0][1].id) == (watch.CHANGE_CURRENT, here.id)
    there = activate(router, source)
    has = lambda change, status: any(
        (kind, subscription.id, subscription.status) == (change, there.id, status) for kind, subscription in seen
    )
    status = subscription_pb2.Subscription
    eventually(lambda: has(watch.CHANGE_ACTIVATED, status.STATUS_CONNECTING), "activation")
    eventually(lambda: has(watch.CHANGE_STATUS, status.STATUS_ACTIVE), "an open stream")
    source.tell("hold", {"path": PATH})
    source.tell("drop", {"path": PATH})
    eventually(lambda: has(watch.CHANGE_STATUS, status.STATUS_WAITING), "a lost stream")
    router.control.Deactivate(control_pb2.DeactivateRequest(id=there.id), timeout=10)
    eventually(lambda: seen[-1][0] == watch.CHANGE_DEACTIVATED, "deactivation")
    changes.cancel()
    thread.join(10)
    assert not thread.is_alive()


def test_wrong_fields_are_named(router, grpcurl):
    request = activation_pb2.ActivateRequest(
        tenant="UPPER",
        to="12",
        source=source_pb2.Source(url="ftp://example.com/", credential="none-such"),
        last_event_id="a\nb",
    )
    request.policy.ttl.CopyFrom(Duration(nanos=5))
    request.policy.max_segments = 256
    request.policy.order = 9
    with pytest.raises(grpc.RpcError) as refused:
        router.control.Activate(request, timeout=10)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    wrong = ["last_event_id", "policy.max_segments", "policy.order", "policy.ttl", "source.credential", "source.url"]
    assert violations(refused.value) == [*wrong, "tenant", "to"]

    code, _, complaint = grpcurl(f"{CONTROL}/Activate", request='{"to": "12"}')
    assert code == 64 + grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert "google.rpc.BadRequest" in complaint
    assert '"field": "to"' in complaint and '"field": "source"' in complaint


@pytest.mark.parametrize("name", ["GetSubscription", "Deactivate"])
def test_an_unknown_subscription_is_not_found(router, name):
    call, request = getattr(router.control, name), getattr(control_pb2, f"{name}Request")
    with pytest.raises(grpc.RpcError) as refused:
        call(request(id=NOBODY), timeout=10)
    assert refused.value.code() == grpc.StatusCode.NOT_FOUND
    with pytest.raises(grpc.RpcError) as refused:
        call(request(id="short"), timeout=10)
    assert violations(refused.value) == ["id"]


def test_what_is_published_arrives_and_is_released(router, inbox):
    follow(router)
    publisher = Publisher(router)
    answer = publisher.publish("one", "first", "second\nline")
    assert (answer.publish_id, answer.taken.subscriptions, answer.taken.repeated) == ("one", 1, False)
    released = next(publisher.answers)
    assert (released.publish_id, released.released.accepted + released.released.delivered) == ("one", 2)
    again = publisher.publish("one", "first", "second\nline")
    assert (again.taken.repeated, again.taken.first_sequence) == (True, answer.taken.first_sequence)
    assert [later.WhichOneof("answer") for later in publisher.end()] == ["released"]
    router.until_total(2, "bellwire_events_settled_total", outcome="delivered")
    assert router.total("bellwire_events_received_total", ingress="grpc") == 2
    assert [data for _, data, _ in inbox(router.total("bellwire_segments_total")).events()] == ["first", "second\nline"]


def test_a_rejected_publication_does_not_end_the_stream(router):
    follow(router)
    publisher = Publisher(router)
    unknown = publisher.publish("unknown", "data", source=source_pb2.Source(feed="nobody-follows"))
    assert (unknown.publish_id, unknown.rejected.code) == ("unknown", grpc.StatusCode.NOT_FOUND.value[0])
    empty = publisher.publish("empty")
    assert empty.rejected.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert [violation.field for violation in empty.rejected.violations] == ["events"]
    assert publisher.publish("good", "data").taken.subscriptions == 1
    assert [answer.publish_id for answer in publisher.end()] == ["good"]


def test_grpcurl_publishes(router, grpcurl, inbox):
    follow(router)
    request = {"publishId": "p", "source": {"feed": "news"}, "events": [{"type": "t", "data": "d", "id": "i"}]}
    code, printed, _ = grpcurl(f"{CONTROL}/Publish", request=json.dumps(request))
    assert code == 0
    assert '"taken"' in printed and '"released"' in printed
    assert inbox(1).events() == [("t", "d", "i")]


def test_a_drained_link_takes_nothing_until_it_is_resumed(router, grpcurl, centre, inbox):
    state = smsc_pb2.Link
    links = lambda: router.smsc.ListLinks(smsc_pb2.ListLinksRequest(), timeout=10).links
    (link,) = links()
    assert (link.smsc, link.index, link.mode, link.state) == ("centre", 0, state.MODE_TRANSCEIVER, state.STATE_BOUND)
    follow(router)
    drained = router.smsc.DrainLink(smsc_pb2.DrainLinkRequest(smsc="centre"), timeout=10)
    assert drained.link.state == state.STATE_DRAINING
    publisher = Publisher(router)
    assert publisher.publish("late", "data").taken.subscriptions == 1
    assert centre.all("submit") == []
    code, printed, _ = grpcurl(f"{SMSC}/ResumeLink", request='{"smsc": "centre"}')
    assert (code, json.loads(printed)["link"]["state"]) == (0, "STATE_BOUND")
    assert [answer.WhichOneof("answer") for answer in publisher.end()] == ["released"]
    assert [data for _, data, _ in inbox(1).events()] == ["data"]
    with pytest.raises(grpc.RpcError) as refused:
        router.smsc.DrainLink(smsc_pb2.DrainLinkRequest(smsc="nowhere"), timeout=10)
    assert refused.value.code() == grpc.StatusCode.NOT_FOUND
