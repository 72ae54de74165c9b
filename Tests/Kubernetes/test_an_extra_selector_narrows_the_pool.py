"""--allowlist-selector: of the pool's pods only those, in each syntax of Kubernetes."""

import pytest
from objects import pod, pool

PREFILL = {"app": "vllm", "llm-d.ai/role": "prefill"}
DECODE = {"app": "vllm", "llm-d.ai/role": "decode"}
BOTH = {"app": "vllm", "llm-d.ai/role": "both"}

# Who of: prefill, decode, both, without a role.
SELECTORS = {
    "llm-d.ai/role=prefill": (1, 0, 0, 0),
    "llm-d.ai/role==decode": (0, 1, 0, 0),
    "llm-d.ai/role in (prefill,both)": (1, 0, 1, 0),
    "llm-d.ai/role notin (decode)": (1, 0, 1, 1),
    "llm-d.ai/role!=decode,llm-d.ai/role": (1, 0, 1, 0),
    "!llm-d.ai/role": (0, 0, 0, 1),
}


@pytest.mark.parametrize("selector", SELECTORS)
def test_an_extra_selector_narrows_the_pool(api, fleet, protect, selector):
    api.cluster.put(*[
        pod(f"p{number}", f"127.0.0.{11 + number}", labels=labels)
        for number, labels in enumerate((PREFILL, DECODE, BOTH, {"app": "vllm"}))],
        pod("x", "127.0.0.15", labels=PREFILL | {"app": "other"}))
    sidecar = protect(api, allowlist_selector=selector)
    assert tuple(int(sidecar.allows(fleet.at(number))) for number in range(4)) == SELECTORS[selector]
    sidecar.assert_refused(fleet.at(4))


def test_it_stays_when_the_pools_selector_changes(api, fleet, protect):
    api.cluster.put(
        pod("a", "127.0.0.11", labels=PREFILL), pod("b", "127.0.0.12", labels=PREFILL | {"app": "other"}),
        pod("c", "127.0.0.13", labels=DECODE | {"app": "other"}))
    sidecar = protect(api, allowlist_selector="llm-d.ai/role=prefill")
    api.settle()
    api.cluster.put(pool([fleet.port], {"app": "other"}))
    sidecar.wait_allowed(fleet.at(1))
    sidecar.wait_refused(fleet.at(0))
    sidecar.assert_refused(fleet.at(2))
    api.cluster.put(pod("b", "127.0.0.12", labels=DECODE | {"app": "other"}))
    sidecar.wait_refused(fleet.at(1))
