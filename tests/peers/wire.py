"""Listens in between router and SMSC, and has tshark read what it heard."""

import contextlib
import json
import socket
import subprocess
import threading

SMPP_PORT = 2775


class Tap:
    """Passes octets on between whoever connects and `port`, and remembers the PDUs in order."""

    def __init__(self, port):
        self._heard = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._target = port
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                near.close()
                continue
            for direction, source, sink in (("O", near, far), ("I", far, near)):
                threading.Thread(target=self._pass, args=(direction, source, sink), daemon=True).start()

    def _pass(self, direction, source, sink):
        rest = b""
        try:
            while octets := source.recv(65536):
                rest = self._note(direction, rest + octets)
                sink.sendall(octets)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            # One side is gone without a goodbye: so is the other, now.
            for end in (source, sink):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _note(self, direction, octets):
        """Notes every whole PDU at the beginning of `octets`: its first four are its length (SMPP v3.4 §3.2)."""
        while len(octets) >= 4 and len(octets) >= (length := int.from_bytes(octets[:4], "big")):
            with self._lock:
                self._heard.append((direction, octets[:length]))
            octets = octets[length:]
        return octets

    def heard(self):
        """What was heard so far: ("O" from the router or "I" to it, octets) for each PDU."""
        with self._lock:
            return list(self._heard)

    def numbers(self, direction, command_id):
        """The sequence numbers of all PDUs so far of one kind."""
        header = lambda octets: tuple(int.from_bytes(octets[at : at + 4], "big") for at in (4, 12))
        heard = [header(octets) for way, octets in self.heard() if way == direction]
        return [number for command, number in heard if command == command_id]

    def end(self):
        """Takes no new connections."""
        self._listener.close()

    def capture(self, folder):
        """Writes what was heard as a capture of one packet for each PDU, and returns where."""
        text, capture = folder / "session.txt", folder / "session.pcap"
        text.write_text("".join(_dump(direction, pdu) for direction, pdu in self.heard()))
        subprocess.run(
            ["text2pcap", "-q", "-D", "-T", f"{SMPP_PORT},40000", text, capture],
            check=True,
            capture_output=True,
            timeout=60,
        )
        return capture


def _dump(direction, octets):
    lines = (f"{at:06x} {octets[at : at + 16].hex(' ')}\n" for at in range(0, len(octets), 16))
    return f"{direction}\n{''.join(lines)}\n"


def dissect(capture, display_filter):
    """What tshark says about the packets that the filter lets through: one tree of fields each, by protocol."""
    command = ["tshark", "-r", capture, "-d", f"tcp.port=={SMPP_PORT},smpp", "-Y", display_filter, "-T", "json"]
    read = subprocess.run([*command, "--no-duplicate-keys"], check=True, capture_output=True, text=True, timeout=120)
    return [packet["_source"]["layers"] for packet in json.loads(read.stdout)]
