"""Which ports of a member may be called: the pool's, every one, or a list. A refusal for the port alone says so."""

import pytest
from objects import K8S, LLM_D, pod, pool


@pytest.fixture
def members(api, fleet):
    api.cluster.put(pod("a", "127.0.0.11"))
    return fleet.at(0), f"127.0.0.11:{fleet.other_port}"


def test_the_pools_ports_count(api, fleet, protect, members):
    declared, other = members
    sidecar = protect(api)
    sidecar.assert_allowed(declared)
    assert sidecar.blocked("port_not_allowed") == 0
    sidecar.assert_refused(other)
    sidecar.assert_refused("127.0.0.12:1")
    assert sidecar.blocked("port_not_allowed") == 1 and sidecar.blocked("not_in_pool") == 1


def test_every_declared_port_counts_and_changes_count_at_once(api, fleet, protect, members):
    declared, other = members
    sidecar = protect(api)
    api.settle()
    api.cluster.put(pool([fleet.other_port, fleet.port]))
    sidecar.wait_allowed(other)
    sidecar.assert_allowed(declared)
    api.cluster.put(pool([fleet.other_port]))
    sidecar.wait_refused(declared)
    sidecar.assert_allowed(other)
    assert not api.count(), "other ports are no reason for a list"


def test_a_pool_without_ports_allows_every_port_and_says_so(api, fleet, protect, members):
    api.cluster.put(pool())
    sidecar = protect(api)
    sidecar.assert_allowed(*members)
    assert sidecar.logged('"watcher"', '"warning"', "port")


def test_the_third_groups_pool_declares_none(api, fleet, protect, members):
    api.cluster.delete_pool(K8S)
    api.cluster.put(pool(group=LLM_D))
    protect(api).assert_allowed(*members)


def test_any(api, fleet, protect, members):
    protect(api, allowlist_ports="any").assert_allowed(*members)


def test_a_list(api, fleet, protect, members):
    declared, other = members
    sidecar = protect(api, allowlist_ports=f"1,{fleet.other_port}")
    sidecar.assert_allowed(other)
    sidecar.assert_refused(declared)
    assert sidecar.blocked("port_not_allowed") == 1


@pytest.mark.parametrize("ports", [[{"number": 0}], [{"number": 65536}], [{"number": "x"}], [{}], "x", 7, [None]])
def test_ports_that_are_none_allow_no_port(api, fleet, protect, members, ports):
    odd = pool()
    odd["spec"]["targetPorts"] = ports
    api.cluster.put(odd)
    sidecar = protect(api)
    sidecar.assert_refused(*members)
    api.cluster.put(pool([fleet.port]))
    sidecar.wait_allowed(members[0])
