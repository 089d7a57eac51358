"""`bellwire serve` between its peers."""

import re
import signal
import subprocess
import urllib.error
import urllib.request

import grpc
from bellwire.control.v1 import control_pb2_grpc, smsc_pb2_grpc

from peer import LIMIT, Lines, eventually

CONFIG = """\
[node]
data_dir = "{data_dir}"
[http]
listen = "127.0.0.1:0"

[grpc]
listen = "127.0.0.1:0"

[ops]
listen = "127.0.0.1:0"
ready_requires_link = true

[access]
allow_private_sources = true

[budgets]
handset_per_minute = 0
handset_per_day = 0
source_per_minute = 0
source_per_day = 0
tenant_per_minute = 0
tenant_per_day = 0

[[smsc]]
name = "centre"
address = "127.0.0.1:{smsc_port}"
system_id = "{system_id}"
password = "{password}"
source_address = "12345"
{more}
"""


class Router:
    """A running router; `more` is what else its configuration says of the SMSC."""

    def __init__(self, binary, folder, smsc_port, account, more=""):
        system_id, password = account
        config = folder / "bellwire.toml"
        config.write_text(
            CONFIG.format(
                data_dir=folder / "data", smsc_port=smsc_port, system_id=system_id, password=password, more=more
            )
        )
        self.process = subprocess.Popen(
            [binary, "--log-format", "json", "--log", "info,bellwire=debug", "serve", "--config", str(config)],
            stderr=subprocess.PIPE,
            text=True,
        )
        self.log = Lines(self.process.stderr, "bellwire")
        try:
            started, _ = self.logged("router started")
        except AssertionError:
            self.process.kill()
            raise
        self.grpc = started["grpc"]
        self.ops = started["ops"]
        self.http = started["http"]
        self.channel = grpc.insecure_channel(self.grpc)
        self.control = control_pb2_grpc.ControlStub(self.channel)
        self.smsc = smsc_pb2_grpc.SmscStub(self.channel)

    def logged(self, message):
        """The first log line whose message begins so, once it is there, and how many there are."""
        begins = lambda line: line.get("message", "").startswith(message)
        self.log.wait(begins)
        lines = self.log.select(begins)
        return lines[0], len(lines)

    def until_ready(self):
        """Waits until a link is bound."""
        eventually(lambda: self._get("/health/ready") is not None, "a bound link")
        return self

    def metrics(self):
        """All counters and gauges, by name and labels as they are written."""
        lines = self._get("/metrics").splitlines()
        samples = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, value in samples}

    def total(self, name, **labels):
        """The sum of the samples of `name` that have these labels."""
        wanted = {f'{key}="{value}"' for key, value in labels.items()}
        total = 0
        for sample, value in self.metrics().items():
            found = re.fullmatch(rf"{name}(?:\{{(.*)\}})?", sample)
            if found and wanted <= set((found[1] or "").split(",")):
                total += int(value)
        return total

    def until_total(self, expected, name, limit=LIMIT, **labels):
        """Waits until the sum of those samples is `expected`."""
        eventually(lambda: self.total(name, **labels) >= expected, f"{name} {labels} of {expected}", limit)
        assert self.total(name, **labels) == expected, f"{name} {labels}"

    def stop(self):
        """Tells it to stop and returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(LIMIT)

    def end(self):
        """Leaves nothing behind."""
        self.channel.close()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _get(self, path):
        try:
            with urllib.request.urlopen(f"http://{self.ops}{path}", timeout=LIMIT) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError:
            return None
