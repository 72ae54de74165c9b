"""A range that isn't inside both regions is refused before a byte is moved, whichever side it isn't inside of."""

import pytest
from agents import REGION

MOST = 1 << 40


@pytest.fixture
def uneven(launch):
    return launch(), launch(kv_region_bytes="1MiB")


CASES = [
    # length, remote, local, result: the reader's region is the larger one.
    (1, REGION, 0, "refused_range"), (1, 1 << 20, 0, "refused_range"), (2, (1 << 20) - 1, 0, "refused_range"),
    ((1 << 20) + 1, 0, 0, "refused_range"), (MOST, 0, 0, "invalid_range"), (1, MOST, 0, "refused_range"),
    (1, 0, REGION, "invalid_range"), (2, 0, REGION - 1, "invalid_range"), (1, 0, MOST, "invalid_range"),
    (REGION, 0, 1, "invalid_range"), (MOST, MOST, MOST, "invalid_range"),
]


def test_it_is(uneven):
    reader, source = uneven
    source.fill(6)
    for length, remote, local, wanted in CASES:
        result = reader.transfer(source, length, remote=remote, local=local)
        assert (result["result"], result["bytes"]) == (wanted, 0), (length, remote, local)
    assert reader.memory[:] == bytes(REGION)
    assert reader.transfer(source, 1 << 20)["result"] == "done"


def test_a_length_that_is_no_whole_number_of_blocks(uneven):
    reader, source = uneven
    assert reader.transfer(source, 5000, block_bytes=4096)["result"] == "invalid_range"
    assert reader.transfer(source, 8192, block_bytes=4096)["result"] == "done"
