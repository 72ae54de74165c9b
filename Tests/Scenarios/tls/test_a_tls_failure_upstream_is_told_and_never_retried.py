"""502 with a type, a log line that helps, a counter; one connection, no plain text, no fallback, no decode instead."""

import json
import socket
import ssl
import threading

import pytest

from harness import CHAT, PROMPT, ROUTE, Client, Engine, ask, assert_error, decodes, prefills, request, wait_for


def routed(sidecar, address):
    return ask(sidecar.port, "POST", CHAT, [(ROUTE, address)], PROMPT)


def warning(sidecar, *words):
    def found():
        return [line for line in map(json.loads, list(sidecar.log_lines))
                if line["level"].startswith("warn") and all(word in json.dumps(line) for word in words)]

    return wait_for(found, f"a warning with {words}", 5)


def errors(sidecar):
    return sidecar.metric("sidecar_errors_total", type="tls")


@pytest.mark.parametrize("certificate,reason", [
    ("foreign", "local issuer"), ("expired", "expired"), ("elsewhere", "mismatch"), ("self-signed", "self"),
])
def test_the_prefiller(launch, engine, certificates, certificate, reason):
    prefiller = engine(prefills(), certificate)
    sidecar = launch(prefiller_use_tls=True, ca_cert_path=certificates.ca)
    for turn in (1, 2):
        assert_error(routed(sidecar, prefiller.address), 502, "prefiller_tls_failed")
        wait_for(lambda turn=turn: prefiller.hellos >= turn, "the engine to note the handshake", 5)
        assert errors(sidecar) == turn and prefiller.hellos == prefiller.connection_count == turn
    warning(sidecar, "prefiller", str(prefiller.port), "127.0.0.1", f"CN={certificate}", reason)
    assert prefiller.requests == [] and sidecar.decoder.requests == []


def test_the_decoder(launch, engine, certificates, prefiller):
    decoder = engine(decodes, "foreign")
    sidecar = launch(decoder, decoder_use_tls=True, ca_cert_path=certificates.ca)
    assert_error(ask(sidecar.port, "POST", CHAT, body=PROMPT), 502, "decoder_tls_failed")
    wait_for(lambda: decoder.hellos >= 1, "the engine to note the handshake", 5)
    assert decoder.hellos == 1
    assert_error(routed(sidecar, prefiller.address), 502, "decoder_tls_failed")
    warning(sidecar, "decoder", str(decoder.port), "CN=foreign", "CN=other")
    assert errors(sidecar) == 2 and decoder.requests == []


def test_an_engine_without_tls_gets_no_plain_text(launch, certificates):
    """It sees a hello of TLS and nothing that could be a request."""
    seen = []

    def listen(listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock:
                seen.append(sock.recv(65536))
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                sock.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        threading.Thread(target=listen, args=(listener,), daemon=True).start()
        sidecar = launch(prefiller_use_tls=True, ca_cert_path=certificates.ca)
        assert_error(routed(sidecar, f"127.0.0.1:{port}"), 502, "prefiller_tls_failed")
        listener.shutdown(socket.SHUT_RDWR)
    assert len(seen) == 1 and seen[0][:2] == b"\x16\x03" and b"HTTP" not in seen[0]
    assert errors(sidecar) == 1 and sidecar.decoder.requests == []


@pytest.mark.parametrize("how", ["close", "reset"])
def test_an_engine_that_hangs_up_in_the_handshake(launch, certificates, how):
    counted = []

    def script(connection, request):
        raise AssertionError("a request came through")

    class HangsUp(Engine):
        def _serve(self, connection):
            counted.append(1)
            connection.sock.recv(65536)
            connection.reset() if how == "reset" else connection.close()
            self.live.discard(connection)

    prefiller = HangsUp(script)
    try:
        sidecar = launch(prefiller_use_tls=True, ca_cert_path=certificates.ca)
        assert_error(routed(sidecar, prefiller.address), 502, "prefiller_tls_failed")
        assert len(counted) == 1 and errors(sidecar) == 1
    finally:
        prefiller.close()


@pytest.mark.parametrize("leg,status", [("prefiller", 504), ("decoder", 502)])
def test_a_handshake_that_stalls_is_cut_off(launch, certificates, leg, status):
    """The kernel takes the connection, nobody ever answers."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        flags = {f"{leg}_use_tls": True, "ca_cert_path": certificates.ca, "connect_timeout": "1s"}
        sidecar = launch(**flags | ({"vllm_port": port} if leg == "decoder" else {}))
        with Client(sidecar.port) as client:
            client.send(request("POST", CHAT, [(ROUTE, f"127.0.0.1:{port}")] if leg == "prefiller" else [], PROMPT))
            answer = client.response()
        assert_error(answer, status)
        assert leg == "prefiller" or sidecar.decoder.requests == []
        assert sidecar.metric("sidecar_tls_handshake_failures_total", side=leg) == 1


def test_the_engine_refuses_our_versions(launch, engine, certificates):
    """No common version is a failure like any other."""
    prefiller = engine(prefills())
    prefiller.context.minimum_version = prefiller.context.maximum_version = ssl.TLSVersion.TLSv1_2
    sidecar = launch(prefiller_use_tls=True, ca_cert_path=certificates.ca, tls_min_version="1.3")
    answer = routed(sidecar, prefiller.address)
    # Whether the setting is meant for upstreams too is its own matter; a failure is told as one.
    if answer.status != 200:
        assert_error(answer, 502, "prefiller_tls_failed")
