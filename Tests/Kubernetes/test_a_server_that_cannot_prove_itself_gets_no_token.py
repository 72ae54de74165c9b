"""A certificate of another authority, for another address, or expired: not one request, and no token, is sent."""

import pytest
from objects import pod
from protected import steady
from support.engine import wait_for


@pytest.fixture(params=["another authority", "another address", "expired"])
def false_certificate(request, authority, other_authority):
    return {
        "another authority": lambda: other_authority.server(),
        "another address": lambda: authority.server("IP:127.0.0.2,DNS:kubernetes"),
        "expired": lambda: authority.server(days=-1),
    }[request.param]()


def test_a_server_that_cannot_prove_itself_gets_no_token(api, fleet, protect, false_certificate):
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    with steady(sidecar, fleet.at(0)):
        before = api.connections
        api.serve_with(false_certificate)
        api.drop_connections()
        wait_for(lambda: api.connections >= before + 3, "attempts")
        sidecar.wait_logged("ertificate", '"watcher"')
        assert not api.count(), "a request went to a server that could not prove itself"
        assert sidecar.allowlist()["endpoints"] == 1


def test_a_start_against_such_a_server_is_not_ready(api, fleet, protect, false_certificate):
    api.serve_with(false_certificate)
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api, ready=False)
    wait_for(lambda: api.connections >= 3, "attempts")
    sidecar.wait_logged("ertificate", '"watcher"')
    assert sidecar.admin("/readyz").status == 503 and api.count() == 0
    sidecar.assert_refused(fleet.at(0))
