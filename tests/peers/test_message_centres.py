"""One scenario with every SMSC that is not ours: binds, pushes, receipts, throttling, a lost connection, unbinding."""

import os
import re
import socket

import pytest

from centres import ALL, GONE, JSMPP
from conftest import ACCOUNT
from handset import Handset
from peer import LIMIT, Peer, eventually
from router import Router
from traffic import activate, plain, send_all

SUBMIT_SM, DELIVER_SM, UNBIND, ENQUIRE_LINK, BIND_TRANSCEIVER = 0x04, 0x05, 0x06, 0x15, 0x09
RESPONSE = 0x8000_0000
NUMBERS = [f"+49170000000{digit}" for digit in range(1, 5)]
SHORT = plain(5)
LONG = [("message", f"{number}" * 300, str(number)) for number in range(5, 10)]
SEGMENTS = len(NUMBERS) * (len(SHORT) + 3 * len(LONG))
LINKS = {"transceiver": ["bind_transceiver"], "split": ["bind_receiver", "bind_transmitter"]}


@pytest.fixture(params=ALL, ids=lambda kind: kind.name)
def kind(request):
    """Each of them."""
    return request.param


@pytest.fixture
def centre(kind):
    """It runs."""
    peer = Peer(*kind.command, *ACCOUNT)
    yield peer
    peer.end()


@pytest.fixture
def binds(request):
    """How the router binds."""
    return getattr(request, "param", "transceiver")


@pytest.fixture
def more(request):
    """What else its configuration says of the SMSC."""
    return getattr(request, "param", "")


@pytest.fixture
def router(tmp_path, tap, centre, binds, more):
    """A router whose links are all bound, and that asks every second whether they live."""
    said = f'bind = "{binds}"\nenquire_link = "1s"\n{more}'
    router = Router(os.environ["BELLWIRE"], tmp_path, tap.port, ACCOUNT, said)
    try:
        router.until_ready()
        centre.wait("bind", len(LINKS[binds]), known=True)
        yield router
    finally:
        router.end()


@pytest.mark.parametrize("binds", LINKS, indirect=True)
def test_pushes_arrive_and_their_receipts_find_them(router, source, centre, tap, inbox, kind, binds):
    for number in NUMBERS:
        activate(router, source, to=number, max_events=1)
    send_all(source, SHORT + LONG)
    router.until_total(len(NUMBERS) * 10, "bellwire_events_settled_total", limit=30)
    assert router.total("bellwire_events_settled_total", outcome="delivered") == len(NUMBERS) * 10
    arrived = inbox(SEGMENTS)
    for number in NUMBERS:
        own = [datagram for datagram in arrived.datagrams if datagram.destination == number.removeprefix("+")]
        assert Handset(own).events() == SHORT + LONG
        assert [datagram.segments for datagram in own] == [1] * len(SHORT) + [3] * len(LONG)

    ids = [submit["message_id"] for submit in centre.all("submit")]
    assert len(set(ids)) == SEGMENTS
    assert all(re.fullmatch(kind.message_ids, message_id) for message_id in ids)
    centre.wait("receipt", SEGMENTS, answer=0)
    assert router.total("bellwire_stray_receipts_total") == 0
    receipts_are_of_that_kind(tap, kind)
    if binds == "transceiver":
        assert receipt_comes_first(tap) == kind.receipt_first

    assert sorted(bind["mode"] for bind in centre.all("bind")) == LINKS[binds]
    assert router.stop() == 0
    centre.wait("closed", len(LINKS[binds]))
    assert len(centre.all("unbind")) == len(LINKS[binds])
    assert sorted(tap.numbers("I", UNBIND | RESPONSE)) == sorted(tap.numbers("O", UNBIND))
    assert centre.all("broken") == []


def receipts_are_of_that_kind(tap, kind):
    """The receipts on the wire are as docs/INTEROP.md says."""
    heard = [(way, int.from_bytes(octets[4:8], "big"), octets) for way, octets in tap.heard()]
    receipts = [octets for way, command, octets in heard if (way, command) == ("I", DELIVER_SM)]
    assert len(receipts) == SEGMENTS
    assert all((rb"stat:DELIVRD" in receipt) == kind.receipt_text for receipt in receipts)
    # receipted_message_id and message_state (SMPP v3.4 §5.3.2.12 and §5.3.2.35).
    assert all((b"\x04\x27\x00\x01\x02" in receipt) == kind.receipt_tlvs for receipt in receipts)
    before = rb"id:" if kind.receipt_text else rb"\x00\x1e\x00."
    found = [re.search(before + rb"([0-9A-Za-z-]+)", receipt, re.DOTALL)[1].decode() for receipt in receipts]
    assert all(re.fullmatch(kind.receipt_id, message_id) for message_id in found)


def receipt_comes_first(tap):
    """Whether the first receipt is before the first response; on two connections that is by chance."""
    commands = [int.from_bytes(octets[4:8], "big") for way, octets in tap.heard() if way == "I"]
    return commands.index(DELIVER_SM) < commands.index(SUBMIT_SM | RESPONSE)


