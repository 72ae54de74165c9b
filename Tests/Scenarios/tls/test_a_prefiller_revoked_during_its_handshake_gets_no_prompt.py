"""Between the connection and the end of its handshake the allowlist may change: the leg has not begun, and doesn't."""

import signal
import socket
import threading

import pytest

from harness import CHAT, PROMPT, ROUTE, ask, assert_error, in_background, prefills, wait_for


class Waits:
    """Listens, and shakes hands when it is told to."""

    def __init__(self, context):
        self.context, self.go, self.got = context, threading.Event(), []
        self.called = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:{}".format(self.listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        sock, _ = self.listener.accept()
        self.called.set()
        self.go.wait(10)
        try:
            with self.context.wrap_socket(sock, server_side=True) as tls:
                self.got.append(tls.recv(65536))
        except OSError:
            pass
        self.got.append(b"")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.go.set()
        self.listener.close()


@pytest.fixture
def shorten(launch, certificates):
    """Starts a sidecar that may call these, and lets the first of them leave the list while its handshake waits."""

    def start(leaver, *others, **flags):
        members = certificates.new_directory() / "members"
        stay = "".join(f"{address}\n" for address in ("127.0.0.1:1", *others))
        members.write_text(f"{leaver.address}\n{stay}")
        sidecar = launch(
            prefiller_use_tls=True, ca_cert_path=certificates.ca, enable_ssrf_protection=True, allow_file=members,
            connect_timeout="8s", **flags)
        route = [(ROUTE, ",".join((leaver.address, *others)))]
        answer = in_background(lambda: ask(sidecar.port, "POST", CHAT, route, PROMPT))
        assert leaver.called.wait(5)
        members.write_text(stay)
        sidecar.signal(signal.SIGHUP)
        return sidecar, answer()

    return start


@pytest.mark.parametrize("how", ["finish", "cut"])
def test_it_does_not(shorten, certificates, how):
    with Waits(certificates.server("address-only")) as prefiller:
        sidecar, answer = shorten(prefiller, revoked_connections=how)
        assert_error(answer, 403, "prefill_target_not_allowed")
        assert sidecar.metric("sidecar_revoked_connections_total", stage="connected") == 1
        prefiller.go.set()
        wait_for(lambda: prefiller.got, "the handshake to end")
        assert b"".join(prefiller.got) == b"" and sidecar.decoder.requests == []


def test_the_next_candidate_is_called(shorten, engine, certificates):
    other = engine(prefills())
    with Waits(certificates.server("address-only")) as prefiller:
        sidecar, answer = shorten(prefiller, other.address)
        assert answer.status == 200 and len(other.requests) == len(sidecar.decoder.requests) == 1
        prefiller.go.set()
        wait_for(lambda: prefiller.got, "the handshake to end")
        assert b"".join(prefiller.got) == b""
