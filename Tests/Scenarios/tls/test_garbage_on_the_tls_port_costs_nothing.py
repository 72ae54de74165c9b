"""Thousands of connections with rubbish, half hellos, or nothing: others are served, no descriptor and no memory is left."""

import os
import socket
import struct

from harness import Client, in_background, open_descriptors, resident, wait_for
from support.tls import ByHand

COUNT = 3000


def rubbish(hello):
    """Kinds of it, over and over."""
    kinds = [
        b"", b"\x00" * 3000, os.urandom(3000), b"\x16\x03\x01\xff\xff" + b"a" * 3000, hello[: len(hello) // 2],
        b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\x00", b"\x15\x03\x03\x00\x02\x02\x28", b"\x14\x03\x03\x00\x01\x01",
        b"\x17\x03\x03\x40\x00" + os.urandom(16384), b"\x80\x2e\x01\x00\x02" + b"\0" * 41, hello[:60] + os.urandom(200),
        b"\x16\x03\x01\x00\x00" * 600, b"SSH-2.0-OpenSSH_9.2\r\n", b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n",
    ]
    while True:
        yield from kinds


def storm(port, hello, count):
    source = rubbish(hello)
    for number in range(count):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            try:
                raw.sendall(next(source))
                if number % 3 == 0:
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                elif number % 3 == 1:
                    raw.shutdown(socket.SHUT_WR)
                    while raw.recv(65536):
                        pass
            except OSError:
                pass


def test_it_does_not(secure, certificates):
    with ByHand(secure.port, certificates.client()) as client:
        hello = client.hello()
    # Once to warm up: what is kept for later use is no leak.
    storm(secure.port, hello, 500)
    pids = {name: secure.component_pid(name) for name in ("proxy", "signer", "dialer")} | {"supervisor": secure.pid}
    before = {name: (open_descriptors(pid), resident(pid)) for name, pid in pids.items()}
    running = in_background(lambda: storm(secure.port, hello, COUNT))
    served = 0
    while True:
        with secure.connect() as client:
            assert client.ask().status == 200
        served += 1
        try:
            running(timeout=0.01)
            break
        except AssertionError:
            continue
    assert served >= 5
    for name, pid in pids.items():
        wait_for(lambda: open_descriptors(pid) <= before[name][0] + 1, f"{name} to have closed all", 15)
        assert resident(pid) < before[name][1] + (4 << 20), name


def test_many_that_only_connect(secure):
    """They wait for nothing but their own deadline."""
    with_fds = open_descriptors(secure.component_pid("proxy"))
    idle = [Client(secure.port) for _ in range(300)]
    try:
        with secure.connect() as client:
            assert client.ask().status == 200
    finally:
        for client in idle:
            client.sock.close()
    wait_for(lambda: open_descriptors(secure.component_pid("proxy")) <= with_fds + 2, "all to be closed", 10)
