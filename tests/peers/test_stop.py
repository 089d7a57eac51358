"""The router stops in order when it is told to."""

from traffic import activate, plain, send_all


def stopped(router):
    """The one line that says how it stopped."""
    line, count = router.logged("router stopped")
    assert count == 1
    return {name: line[name] for name in ("clean", "kept", "events_left")}


def test_an_idle_router_unbinds_and_exits_with_0(router, centre):
    assert router.stop() == 0
    assert stopped(router) == {"clean": True, "kept": True, "events_left": 0}
    centre.wait("closed")
    assert len(centre.all("unbind")) == 1


def test_what_has_not_gone_out_goes_after_the_next_start(router, source, centre, inbox, again):
    activate(router, source)
    centre.tell("throttle", 1)
    send_all(source, plain(10))
    router.until_total(10, "bellwire_events_received_total")
    assert router.stop() == 0
    fate = stopped(router)
    assert fate["clean"] and fate["kept"]
    centre.wait("unbind")
    source.wait("closed")
    with again() as after:
        after.until_total(10, "bellwire_events_settled_total", outcome="delivered")
        assert after.total("bellwire_events_received_total") == 10
    assert inbox(1).events() == plain(10)
