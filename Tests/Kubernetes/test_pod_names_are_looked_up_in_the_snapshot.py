"""A pod's name with a port is a target, as long as the snapshot knows it; it is never asked of a name server."""

from objects import pod
from support.client import assert_error


def test_pod_names_are_looked_up_in_the_snapshot(api, fleet, protect):
    api.cluster.put(pod("vllm-prefill-0", "127.0.0.11", "::1"), pod("vllm.prefill-1", "127.0.0.12"),
                    pod("other", "127.0.0.13", labels={"app": "other"}))
    sidecar = protect(api)
    api.settle()
    sidecar.assert_allowed(
        f"vllm-prefill-0:{fleet.port}", f"vllm.prefill-1:{fleet.port}", f"http://vllm-prefill-0:{fleet.port}")
    # The first address of the pod is the one that is called.
    assert fleet.engines["127.0.0.11"].requests and not fleet.engines["::1"].requests
    for unknown in ("other", "vllm-prefill-9", "vllm-prefill-0.infer"):
        answer = sidecar.to(f"{unknown}:{fleet.port}")
        assert answer.status in (400, 403), (unknown, answer.status)
    assert_error(sidecar.to(f"vllm-prefill-0:{fleet.other_port}"), 403, "prefill_target_not_allowed")
    # A name follows its pod.
    api.cluster.put(pod("vllm-prefill-0", "127.0.0.14"))
    sidecar.wait_refused(fleet.at(0))
    sidecar.assert_allowed(f"vllm-prefill-0:{fleet.port}")
    assert fleet.engines["127.0.0.14"].requests
    api.cluster.delete("vllm-prefill-0")
    sidecar.wait_refused(fleet.at(3))
    assert sidecar.to(f"vllm-prefill-0:{fleet.port}").status in (400, 403)
