"""The SMSCs that are not ours: how each is started, and what it does in a way of its own.

All are told the same by JSON lines and tell the same (message_centre.mjs says what), so one scenario fits them all.
docs/INTEROP.md has the table that follows from this.
"""

import os
import pathlib
import sys
from dataclasses import dataclass

HERE = pathlib.Path(__file__).parent
BUILT = pathlib.Path(os.environ["PEERS"])
JAVA = BUILT / "java"

GONE = "hangs up"


@dataclass(frozen=True)
class Kind:
    """An SMSC."""

    name: str
    command: tuple
    message_ids: str
    """Its ids in submit_sm_resp, as a regular expression."""
    receipt_id: str
    """Its ids in receipts, likewise."""
    receipt_text: bool
    """Whether a receipt says it in text."""
    receipt_tlvs: bool
    """Whether a receipt has receipted_message_id and message_state."""
    receipt_first: bool
    """Whether a receipt comes before the response that has its id."""
    version: int | None
    """sc_interface_version in the response to a bind."""
    answers: dict
    """What comes back for a request (REQUESTS of the test has them): command and status each, GONE when it hangs up,
    and nothing if it says nothing."""


NPM = Kind(
    name="npm-smpp",
    command=("node", HERE / "message_centre.mjs"),
    message_ids=r"[0-9a-f]{8}",
    receipt_id=r"[0-9a-f]{8}",
    receipt_text=True,
    receipt_tlvs=True,
    receipt_first=False,
    version=None,
    answers={
        "enquire_link before the bind": [(0x8000_0015, 0x00)],
        "submit_sm before the bind": [(0x8000_0004, 0x00)],
        "a second bind": [(0x8000_0009, 0x00)],
        "an unknown request": [],
    },
)
TWISTED = Kind(
    name="smpp.twisted3",
    command=(sys.executable, HERE / "message_centre.py"),
    message_ids=r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    receipt_id=r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    receipt_text=False,
    receipt_tlvs=True,
    receipt_first=False,
    version=None,
    answers={
        "enquire_link before the bind": [(0x8000_0015, 0x04)],
        "submit_sm before the bind": [(0x8000_0004, 0x04), GONE],
        "a second bind": [(0x8000_0009, 0x05)],
        "an unknown request": [(0x8000_0000, 0x03), GONE],
    },
)
JSMPP = Kind(
    name="jSMPP",
    command=("java", "-XX:TieredStopAtLevel=1", "-cp", f"{JAVA}/classes:{JAVA}/lib/*", "MessageCentre"),
    message_ids=r"[0-9a-f]{1,8}",
    receipt_id=r"[0-9]{1,10}",
    receipt_text=True,
    receipt_tlvs=False,
    receipt_first=False,
    version=0x34,
    answers={
        "enquire_link before the bind": [(0x8000_0015, 0x00)],
        "submit_sm before the bind": [GONE],
        "a second bind": [(0x8000_0009, 0x05)],
        "an unknown request": [(0x8000_0000, 0x03)],
    },
)
GO = Kind(
    name="go-smpp",
    command=(BUILT / "go" / "message_centre",),
    message_ids=r"[0-9]{10}",
    receipt_id=r"[0-9]{10}",
    receipt_text=True,
    receipt_tlvs=False,
    receipt_first=True,
    version=None,
    answers={
        "enquire_link before the bind": [GONE],
        "submit_sm before the bind": [GONE],
        "a second bind": [],
        "an unknown request": [GONE],
    },
)

ALL = [NPM, TWISTED, JSMPP, GO]
