"""When the command that asked for a transfer is killed, the transfer is cancelled and its range is free again."""

import subprocess
import time

from agents import EXECUTABLE, wait_for


def test_it_does(launch, stand_in):
    reader = launch()
    peer = stand_in("silent")
    asking = subprocess.Popen([str(EXECUTABLE), *reader.command(peer.address, 4096, deadline="30s")],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    assert reader.transfer(peer, 4096, deadline="1s")["result"] == "invalid_range", "the range is in use"
    asking.kill()
    asking.wait()
    wait_for(lambda: reader.transfers("cancelled") == 1, "cancelled")
    assert reader.transfer(stand_in("honest"), 1 << 20)["result"] == "done"
