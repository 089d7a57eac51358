"""A small receiver of pushes that shares no code with the router: what a handset would make of the segments.

TS 23.040 §9.2.3.24 (user data header), WAP-230 §8.2.4 and §8.4 (push), HTML §9.2.6 (event streams).
"""

from collections import deque
from dataclasses import dataclass, field

CONCATENATION_8, CONCATENATION_16, PORTS_16 = 0x00, 0x08, 0x05
PUSH = 0x06
UTF_8 = 0xEA
X_WAP_APPLICATION_ID = 0x2F


@dataclass
class Datagram:
    """Segments put together again."""

    destination: str
    ports: tuple
    segments: int
    octets: bytes


@dataclass
class Push:
    """What a push says."""

    transaction: int
    content_type: str
    charset: int
    application: str | None
    body: bytes


@dataclass
class Handset:
    """Puts segments together and reads the pushes in them, in the order in which they become whole.

    A segment that is octet for octet one of the last 256 is a repeat: transaction and reference do not come back so
    soon.
    """

    datagrams: list = field(default_factory=list)
    repeats: int = 0
    _parts: dict = field(default_factory=dict)
    _recent: deque = field(default_factory=lambda: deque(maxlen=256))

    def take(self, submit):
        """Takes a submit_sm as the SMSC tells it."""
        segment = (submit["destination"][2], *submit["udh"], submit["message"])
        if segment in self._recent:
            self.repeats += 1
            return
        self._recent.append(segment)
        elements = dict(_element(bytes.fromhex(text)) for text in submit["udh"])
        body = bytes.fromhex(submit["message"])
        ports = elements.get(PORTS_16, b"")
        ports = tuple(int.from_bytes(ports[at : at + 2], "big") for at in (0, 2))
        reference, total, number = _concatenation(elements)
        key = (submit["destination"][2], submit["source"][2], reference, total)
        parts = self._parts.setdefault(key, {})
        parts[number] = body
        if len(parts) == total:
            octets = b"".join(parts[number] for number in range(1, total + 1))
            self.datagrams.append(Datagram(submit["destination"][2], ports, total, octets))
            del self._parts[key]

    def events(self):
        """The events of all pushes, in order."""
        return [event for datagram in self.datagrams for event in events(push(datagram.octets).body)]


def _element(octets):
    identifier, length = octets[0], octets[1]
    assert len(octets) == 2 + length, f"information element {octets.hex()}"
    return identifier, octets[2:]


def _concatenation(elements):
    if CONCATENATION_8 in elements:
        reference, total, number = elements[CONCATENATION_8]
    elif CONCATENATION_16 in elements:
        high, low, total, number = elements[CONCATENATION_16]
        reference = high << 8 | low
    else:
        return None, 1, 1
    assert 1 <= number <= total
    return reference, total, number


def push(octets):
    """Reads a connectionless push."""
    transaction, kind = octets[0], octets[1]
    assert kind == PUSH, f"PDU type {kind:#x}"
    length, at = _uintvar(octets, 2)
    headers, body = octets[at : at + length], octets[at + length :]
    content_type, charset, at = _content_type(headers)
    return Push(transaction, content_type, charset, _application(headers[at:]), body)


def _uintvar(octets, at):
    value = 0
    while True:
        value = value << 7 | octets[at] & 0x7F
        at += 1
        if not octets[at - 1] & 0x80:
            return value, at


def _text(octets, at):
    end = octets.index(0, at)
    return octets[at:end].decode("ascii"), end + 1


def _content_type(headers):
    """General form: a length up to 30, the media type as text, charset as a short integer after 0x81."""
    length = headers[0]
    assert length <= 30, f"content type begins with {length:#x}"
    value = headers[1 : 1 + length]
    media, at = _text(value, 0)
    assert value[at] == 0x81, f"parameter {value[at]:#x}"
    return media, value[at + 1], 1 + length


def _application(headers):
    if not headers:
        return None
    assert headers[0] == 0x80 | X_WAP_APPLICATION_ID, f"header {headers[0]:#x}"
    text, at = _text(headers, 1)
    assert at == len(headers), f"more headers: {headers[at:].hex()}"
    return text


def events(body):
    """What an EventSource would dispatch of a stream: (type, data, last event id) each."""
    dispatched, kind, data, last_id = [], "", [], ""
    for line in body.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                dispatched.append((kind or "message", "\n".join(data), last_id))
            kind, data = "", []
        elif name == "event":
            kind = value
        elif name == "data":
            data.append(value)
        elif name == "id" and "\0" not in value:
            last_id = value
    return dispatched
