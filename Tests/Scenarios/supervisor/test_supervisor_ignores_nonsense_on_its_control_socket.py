"""Whatever is written to the control socket, at worst that connection is dropped."""

import os
import socket

import pytest

from harness import assert_works

NONSENSE = [
    b"",
    b"\0",
    b"GET / HTTP/1.1\r\n\r\n",
    b"\xff" * 16,
    b"\xff\xff\xff\x7f" * 4,
    b"\0" * 65536,
    b"A" * 1_000_000,
    os.urandom(4096),
]


@pytest.mark.parametrize("raw", NONSENSE, ids=lambda raw: ascii(raw[:12]))
def test_it_does(sidecar, raw):
    for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
        with socket.socket(socket.AF_UNIX, kind) as control:
            control.settimeout(2)
            try:
                control.connect(sidecar.control_socket)
                control.sendall(raw)
                control.recv(65536)
            except OSError:
                pass  # dropped, refused or of the other kind: all fine
    assert sidecar.status()["ready"] is True
    assert_works(sidecar)


def test_idle_clients_do_not_lock_others_out(sidecar):
    idle = []
    try:
        for _ in range(50):
            for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
                control = socket.socket(socket.AF_UNIX, kind)
                control.settimeout(0.5)
                try:
                    control.connect(sidecar.control_socket)
                    idle.append(control)
                except OSError:
                    control.close()
        assert_works(sidecar)
    finally:
        for control in idle:
            control.close()
    assert sidecar.status()["ready"] is True
