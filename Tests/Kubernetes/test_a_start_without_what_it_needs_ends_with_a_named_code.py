"""Missing settings 64, no token or certificates 79, no list in time 80: with a text that says what to do."""

import faults
import pytest
from objects import GROUPS, pod
from support.engine import free_port
from support.sidecar import as_arguments, run


@pytest.fixture
def start(api, volume, tmp_path):
    def started(env=None, **flags):
        flags = {
            "port": free_port(), "vllm_port": free_port(), "admin_port": 0, "secure_proxy": False,
            "listen_address": "127.0.0.1", "control_socket": tmp_path / "control.sock", "enable_ssrf_protection": True,
            "inference_pool_namespace": "infer", "inference_pool_name": "pool", "kubernetes_server": api.url,
            "kubernetes_ca_file": volume.authority_file, "kubernetes_token_file": volume.token_file,
        } | flags
        return run(*as_arguments(flags), env=env, timeout=6)

    return started


def test_missing_settings_are_all_named_at_once(start):
    done = start(inference_pool_namespace=None, inference_pool_name=None, kubernetes_server=None)
    assert done.returncode == 64, done.stderr
    for word in ("inference-pool-name", "inference-pool-namespace", "kubernetes-server"):
        assert word in done.stderr


@pytest.mark.parametrize("server", [
    "http://127.0.0.1:6443", "https://kubernetes.default.svc", "127.0.0.1:6443", "https://127.0.0.1:0", "https://",
    "x"])
def test_a_server_that_is_no_https_address(start, server):
    done = start(kubernetes_server=server)
    assert done.returncode == 64 and "kubernetes-server" in done.stderr, done.stderr


@pytest.mark.parametrize("flags", [
    {"allowlist_ports": "0"}, {"allowlist_ports": "8000,x"}, {"allowlist_ports": "65536"},
    {"allowlist_selector": "a in ("}, {"allowlist_selector": "a=b,"}, {"allowlist_selector": "a=b c"},
    {"pool_group": "example.com"}, {"revoked_connections": "drop"}, {"inference_pool_namespace": "Upper"},
    {"allowlist_max_age": "-1s"}, {"allowlist_sync_timeout": "soon"}])
def test_values_that_make_no_sense(start, flags):
    done = start(**flags)
    name = next(iter(flags)).replace("_", "-")
    assert done.returncode == 64 and name in done.stderr, done.stderr


@pytest.mark.parametrize("file", ["token", "ca"])
def test_a_file_that_cannot_be_opened(start, api, tmp_path, file):
    missing = tmp_path / "nowhere" / file
    done = start(**{f"kubernetes_{file}_file": missing})
    assert done.returncode == 79, (done.returncode, done.stderr)
    assert str(missing) in done.stderr and f"kubernetes-{file}-file" in done.stderr
    assert not api.connections


WHYS = {
    "nobody listens": (lambda api: api.down(), "connect"),
    "forbidden": (lambda api: api.fault("", faults.forbidden, times=None), "orbidden"),
    "no such kind": (lambda api: [api.cluster.uninstall(group) for group in GROUPS], "nferencepool"),
    "a wrong token": (lambda api: api.tokens.clear(), "401"),
    "silence": (lambda api: setattr(api, "speaks", False), None),
}


@pytest.mark.parametrize("why", WHYS)
def test_no_list_in_time(start, api, why):
    spoil, word = WHYS[why]
    spoil(api)
    done = start(allowlist_sync_timeout="1500ms")
    assert done.returncode == 80, (done.returncode, done.stderr)
    assert "allowlist-sync-timeout" in done.stderr
    if word:
        assert word in done.stderr, done.stderr


def test_no_timeout_waits_for_ever(api, fleet, protect):
    api.tokens.clear()
    sidecar = protect(api, ready=False, allowlist_sync_timeout="0")
    api.wait_for_calls("", 4)
    assert sidecar.admin("/readyz").status == 503
    api.tokens.add("token-1")
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar.wait_allowed(fleet.at(0))
