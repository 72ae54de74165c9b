"""A peer that sends nothing but new keys (KeyUpdate, RFC 8446, 4.6.3) takes turns like any other, and not many of them."""

import socket
import threading

import pytest

from harness import CHAT, PROMPT, Client, assert_error, in_background, request, wait_for
from support.newkeys import NewKeys

FLOOD = 60_000


def flood(peer):
    """Sends them until the other end has had enough; whether it had."""
    records = peer.new_keys(FLOOD)
    try:
        for at in range(0, len(records), 1 << 16):
            peer.sock.sendall(records[at : at + (1 << 16)])
        peer.sock.settimeout(5)
        while peer.sock.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def test_a_client(launch_tls):
    sidecar = launch_tls(loops=1)
    with socket.create_connection(("127.0.0.1", sidecar.port)) as sock, sidecar.connect() as other:
        peer = NewKeys(sock)
        peer.sock.sendall(peer.new_keys(1))
        running = in_background(lambda: flood(peer))
        for _ in range(50):
            assert other.ask().status == 200
        assert running(), "it was never ended"
        sidecar.wait_for_metric(1, "sidecar_connections_open", side="client")


@pytest.mark.parametrize("wants_theirs", [False, True])
def test_some_are_fine(launch_tls, wants_theirs):
    """Sixty between two requests, in one piece, and the request's data behind them."""
    sidecar = launch_tls(loops=1)
    with socket.create_connection(("127.0.0.1", sidecar.port)) as sock:
        peer = NewKeys(sock)
        for turn in range(3):
            text = request("GET", f"/{turn}")
            sock.sendall(peer.new_keys(25, wants_theirs) + peer.data(text[:9]))
            sock.sendall(peer.new_keys(25, wants_theirs) + peer.data(text[9:]))
            answer = b""
            while f'"served": "/{turn}"'.encode() not in answer:
                piece = peer.read()
                assert piece, answer
                answer += piece


def test_new_keys_alone_are_read_though_nothing_follows(launch_tls):
    """Whatever stands behind them in the socket is found, with or without an event."""
    sidecar = launch_tls(loops=1)
    with socket.create_connection(("127.0.0.1", sidecar.port)) as sock:
        peer = NewKeys(sock)
        for turn in range(20):
            sock.sendall(peer.new_keys(1))
            sock.sendall(peer.data(request("GET", f"/{turn}")))
            assert f'"served": "/{turn}"'.encode() in peer.read()


def test_an_upstream(launch, certificates):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                with sock:
                    if not sock.recv(1, socket.MSG_PEEK):
                        continue
                    peer = NewKeys(sock, certificates.pair("engine"))
                    assert peer.read()
                    ended.append(flood(peer))

        ended = []
        threading.Thread(target=serve, daemon=True).start()
        sidecar = launch(decoder_use_tls=True, ca_cert_path=certificates.ca, vllm_port=listener.getsockname()[1])
        with Client(sidecar.port) as client:
            client.send(request("POST", CHAT, [], PROMPT))
            assert_error(client.response(), 502, "decoder_tls_failed")
        wait_for(lambda: ended, "the flood to end")
        assert ended == [True]
        listener.shutdown(socket.SHUT_RDWR)
    wait_for(lambda: "messages of TLS itself" in sidecar.log_text(), "the log line that says why")
