"""403: one line says which permission is missing, where; it is not repeated with each attempt."""

import faults
import pytest
from objects import K8S, NAMESPACE, pod
from protected import steady


@pytest.mark.parametrize("thing", ["pods", "inferencepools"])
def test_missing_permission_is_named_in_the_log(api, fleet, protect, thing):
    kind = "watch pods" if thing == "pods" else "watch pools"
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    rule = api.fault(kind, faults.forbidden, times=None)
    with steady(sidecar, fleet.at(0)):
        api.each_watch(kind, lambda watch: watch.end())
        rule.wait(3)
        sidecar.wait_logged('"watcher"', thing, NAMESPACE, "orbidden")
        lines = sidecar.logged('"watcher"', "orbidden")
        assert len(lines) <= 2, lines
        if thing == "inferencepools":
            assert K8S in lines[0], lines
        rule.remove()
        api.wait_until_watched()
    assert api.count("list") <= 2


def test_a_start_without_permission_says_so(api, fleet, protect):
    api.fault("", faults.forbidden, times=None)
    sidecar = protect(api, ready=False)
    sidecar.wait_logged('"watcher"', "orbidden", "inferencepools")
    assert sidecar.admin("/readyz").status == 503
    api.cluster.put(pod("a", "127.0.0.11"))
    api.heal()
    sidecar.wait_allowed(fleet.at(0))
