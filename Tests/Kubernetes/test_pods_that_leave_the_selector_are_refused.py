"""A pod whose labels change leaves the set or joins it, as the watch tells; so does one that is deleted or moves."""

from objects import pod
from support.engine import wait_for


def test_pods_that_leave_the_selector_are_refused(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api)
    api.settle()
    api.cluster.put(pod("a", "127.0.0.11", labels={"app": "other"}))
    sidecar.wait_refused(fleet.at(0))
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar.wait_allowed(fleet.at(0))
    sidecar.assert_allowed(fleet.at(1))


def test_pods_that_are_deleted_are_refused(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    for _ in range(10):
        api.cluster.delete("a")
        sidecar.wait_refused(fleet.at(0))
        api.cluster.put(pod("a", "127.0.0.11"))
        sidecar.wait_allowed(fleet.at(0))
    assert not api.count()


def test_pods_that_move_take_their_right_along(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    api.cluster.put(pod("a", "127.0.0.12"))
    sidecar.wait_allowed(fleet.at(1))
    sidecar.assert_refused(fleet.at(0))


def test_an_address_two_pods_have_stays_until_the_second_goes(api, fleet, protect):
    # A pod that has ended can keep its address in its status while the next one has it already.
    api.cluster.put(pod("old", "127.0.0.11"), pod("new", "127.0.0.11"), pod("c", "127.0.0.13"))
    sidecar = protect(api)
    api.settle()
    api.cluster.delete("old")
    api.cluster.delete("c")
    sidecar.wait_refused(fleet.at(2))
    sidecar.assert_allowed(fleet.at(0))
    api.cluster.delete("new")
    sidecar.wait_refused(fleet.at(0))


def test_a_pod_made_again_under_its_name_is_another_one(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    api.down()
    api.cluster.delete("a")
    api.cluster.put(pod("a", "127.0.0.12"))
    api.up()
    sidecar.wait_allowed(fleet.at(1))
    sidecar.assert_refused(fleet.at(0))
    # The same by a list.
    api.down()
    api.cluster.delete("a")
    api.cluster.put(pod("a", "127.0.0.13"))
    api.cluster.forget()
    api.up()
    sidecar.wait_allowed(fleet.at(2))
    sidecar.assert_refused(fleet.at(1))


def test_idle_connections_to_a_pod_that_left_are_closed(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api, upstream_idle_timeout="4s")
    api.settle()
    sidecar.assert_allowed(fleet.at(0), fleet.at(1))
    gone, stays = fleet.engines["127.0.0.11"], fleet.engines["127.0.0.12"]
    assert gone.live and stays.live, "the connections are kept"
    kept = set(stays.live)
    api.cluster.delete("a")
    wait_for(lambda: not gone.live, "the idle connection to be closed", timeout=3)
    assert kept & set(stays.live)
    sidecar.assert_refused(fleet.at(0))
