"""Many transfers at once, in both directions: each range holds its own bytes, and those over the limit are refused."""

from agents import MEBIBYTE, REGION

COUNT, SIZE = 24, 1_000_003


def test_they_do(pair):
    one, two = pair
    first, second = one.fill(14), two.fill(15)
    half = REGION // 2
    running = []
    for n in range(COUNT):
        # The lower half of each is read, the upper half written to.
        running.append(one.start(two, SIZE, remote=n * SIZE, local=half + n * SIZE, deadline="30s"))
        running.append(two.start(one, SIZE, remote=n * SIZE, local=half + n * SIZE, deadline="30s"))
    assert [done()["result"] for done in running] == ["done"] * 2 * COUNT
    for n in range(COUNT):
        assert one.memory[half + n * SIZE:half + (n + 1) * SIZE] == second[n * SIZE:(n + 1) * SIZE]
        assert two.memory[half + n * SIZE:half + (n + 1) * SIZE] == first[n * SIZE:(n + 1) * SIZE]


def test_one_more_than_allowed(launch, stand_in):
    reader = launch(kv_max_transfers=2)
    peer = stand_in("silent")
    running = [reader.start(peer, MEBIBYTE, local=n * MEBIBYTE, deadline="3s") for n in range(4)]
    assert sorted(done()["result"] for done in running) == ["timed_out", "timed_out", "too_many", "too_many"]


def test_two_into_one_range(launch, stand_in):
    reader = launch()
    peer = stand_in("silent")
    running = [reader.start(peer, MEBIBYTE, local=n * 1000, deadline="3s") for n in range(2)]
    assert sorted(done()["result"] for done in running) == ["invalid_range", "timed_out"]
