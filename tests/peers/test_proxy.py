"""Streams that the proxy relays, read by clients that are not ours."""

import pathlib
import subprocess
import urllib.parse
import urllib.request

import sseclient
from peer import LIMIT, Lines, eventually
from traffic import PATH, plain, send, send_all

HERE = pathlib.Path(__file__).parent


def relayed(router, source, path=PATH, **more):
    """The proxy's URL for a stream of the source."""
    query = {"eventsource": f"http://127.0.0.1:{source.port}{path}", **more}
    return f"http://{router.http}/?{urllib.parse.urlencode(query)}"


def running(*command):
    """A client, and the lines that it writes."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    return process, Lines(process.stdout, command[0])


def test_an_event_source_of_npm_reads_and_comes_back(router, source):
    process, lines = running("node", HERE / "stream_reader.mjs", relayed(router, source), "trade")
    try:
        lines.wait(lambda line: "open" in line)
        events = [*plain(3), ("trade", "YHOO\n+2\n10", "3")]
        send_all(source, events)
        seen = lambda count: [
            tuple(line["event"][name] for name in ("type", "data", "lastEventId"))
            for line in lines.wait(lambda line: "event" in line, count)
        ]
        assert seen(4) == events
        # The origin goes away and comes again; the reader's own stream does not notice.
        source.tell("drop", {"path": PATH})
        source.wait("opened", 2, path=PATH)
        send_all(source, plain(2, 4))
        assert seen(6) == [*events, *plain(2, 4)]
    finally:
        process.kill()
        process.wait()


def test_an_event_source_of_npm_hears_that_there_is_no_stream(router, source):
    url = f"http://{router.http}/?eventsource=relative"
    process, lines = running("node", HERE / "stream_reader.mjs", url)
    try:
        [failed] = lines.wait(lambda line: "error" in line)
        assert failed["error"] == {"code": 400, "state": 2}
    finally:
        process.kill()
        process.wait()


def test_curl_reads_what_the_origin_wrote(router, source):
    process, lines = running("curl", "--silent", "--no-buffer", "--include", relayed(router, source))
    try:
        lines.wait(lambda line: line.get("text", "").lower().startswith("content-type: text/event-stream"))
        send(source, "trade", "YHOO\n+2\n10", "7")
        text = lambda: "\n".join(line.get("text", "") for line in lines.select(lambda line: True))
        block = "id:7\nevent:trade\ndata:YHOO\ndata:+2\ndata:10\n"
        eventually(lambda: block in text().replace(": ", ":"), "the event")
    finally:
        process.kill()
        process.wait()


def test_a_python_client_goes_on_behind_what_it_had(router, source):
    with urllib.request.urlopen(relayed(router, source), timeout=LIMIT) as response:
        send_all(source, plain(5))
        events = sseclient.SSEClient(response).events()
        first = [next(events) for _ in range(3)]
    assert [(event.event, event.data, event.id) for event in first] == plain(3)
    request = urllib.request.Request(relayed(router, source), headers={"Last-Event-ID": first[-1].id})
    with urllib.request.urlopen(request, timeout=LIMIT) as response:
        events = sseclient.SSEClient(response).events()
        rest = [next(events) for _ in range(2)]
    assert [(event.event, event.data, event.id) for event in rest] == plain(2, 3)
    assert len(source.all("opened", path=PATH)) == 1
