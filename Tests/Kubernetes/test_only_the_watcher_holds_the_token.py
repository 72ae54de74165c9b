"""The token's bytes are in the watcher's memory and in no other process's; libcurl is in the watcher alone."""

import secrets

import pytest
from objects import pod
from processes import can_read_memory, holders_of, libraries, processes_of


def test_only_the_watcher_holds_the_token(api, fleet, protect, volume):
    if not can_read_memory():
        pytest.skip("NOT CHECKED: reading the memory of other processes needs root")
    token = "sidecar-token-" + secrets.token_hex(24)
    api.tokens = {token}
    volume.rotate(token=token)
    api.cluster.put(pod("a", "127.0.0.11"))
    sidecar = protect(api)
    api.settle()
    sidecar.assert_allowed(fleet.at(0))
    found = processes_of(sidecar)
    assert {"supervisor", "watcher", "dialer", "proxy", "admin"} <= set(found)
    holders = holders_of(token.encode(), found)
    assert holders == {"watcher"}, f"the token is in the memory of {sorted(holders)}"


def test_only_the_watcher_has_libcurl(api, protect):
    sidecar = protect(api)
    found = processes_of(sidecar).items()
    assert {name for name, pid in found if any("libcurl" in path for path in libraries(pid))} == {"watcher"}


def test_a_rotated_token_is_held_by_the_watcher_alone(api, fleet, protect, volume):
    if not can_read_memory():
        pytest.skip("NOT CHECKED: reading the memory of other processes needs root")
    old, new = ("sidecar-token-" + secrets.token_hex(24) for _ in range(2))
    api.tokens = {old, new}
    volume.rotate(token=old)
    sidecar = protect(api)
    api.settle()
    volume.rotate(token=new)
    before = api.count("watch")
    api.each_watch("watch", lambda watch: watch.end())
    api.wait_for_calls("watch", before + 2)
    api.wait_until_watched()
    assert holders_of(new.encode(), processes_of(sidecar)) == {"watcher"}
