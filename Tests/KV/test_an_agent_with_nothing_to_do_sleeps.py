"""With no transfer, and with one that waits for a peer, an agent costs next to nothing: it waits and does not spin."""

import os
import time


def seconds(pid):
    with open(f"/proc/{pid}/stat") as text:
        fields = text.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_it_does(launch, stand_in):
    reader = launch()
    pid = reader.pid
    time.sleep(0.5)
    before = seconds(pid)
    time.sleep(3)
    assert seconds(pid) - before <= 0.05
    waiting = reader.start(stand_in("silent"), 4096, deadline="4s")
    time.sleep(0.5)
    before = seconds(pid)
    time.sleep(3)
    assert seconds(pid) - before <= 0.1
    assert waiting()["result"] == "timed_out"
