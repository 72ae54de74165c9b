"""Phases, readiness, host network, and pods that are being deleted."""

from objects import pod

PHASES = ("Running", "Pending", "Succeeded", "Failed", "Unknown", "")


def test_only_running_pods_are_members(api, fleet, protect):
    api.cluster.put(*[
        pod(f"p{number}", f"127.0.0.{11 + number}", phase=phase) for number, phase in enumerate(PHASES)])
    sidecar = protect(api)
    api.settle()
    sidecar.assert_allowed(fleet.at(0))
    sidecar.assert_refused(*(fleet.at(number) for number in range(1, len(PHASES))))
    api.cluster.put(pod("p1", "127.0.0.12"), pod("p0", "127.0.0.11", phase="Succeeded"))
    sidecar.wait_allowed(fleet.at(1))
    sidecar.assert_refused(fleet.at(0))


def test_pods_that_are_not_ready_are_members_unless_readiness_is_asked_for(api, fleet, protect):
    bare = pod("bare", "127.0.0.13")
    del bare["status"]["conditions"]
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12", ready=False), bare)
    protect(api).assert_allowed(fleet.at(0), fleet.at(1), fleet.at(2))
    strict = protect(api, allowlist_require_ready=True)
    strict.assert_allowed(fleet.at(0))
    strict.assert_refused(fleet.at(1), fleet.at(2))
    api.cluster.put(pod("b", "127.0.0.12"), pod("a", "127.0.0.11", ready=False))
    strict.wait_allowed(fleet.at(1))
    strict.wait_refused(fleet.at(0))


def test_pods_that_are_being_deleted_serve_to_their_end(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar, strict = protect(api), protect(api, allowlist_require_ready=True)
    api.cluster.put(pod("a", "127.0.0.11", deleting=True), pod("b", "127.0.0.12", deleting=True, ready=False))
    strict.wait_refused(fleet.at(1))
    strict.assert_allowed(fleet.at(0))
    sidecar.assert_allowed(fleet.at(0), fleet.at(1))
    api.cluster.delete("a")
    for each in (sidecar, strict):
        each.wait_refused(fleet.at(0))


def test_pods_on_the_host_network_are_members_only_when_asked_for(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"), pod("h", "127.0.0.12", host_network=True))
    plain, asked = protect(api), protect(api, allowlist_host_network=True)
    plain.assert_allowed(fleet.at(0))
    plain.assert_refused(fleet.at(1))
    asked.assert_allowed(fleet.at(0), fleet.at(1))


def test_pods_without_a_usable_address_harm_no_other(api, fleet, protect):
    odd = pod("odd", "127.0.0.14")
    odd["status"]["podIPs"] = [{"ip": ""}, {"ip": "127.0.0.015"}, {"ip": "somewhere"}, {}, {"ip": "127.0.0.12/24"}]
    none = pod("none")
    older = pod("older", "127.0.0.13")
    del older["status"]["podIPs"]  # as servers before 1.16 wrote it
    bare = pod("bare", "127.0.0.16")
    del bare["status"]
    api.cluster.put(odd, none, older, bare, pod("a", "127.0.0.11"))
    sidecar = protect(api)
    sidecar.assert_allowed(fleet.at(0), fleet.at(2))
    sidecar.assert_refused(fleet.at(1), fleet.at(4), fleet.at(5))
