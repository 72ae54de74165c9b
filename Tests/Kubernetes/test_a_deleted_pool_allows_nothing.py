"""The pool deleted: nothing is allowed at once. Made again: its pods are, by its new rules. Errors never do that."""

import faults
from objects import K8S, X_K8S, pod, pool
from protected import steady
from support.engine import wait_for


def test_a_deleted_pool_allows_nothing(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12", labels={"app": "other"}))
    sidecar = protect(api)
    api.settle()
    for selector, number in (({"app": "other"}, 1), ({"app": "vllm"}, 0), ({"app": "other"}, 1)):
        api.cluster.delete_pool(K8S)
        sidecar.wait_refused(fleet.at(0), fleet.at(1))
        assert sidecar.allowlist()["endpoints"] == 0
        assert sidecar.admin("/readyz").status == 200, "an empty pool is a known pool"
        api.cluster.put(pool([fleet.port], selector))
        sidecar.wait_allowed(fleet.at(number))
        sidecar.assert_refused(fleet.at(1 - number))


def test_a_pool_deleted_during_an_outage_allows_nothing(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    with steady(sidecar, fleet.at(0)):
        api.down()
    api.cluster.delete_pool(K8S)
    api.cluster.forget()
    api.up()
    sidecar.wait_refused(fleet.at(0))
    api.cluster.put(pool([fleet.port]))
    sidecar.wait_allowed(fleet.at(0))


def test_a_pool_that_is_not_there_at_the_start_is_waited_for(api, fleet, protect):
    api.cluster.delete_pool(K8S)
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    assert sidecar.allowlist()["endpoints"] == 0
    sidecar.assert_refused(fleet.at(0))
    assert sidecar.logged('"watcher"', "pool"), "nobody is told why"
    api.cluster.put(pool([fleet.port], group=X_K8S))
    sidecar.wait_allowed(fleet.at(0))


def test_a_definition_installed_later_is_found(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    for group in list(api.cluster.installed):
        api.cluster.uninstall(group)
    sidecar = protect(api, ready=False)
    api.wait_for_calls("list pools", 6)
    assert sidecar.admin("/readyz").status == 503
    sidecar.assert_refused(fleet.at(0))
    assert sidecar.logged('"watcher"', "inferencepools") or sidecar.logged('"watcher"', "InferencePool")
    api.cluster.install(K8S)
    api.cluster.put(pool([fleet.port]))
    sidecar.wait_allowed(fleet.at(0))
    wait_for(sidecar.is_ready, "ready")


def test_a_definition_taken_away_takes_the_pool_along(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    for _ in range(2):
        api.cluster.uninstall(K8S)  # the watch says DELETED, then ends; then 404
        sidecar.wait_refused(fleet.at(0))
        before = api.count("pools")
        api.wait_for_calls("pools", before + 2)
        api.cluster.install(K8S)
        api.cluster.put(pool([fleet.port]))
        sidecar.wait_allowed(fleet.at(0))


def test_a_404_alone_never_empties_the_set(api, fleet, protect):
    # An API server that starts answers 404 for what it has not loaded yet.
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    with steady(sidecar, fleet.at(0)):
        rule = api.fault("pools", faults.not_found, times=None)
        api.cluster.forget()
        api.drop_connections()
        rule.wait(5)
        rule.remove()
        api.wait_until_watched()
