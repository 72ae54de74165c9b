"""410 in both shapes: the old set stays in force while one new list is made, and what it lacks is gone."""

import faults
import pytest
from objects import pod
from protected import steady

SHAPES = {"as an event": faults.gone_event, "as a status": faults.gone}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("collection", ["pods", "pools"])
def test_an_expired_version_costs_exactly_one_list(api, fleet, protect, shape, collection):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api)
    api.settle()
    with steady(sidecar, fleet.at(0)):
        rule = api.fault(f"watch {collection}", SHAPES[shape])
        api.down()
        # Nobody looks while this happens.
        api.cluster.delete("b")
        api.cluster.put(pod("c", "127.0.0.13"))
        api.up()
        rule.wait()
        sidecar.wait_allowed(fleet.at(2))
        sidecar.wait_refused(fleet.at(1))
        api.wait_until_watched()
    assert api.count(f"list {collection}") == 1


def test_a_server_that_forgot_everything_is_listed_again(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api)
    api.settle()
    with steady(sidecar, fleet.at(0)):
        for round_ in range(3):
            api.down()
            api.cluster.delete("b")
            api.cluster.forget()
            api.up()
            sidecar.wait_refused(fleet.at(1))
            api.wait_until_watched()
            assert api.count("list pods") == api.count("list pools") == 1 + round_
            api.cluster.put(pod("b", "127.0.0.12"))
            sidecar.wait_allowed(fleet.at(1))


def test_endless_410s_are_asked_ever_more_seldom(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    rule = api.fault("watch pods", faults.gone_event, times=None)
    with steady(sidecar, fleet.at(0)):
        api.each_watch("watch pods", lambda watch: watch.end())
        rule.wait(5)
        calls = [call.at for call in api.seen("watch pods")]
        assert calls[4] - calls[0] > 0.2, calls
        rule.remove()
        api.cluster.put(pod("b", "127.0.0.12"))
        sidecar.wait_allowed(fleet.at(1))
