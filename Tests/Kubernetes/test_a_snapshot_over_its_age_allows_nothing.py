"""--allowlist-max-age fails closed: when the API server has not shown the set to be current for so long."""

from objects import pod
from support.engine import wait_for


def test_a_snapshot_over_its_age_allows_nothing(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api, allowlist_max_age="2s")
    api.settle()
    assert api.bookmark() == 2
    sidecar.wait_allowed(fleet.at(0))
    before = sidecar.blocked("no_allowlist")
    api.down()
    sidecar.wait_refused(fleet.at(0))
    assert sidecar.metric("sidecar_allowlist_age_seconds") >= 2
    assert sidecar.blocked("no_allowlist") > before
    sidecar.assert_refused(fleet.at(0))
    api.up()
    sidecar.wait_allowed(fleet.at(0))
    # A quiet server that says something now and then keeps it fresh.
    for _ in range(12):
        api.bookmark()
        wait_for(lambda: sidecar.metric("sidecar_allowlist_age_seconds") < 1, "the age after a bookmark")
        sidecar.assert_allowed(fleet.at(0))
