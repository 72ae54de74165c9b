"""Ranges of one byte up to the whole region, at odd and even places, arrive byte for byte, with the right checksum."""

import pytest
from agents import MEBIBYTE, REGION

PIECE = 256 << 10
SIZES = [1, 2, 4095, 4096, 4097, PIECE - 1, PIECE, PIECE + 1, 9 * PIECE + 5, 16 * MEBIBYTE]


def test_they_do(pair):
    reader, source = pair
    data = source.fill(1)
    for number, size in enumerate(SIZES):
        remote, local = (0, 0) if number % 2 else (7, 4099)
        reader.memory[local:local + size] = bytes(size)
        result = reader.transfer(source, size, remote=remote, local=local)
        assert (result["result"], result["bytes"]) == ("done", size), result
        assert reader.memory[local:local + size] == data[remote:remote + size]
    assert reader.transfers("done") == len(SIZES)
    assert reader.sidecar.metric("sidecar_kv_transfer_bytes_total") == sum(SIZES)
    source.sidecar.wait_for_metric(len(SIZES), "sidecar_kv_transfers_served_total")


@pytest.mark.parametrize("direction", ["there", "back"])
def test_the_whole_region(pair, direction):
    reader, source = pair if direction == "there" else pair[::-1]
    data = source.fill(2)
    result = reader.transfer(source, REGION, block_bytes=65536, request_id="whole")
    assert (result["result"], result["bytes"]) == ("done", REGION)
    assert reader.memory[:] == data
