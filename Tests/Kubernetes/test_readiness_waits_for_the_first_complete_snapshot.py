"""Not ready, and no prefiller is called, until the whole list is there; the decoder is served meanwhile."""

import faults
from objects import pod
from support.client import ask
from support.engine import wait_for


def test_readiness_waits_for_the_first_complete_snapshot(api, fleet, protect):
    many = [pod(f"x{number}", f"127.8.{number // 200}.{number % 200}") for number in range(600)]
    api.cluster.put(pod("a", "127.0.0.11"), *many)
    rule = api.fault("continue pods", faults.internal, times=None)
    sidecar = protect(api, ready=False)
    rule.wait(2)
    answer = sidecar.admin("/readyz")
    assert answer.status == 503 and "allowlist" in answer.body.decode()
    sidecar.assert_refused(fleet.at(0))
    assert sidecar.blocked("no_allowlist") == 1 and sidecar.allowlist()["generation"] == 0
    assert sidecar.metric("sidecar_allowlist_generation") == 0
    assert ask(sidecar.port).status == 200, "what needs no prefiller is served"
    rule.remove()
    wait_for(sidecar.is_ready, "ready")
    sidecar.assert_allowed(fleet.at(0))
    status = sidecar.allowlist()
    assert status["source"] == "kubernetes" and status["endpoints"] == 601 and status["generation"] >= 1
    assert sidecar.metric("sidecar_allowlist_endpoints") == 601
    assert sidecar.metric("sidecar_allowlist_generation") == status["generation"]


def test_without_protection_there_is_no_allowlist(api, fleet, protect):
    sidecar = protect(api, enable_ssrf_protection=False)
    sidecar.assert_allowed(fleet.at(0))
    assert sidecar.allowlist()["source"] == "none"
    assert not api.connections
