"""A signer that answers nobody: hundreds of handshakes wait, are cut off in time, and leave nothing behind."""

import os
import signal

from harness import open_descriptors, wait_for
from support.tls import ByHand


def test_they_are(launch_tls, certificates):
    sidecar = launch_tls(tls_handshake_timeout="2s")
    with sidecar.connect() as client:
        assert client.ask().status == 200
    proxy, signer = sidecar.component_pid("proxy"), sidecar.component_pid("signer")
    before = {pid: open_descriptors(pid) for pid in (proxy, signer)}
    context = certificates.client()
    os.kill(signer, signal.SIGSTOP)
    waiting = []
    try:
        for _ in range(400):
            one = ByHand(sidecar.port, context)
            one.sock.sendall(one.hello())
            waiting.append(one)
        wait_for(
            lambda: sidecar.metric("sidecar_tls_handshake_failures_total", side="client") == 400, "all to be cut off", 15)
        assert sidecar.component_pid("proxy") == proxy
    finally:
        os.kill(signer, signal.SIGCONT)
        for one in waiting:
            one.sock.close()
    with sidecar.connect() as client:
        assert client.ask().status == 200
    for pid, count in before.items():
        wait_for(lambda: open_descriptors(pid) <= count + 2, "all to be closed", 10)


def test_those_that_have_gone_are_not_waited_for(launch_tls, certificates):
    """Clients that leave while their signature is made: its answer belongs to nobody, least of all to the next one."""
    sidecar = launch_tls()
    signer = sidecar.component_pid("signer")
    context = certificates.client()
    for _ in range(5):
        os.kill(signer, signal.SIGSTOP)
        try:
            for _ in range(40):
                with ByHand(sidecar.port, context) as one:
                    one.sock.sendall(one.hello())
        finally:
            os.kill(signer, signal.SIGCONT)
        with sidecar.connect() as client:
            assert client.ask().status == 200 and client.serial == certificates.serial("p256")
