"""A server, or something before it, that ends every watch at once is asked again with growing pauses."""

import faults
import pytest
from objects import pod
from protected import steady
from support.engine import wait_for

KINDS = {"cleanly": faults.ends_at_once, "by a reset": faults.reset, "after its head": faults.head_only()}


@pytest.mark.parametrize("how", KINDS)
def test_watches_that_end_at_once_are_no_busy_loop(api, fleet, protect, how):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api)
    api.settle()
    rule = api.fault("watch pods", KINDS[how], times=None)
    with steady(sidecar, fleet.at(0)):
        api.each_watch("watch pods", lambda watch: watch.end())
        rule.wait(5, timeout=20)
        calls = [call.at for call in api.seen("watch pods")]
        # A reset of a kept connection is tried again at once, on a new one. The three pauses before the fifth are at
        # least 50, 100 and 200 ms, longer than all that an eager loop would need for hundreds.
        assert calls[4] - calls[0] > 0.3, calls
        assert api.count("list pods") <= 4, "a list for each failure is a storm"
        api.cluster.delete("b")
        rule.remove()
        sidecar.wait_refused(fleet.at(1))
    wait_for(lambda: api.open_watches("pods"), "a watch that lives")
