"""A peer that never answers, or stops answering, costs its deadline and no more; it is not waited for by UCX's own."""

import os
import signal
import time

import pytest
from agents import until_begun, wait_for

SIZE = 1 << 20


@pytest.mark.parametrize("case", ["silent", "never-accepts", "never-sums"])
def test_it_is(launch, stand_in, case):
    reader = launch()
    begun = time.monotonic()
    result = reader.transfer(stand_in(case), SIZE, deadline="1500ms")
    assert result["result"] == "timed_out", result
    assert 1.4 < time.monotonic() - begun < 4
    assert 1_400_000 < result["microseconds"] < 3_000_000


@pytest.mark.parametrize("when", ["before", "during"])
def test_a_stopped_agent(launch, when):
    reader, source = launch(kv_region_bytes="512MiB"), launch(kv_region_bytes="512MiB")
    source.fill(8)
    stopped = source.pid
    try:
        if when == "before":
            os.kill(stopped, signal.SIGSTOP)
        begun = time.monotonic()
        running = reader.start(source, 512 << 20, deadline="3s")
        if when == "during":
            until_begun(reader)
            os.kill(stopped, signal.SIGSTOP)
        result = running()
        assert result["result"] == "timed_out", result
        assert 2.9 < time.monotonic() - begun < 6
        assert result["bytes"] < 512 << 20
    finally:
        os.kill(stopped, signal.SIGCONT)
    # With reads in its queue whose reader is gone, UCX ends the one that was stopped; then another takes its place.
    wait_for(lambda: reader.transfer(source, SIZE)["result"] == "done", "a transfer that works", 20)
