"""Every address of status.podIPs, in every spelling of it."""

from objects import pod
from support.client import assert_error


def test_both_addresses_of_a_dual_stack_pod_are_members(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11", "::1"))
    sidecar = protect(api)
    sidecar.assert_allowed(
        fleet.at(0), f"[::1]:{fleet.port}", f"[0:0:0:0:0:0:0:1]:{fleet.port}", f"[::ffff:127.0.0.11]:{fleet.port}",
        f"[::FFFF:7F00:000B]:{fleet.port}")
    assert sidecar.allowlist()["endpoints"] == 2
    api.wait_until_watched()
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar.wait_refused(f"[::1]:{fleet.port}")
    sidecar.assert_allowed(fleet.at(0))


def test_odd_spellings_in_a_status_are_the_same_address(api, fleet, protect):
    api.cluster.put(pod("a", "0000:0000:0000::0001"), pod("b", "::ffff:127.0.0.12"))
    sidecar = protect(api)
    sidecar.assert_allowed(f"[::1]:{fleet.port}", fleet.at(1))


def test_addresses_that_are_never_dialled_stay_so_as_members(api, fleet, protect):
    never = ["169.254.169.254", "0.0.0.0", "224.0.0.1", "::", "fe80::1", "64:ff9b::a9fe:a9fe"]
    api.cluster.put(*[pod(f"p{number}", address) for number, address in enumerate(never)], pod("a", "127.0.0.11"))
    sidecar = protect(api)
    for address in never:
        target = f"[{address}]:{fleet.port}" if ":" in address else f"{address}:{fleet.port}"
        assert_error(sidecar.to(target), 403)
    sidecar.assert_allowed(fleet.at(0))


def test_the_api_server_is_no_prefiller_even_as_a_member(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.1"))
    sidecar = protect(api, allowlist_ports="any")
    before = api.connections
    assert_error(sidecar.to(f"127.0.0.1:{api.port}"), 403)
    assert_error(sidecar.to(f"127.0.0.1:{sidecar.port}"), 403)
    assert_error(sidecar.to(f"127.0.0.1:{sidecar.admin_port}"), 403)
    assert api.connections == before
