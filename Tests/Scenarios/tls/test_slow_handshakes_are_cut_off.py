"""--tls-handshake-timeout is a deadline for the whole handshake, however busy the client looks meanwhile."""

import time

import pytest

from harness import Client
from support.tls import ByHand


@pytest.fixture
def strict(launch_tls):
    return launch_tls(tls_handshake_timeout="1s")


def ends(sock):
    """Waits for the end; an alert before it is allowed."""
    try:
        while sock.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


def failures(sidecar):
    return sidecar.metric("sidecar_tls_handshake_failures_total", side="client")


def test_one_that_says_nothing(strict):
    with Client(strict.port) as client:
        assert ends(client.sock)


def test_one_that_stops_in_its_hello(strict, certificates):
    with ByHand(strict.port, certificates.client()) as client:
        client.sock.sendall(client.hello()[:100])
        assert ends(client.sock)
    assert failures(strict) == 1


def test_one_that_stops_after_its_hello(strict, certificates):
    with ByHand(strict.port, certificates.client()) as client:
        client.sock.sendall(client.hello())
        assert ends(client.sock)
    assert failures(strict) == 1


def test_one_that_drips(strict, certificates):
    begun = time.monotonic()
    with ByHand(strict.port, certificates.client()) as client:
        for byte in client.hello():
            try:
                client.sock.sendall(bytes([byte]))
            except OSError:
                break
            time.sleep(0.05)
            assert time.monotonic() - begun < 10
        assert ends(client.sock)
    assert failures(strict) == 1


def test_one_that_is_done_is_not(strict):
    with strict.connect() as client:
        time.sleep(2)
        assert client.ask().status == 200
