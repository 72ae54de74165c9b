"""A connection that is reset, closed, or cleanly ended costs a new watch from the last version, and no list."""

import pytest
from objects import pod
from protected import steady
from support.engine import wait_for

ENDS = {
    "reset": lambda watch: watch.cut(True),
    "closed": lambda watch: watch.cut(False),
    "ended": lambda watch: watch.end(),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_watch_that_breaks_off_is_resumed_without_a_list(api, fleet, protect, how):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api)
    api.settle()
    with steady(sidecar, fleet.at(0)):
        for _ in range(5):
            before = api.count("watch pods"), api.count("watch pools")
            assert api.each_watch("watch", ENDS[how]) == 2
            # What happens meanwhile is told by the next watch.
            api.cluster.delete("b")
            wait_for(lambda: api.count("watch pods") > before[0] and api.count("watch pools") > before[1], "watches")
            api.wait_until_watched()
            sidecar.wait_refused(fleet.at(1))
            api.cluster.put(pod("b", "127.0.0.12"))
            sidecar.wait_allowed(fleet.at(1))
    assert not api.count("list")
    assert api.count("watch pods") == api.count("watch pools") == 5


def test_a_watch_that_is_cut_in_the_middle_of_an_event_tells_it_again(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()

    def breaks(watch):
        watch.exchange.send(b'200\r\n{"type":"MODIFIED","object":{"kind":"Pod","metadata":{"name":"a"')
        watch.cut(False)

    with steady(sidecar, fleet.at(0)):
        api.each_watch("watch pods", breaks)
        api.wait_for_calls("watch pods", 1)
        api.cluster.put(pod("b", "127.0.0.12"))
        sidecar.wait_allowed(fleet.at(1))
    assert not api.count("list")
