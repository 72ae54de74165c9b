"""kill -9 of the supervisor: every child is gone within two seconds, streams and all, and the ports are free."""

import os
import signal
import socket

from harness import Stepwise, is_alive, open_stream, wait_for


def test_nothing_does(launch, prefiller):
    sidecar = launch()
    pids = [sidecar.component_pid(name) for name in ("proxy", "dialer", "admin")]
    sidecar.decoder.script = Stepwise(patience=40)
    with open_stream(sidecar, prefiller) as client:
        client.read_until(b"\r\n\r\n")
        os.kill(sidecar.pid, signal.SIGKILL)
        sidecar.wait_exit()
        wait_for(lambda: not [pid for pid in pids if is_alive(pid)], "all children to be gone", 2)
        assert b"[DONE]" not in client.wait_until_closed()
    for port in (sidecar.port, sidecar.admin_port):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
