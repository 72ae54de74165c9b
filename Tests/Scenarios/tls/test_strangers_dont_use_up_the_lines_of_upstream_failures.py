"""A failed handshake of a client is logged within bounds, one towards an engine within others; a probe that connects and
leaves is neither a failure nor a line."""

import json
import socket
import struct

import pytest

from harness import CHAT, PROMPT, Client, assert_error, request, wait_for

UPSTREAM, CLIENT = "TLS to an upstream failed", "a client's TLS handshake failed"


def lines(sidecar, start):
    return [line for line in map(json.loads, list(sidecar.log_lines)) if line["message"].startswith(start)]


def failures(sidecar):
    return sidecar.metric("sidecar_tls_handshake_failures_total", side="client")


def come(port, content, reset=False):
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(content)
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        sock.shutdown(socket.SHUT_WR)
        try:
            while sock.recv(65536):
                pass
        except ConnectionResetError:
            pass


def test_they_dont(launch_tls, engine, certificates):
    sidecar = launch_tls(
        engine(certificate="foreign"), decoder_use_tls=True, ca_cert_path=certificates.ca, log_level="info", loops=1)
    for _ in range(15):
        come(sidecar.port, b"no hello")
    wait_for(lambda: failures(sidecar) == 15, "the strangers to be counted")
    with sidecar.connect() as client:
        assert_error(client.ask("POST", CHAT, body=PROMPT), 502, "decoder_tls_failed")
    wait_for(lambda: lines(sidecar, UPSTREAM), "the line of the upstream's failure", 5)
    assert 1 <= len(lines(sidecar, CLIENT)) <= 10


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_probe_is_none(launch_tls, reset):
    sidecar = launch_tls(log_level="info", loops=1)
    for _ in range(5):
        come(sidecar.port, b"", reset)
    with sidecar.connect() as client:
        assert client.ask().status == 200
    assert failures(sidecar) == 0 and not lines(sidecar, CLIENT)
    come(sidecar.port, b"\x16")
    wait_for(lambda: failures(sidecar) == 1, "one who said something to be counted")


@pytest.mark.parametrize("leg", ["decoder", "prefiller"])
def test_a_stalled_handshake_is_told(launch, certificates, leg):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        flags = {f"{leg}_use_tls": True, "ca_cert_path": certificates.ca, "connect_timeout": "500ms"}
        sidecar = launch(**flags | ({"vllm_port": port} if leg == "decoder" else {}))
        with Client(sidecar.port) as client:
            routing = [] if leg == "decoder" else [("x-prefiller-host-port", f"127.0.0.1:{port}")]
            client.send(request("POST", CHAT, routing, PROMPT))
            assert client.response().status in (502, 504)
        told = wait_for(lambda: lines(sidecar, UPSTREAM), "the line", 5)[0]
        assert told["leg"] == leg and str(port) in told["upstream"] and "--connect-timeout" in told["reason"], told
