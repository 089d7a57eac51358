"""tshark understands what goes over the wire."""

from handset import events
from traffic import HANDSET, activate, plain, send_all
from wire import dissect

LONG = ("message", "x" * 300, "7")
SENT = [*plain(4), LONG]
SEGMENTS = 4 + 3


def session(router, source, tap, folder):
    """A whole session as a capture: four short events one by one, a long one, and the end."""
    activate(router, source)
    for count, event in enumerate(SENT, start=1):
        send_all(source, [event])
        router.until_total(count, "bellwire_events_settled_total", outcome="delivered")
    assert router.stop() == 0
    return tap.capture(folder)


def octets(text):
    """The octets that tshark writes as 0a:0b."""
    return bytes.fromhex(text.replace(":", ""))


def test_tshark_reads_the_session(router, source, tap, tmp_path):
    capture = session(router, source, tap, tmp_path)
    assert dissect(capture, "_ws.malformed") == []
    assert dissect(capture, "_ws.expert.severity == error && !tcp.analysis.flags") == []

    submits = dissect(capture, "smpp.command_id == 0x00000004")
    assert len(submits) == SEGMENTS
    for submit in submits:
        short_message = submit["smpp"]
        assert short_message["smpp.destination_addr"] == HANDSET.removeprefix("+")
        assert short_message["smpp.esm.submit.features"] == "0x01"
        assert short_message["smpp.data_coding"] == "0x04"
        assert int(short_message["smpp.sm_length"]) <= 140
        assert 3590 < float(short_message["smpp.validity_period_r"]) <= 3600
        assert ports(submit) == ("2948", "9200")

    commands = [packet["smpp"]["smpp.command_id"] for packet in dissect(capture, "smpp")]
    assert commands[:2] == ["0x00000009", "0x80000009"]
    assert commands[-2:] == ["0x00000006", "0x80000006"]
    for request, response in (("0x00000004", "0x80000004"), ("0x00000005", "0x80000005")):
        assert commands.count(request) == commands.count(response) == SEGMENTS


def test_tshark_reads_every_push(router, source, tap, tmp_path):
    capture = session(router, source, tap, tmp_path)
    pushes = dissect(capture, "wsp")
    for packet in pushes:
        assert packet["wsp"]["wsp.pdu_type"] == "0x06"
        assert packet["wsp"]["wsp.header.content_type"] == "text/event-stream"
        assert packet["wsp"]["wsp.header.content_type_tree"]["wsp.parameter.charset"] == "UTF-8"
        assert packet["wsp"]["wsp.headers"]["wsp.header.x_wap_application_id"] == "urn:oma:xml:push"
    bodies = [octets(packet["media"]["media.type"]) for packet in pushes]
    assert [event for body in bodies for event in events(body)] == SENT
    assert bodies[0] == b"id:0\ndata:event 0\n\n"
    assert len({packet["wsp"]["wsp.TID"] for packet in pushes}) == len(pushes)

    whole = pushes[-1]["gsm_sms_ud"]["gsm_sms_ud.fragments"]
    assert whole["gsm_sms_ud.fragment.count"] == "3"
    assert int(whole["gsm_sms_ud.reassembled.length"]) == 2 + 1 + 39 + len(bodies[-1])


def ports(submit):
    """Destination and source port of a segment."""
    elements = submit["gsm_sms_ud"]["User-Data Header"]
    element = next(value for name, value in elements.items() if "16 bit address" in name)
    return element["gsm_sms.destination_port"], element["gsm_sms.originator_port"]
