"""A transfer writes its range and nothing beside it, and nothing at all on the side that is read from."""


def test_they_do(pair):
    reader, source = pair
    data, before = source.fill(3), reader.fill(4)
    assert reader.transfer(source, 300_001, remote=12_345, local=1_000_003)["result"] == "done"
    assert reader.memory[:1_000_003] == before[:1_000_003]
    assert reader.memory[1_000_003:1_300_004] == data[12_345:312_346]
    assert reader.memory[1_300_004:] == before[1_300_004:]
    assert source.memory[:] == data
