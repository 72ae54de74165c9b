"""USR2 and TERM over TLS: open streams end in their own time, handshakes under way are finished, nobody is refused."""

import signal
import threading

from harness import CHAT, PROMPT, ROUTE, STREAMED, Client, Stepwise, in_background, is_alive, prefills, request, wait_for
from support.tls import ByHand, TLSEngine


def launch_everywhere(launch_tls, certificates, script, **flags):
    return launch_tls(TLSEngine(script, certificates.server()), decoder_use_tls=True, prefiller_use_tls=True,
                      ca_cert_path=certificates.ca, **flags)


def test_usr2_with_streams(launch_tls, certificates, tls_prefiller):
    stream = Stepwise(patience=40)
    sidecar = launch_everywhere(launch_tls, certificates, stream)
    old = sidecar.component_pid("proxy")
    with sidecar.connect() as client:
        client.send(request("POST", CHAT, [(ROUTE, tls_prefiller.address)], STREAMED))
        client.read_until(b"\r\n\r\n")
        sidecar.signal(signal.SIGUSR2)
        sidecar.wait_for_new("proxy", old)
        for number in range(10):
            stream.step(f"after-{number}")
            assert f"after-{number}".encode() in client.read_until(b"\n\n")
        stream.finish()
        assert b"[DONE]" in client.read_until(b"0\r\n\r\n")
        # The old proxy ends the connection, and says so.
        assert client.wait_until_closed() == b"" and not client.reader.was_reset
    wait_for(lambda: not is_alive(old), "the old proxy to end")


def test_usr2_again_and_again(launch_tls, certificates, tls_prefiller):
    from harness import decodes

    sidecar = launch_everywhere(launch_tls, certificates, decodes)
    stop = threading.Event()

    def keep_asking(with_header):
        count = 0
        while not stop.is_set():
            with sidecar.connect() as client:
                answer = client.ask("POST", CHAT, [(ROUTE, tls_prefiller.address)] if with_header else [], PROMPT)
            assert answer.status == 200 and answer.complete, answer
            count += 1
        return count

    results = [in_background(lambda number=number: keep_asking(number % 2)) for number in range(4)]
    for _ in range(10):
        old = sidecar.component_pid("proxy")
        sidecar.signal(signal.SIGUSR2)
        sidecar.wait_for_new("proxy", old)
    stop.set()
    assert all(result() > 0 for result in results)
    assert sidecar.metric("sidecar_tls_handshake_failures_total", side="client") == 0


def test_a_handshake_under_way_is_finished_by_the_old_proxy(launch_tls, certificates):
    sidecar = launch_tls()
    old = sidecar.component_pid("proxy")
    with ByHand(sidecar.port, certificates.client()) as client:
        client.sock.sendall(client.hello())
        client.incoming.write(client.sock.recv(65536))
        sidecar.signal(signal.SIGUSR2)
        sidecar.wait_for_new("proxy", old)
        client.shake_hands()
        client.sock.sendall(client.sealed(request("GET", "/late", [("Connection", "close")])))
        assert client.read().startswith(b"HTTP/1.1 200")


def test_term_lets_streams_finish_over_tls(launch_tls, certificates, tls_prefiller):
    stream = Stepwise(patience=40)
    sidecar = launch_everywhere(launch_tls, certificates, stream, drain_timeout="30s")

    def refuses():
        try:
            Client(sidecar.port, timeout=2).sock.close()
            return False
        except ConnectionRefusedError:
            return True

    with sidecar.connect() as client:
        client.send(request("POST", CHAT, [(ROUTE, tls_prefiller.address)], STREAMED))
        client.read_until(b"\r\n\r\n")
        sidecar.signal(signal.SIGTERM)
        wait_for(refuses, "new connections to be refused")
        for event in range(5):
            stream.step(f"event-{event}")
            assert f"event-{event}".encode() in client.read_until(b"\n\n")
        stream.finish()
        assert b"[DONE]" in client.read_until(b"0\r\n\r\n")
        assert client.wait_until_closed() == b"" and not client.reader.was_reset
    assert sidecar.wait_exit() == 0


def test_the_drain_deadline_cuts_streams_visibly(launch_tls, certificates, tls_prefiller):
    stream = Stepwise(patience=40)
    sidecar = launch_everywhere(launch_tls, certificates, stream, drain_timeout="1s")
    with sidecar.connect() as client:
        client.send(request("POST", CHAT, [(ROUTE, tls_prefiller.address)], STREAMED))
        client.read_until(b"\r\n\r\n")
        stream.step("one")
        client.read_until(b"\n\n")
        sidecar.signal(signal.SIGTERM)
        rest = client.wait_until_closed()
        assert b"[DONE]" not in rest and not rest.endswith(b"0\r\n\r\n")
        assert stream.gone.wait(5)
    assert sidecar.wait_exit() != 0


def test_term_while_a_client_only_shakes_hands(launch_tls, certificates):
    """An unfinished handshake holds the end up no longer than a handshake may take."""
    sidecar = launch_tls(drain_timeout="30s", tls_handshake_timeout="1s")
    with ByHand(sidecar.port, certificates.client()) as client:
        client.sock.sendall(client.hello())
        client.sock.recv(65536)
        sidecar.signal(signal.SIGTERM)
        assert sidecar.wait_exit(10) == 0


def test_a_prefill_under_way_gets_its_decode_over_tls(launch_tls, certificates, tls_prefiller):
    from harness import decodes

    sidecar = launch_everywhere(launch_tls, certificates, decodes, prefill_timeout="20s")
    release = threading.Event()
    tls_prefiller.script = lambda connection, request: release.wait(20) and prefills()(connection, request)
    with sidecar.connect() as client:
        client.send(request("POST", CHAT, [(ROUTE, tls_prefiller.address)], PROMPT))
        tls_prefiller.wait_for_requests(1)
        sidecar.signal(signal.SIGTERM)
        release.set()
        assert client.response().status == 200
    assert sidecar.wait_exit() == 0
