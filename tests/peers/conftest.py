"""The router between an event source and an SMSC that are not ours, each test with its own."""

import contextlib
import os
import pathlib
import subprocess

import pytest

from handset import Handset
from peer import Peer
from router import Router
from wire import Tap

HERE = pathlib.Path(__file__).parent
ACCOUNT = ("bell", "tower")


def pytest_unconfigure(config):
    """Ends the output with the line that says it all."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter:
        count = lambda *kinds: sum(len(reporter.stats.get(kind, [])) for kind in kinds)
        print(f"{count('passed')} passed, {count('failed', 'error')} failed")


@pytest.fixture
def source():
    """An event source."""
    peer = Peer("node", HERE / "event_source.mjs")
    yield peer
    peer.end()


@pytest.fixture
def centre():
    """An SMSC."""
    peer = Peer("node", HERE / "message_centre.mjs", *ACCOUNT)
    yield peer
    peer.end()


@pytest.fixture
def tap(centre):
    """Hears what router and SMSC say to each other."""
    tap = Tap(centre.port)
    yield tap
    tap.end()


@pytest.fixture
def router(tmp_path, tap):
    """A router whose link is bound."""
    router = Router(os.environ["BELLWIRE"], tmp_path, tap.port, ACCOUNT)
    try:
        yield router.until_ready()
    finally:
        router.end()


@pytest.fixture
def again(tmp_path, tap, router):
    """Starts the router once more, on what it has left."""

    @contextlib.contextmanager
    def start():
        after = Router(os.environ["BELLWIRE"], tmp_path, tap.port, ACCOUNT)
        try:
            yield after.until_ready()
        finally:
            after.end()

    return start


@pytest.fixture
def grpcurl(router):
    """Runs grpcurl against the router: exit code, standard output, standard error."""

    def run(*arguments, request=None):
        options = ["-plaintext", *(["-d", request] if request is not None else [])]
        command = [os.environ["GRPCURL"], *options, router.grpc, *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
        return ended.returncode, ended.stdout, ended.stderr

    return run


@pytest.fixture
def inbox(centre):
    """What the handsets behind the SMSC have, once it has accepted so many submits. One that it took and did not
    answer went on to its handset as well."""

    def look(segments):
        centre.wait("submit", segments, status="ESME_ROK")
        handset = Handset()
        for submit in centre.all("submit"):
            if submit["status"] in ("ESME_ROK", "LOST"):
                handset.take(submit)
        return handset

    return look
