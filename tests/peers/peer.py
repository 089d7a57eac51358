"""A child process that speaks JSON lines: commands go in, facts come out."""

import json
import subprocess
import threading
import time

LIMIT = 15.0
"""Seconds after which a wait is over: far longer than anything here takes."""


def eventually(look, what, limit=LIMIT):
    """What `look` returns as soon as that is true."""
    deadline = time.monotonic() + limit
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"{what}: not within {limit} s"
        time.sleep(0.02)


class Lines:
    """The lines that a stream has brought so far, each read as JSON; what is none is kept as text."""

    def __init__(self, stream, name):
        self.name = name
        self.all = []
        self._changed = threading.Condition()
        self._ended = False
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream):
        for line in stream:
            try:
                fact = json.loads(line)
            except ValueError:
                fact = {"text": line.rstrip("\n")}
            with self._changed:
                self.all.append(fact)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def select(self, wanted):
        """All lines so far that are `wanted`."""
        with self._changed:
            return [line for line in self.all if wanted(line)]

    def wait(self, wanted, count=1, limit=LIMIT):
        """The first `count` lines that are `wanted`, once they are there."""
        with self._changed:
            found = lambda: [line for line in self.all if wanted(line)]
            self._changed.wait_for(lambda: self._ended or len(found()) >= count, limit)
            lines = found()
            assert len(lines) >= count, f"{self.name}: {len(lines)} of {count} lines came; last of all: {self.all[-5:]}"
            return lines[:count]


class Peer:
    """A server in a process of its own."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.facts = Lines(self.process.stdout, command[1])
        self.port = self.wait("listening")["listening"]
        self._done = 0

    def wait(self, kind, count=1, **wanted):
        """The fact of this kind and with these values that is number `count`, once it is there."""
        return self.facts.wait(lambda fact: _is(fact, kind, wanted), count)[-1]

    def all(self, kind, **wanted):
        """All facts of this kind and with these values so far."""
        return [fact[kind] for fact in self.facts.select(lambda fact: _is(fact, kind, wanted))]

    def tell(self, command, parameter):
        """Has a command carried out."""
        self.process.stdin.write(json.dumps({command: parameter}) + "\n")
        self.process.stdin.flush()
        self._done += 1
        self.facts.wait(lambda fact: "done" in fact, self._done)

    def end(self):
        """Ends the process, which it does when its input ends, or is made to."""
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _is(fact, kind, wanted):
    return kind in fact and all(fact[kind].get(key) == value for key, value in wanted.items())
