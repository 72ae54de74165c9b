"""kill -9 of the agent that is read from: the transfer fails well before its deadline, and the next one works."""

import os
import signal
import time

from agents import until_begun


def test_it_does(launch):
    reader, source = launch(kv_region_bytes="512MiB"), launch(kv_region_bytes="512MiB")
    source.fill(9)
    old = source.pid
    running = reader.start(source, 512 << 20, deadline="30s")
    until_begun(reader)
    begun = time.monotonic()
    os.kill(old, signal.SIGKILL)
    result = running()
    assert result["result"] == "peer_lost", result
    assert time.monotonic() - begun < 5
    source.wait_for_new(old)
    assert reader.transfer(source, 1 << 20)["result"] == "done"
    assert reader.memory[:1 << 20] == source.memory[:1 << 20], "the region has outlived its agent"
