"""As many handshakes wait for a signature as may, others stand in line. Those in front leave, and the signer dies, so that
no answer of it says that there is room."""

import os
import resource
import signal
import socket
import struct

from harness import wait_for
from support.tls import ByHand

MOST = 1024  # of one loop


def test_they_do(launch_tls, certificates):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 8192)), hard))
    sidecar = launch_tls(tls_handshake_timeout="60s", max_connections=3000, loops=1)
    signer = sidecar.component_pid("signer")
    context = certificates.client()

    def come():
        one = ByHand(sidecar.port, context)
        one.sock.sendall(one.hello())
        return one

    os.kill(signer, signal.SIGSTOP)
    try:
        front = [come() for _ in range(MOST)]
        wait_for(lambda: sidecar.metric("sidecar_connections_open", side="client") == MOST, "those in front")
        line = [come() for _ in range(20)]
        wait_for(lambda: sidecar.metric("sidecar_connections_open", side="client") == MOST + 20, "the line")
        # More from them changes nothing about their place.
        for one in line:
            one.sock.sendall(b"\x14")
        for one in front:
            one.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.sock.close()
        wait_for(lambda: sidecar.metric("sidecar_connections_open", side="client") == 20, "those in front to leave")
    finally:
        os.kill(signer, signal.SIGKILL)
    for one in line:
        one.sock.settimeout(8)
        assert one.sock.recv(1) == b"\x16", "a flight of the server's"
        one.sock.close()
