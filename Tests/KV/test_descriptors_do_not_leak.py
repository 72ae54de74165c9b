"""After transfers that went well, failed, ran out and were refused, both agents have as many descriptors as before."""

import os

from agents import wait_for


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_they_do_not(launch, stand_in):
    reader, source = launch(), launch()
    source.fill(16)
    assert reader.transfer(source, 4096)["result"] == "done"
    silent, wrong = stand_in("silent"), stand_in("version")
    pids = (reader.pid, source.pid, reader.sidecar.pid)
    wait_for(lambda: reader.sidecar.metric("sidecar_kv_transfers_total") == 1, "the first")
    wait_for(lambda: descriptors(source.pid) <= descriptors(reader.pid), "quiet")
    before = [descriptors(pid) for pid in pids]
    for n in range(25):
        assert reader.transfer(source, 100_000 + n)["result"] == "done"
    for _ in range(5):
        assert reader.transfer(silent, 4096, deadline="100ms")["result"] == "timed_out"
        assert reader.transfer(wrong, 4096)["result"] == "incompatible"
        assert reader.transfer(f"127.0.0.1:{reader.ports.first + 15}", 4096)["result"] == "unreachable"
        assert reader.transfer(source, 4096, local=1 << 30)["result"] == "invalid_range"
    wait_for(lambda: all(descriptors(pid) <= was for pid, was in zip(pids, before)),
             f"{before} descriptors again, now {[descriptors(pid) for pid in pids]}", 15)
    assert (reader.pid, source.pid) == pids[:2]
