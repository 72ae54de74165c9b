"""A process that a sibling has cut off (it broke their protocol, or one of the two lost the channel by mistake) is replaced
in order: what it serves is finished, what it can't serve any more its successor does. The channels are cut from outside,
by pidfd_getfd, at the end of whoever is asked.

All of this is waiting for heartbeats, so all tests run at once."""

import concurrent.futures
import contextlib
import os
import signal
import socket
import time

import pytest
from policy_support import House, installation, need_root, sockets_of, wait_for
from support.behaviours import Stepwise, decodes
from support.certificates import Certificates
from support.client import Client
from support.engine import Engine
from support.tls import TLSClient
from support.wire import request

CONTROL = 3
HEARTBEAT = 5  # Supervisor.heartbeat
PATIENCE = 4 * HEARTBEAT  # two of them, a start, and a slow machine
STREAM = request("POST", "/v1/completions", body=b'{"prompt":"p","stream":true}')


def cut_channels(pid):
    """Ends all channels to siblings that this process holds; returns how many."""
    cut = 0
    for number, taken in sockets_of(pid):
        if number != CONTROL and (taken.family, taken.type) == (socket.AF_UNIX, socket.SOCK_SEQPACKET):
            taken.shutdown(socket.SHUT_RDWR)
            cut += 1
    return cut


@contextlib.contextmanager
def running(script=decodes, **flags):
    engine, certificates = Engine(script), Certificates()
    if flags.pop("tls", False):
        flags |= {"secure_proxy": True, "cert_path": certificates.directory("p256")}
    try:
        with House(engine.port, **flags) as house:
            house.engine, house.certificates = engine, certificates
            # Who has just begun may have channels on the way, and isn't judged.
            time.sleep(HEARTBEAT)
            yield house
    finally:
        certificates.close()
        engine.close()
        assert not engine.failures, engine.failures


def kill(house, *names):
    """Those that are ready: five deaths before that end a component for good."""
    for name in names:
        row = house.row(name)
        if row["ready"] and row["pid"]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(row["pid"], signal.SIGKILL)


def but(pids, *names):
    return {name: pid for name, pid in pids.items() if name not in names}


def a_proxy_without_its_dialer_is_replaced_but_not_while_another_drains():
    """A dialer that was taken over could otherwise have too many drain, and the oldest ended with what it serves."""
    stream = Stepwise(patience=90)
    with running(stream) as house, Client(house.port, timeout=30) as client:
        client.send(STREAM)
        client.read_until(b"\r\n\r\n")
        house.engine.script = decodes
        old = house.pids()
        house.process.send_signal(signal.SIGUSR2)
        second = house.wait_new("proxy", old["proxy"], PATIENCE)
        time.sleep(HEARTBEAT)
        assert cut_channels(old["dialer"]) == 2, "of both"
        time.sleep(3 * HEARTBEAT)
        assert house.pids() == old | {"proxy": second}
        assert house.logged("proxy has lost its channel to the dialer")
        assert not house.row("proxy")["ready"] and not house.is_ready(), "it can't serve, and says so"
        stream.step("still here")
        assert b"still here" in client.read_until(b"\n\n")
        stream.finish()
        assert b"[DONE]" in client.read_until(b"0\r\n\r\n")
        third = house.wait_new("proxy", second, PATIENCE)
        wait_for(house.is_ready, "ready", 10)
        house.works()
        time.sleep(HEARTBEAT)
        # The same dialer loses another one: now it is its turn.
        assert cut_channels(old["dialer"]) == 1
        house.wait_new("dialer", old["dialer"], PATIENCE)
        wait_for(house.is_ready, "ready", 10)
        house.works()
        assert house.row("proxy")["pid"] == third


def so_is_one_without_its_signer_and_a_dialer_without_its_resolver():
    with running(tls=True, resolve_names=True) as house:
        old = house.pids()
        assert cut_channels(old["signer"]) == 1 and cut_channels(old["resolver"]) == 1
        house.wait_new("proxy", old["proxy"], PATIENCE)
        house.wait_new("dialer", old["dialer"], PATIENCE)
        assert house.logged("proxy has lost its channel to the signer")
        assert house.logged("dialer has lost its channel to the resolver")
        assert not house.logged("has lost its channel to the dialer")
        with TLSClient(house.port, house.certificates.client()) as client:
            assert client.ask().status == 200
        assert but(house.pids(), "proxy", "dialer") == but(old, "proxy", "dialer")


def a_sibling_that_keeps_no_channel_is_replaced_itself():
    """After one of those who ask it: before that it can't be told whose fault it is."""
    with installation(resolver="DROPS") as build, running(build=build, resolve_names=True, ready=False) as house:
        dialer, resolver = house.row("dialer")["pid"], house.row("resolver")["pid"]
        house.wait_new("dialer", dialer, PATIENCE)
        assert house.row("resolver")["pid"] == resolver
        wait_for(lambda: house.row("resolver")["pid"] not in (0, resolver), "another resolver", PATIENCE)
        assert house.logged("resolver is replaced, because channels to the resolver are lost")


def siblings_that_die_again_and_again_have_nobody_replaced():
    """Their ends close channels as well, but each of their successors brings new ones."""
    mortal = ("dialer", "signer", "resolver")
    with running(tls=True, resolve_names=True) as house:
        others = but(house.pids(), *mortal)
        for names in (("dialer", "signer"), ("resolver",)):
            end = time.monotonic() + 3 * HEARTBEAT
            while time.monotonic() < end:
                kill(house, *names)
                time.sleep(0.3)
        wait_for(house.is_ready, "ready", 10)
        assert but(house.pids(), *mortal) == others
        assert not house.logged("has lost its channel")


def nor_has_one_that_dies_while_those_who_ask_it_are_stopped():
    """Two pings and the new channel are there at once when they go on."""
    with running(resolve_names=True) as house:
        old = house.pids()
        for stopped, dies in (("proxy", "dialer"), ("dialer", "resolver")):
            pid = house.row(stopped)["pid"]
            os.kill(pid, signal.SIGSTOP)
            kill(house, dies)
            wait_for(lambda: house.row(dies)["pid"] not in (0, old[dies]), "its successor", 10)
            time.sleep(2.5 * HEARTBEAT)
            os.kill(pid, signal.SIGCONT)
        time.sleep(2.5 * HEARTBEAT)
        assert not house.logged("has lost its channel")
        assert house.row("proxy")["pid"] == old["proxy"]
        wait_for(house.is_ready, "ready", 10)
        house.works()


CASES = [
    a_proxy_without_its_dialer_is_replaced_but_not_while_another_drains,
    so_is_one_without_its_signer_and_a_dialer_without_its_resolver,
    a_sibling_that_keeps_no_channel_is_replaced_itself,
    siblings_that_die_again_and_again_have_nobody_replaced,
    nor_has_one_that_dies_while_those_who_ask_it_are_stopped,
]


@pytest.fixture(scope="module")
def begun():
    need_root("channels that are cut from outside")
    with concurrent.futures.ThreadPoolExecutor(len(CASES)) as threads:
        yield {case: threads.submit(case) for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test(begun, case):
    begun[case].result()
