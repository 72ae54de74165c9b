"""USR2 starts a new proxy before the old one drains: streams go on, every request in the meantime is answered."""

import signal
import threading

import pytest

from harness import (
    CHAT, PROMPT, ROUTE, Stepwise, ask, assert_works, in_background, is_alive, open_stream, request, run, wait_for,
)


def by_signal(sidecar):
    sidecar.signal(signal.SIGUSR2)


def by_command(sidecar):
    done = run("restart", "proxy", "--control-socket", sidecar.control_socket)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("restart", [by_signal, by_command])
def test_a_stream_goes_on(launch, prefiller, restart):
    sidecar = launch()
    sidecar.decoder.script = stream = Stepwise(patience=40)
    old = sidecar.component_pid("proxy")
    with open_stream(sidecar, prefiller) as client:
        client.read_until(b"\r\n\r\n")
        stream.step("before")
        assert b"before" in client.read_until(b"\n\n")
        restart(sidecar)
        new = sidecar.wait_for_new("proxy", old)
        assert is_alive(old) and new != old
        assert sidecar.component("proxy", "draining")["pid"] == old
        sidecar.decoder.script = sidecar.decoder.default_script
        assert_works(sidecar, prefiller)
        for number in range(10):
            stream.step(f"after-{number}")
            assert f"after-{number}".encode() in client.read_until(b"\n\n")
        stream.finish()
        assert b"[DONE]" in client.read_until(b"0\r\n\r\n")
    wait_for(lambda: not is_alive(old), "the old proxy to end")
    assert_works(sidecar, prefiller)


def test_the_request_behind_an_answer_that_had_begun_is_answered(launch, prefiller):
    """The head of the first answer went out before the drain, and so could not announce it."""
    sidecar = launch()
    sidecar.decoder.script = stream = Stepwise(patience=40)
    old = sidecar.component_pid("proxy")
    with open_stream(sidecar, prefiller) as client:
        assert b"connection: close" not in client.read_until(b"\r\n\r\n").lower()
        sidecar.signal(signal.SIGUSR2)
        sidecar.wait_for_new("proxy", old)
        wait_for(lambda: sidecar.component("proxy", "draining")["pid"] == old, "the old proxy draining")
        stream.finish()
        assert b"[DONE]" in client.read_until(b"0\r\n\r\n")
        client.send(request("GET", "/health"))
        answer = client.response()
        assert answer.status == 200 and answer.one("connection") == "close"
        assert client.wait_until_closed() == b""
    wait_for(lambda: not is_alive(old), "the old proxy to end")


def test_no_request_fails_under_load(launch, prefiller):
    sidecar = launch()
    stop = threading.Event()

    def keep_asking(with_header):
        count = 0
        while not stop.is_set():
            headers = [(ROUTE, prefiller.address)] if with_header else []
            answer = ask(sidecar.port, "POST", CHAT, headers, PROMPT)
            assert answer.status == 200 and answer.complete, answer
            count += 1
        return count

    results = [in_background(lambda number=number: keep_asking(number % 2)) for number in range(4)]
    for _ in range(25):  # often: the moment in which a new connection can be lost is short
        old = sidecar.component_pid("proxy")
        sidecar.signal(signal.SIGUSR2)
        sidecar.wait_for_new("proxy", old)
    stop.set()
    assert all(result() > 0 for result in results)


def test_a_restart_deadline_cuts_the_old_streams(launch):
    sidecar = launch(restart_drain_timeout="1s")
    sidecar.decoder.script = stream = Stepwise(patience=40)
    old = sidecar.component_pid("proxy")
    with open_stream(sidecar) as client:
        client.read_until(b"\r\n\r\n")
        sidecar.signal(signal.SIGUSR2)
        sidecar.wait_for_new("proxy", old)
        rest = client.wait_until_closed()
        assert b"[DONE]" not in rest and not rest.endswith(b"0\r\n\r\n")
        assert stream.gone.wait(5)
    wait_for(lambda: not is_alive(old), "the old proxy to end")
