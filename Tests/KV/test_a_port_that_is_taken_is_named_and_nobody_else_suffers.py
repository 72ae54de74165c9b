"""An agent that can't listen is told of by its address; the others serve, and the sidecar is not ready."""

import socket

from agents import Engine, decodes, wait_for
from harness import Sidecar, ask


def test_it_is(ports):
    decoder = Engine(decodes)
    port = ports.next()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        started = []

        class Unready(Sidecar):
            def is_ready(self):
                started.append(self)
                return any("has failed for good" in line for line in self.log_lines)

        sidecar = Unready(decoder, kv_agent=True, kv_address="127.0.0.1", kv_port=port, kv_data_ports=ports.data)
        try:
            assert any(f"127.0.0.1:{port}" in line and "UCX can't be set up" in line for line in sidecar.log_lines)
            assert ask(sidecar.port, target="/still-works").status == 200
            assert ask(sidecar.admin_port, target="/readyz").status == 503
            assert sidecar.status()["ready"] is False
        finally:
            taken.close()
            sidecar.stop()
            decoder.close()