def test_nothing_is_lost_to_throttling_or_a_lost_connection(router, source, centre, tap, inbox):
    activate(router, source, max_events=1)
    centre.tell("throttle", 1)
    send_all(source, plain(5))
    router.until_total(5, "bellwire_events_settled_total", outcome="delivered")
    assert len(centre.all("submit", status="ESME_RTHROTTLED")) == 1
    assert router.total("bellwire_segments_answered_total", smsc="centre", verdict="throttled") == 1

    centre.tell("lose", 1)
    send_all(source, plain(5, 5))
    router.until_total(10, "bellwire_events_settled_total", outcome="delivered")
    handset = inbox(router.total("bellwire_segments_total") - 2)
    assert handset.events() == plain(10)
    assert handset.repeats == len(centre.all("submit", status="LOST")) == 1
    assert router.total("bellwire_resent_total") == 1
    assert len(centre.all("bind", known=True)) == 2

    centre.tell("enquire", 1)
    for asks, answers in (("O", "I"), ("I", "O")):
        eventually(lambda: tap.numbers(asks, ENQUIRE_LINK), f"enquire_link {asks}")
        asked = tap.numbers(asks, ENQUIRE_LINK)
        eventually(lambda: set(asked) <= set(tap.numbers(answers, ENQUIRE_LINK | RESPONSE)), f"an answer {answers}")
    assert len(centre.all("bind")) == 2


@pytest.mark.parametrize("kind", [JSMPP], indirect=True, ids=lambda kind: kind.name)
@pytest.mark.parametrize("more", ["window = 400"], indirect=True)
def test_a_queue_that_overflows_at_the_smsc_costs_nothing(router, source, centre, inbox, more):
    numbers = [f"+4917000001{digits}" for digits in range(100, 400)]
    for number in numbers:
        activate(router, source, to=number)
    # The library itself throttles what does not fit into its queue of a hundred.
    send_all(source, plain(1))
    router.until_total(len(numbers), "bellwire_events_settled_total", limit=60, outcome="delivered")
    assert router.total("bellwire_segments_answered_total", verdict="throttled") > 0
    assert len(centre.all("submit")) == len(numbers)
    arrived = inbox(len(numbers))
    assert sorted(datagram.destination for datagram in arrived.datagrams) == [n.removeprefix("+") for n in numbers]


class Caller:
    """Says to an SMSC what a router does not."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=LIMIT)
        self._input = self._socket.makefile("rb")
        self._number = 0

    def end(self):
        """Hangs up."""
        self._input.close()
        self._socket.close()

    def say(self, command, body=b""):
        """Sends a PDU."""
        self._number += 1
        fields = (16 + len(body), command, 0, self._number)
        self._socket.sendall(b"".join(field.to_bytes(4, "big") for field in fields) + body)

    def hear(self):
        """The next PDU as command and status, and its body; GONE when the SMSC has hung up."""
        try:
            length = int.from_bytes(self._input.read(4), "big")
            octets = self._input.read(length - 4) if length else b""
        except ConnectionResetError:
            octets = b""
        if not octets:
            return GONE, b""
        return tuple(int.from_bytes(octets[at : at + 4], "big") for at in (0, 4)), octets[12:]

    def bind(self):
        """Binds, and returns the body of the response."""
        self.say(BIND_TRANSCEIVER, ANY_BIND)
        answer, body = self.hear()
        assert answer == (BIND_TRANSCEIVER | RESPONSE, 0)
        return body


@pytest.fixture
def caller(centre):
    """Calls the SMSC."""
    calls = []

    def call():
        calls.append(Caller(centre.port))
        return calls[-1]

    yield call
    for one in calls:
        one.end()


ANY_SUBMIT = b"\0\1\1\x31\0\1\1\x32\0\0\0\0\0\0\0\0\4\0\1x"
ANY_BIND = b"".join(word.encode() + b"\0" for word in ACCOUNT) + b"\0\x34\0\0\0"
REQUESTS = {
    "enquire_link before the bind": (False, ENQUIRE_LINK, b""),
    "submit_sm before the bind": (False, SUBMIT_SM, ANY_SUBMIT),
    "a second bind": (True, BIND_TRANSCEIVER, ANY_BIND),
    "an unknown request": (True, 0x0000_01FF, b""),
}
"""Whether it comes after a bind, its command and its body."""


def test_what_each_does_differently_is_known(caller, kind):
    for name, (bound, command, body) in REQUESTS.items():
        call = caller()
        if bound:
            # sc_interface_version (SMPP v3.4 §5.3.2.25).
            version = call.bind().partition(b"\x02\x10\0\1")[2]
            assert version == (b"" if kind.version is None else bytes([kind.version]))
        call.say(command, body)
        expected = kind.answers[name]
        if not expected:
            # Whether there is silence shows in what comes next.
            call.say(ENQUIRE_LINK)
            expected = [(ENQUIRE_LINK | RESPONSE, 0)]
        assert [call.hear()[0] for _ in expected] == expected, name
