"""An agent that can't listen is told of by its address, and given up; the others serve, and the sidecar is ready."""

import socket

from agents import Engine, Sidecar, decodes, run, wait_for
from harness import ask


def test_it_is(ports):
    decoder = Engine(decodes)
    port = ports.next()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        sidecar = Sidecar(decoder, kv_agent=True, kv_address="127.0.0.1", kv_port=port, kv_data_ports=ports.data)
        try:
            wait_for(lambda: sidecar.component("kv-agent", "failed"), "given up")
            assert any(f"127.0.0.1:{port}" in line and "UCX can't be set up" in line for line in sidecar.log_lines)
            assert ask(sidecar.port, target="/still-works").status == 200
            assert sidecar.is_ready() and sidecar.status()["ready"] is True
            assert sidecar.metric("sidecar_component_up", component="kv-agent") == 0
            done = run("transfer", "--control-socket", sidecar.control_socket, f"--peer=127.0.0.1:{port}", "--length=1")
            assert done.returncode == 69 and "not ready" in done.stderr
            # With the port free again it takes one order.
            taken.close()
            assert run("restart", "kv-agent", "--control-socket", sidecar.control_socket).returncode == 0
            wait_for(lambda: sidecar.component("kv-agent"), "an agent")
        finally:
            sidecar.stop()
            decoder.close()
