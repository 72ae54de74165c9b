"""Renegotiation is refused, 0-RTT is not offered (it could be replayed), new keys on demand are fine, in bounds."""

import os
import subprocess
import threading

import pytest

from harness import wait_for
from support.tls import plain_get, s_client


class Interactive:
    """The openssl program with its input open: it takes orders there, one letter at the beginning of a line."""

    def __init__(self, port, certificates, *options):
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", str(certificates.ca), *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env={"PATH": "/usr/bin:/bin", "OPENSSL_CONF": "/dev/null"})
        self.out = ""
        threading.Thread(target=self._read, daemon=True).start()
        self.wait("---\n")

    def _read(self):
        while piece := os.read(self.process.stdout.fileno(), 65536):
            self.out += piece.decode("utf-8", "replace")

    def say(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def wait(self, text):
        wait_for(lambda: text in self.out, text, 10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def test_renegotiation(secure, certificates):
    with Interactive(secure.port, certificates, "-tls1_2") as client:
        client.wait("Verify return code: 0")
        client.say("R\n")
        client.wait("RENEGOTIATING")
        client.wait("no renegotiation")
    with secure.connect() as other:
        assert other.ask().status == 200


@pytest.mark.parametrize("order", ["K", "k"], ids=["both", "own"])
def test_new_keys(secure, certificates, order):
    with Interactive(secure.port, certificates, "-tls1_3") as client:
        client.wait("Verify return code: 0")
        for turn in range(3):
            client.say(f"{order}\n")
            wait_for(lambda: client.out.count("KEYUPDATE") == turn + 1, "the new keys", 10)
            client.say(f"GET /after-{turn} HTTP/1.1\r\nHost: sidecar\r\n\r\n")
            client.wait(f'"served": "/after-{turn}"')


def test_early_data(secure, certificates):
    out = s_client(secure.port, certificates, "-tls1_3", text=plain_get())
    assert '"served"' in out and "Max Early Data: 0" in out, out
