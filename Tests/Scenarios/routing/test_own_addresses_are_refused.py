"""The pod's own addresses are no prefiller: whatever listens there was not meant for clients."""

import pytest

from harness import CHAT, PROMPT, ROUTE, ask, assert_error


def own_global_addresses():
    """Global IPv6 addresses of this machine, from the kernel's list (scope 00)."""
    with open("/proc/net/if_inet6") as table:
        rows = [line.split() for line in table]
    return [":".join(row[0][i : i + 4] for i in range(0, 32, 4)) for row in rows if row[3] == "00"]


def test_an_own_address_is_refused(sidecar, decoder):
    addresses = own_global_addresses()
    if not addresses:
        pytest.skip("this machine has no global IPv6 address")
    for address in addresses:
        # Port 1 is closed here, so that a sidecar that does dial still reaches nobody.
        assert_error(ask(sidecar.port, "POST", CHAT, [(ROUTE, f"[{address}]:1")], PROMPT), 403)
    assert decoder.requests == []
