"""What leaves the selector is refused at once, also when the new list does not come; what joins it, with the list."""

import faults
from objects import pod, pool


def test_a_changed_selector_counts_at_once(api, fleet, protect):
    api.cluster.put(
        pod("a", "127.0.0.11", labels={"app": "vllm", "tier": "1"}), pod("b", "127.0.0.12"),
        pod("c", "127.0.0.13", labels={"app": "other", "tier": "1"}))
    sidecar = protect(api)
    api.settle()
    sidecar.assert_allowed(fleet.at(0), fleet.at(1))
    rule = api.fault("list pods", faults.silent, times=None)
    api.cluster.put(pool([fleet.port], {"tier": "1"}))
    sidecar.wait_refused(fleet.at(1), timeout=5)
    rule.wait()
    sidecar.assert_allowed(fleet.at(0))
    sidecar.assert_refused(fleet.at(2))
    # It lets go of the silent connection by itself, or when that ends.
    rule.remove()
    api.drop_connections()
    sidecar.wait_allowed(fleet.at(2))
    sidecar.assert_allowed(fleet.at(0))
    sidecar.assert_refused(fleet.at(1))


def test_a_selector_that_matches_no_pod_empties_the_set(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api)
    api.settle()
    for selector in ({"app": "nobody"}, {}, {"app": "vllm", "role": "nobody"}):
        api.cluster.put(pool([fleet.port], selector))
        sidecar.wait_refused(fleet.at(0), fleet.at(1))
        assert sidecar.allowlist()["endpoints"] == 0
        api.cluster.put(pool([fleet.port]))
        sidecar.wait_allowed(fleet.at(0), fleet.at(1))


def test_a_change_made_during_an_outage_counts_when_it_is_over(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12", labels={"app": "other"}))
    sidecar = protect(api)
    api.settle()
    api.down()
    api.cluster.put(pool([fleet.port], {"app": "other"}))
    api.cluster.forget()
    api.up()
    sidecar.wait_refused(fleet.at(0))
    sidecar.wait_allowed(fleet.at(1))


def test_quick_changes_to_and_fro_end_with_the_last(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12", labels={"app": "other"}))
    sidecar = protect(api)
    api.settle()
    for _ in range(25):
        api.cluster.put(pool([fleet.port], {"app": "other"}), pool([fleet.port], {"app": "nobody"}), pool([fleet.port]))
    api.cluster.put(pool([fleet.port], {"app": "other"}))
    sidecar.wait_allowed(fleet.at(1))
    sidecar.wait_refused(fleet.at(0))
    assert not api.count("list pools")
    assert api.count("list pods") <= 1 + 3 * 25
