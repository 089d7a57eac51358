"""What the tests are about: subscriptions, and events that go to them."""

from bellwire.control.v1 import activation_pb2, policy_pb2, source_pb2

HANDSET = "+491700000001"
PATH = "/ticker"


def activate(router, source, to=HANDSET, path=PATH, **policy):
    """Activates a subscription and waits until the source knows of it."""
    opened = len(source.all("opened", path=path))
    request = activation_pb2.ActivateRequest(
        to=to,
        source=source_pb2.Source(url=f"http://127.0.0.1:{source.port}{path}"),
        policy=policy_pb2.Policy(**policy),
    )
    answer = router.control.Activate(request, timeout=10)
    if not opened:
        source.wait("opened", path=path)
    return answer.subscription


def send(source, kind=None, data=None, identifier=None, path=PATH, **more):
    """Has the source send an event."""
    block = {"path": path, "type": kind, "data": data, "id": identifier, **more}
    source.tell("send", {name: value for name, value in block.items() if value is not None})


def plain(count, begin=0):
    """Short events, and what is to arrive of them."""
    return [("message", f"event {number}", str(number)) for number in range(begin, begin + count)]


def send_all(source, events, path=PATH):
    """Has the source send events."""
    for kind, data, identifier in events:
        send(source, None if kind == "message" else kind, data, identifier, path)
