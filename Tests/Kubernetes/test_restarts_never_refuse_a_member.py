"""A process that is new goes by the snapshot from its first request on: neither the start nor a restart is a moment of
refusals, and none of them needs the API server."""

import pytest
from objects import pod
from protected import steady
from support.sidecar import run


def test_what_is_ready_refuses_no_member(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    for _ in range(20):
        sidecar = protect(api, ready=False)
        # Without a pause, so that the first request comes as early as one can.
        while sidecar.admin("/readyz").status != 200:
            pass
        sidecar.assert_allowed(fleet.at(0))
        sidecar.stop()


@pytest.fixture
def alone(api, fleet, protect):
    """A sidecar in force, whose API server is gone."""
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    sidecar.wait_allowed(fleet.at(0))
    api.settle()
    api.down()
    return sidecar


@pytest.mark.parametrize("name", ["proxy", "dialer"])
def test_a_restart_on_request(alone, fleet, name):
    alone.may_restart.add(name)
    with steady(alone, fleet.at(0)):
        for _ in range(4):
            pid = alone.component_pid(name)
            done = run("restart", name, "--control-socket", alone.control_socket)
            assert done.returncode == 0, done.stderr
            alone.wait_for_new(name, pid)
    alone.assert_refused(fleet.at(1))


@pytest.mark.parametrize("name", ["proxy", "dialer"])
def test_a_crash(alone, fleet, name):
    with steady(alone, fleet.at(0), unbroken=False):
        for _ in range(6):
            alone.wait_for_new(name, alone.kill_component(name))
            assert alone.to(fleet.at(1)).status == 403
    alone.wait_allowed(fleet.at(0))
