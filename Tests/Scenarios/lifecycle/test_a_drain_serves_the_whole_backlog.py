"""Whoever stands in the kernel's queue when a drain begins has been promised a connection, and is served."""

import contextlib
import os
import signal

from harness import Client, request, wait_for

CROWD = 300


def test_it_does(launch):
    sidecar = launch(drain_timeout="20s")
    proxy = sidecar.component_pid("proxy")
    with contextlib.ExitStack() as stack:
        os.kill(proxy, signal.SIGSTOP)
        try:
            crowd = [stack.enter_context(Client(sidecar.port)) for _ in range(CROWD)]
            for number, client in enumerate(crowd):
                client.send(request("GET", f"/{number}"))
            sidecar.signal(signal.SIGTERM)
            wait_for(lambda: sidecar.status()["state"] == "draining", "draining")
        finally:
            os.kill(proxy, signal.SIGCONT)
        for number, client in enumerate(crowd):
            assert client.response().json()["served"] == f"/{number}"
    assert sidecar.wait_exit() == 0
