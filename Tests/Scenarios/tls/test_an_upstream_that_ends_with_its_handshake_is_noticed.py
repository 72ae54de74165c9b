"""The end of a connection may come in one piece with the last of its handshake: no event tells of it afterwards."""

import contextlib
import socket
import ssl
import threading
import time

import pytest

from harness import CHAT, PROMPT, ROUTE, Client, assert_error, request


class Ending:
    """An engine that ends what it says together with its last flight, and leaves the socket open."""

    def __init__(self, context, how):
        self.context, self.how, self.kept = context, how, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.kept.append(sock)
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_side=True)
        with contextlib.suppress(OSError):
            while True:
                done = True
                try:
                    tls.do_handshake()
                except ssl.SSLWantReadError:
                    done = False
                # In TLS 1.3 a server's one flight may be its last.
                is_last = done or self.how == "fin" and tls.version() == "TLSv1.3" and outgoing.pending
                if done and self.how == "goodbye":
                    with contextlib.suppress(ssl.SSLError):
                        tls.unwrap()
                sock.sendall(outgoing.read())
                if is_last:
                    if self.how == "fin":
                        sock.shutdown(socket.SHUT_WR)
                    break
                incoming.write(sock.recv(65536) or b"\0")
            while sock.recv(65536):
                pass

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in self.kept:
            sock.close()


@pytest.mark.parametrize("leg", ["decoder", "prefiller"])
@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("how", ["goodbye", "fin"])
def test_it_is(launch, certificates, leg, version, how):
    engine = Ending(certificates.server(version=ssl.TLSVersion[version]), how)
    try:
        flags = {f"{leg}_use_tls": True, "ca_cert_path": certificates.ca}
        sidecar = launch(**flags | ({"vllm_port": engine.port} if leg == "decoder" else {}))
        with Client(sidecar.port) as client:
            began = time.monotonic()
            client.send(request(
                "POST", CHAT, [(ROUTE, f"127.0.0.1:{engine.port}")] if leg == "prefiller" else [], PROMPT))
            assert_error(client.response(), 502, "BadGateway" if leg == "decoder" else "prefiller_failed")
            assert time.monotonic() - began < 3
        sidecar.wait_until_quiet()
    finally:
        engine.close()
