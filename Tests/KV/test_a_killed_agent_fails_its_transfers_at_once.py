"""kill -9 of the agent that reads: whoever waits is told at once, the others go on, and it is replaced."""

import os
import signal
import time

from agents import until_begun


def test_it_does(launch):
    reader, source = launch(kv_region_bytes="512MiB"), launch(kv_region_bytes="512MiB")
    source.fill(10)
    old, others = reader.pid, reader.others()
    places = [n * (128 << 20) for n in range(3)]
    running = [reader.start(source, 128 << 20, local=place, deadline="30s") for place in places]
    until_begun(reader, *places)
    begun = time.monotonic()
    os.kill(old, signal.SIGKILL)
    assert [done()["result"] for done in running] == ["agent_lost"] * 3
    assert time.monotonic() - begun < 2
    assert reader.wait_for_new(old) != old
    assert reader.others() == others
    assert reader.transfers("agent_lost") == 3
    assert reader.transfer(source, 1 << 20)["result"] == "done"
    assert reader.sidecar.metric("sidecar_component_restarts_total", component="kv-agent") == 1
