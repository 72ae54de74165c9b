"""A process that a sibling has cut off (it broke their protocol, or one of the two lost the channel by mistake) is replaced
in order: what it serves is finished, what it can't serve any more its successor does. The channels are cut from outside,
by pidfd_getfd, at the end of whoever is asked."""

import contextlib
import os
import signal
import socket
import time

import pytest
from policy_support import House, need_root, sockets_of, wait_for
from support.behaviours import Stepwise, decodes
from support.certificates import Certificates
from support.client import Client
from support.engine import Engine
from support.tls import TLSClient
from support.wire import request

CONTROL = 3
HEARTBEAT = 5  # Supervisor.heartbeat
PATIENCE = 4 * HEARTBEAT  # two of them, a start, and a slow machine


def cut_channels(pid):
    """Ends all channels to siblings that this process holds; returns how many."""
    cut = 0
    for number, taken in sockets_of(pid):
        if number != CONTROL and (taken.family, taken.type) == (socket.AF_UNIX, socket.SOCK_SEQPACKET):
            taken.shutdown(socket.SHUT_RDWR)
            cut += 1
    return cut


@pytest.fixture
def certificates():
    made = Certificates()
    yield made
    made.close()


@contextlib.contextmanager
def running(script=decodes, **flags):
    need_root("channels that are cut from outside")
    engine = Engine(script)
    try:
        with House(engine.port, **flags) as house:
            house.engine = engine
            # Who has just begun may have channels on the way, and isn't judged.
            time.sleep(HEARTBEAT)
            yield house
    finally:
        engine.close()
        assert not engine.failures, engine.failures


def test_a_proxy_without_its_dialer_is_replaced_and_finishes_its_streams():
    """One at a time: a dialer that was taken over could otherwise have too many drain, and the oldest ended with what it
    serves."""
    stream = Stepwise(patience=60)
    with running(stream) as house, Client(house.port, timeout=30) as client:
        client.send(request("POST", "/v1/completions", body=b'{"prompt":"p","stream":true}'))
        client.read_until(b"\r\n\r\n")
        house.engine.script = decodes
        old = house.pids()
        assert cut_channels(old["dialer"]) == 1
        second = house.wait_new("proxy", old["proxy"], PATIENCE)
        assert house.logged("proxy has lost its channel to the dialer and is replaced")
        house.works()
        assert cut_channels(old["dialer"]) == 1, "the first one's channel is gone"
        time.sleep(3 * HEARTBEAT)
        assert house.pids() == old | {"proxy": second}
        stream.step("still here")
        assert b"still here" in client.read_until(b"\n\n")
        stream.finish()
        assert b"[DONE]" in client.read_until(b"0\r\n\r\n")
        house.wait_new("proxy", second, PATIENCE)
        house.works()


def test_so_is_one_without_its_signer_and_a_dialer_without_its_resolver(certificates):
    with running(secure_proxy=True, cert_path=certificates.directory("p256"), resolve_names=True) as house:
        old = house.pids()
        assert cut_channels(old["signer"]) == 1 and cut_channels(old["resolver"]) == 1
        house.wait_new("proxy", old["proxy"], PATIENCE)
        house.wait_new("dialer", old["dialer"], PATIENCE)
        assert house.logged("proxy has lost its channel to the signer and is replaced")
        assert house.logged("dialer has lost its channel to the resolver and is replaced")
        assert not house.logged("has lost its channel to the dialer")
        with TLSClient(house.port, certificates.client()) as client:
            assert client.ask().status == 200
        now = house.pids()
        assert {name: now[name] for name in now if name not in ("proxy", "dialer")} == {
            name: old[name] for name in old if name not in ("proxy", "dialer")}


def test_siblings_that_die_again_and_again_have_nobody_replaced(certificates):
    """Their ends close channels as well, but each of their successors brings new ones."""
    mortal = ("dialer", "signer", "resolver")
    with running(secure_proxy=True, cert_path=certificates.directory("p256"), resolve_names=True) as house:
        others = {name: pid for name, pid in house.pids().items() if name not in mortal}
        end = time.monotonic() + 3 * HEARTBEAT
        while time.monotonic() < end:
            for name, pid in house.pids().items():
                if name in mortal and pid:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            time.sleep(0.3)
        wait_for(house.is_ready, "ready", 10)
        assert {name: pid for name, pid in house.pids().items() if name not in mortal} == others
        assert not house.logged("has lost its channel")
