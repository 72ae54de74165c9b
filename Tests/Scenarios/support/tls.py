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


class Sealed:
    """TLS over a socket, through memory: what TLS would send or read can be seen before it is done."""

    def __init__(self, sock, context, **rest):
        self.sock = sock
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, **rest)

    def step(self, work, send):
        """Does it to its end; what goes out goes through `send`, an alert before an error too."""
        while True:
            try:
                return work()
            except ssl.SSLWantReadError:
                pass
            finally:
                if data := self.outgoing.read():
                    send(data)
            if data := self.sock.recv(65536):
                self.incoming.write(data)
            else:
                self.incoming.write_eof()


class TLSStream(Sealed):
    """A socket that speaks TLS. An end without close_notify is a reset, as far as the reader is concerned."""

    def __init__(self, sock, context, **rest):
        super().__init__(sock, context, **rest)
        self.was_cut = False
        self.arrived = b""  # before our goodbye, and not asked for yet
        self.step(self.tls.do_handshake, sock.sendall)

    def __getattr__(self, name):
        return getattr(self.tls if hasattr(self.tls, name) else self.sock, name)

    def recv(self, count):
        if self.arrived:
            data, self.arrived = self.arrived[:count], self.arrived[count:]
            return data
        try:
            return self.step(lambda: self.tls.read(count), self.sock.sendall)
        except ssl.SSLZeroReturnError:
            return b""  # a goodbye that answers ours
        except ssl.SSLEOFError:
            self.was_cut = True
            raise ConnectionResetError("the end came without close_notify") from None

    def sendall(self, data):
        self.step(lambda: self.tls.write(data), self.sock.sendall)

    def say_goodbye(self):
        """Sends close_notify, waits for nothing. OpenSSL reads on after it and would take data for an error, so that what
        has come already is put aside first."""
        with contextlib.suppress(ssl.SSLError):
            while data := self.tls.read(65536):
                self.arrived += data
        with contextlib.suppress(ssl.SSLError):
            self.tls.unwrap()
        with contextlib.suppress(OSError):
            self.sock.sendall(self.outgoing.read())

    def shutdown(self, how):
        if how == socket.SHUT_WR:
            self.say_goodbye()
        self.cut(how)

    def cut(self, how=socket.SHUT_WR):
        """FIN without close_notify."""
        self.sock.shutdown(how)


class TLSClient(Client):
    """One connection over TLS to a port on this machine; ssl.SSLError when there is no handshake."""

    def __init__(self, port, context, name="localhost", session=None, **rest):
        super().__init__(port, **rest)
        try:
            self.sock = TLSStream(self.sock, context, server_hostname=name, session=session)
        except BaseException:
            self.sock.close()
            raise
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
            tls = TLSStream(connection.sock, self.context, server_side=True)
        except OSError as failure:
            with self.changed:
                self.handshake_failures.append(failure)
                self.live.discard(connection)
                self.changed.notify_all()
            connection.sock.close()
            return
        tls.settimeout(None)
        connection.sock = tls
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


class ByHand(Sealed):
    """A TLS client that says which bytes it would send, and leaves the sending to the scenario."""

    def __init__(self, port, context, name="localhost"):
        sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(sock, context, server_hostname=name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

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
