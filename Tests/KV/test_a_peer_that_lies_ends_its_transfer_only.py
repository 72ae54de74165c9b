"""A peer of another version, with another key, that contradicts itself or talks nonsense: each has its result, and the
agent goes on."""

import pytest

SIZE = 1 << 20
CASES = [
    ("version", "incompatible"), ("key", "incompatible"), ("long-key", "incompatible"), ("wraps", "incompatible"),
    ("small", "refused_range"), ("refuses", "refused_range"), ("busy", "refused_busy"), ("sum", "checksum_mismatch"),
    ("nonsense", "peer_broke_protocol"), ("empty", "peer_broke_protocol"), ("long", "peer_broke_protocol"),
    ("too-early", "peer_broke_protocol"), ("leaves", "peer_lost"),
]


@pytest.mark.parametrize("case, wanted", CASES, ids=[case for case, _ in CASES])
def test_a_lie(launch, stand_in, case, wanted):
    reader, source = launch(), launch()
    before, others = reader.pid, reader.others()
    # An offset makes an address that is near the end wrap around.
    result = reader.transfer(stand_in(case), SIZE - 4096 if case == "wraps" else SIZE, remote=4096 if case == "wraps" else 0)
    assert result["result"] == wanted, result
    source.fill(7)
    assert reader.transfer(source, SIZE)["result"] == "done"
    assert (reader.pid, reader.others()) == (before, others)


def test_a_flood_of_frames(launch, stand_in):
    reader = launch()
    before = reader.pid
    result = reader.transfer(stand_in("flood"), SIZE, deadline="10s")
    assert result["result"] in ("unreachable", "peer_broke_protocol", "peer_lost"), result
    assert reader.pid == before


def test_an_honest_stand_in_is_believed(launch, stand_in):
    reader = launch()
    assert reader.transfer(stand_in("honest"), SIZE)["result"] == "done"
    assert reader.memory[:256] == bytes((i * 7 + 1) % 256 for i in range(256))
