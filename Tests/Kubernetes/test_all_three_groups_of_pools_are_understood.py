"""The three API groups in which an InferencePool can stand, named by the flag or found without it."""

import faults
import pytest
from objects import GROUPS, K8S, LLM_D, X_K8S, pod, pool


@pytest.mark.parametrize("named", [True, False], ids=["named", "found"])
@pytest.mark.parametrize("group", GROUPS)
def test_all_three_groups_of_pools_are_understood(api, fleet, protect, group, named):
    api.cluster.delete_pool(K8S)
    api.cluster.put(
        pool([fleet.port], group=group), pod("a", "127.0.0.11"), pod("x", "127.0.0.12", labels={"app": "x"}))
    sidecar = protect(api, pool_group=group if named else None)
    sidecar.assert_allowed(fleet.at(0))
    sidecar.assert_refused(fleet.at(1), f"127.0.0.11:{fleet.other_port}")
    if named:
        assert {call.group for call in api.seen() if "pools" in call.kind} == {group}
    api.wait_until_watched()
    api.cluster.put(pool([fleet.port], {"app": "x"}, group=group))
    sidecar.wait_allowed(fleet.at(1))
    sidecar.wait_refused(fleet.at(0))


def test_the_first_group_that_has_the_pool_is_taken(api, fleet, protect):
    api.cluster.delete_pool(K8S)
    api.cluster.put(
        pool([fleet.port], {"app": "second"}, group=X_K8S), pool([fleet.port], {"app": "third"}, group=LLM_D),
        pod("b", "127.0.0.12", labels={"app": "second"}), pod("c", "127.0.0.13", labels={"app": "third"}))
    sidecar = protect(api)
    sidecar.assert_allowed(fleet.at(1))
    sidecar.assert_refused(fleet.at(2))


def test_a_group_that_is_forbidden_does_not_hide_the_others(api, fleet, protect):
    api.fault("pools", faults.forbidden, times=None, group=K8S)
    api.fault("pools", faults.not_found, times=None, group=X_K8S)
    api.cluster.put(pool([fleet.port], group=LLM_D), pod("a", "127.0.0.11"))
    protect(api).assert_allowed(fleet.at(0))


def test_a_named_group_is_never_left_for_another(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api, pool_group=X_K8S)
    sidecar.assert_refused(fleet.at(0))
    assert sidecar.allowlist()["endpoints"] == 0
    api.cluster.put(pool([fleet.port], group=X_K8S))
    sidecar.wait_allowed(fleet.at(0))


def test_only_the_named_pool_and_namespace_count(api, fleet, protect):
    api.cluster.put(
        pool([fleet.port], {"app": "x"}, name="pool-2"), pool([fleet.port], {"app": "x"}, namespace="elsewhere"),
        pod("a", "127.0.0.11"), pod("x", "127.0.0.12", labels={"app": "x"}),
        pod("b", "127.0.0.13", namespace="elsewhere"))
    sidecar = protect(api)
    sidecar.assert_allowed(fleet.at(0))
    sidecar.assert_refused(fleet.at(1), fleet.at(2))
    for call in api.seen():
        assert call.namespace == "infer", call
        if "pools" in call.kind:
            assert call.query["fieldSelector"] == "metadata.name=pool"


def test_the_pool_may_be_named_in_one_flag(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api, inference_pool="infer/pool", inference_pool_namespace=None, inference_pool_name=None)
    sidecar.assert_allowed(fleet.at(0))
