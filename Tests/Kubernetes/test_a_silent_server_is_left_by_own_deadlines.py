"""A server that takes connections or requests and says nothing more is left and asked again, in every place where it
can fall silent. The deadlines are of many seconds, so all are waited for at the same time."""

import faults
import pytest
from cluster import Cluster
from fake_api import FakeAPI
from objects import pod, pool
from support.engine import wait_for

KINDS = {
    "a list without an answer": ("list pods", faults.silent),
    "a page that stalls": ("list pods", faults.stalled_page),
    "a watch without an answer": ("watch pods", faults.silent),
    "a list of pools without an answer": ("list pools", faults.silent),
}


@pytest.fixture
def silent_servers(server_certificate, fleet):
    servers = {}
    for name, (kind, fault) in KINDS.items():
        servers[name] = api = FakeAPI(server_certificate, "token-1", Cluster())
        api.cluster.put(pool([fleet.port]), pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
        api.fault(kind, fault)
    servers["not even TLS"] = api = FakeAPI(server_certificate, "token-1", Cluster())
    api.cluster.put(pool([fleet.port]), pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    api.speaks = False
    yield servers
    for api in servers.values():
        api.close()


def test_a_silent_server_is_left_by_own_deadlines(silent_servers, fleet, protect):
    sidecars = {name: protect(api, ready=False) for name, api in silent_servers.items()}
    # Each falls silent once; the one that said nothing at all begins to speak to whoever connects anew.
    for name, api in silent_servers.items():
        if name == "not even TLS":
            wait_for(lambda api=api: api.connections, "a connection")
            api.speaks = True
        else:
            api.rules[0].wait()
    for name, sidecar in sidecars.items():
        sidecar.wait_allowed(fleet.at(0), timeout=40)
        silent_servers[name].cluster.delete("b")
    for name, sidecar in sidecars.items():
        sidecar.wait_refused(fleet.at(1), timeout=40)
        assert silent_servers[name].count("list pods") <= 2, name
