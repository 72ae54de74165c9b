"""kill -9 of the signer, or its restart by name: handshakes wait for the next one, streams and idle connections notice
nothing, and the certificate stays the same."""

import contextlib
import os
import pathlib
import re
import signal
import ssl
import threading
import time

import pytest

from harness import CHAT, ROUTE, STREAMED, Stepwise, in_background, request, run, wait_for


def by_kill(sidecar, pid):
    os.kill(pid, signal.SIGKILL)


def by_command(sidecar, pid):
    done = run("restart", "signer", "--control-socket", sidecar.control_socket)
    assert done.returncode == 0, done.stderr


WAYS = pytest.mark.parametrize("end", [by_kill, by_command])


@WAYS
def test_streams_go_on(launch_tls, prefiller, certificates, end):
    sidecar = launch_tls()
    sidecar.decoder.script = stream = Stepwise(patience=40)
    signer, proxy = sidecar.component_pid("signer"), sidecar.component_pid("proxy")
    with sidecar.connect() as client, sidecar.connect() as idle:
        client.send(request("POST", CHAT, [(ROUTE, prefiller.address)], STREAMED))
        client.read_until(b"\r\n\r\n")
        end(sidecar, signer)
        for number in range(5):
            stream.step(f"event-{number}")
            assert f"event-{number}".encode() in client.read_until(b"\n\n")
        sidecar.decoder.script = sidecar.decoder.default_script
        assert idle.ask().status == 200
        with sidecar.connect() as fresh:
            assert fresh.ask().status == 200 and fresh.serial == certificates.serial("p256")
        stream.finish()
        assert b"[DONE]" in client.read_until(b"0\r\n\r\n")
    assert sidecar.wait_for_new("signer", signer) != signer
    assert sidecar.component_pid("proxy") == proxy


@WAYS
@pytest.mark.parametrize("kind", ["p256", "rsa"])
def test_handshakes_wait(launch_tls, certificates, end, kind):
    sidecar = launch_tls(cert_path=certificates.directory(kind))
    stop = threading.Event()

    def keep_calling():
        count = 0
        while not stop.is_set():
            with sidecar.connect() as client:
                assert client.ask().status == 200
            count += 1
        return count

    callers = [in_background(keep_calling) for _ in range(4)]
    for _ in range(4):
        signer = sidecar.component_pid("signer")
        end(sidecar, signer)
        sidecar.wait_for_new("signer", signer)
        time.sleep(0.1)
    stop.set()
    assert all(caller() > 0 for caller in callers)
    assert sidecar.metric("sidecar_tls_handshake_failures_total", side="client") == 0


def test_a_stopped_one_blocks_nothing_but_handshakes(launch_tls):
    """A signer that doesn't answer holds up whoever waits for it, not the loop."""
    sidecar = launch_tls()
    signer = sidecar.component_pid("signer")
    with sidecar.connect() as early:
        assert early.ask().status == 200
        session = early.session
        os.kill(signer, signal.SIGSTOP)
        try:
            late = in_background(lambda: sidecar.connect())
            for _ in range(20):
                assert early.ask().status == 200
            # A ticket needs no signature.
            with sidecar.connect(session=session) as resumed:
                assert resumed.was_resumed and resumed.ask().status == 200
        finally:
            os.kill(signer, signal.SIGCONT)
        with late() as client:
            assert client.ask().status == 200


def answers(sidecar, certificates):
    """Whoever takes the certificate that is shown for good is served; returns that certificate."""
    pem = certificates.folder / "another.crt"
    pem.write_text(ssl.get_server_certificate(("127.0.0.1", sidecar.port), timeout=5))
    with sidecar.connect(certificates.client(ca=pem)) as client:
        assert client.ask().status == 200
    return pem.read_text()


def test_a_certificate_of_its_own_is_replaced(launch_tls, certificates):
    """The key of a self-signed certificate dies with the signer: then there is another one, and service."""
    sidecar = launch_tls(cert_path=certificates.folder / "there-is-none")
    before = answers(sidecar, certificates)
    signer = sidecar.component_pid("signer")
    os.kill(signer, signal.SIGKILL)
    sidecar.wait_for_new("signer", signer)
    after = {answers(sidecar, certificates) for _ in range(3)}
    assert len(after) == 1 and before not in after


def successors(sidecar, signer):
    """The processes of other signers than this one."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            status = pathlib.Path("/proc", pid, "status").read_text()
            line = pathlib.Path("/proc", pid, "cmdline").read_bytes()
            parent = int(re.search(r"^PPid:\t(\d+)$", status, re.M)[1])
            if parent == sidecar.process.pid and b"-signer\0" in line and int(pid) != signer:
                found.append(int(pid))
    return found


@pytest.mark.parametrize("own", [True, False], ids=["our own", "from files"])
def test_a_successor_that_dies_at_any_moment_costs_no_service(launch_tls, certificates, own):
    """It may have made a certificate, or judged one, that nobody else has the key of."""
    sidecar = launch_tls(cert_path=certificates.folder / "there-is-none" if own else certificates.directory("p256"))
    killed = 0
    for turn in range(16):
        signer = sidecar.component_pid("signer")
        restart = in_background(lambda: by_command(sidecar, signer))
        deadline = time.monotonic() + 2
        while not (found := successors(sidecar, signer)) and time.monotonic() < deadline:
            pass
        time.sleep(turn * 0.001)
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
        restart()

        def served():
            with contextlib.suppress(OSError, ssl.SSLError):
                if own:
                    return answers(sidecar, certificates)
                with sidecar.connect() as client:
                    return client.ask().status == 200

        wait_for(served, "handshakes to succeed again", 5)
    assert killed > 5, "hardly any was met"
