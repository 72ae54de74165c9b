"""Between the dialer's connection and the end of its handshake a prefiller may leave the allowlist: then it is told nothing."""

import socket
import ssl
import threading
import time

import pytest

from harness import CHAT, PROMPT, ROUTE, assert_error, wait_for


class Hesitant:
    """Begins its handshake when told to."""

    def __init__(self, context):
        self.context = context
        self.go, self.heard = threading.Event(), []
        self.connected = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        sock, _ = self.listener.accept()
        self.connected.set()
        self.go.wait(10)
        sock.settimeout(10)
        try:
            with self.context.wrap_socket(sock, server_side=True) as tls:
                self.heard.append(tls.recv(65536))
        except (OSError, ssl.SSLError):
            pass


@pytest.mark.parametrize("revoked", ["finish", "cut"])
def test_it_gets_none(launch_tls, certificates, tmp_path, revoked):
    prefiller = Hesitant(certificates.server())
    listed = tmp_path / "allow"
    listed.write_text(f"127.0.0.1:{prefiller.port}\n127.0.0.1:1\n")
    sidecar = launch_tls(
        prefiller_use_tls=True, ca_cert_path=certificates.ca, enable_ssrf_protection=True, allow_file=listed,
        connect_timeout="9s", prefill_timeout="9s", revoked_connections=revoked)
    answers = []

    def ask():
        with sidecar.connect() as client:
            answers.append(client.ask("POST", CHAT, [(ROUTE, f"127.0.0.1:{prefiller.port}")], PROMPT))

    asking = threading.Thread(target=ask)
    asking.start()
    assert prefiller.connected.wait(10)
    listed.write_text("127.0.0.1:1\n")
    before = sidecar.metric("sidecar_allowlist_generation")
    sidecar.signal(1)
    wait_for(lambda: sidecar.metric("sidecar_allowlist_generation") > before, "the shorter list", 10)
    time.sleep(0.1)
    prefiller.go.set()
    asking.join(10)
    assert_error(answers[0], 403, "prefill_target_not_allowed")
    wait_for(lambda: not any(prefiller.heard), "silence", 1)
    prefiller.listener.close()
