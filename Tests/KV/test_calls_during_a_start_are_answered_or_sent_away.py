"""Whoever calls an agent while it starts is answered, or told at once that nobody is there: it never waits for its deadline,
and the agent becomes ready all the same."""

import time

from agents import StandIn


def test_they_are(launch, stand_in_program, ports):
    source = launch()
    source.fill(21)
    for _ in range(4):
        old = source.pid
        source.sidecar.signal(34)
        callers, said = [], []
        end = time.monotonic() + 0.4
        while time.monotonic() < end:
            ports.given = 8
            caller = StandIn(stand_in_program, ports, "no-hello", source.port)
            callers.append(caller)
            said.append(caller.said(4))
            caller.stop()
        assert all(text.endswith("cut off\n") for text in said), said
        source.wait_for_new(old)
    reader = launch()
    assert reader.transfer(source, 4096)["result"] == "done"
