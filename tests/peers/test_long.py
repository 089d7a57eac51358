"""Minutes of traffic with lost streams, lost links and throttling, as a seed decides."""

import os
import random
import time

import pytest

from handset import Handset
from traffic import activate, send

SENTENCES = ["bell", "Glocke", "колокол", "鐘", "two\nlines", "{\"json\": null}", "🔔"]


@pytest.mark.long
def test_nothing_is_lost_whatever_happens(router, source, centre, inbox):
    seed, minutes = int(os.environ.get("SEED", "1")), float(os.environ.get("MINUTES", "1"))
    dice, numbers = random.Random(seed), [f"+49170000000{digit}" for digit in range(3)]
    for number in numbers:
        activate(router, source, to=number)
    sent, deadline = [], time.monotonic() + 60 * minutes
    while time.monotonic() < deadline:
        for _ in range(dice.randint(1, 20)):
            event = ("message", " ".join(dice.choices(SENTENCES, k=dice.randint(1, 20))), str(len(sent)))
            sent.append(event)
            send(source, None, event[1], event[2])
        misfortune(dice, source, centre)
        # Keeps at most a burst in the house, so that nothing lives to its end.
        router.until_total(len(sent), "bellwire_events_received_total")
        router.until_total(3 * len(sent), "bellwire_events_settled_total", limit=120)
    arrived = inbox(1)
    for number in numbers:
        own = [datagram for datagram in arrived.datagrams if datagram.destination == number.removeprefix("+")]
        assert Handset(own).events() == sent
    resent = router.total("bellwire_resent_total")
    assert arrived.repeats <= resent
    assert router.stop() == 0
    print(f"seed {seed}, {minutes} min: {len(sent)} events for {len(numbers)} handsets, {resent} segments resent, "
          f"{router_binds(centre)} binds, {len(source.all('opened'))} streams")


def misfortune(dice, source, centre):
    """Now and then something goes wrong."""
    kind = dice.choices(["nothing", "drop", "throttle", "lose"], weights=[70, 10, 15, 5])[0]
    if kind == "drop":
        source.tell("drop", {"path": "/ticker"})
    elif kind != "nothing":
        centre.tell(kind, dice.randint(1, 3) if kind == "throttle" else 1)


def router_binds(centre):
    """How often the router has bound."""
    return len(centre.all("bind", known=True))
