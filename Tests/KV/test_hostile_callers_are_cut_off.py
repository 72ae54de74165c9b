"""A caller of another version, one that wants what isn't there, one that talks out of turn or not at all: each is
refused or cut off, and the agent goes on."""

import pytest

WELCOME, ACCEPTED, REFUSED, CHECKSUM = 2, 4, 5, 7
VERSION, RANGE = 1, 2
CASES = [
    ("version", [f"heard {REFUSED} {VERSION}"]), ("no-hello", []), ("nonsense", []), ("empty", []), ("long", []),
    ("too-early", []), ("flood", []), ("silent", []), ("only-hello", [f"heard {WELCOME}"]),
    ("outside", [f"heard {WELCOME}", f"heard {REFUSED} {RANGE}"]),
    ("zero", [f"heard {WELCOME}", f"heard {REFUSED} {RANGE}"]),
    ("overflow", [f"heard {WELCOME}", f"heard {REFUSED} {RANGE}"]),
    ("twice", [f"heard {WELCOME}", f"heard {ACCEPTED}"]),
    ("sums-twice", [f"heard {WELCOME}", f"heard {ACCEPTED}", f"heard {CHECKSUM}"]),
]


@pytest.mark.parametrize("case, heard", CASES, ids=[case for case, _ in CASES])
def test_a_caller(launch, stand_in, case, heard):
    source = launch()
    before = source.pid
    said = stand_in(case, source.port).said().splitlines()
    assert said == [*heard, "cut off"]
    assert source.pid == before
    source.sidecar.wait_for_metric(1, "sidecar_kv_peers_refused_total")
    assert source.sidecar.metric("sidecar_kv_transfers_served_total") == 0
