"""The server's certificate comes from another authority from now on, and the file says so: the watcher follows."""

from objects import pod
from protected import steady


def test_a_rotated_authority_is_taken_up(api, fleet, protect, volume, authority, other_authority):
    api.cluster.put(pod("a", "127.0.0.11"), pod("b", "127.0.0.12"))
    sidecar = protect(api)
    api.settle()
    with steady(sidecar, fleet.at(0)):
        api.serve_with(other_authority.server())
        api.drop_connections()
        sidecar.wait_logged("ertificate", '"watcher"')
        assert not api.open_watches(), "the new certificate was accepted before its authority was known"
        api.cluster.delete("b")
        volume.rotate(authority=authority.pem + other_authority.pem)
        sidecar.wait_refused(fleet.at(1))
        api.wait_until_watched()
    assert not api.count("list")
