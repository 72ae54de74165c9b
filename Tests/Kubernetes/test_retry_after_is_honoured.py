"""A server that says when to come back is not asked before."""

import faults
import pytest
from objects import pod
from protected import steady


@pytest.mark.parametrize("kind", ["watch pods", "list pods"])
def test_retry_after_is_honoured(api, fleet, protect, kind):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    before = api.count(kind)
    rule = api.fault(kind, faults.busy(2))
    with steady(sidecar, fleet.at(0)):
        api.down()
        if kind.startswith("list"):
            api.cluster.forget()
        api.up()
        rule.wait()
        api.wait_for_calls(kind, before + 2)
    first, second = api.seen(kind)[before:before + 2]
    assert first.status == 429 and second.at - first.at >= 1.9


def test_a_version_that_is_too_large_is_left_for_the_newest(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    before = api.count("list pods")
    rule = api.fault("list pods", faults.too_large_version)
    with steady(sidecar, fleet.at(0)):
        api.down()
        api.cluster.forget()
        api.up()
        rule.wait()
        api.wait_for_calls("list pods", before + 2)
        api.wait_until_watched()
    assert api.seen("list pods")[-1].query.get("resourceVersion", "") == ""


@pytest.mark.parametrize("kind", ["watch pools", "list pools"])
def test_a_server_that_is_starting_is_asked_again_soon(api, fleet, protect, kind):
    """It names ten seconds for each custom resource, as the pool is one, and is there much sooner."""
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    before = api.count(kind)
    rule = api.fault(kind, faults.starting)
    with steady(sidecar, fleet.at(0)):
        api.down()
        if kind.startswith("list"):
            api.cluster.forget()
        api.up()
        rule.wait()
        api.wait_for_calls(kind, before + 2)
        api.wait_until_watched()
    first, second = api.seen(kind)[before:before + 2]
    assert first.status == 503 and second.at - first.at < 5
