"""An empty, missing or misshapen selector allows nothing; in Kubernetes' own reading it would match every pod."""

import pytest
from objects import K8S, LLM_D, X_K8S, pod, pool

SHAPES = {
    "empty": {"matchLabels": {}}, "missing": None, "null": {"matchLabels": None}, "not an object": "app=vllm",
    "a list": {"matchLabels": [{"app": "vllm"}]}, "a value that is no text": {"matchLabels": {"app": 3}},
    "expressions": {"matchLabels": {"app": "vllm"}, "matchExpressions": [{"key": "app", "operator": "Exists"}]},
}


@pytest.mark.parametrize("group", [K8S, LLM_D])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_selector_that_matches_nothing_allows_nothing(api, fleet, protect, shape, group):
    odd = pool([fleet.port], group=group)
    odd["spec"]["selector"] = SHAPES[shape]
    if SHAPES[shape] is None:
        del odd["spec"]["selector"]
    api.cluster.delete_pool(K8S)
    api.cluster.put(odd, pod("a", "127.0.0.11"))
    sidecar = protect(api, pool_group=group)
    sidecar.assert_refused(fleet.at(0))
    assert sidecar.allowlist()["endpoints"] == 0
    assert sidecar.logged('"watcher"', "selector"), "nobody is told why"
    # No pods of other applications are asked for.
    assert all(call.query.get("labelSelector") for call in api.seen() if "pods" in call.kind)
    api.cluster.put(pool([fleet.port], group=group))
    sidecar.wait_allowed(fleet.at(0))


@pytest.mark.parametrize("selector", [{}, None, {"app": None}, [], "x"])
def test_the_flat_shape(api, fleet, protect, selector):
    odd = pool([fleet.port], group=X_K8S)
    odd["spec"]["selector"] = selector
    api.cluster.put(odd, pod("a", "127.0.0.11"))
    sidecar = protect(api, pool_group=X_K8S)
    sidecar.assert_refused(fleet.at(0))
    assert sidecar.allowlist()["endpoints"] == 0
