"""API server gone, or watcher killed: the last snapshot stays, its age shows, and a new watcher takes over."""

import os
import signal

from objects import pod
from protected import steady
from support.engine import wait_for


def test_a_snapshot_grows_old_and_stays_in_force(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api)
    api.settle()
    with steady(sidecar, fleet.at(0)):
        api.down()
        wait_for(lambda: sidecar.metric("sidecar_allowlist_age_seconds") >= 2, "its age")
        assert sidecar.allowlist()["age_seconds"] >= 2
        assert sidecar.admin("/readyz").status == 200
        sidecar.wait_logged('"watcher"', "can't be reached")
        api.cluster.delete("b")
        api.up()
        sidecar.wait_refused(fleet.at(1))
        wait_for(lambda: sidecar.metric("sidecar_allowlist_age_seconds") < 2, "its age to be small again")
    assert not api.count("list")


def test_a_killed_watcher_leaves_its_snapshot_and_is_replaced(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api)
    api.settle()
    for round_ in range(3):
        with steady(sidecar, fleet.at(0)):
            api.tokens.clear()  # so that the new one cannot list yet
            pid = sidecar.kill_component("watcher")
            sidecar.wait_for_new("watcher", pid)
            sidecar.assert_allowed(fleet.at(1))
            api.cluster.delete("b")
            api.tokens.add("token-1")
            sidecar.wait_refused(fleet.at(1))
            generation = sidecar.allowlist()["generation"]
            api.cluster.put(pod("b", "127.0.0.12"))
            sidecar.wait_allowed(fleet.at(1))
            assert sidecar.allowlist()["generation"] > generation


def test_a_watcher_that_is_restarted_on_request_changes_nothing(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    sidecar.may_restart.add("watcher")
    with steady(sidecar, fleet.at(0)):
        pid = sidecar.component_pid("watcher")
        sidecar.signal(signal.SIGUSR1)
        sidecar.wait_for_new("watcher", pid)
        api.cluster.put(pod("b", "127.0.0.12"))
        sidecar.wait_allowed(fleet.at(1))


def test_a_new_dialer_and_a_new_proxy_get_the_snapshot(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    api.down()
    for name in ("dialer", "proxy", "dialer", "proxy"):
        pid = sidecar.kill_component(name)
        sidecar.wait_for_new(name, pid)
        sidecar.wait_allowed(fleet.at(0), timeout=5)
        sidecar.assert_refused(fleet.at(1))


def test_a_stopped_watcher_is_found_out_by_its_age(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    pid = sidecar.component_pid("watcher")
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: sidecar.metric("sidecar_allowlist_age_seconds") >= 2, "its age")
        sidecar.assert_allowed(fleet.at(0))
    finally:
        os.kill(pid, signal.SIGCONT)
