"""Both ends of TLS: a client and an engine as support/client.py and support/engine.py have them, and a client whose bytes
the scenario sends by itself."""

import contextlib
import socket
import ssl
import subprocess
import threading
from dataclasses import dataclass

from .client import PATIENCE, Client
from .engine import Engine
from .wire import Reader, request


class TLSStream:
    """A socket that speaks TLS. An end without close_notify is a reset, as far as the reader is concerned."""

    def __init__(self, tls):
        self.tls = tls
        self.was_cut = False

    def __getattr__(self, name):
        return getattr(self.tls, name)

    def recv(self, count):
        try:
            return self.tls.recv(count)
        except ssl.SSLZeroReturnError:
            return b""  # a goodbye that answers ours
        except ssl.SSLEOFError:
            self.was_cut = True
            raise ConnectionResetError("the end came without close_notify") from None

    def sendall(self, data):
        try:
            self.tls.sendall(data)
        except ssl.SSLEOFError:
            raise BrokenPipeError("the peer has gone") from None

    def say_goodbye(self):
        """Sends close_notify, waits for nothing."""
        before = self.tls.gettimeout()
        self.tls.settimeout(0)
        with contextlib.suppress(OSError, ValueError):
            self.tls.unwrap()
        self.tls.settimeout(before)

    def shutdown(self, how):
        if how == socket.SHUT_WR:
            self.say_goodbye()
        self.cut(how)

    def cut(self, how=socket.SHUT_WR):
        """FIN without close_notify."""
        socket.socket.shutdown(self.tls, how)


class TLSClient(Client):
    """One connection over TLS to a port on this machine; ssl.SSLError when there is no handshake."""

    def __init__(self, port, context, name="localhost", session=None, **rest):
        super().__init__(port, **rest)
        try:
            tls = context.wrap_socket(self.sock, server_hostname=name, session=session, suppress_ragged_eofs=False)
        except BaseException:
            self.sock.close()
            raise
        self.sock = TLSStream(tls)
        self.reader = Reader(self.sock)

    @property
    def serial(self):
        """Of the certificate that was shown."""
        return self.sock.getpeercert()["serialNumber"]

    @property
    def session(self):
        return self.sock.tls.session

    @property
    def was_resumed(self):
        return self.sock.tls.session_reused

    def ask(self, method="GET", target="/v1/models", headers=(), body=None):
        self.send(request(method, target, headers, body))
        return self.response(method)


@dataclass
class Handshake:
    """What an engine has learnt of the sidecar as a client."""

    version: str
    suite: str
    protocol: str
    was_resumed: bool
    server_name: str
    certificate: dict


class TLSEngine(Engine):
    """An engine that speaks TLS. `cuts` counts connections that the sidecar ended without close_notify."""

    def __init__(self, script, context, **rest):
        self.context = context
        self.handshakes = []
        self.handshake_failures = []
        self.ends = []
        self.names = threading.local()
        context.sni_callback = lambda tls, name, _: setattr(self.names, "asked", name)
        super().__init__(script, **rest)

    def reset(self):
        super().reset()
        with self.changed:
            self.handshakes, self.handshake_failures, self.ends = [], [], []

    def _serve(self, connection):
        self.names.asked = None
        connection.sock.settimeout(PATIENCE)
        with contextlib.suppress(OSError):
            if not connection.sock.recv(1, socket.MSG_PEEK):
                # Whether somebody listens was all that was asked.
                self.live.discard(connection)
                connection.sock.close()
                return
        try:
            tls = self.context.wrap_socket(connection.sock, server_side=True, suppress_ragged_eofs=False)
        except OSError as failure:
            with self.changed:
                self.handshake_failures.append(failure)
                self.live.discard(connection)
                self.changed.notify_all()
            connection.sock.close()
            return
        tls.settimeout(None)
        connection.sock = TLSStream(tls)
        connection.reader = Reader(connection.sock)
        with self.changed:
            self.handshakes.append(Handshake(
                tls.version(), tls.cipher()[0], tls.selected_alpn_protocol(), tls.session_reused, self.names.asked,
                tls.getpeercert()))
        super()._serve(connection)
        with self.changed:
            self.ends.append(connection.sock.was_cut)
            self.changed.notify_all()

    @property
    def hellos(self):
        """How often a handshake was begun."""
        return len(self.handshakes) + len(self.handshake_failures)

    @property
    def cuts(self):
        return sum(self.ends)


class ByHand:
    """A TLS client that says which bytes it would send, and leaves the sending to the scenario."""

    def __init__(self, port, context, name="localhost"):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def step(self, work, send):
        """Does it to its end; what goes out goes through `send`."""
        while True:
            try:
                result = work()
                send(self.outgoing.read())
                return result
            except ssl.SSLWantReadError:
                send(self.outgoing.read())
                if data := self.sock.recv(65536):
                    self.incoming.write(data)
                else:
                    self.incoming.write_eof()

    def shake_hands(self, send=None):
        self.step(self.tls.do_handshake, send or self.sock.sendall)

    def hello(self):
        """The first flight."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.outgoing.read()

    def sealed(self, data):
        """Records with this in them."""
        self.tls.write(data)
        return self.outgoing.read()

    def read(self, count=65536):
        return self.step(lambda: self.tls.read(count), self.sock.sendall)


def s_client(port, certificates, *options, text="", name="localhost", timeout=20):
    """What the openssl program says of a connection; everything that it prints."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", str(certificates.ca),
               "-verify_return_error", "-ign_eof", *(["-servername", name] if name else []), *options]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=timeout,
                          env={"PATH": "/usr/bin:/bin", "OPENSSL_CONF": "/dev/null"}, errors="replace")
    return done.stdout + done.stderr


def plain_get(target="/v1/models"):
    """A request that is answered and followed by a close, for programs that wait for it."""
    return f"GET {target} HTTP/1.1\r\nHost: sidecar\r\nConnection: close\r\n\r\n"
