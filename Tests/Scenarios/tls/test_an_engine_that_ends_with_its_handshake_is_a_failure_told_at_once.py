"""An engine may say goodbye, or hang up, together with the last words of its handshake: no event tells of that later, and a
request that waited for one would wait for ever."""

import socket
import ssl
import threading

import pytest

from harness import assert_error


class Leaver:
    """Shakes hands and is gone, with close_notify or without."""

    def __init__(self, context, farewell):
        self.context, self.farewell = context, farewell
        self.failures = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.leave, args=(sock,), daemon=True).start()

    def leave(self, sock):
        sock.settimeout(10)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_side=True)
        try:
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    sock.sendall(outgoing.read())
                    incoming.write(sock.recv(65536))
            if self.farewell == "goodbye":
                try:
                    tls.unwrap()
                except ssl.SSLWantReadError:
                    pass
            # Last flight and end in one piece, and nothing after it.
            sock.sendall(outgoing.read())
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):
                pass
        except OSError:
            pass
        sock.close()

    def close(self):
        self.listener.close()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda version: version.name)
@pytest.mark.parametrize("farewell", ["goodbye", "hang-up"])
def test_it_is(launch_tls, certificates, version, farewell):
    context = certificates.server()
    context.minimum_version = context.maximum_version = version
    sidecar = launch_tls(Leaver(context, farewell), decoder_use_tls=True, ca_cert_path=certificates.ca)
    for _ in range(5):
        with sidecar.connect() as client:
            assert_error(client.ask(), 502)
