"""With protection on the handoff's remote_host must be a member: else a prefiller could send the decoder anywhere."""

from objects import pod
from support.behaviours import HANDOFF, prefills
from support.client import assert_error
from support.engine import wait_for


def handing(host):
    return prefills(HANDOFF.replace(b'"remote_host":"127.0.0.1"', b'"remote_host":"%s"' % host.encode()))


def in_force(allowlist):
    return allowlist["in_force"] == allowlist["generation"]


def test_a_handoff_may_name_members_of_the_pool_only(api, fleet, protect):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api, handoff_host_check=None)
    api.settle()
    engine = fleet.engines["127.0.0.11"]
    expected = {"127.0.0.11": 200, "127.0.0.12": 200, "127.0.0.13": 502, "localhost": 502, "::1": 502}
    for host, status in expected.items():
        engine.script = handing(host)
        answer = sidecar.to(fleet.at(0))
        assert answer.status == status, (host, answer.body)
        if status == 502:
            assert_error(answer, 502, "invalid_prefill_handoff")
    engine.script = fleet.engines["127.0.0.12"].script = handing("127.0.0.11")
    api.cluster.delete("b")
    sidecar.wait_refused(fleet.at(1))
    # The dialer refuses first; every loop of the proxy follows.
    wait_for(lambda: in_force(sidecar.allowlist()), "the proxy to go by the new list")
    engine.script = handing("127.0.0.12")
    assert_error(sidecar.to(fleet.at(0)), 502, "invalid_prefill_handoff")
