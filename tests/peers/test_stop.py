"""The router stops in order when it is told to."""

from traffic import activate, plain, send_all


def stopped(router):
    """The one line that says how it stopped."""
    line, count = router.logged("router stopped")
    assert count == 1
    return {name: line[name] for name in ("clean", "events_left", "pushes_unanswered")}


CLEAN = {"clean": True, "events_left": 0, "pushes_unanswered": 0}


def test_an_idle_router_unbinds_and_exits_with_0(router, centre):
    assert router.stop() == 0
    assert stopped(router) == CLEAN
    centre.wait("closed")
    assert len(centre.all("unbind")) == 1


def test_what_is_in_the_house_goes_out_first(router, source, centre, inbox):
    activate(router, source)
    centre.tell("throttle", 1)
    send_all(source, plain(10))
    router.until_total(10, "bellwire_events_received_total")
    assert router.stop() == 0
    assert stopped(router) == CLEAN
    centre.wait("unbind")
    assert inbox(1).events() == plain(10)
    source.wait("closed")
