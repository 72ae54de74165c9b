"""A transfer that is given up or runs out while it reads lets its last reads arrive before it closes: the peer, which
serves others too, lives on."""

import subprocess

from agents import EXECUTABLE, until_begun, wait_for

SIZE = 512 << 20


def test_cancelled(launch):
    reader, source = launch(kv_region_bytes="512MiB"), launch(kv_region_bytes="512MiB")
    source.fill(19)
    before = (reader.pid, source.pid)
    for n in range(5):
        reader.memory[0] = 0
        asking = subprocess.Popen([str(EXECUTABLE), *reader.command(source.address, SIZE, deadline="30s")],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until_begun(reader)
        asking.kill()
        asking.wait()
        wait_for(lambda n=n: reader.transfers("cancelled") + reader.transfers("done") == n + 1, "the end")
    assert reader.transfers("cancelled") >= 3
    assert reader.transfer(source, 4096)["result"] == "done"
    assert (reader.pid, source.pid) == before


def test_out_of_time(launch):
    reader, source = launch(kv_region_bytes="512MiB"), launch(kv_region_bytes="512MiB")
    source.fill(20)
    before = (reader.pid, source.pid)
    results = [reader.transfer(source, SIZE, deadline=f"{n}ms")["result"] for n in (20, 40, 60, 80, 100)]
    assert set(results) <= {"timed_out", "done"} and "timed_out" in results, results
    assert reader.transfer(source, 4096)["result"] == "done"
    assert (reader.pid, source.pid) == before
