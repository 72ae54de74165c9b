"""A small threaded engine whose answers a scenario scripts byte by byte.

A script is a function (connection, request) that runs in the connection's thread for each request. It returns the
bytes to send, or sends, stalls, resets and closes by itself through the connection and returns None.
"""

import random
import socket
import struct
import threading
import time

from .wire import Closed, Reader, Request, framing, parse_head, read_body


given = set()


def free_port():
    """A port below the ephemeral range, so that no outgoing connection can have taken it meanwhile. Each once, as long as
    there are any: it may be asked for long before it is bound."""
    if len(given) > 6000:
        given.clear()
    while True:
        port = random.randrange(20000, 32000)
        if port in given:
            continue
        given.add(port)
        with socket.socket() as v4, socket.socket(socket.AF_INET6) as v6:
            # A program that another thread starts just now holds copies of these until it runs; they must be in nobody's way.
            for trial in (v4, v6):
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                v4.bind(("127.0.0.1", port))
                v6.bind(("::1", port))
                return port
            except OSError:
                continue


def wait_for(condition, what, timeout=10.0):
    """Polls until the condition holds; returns its value."""
    deadline = time.monotonic() + timeout
    while True:
        if value := condition():
            return value
        assert time.monotonic() < deadline, f"not within {timeout} s: {what}"
        time.sleep(0.01)


class Connection:
    """One accepted connection, as a script sees it."""

    def __init__(self, sock, number):
        self.sock = sock
        self.number = number
        self.reader = Reader(sock)
        self.open = True
        self.served = 0

    def send(self, data):
        self.sock.sendall(data)

    def close(self):
        """An orderly end: FIN, then close."""
        self.open = False
        self.half_close()
        self.sock.close()

    def half_close(self):
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def reset(self):
        """A hard end: RST instead of FIN."""
        self.open = False
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def closed_by_peer(self, timeout=10):
        """Waits for the other side to close or reset; False when it did not, or sent bytes instead."""
        self.sock.settimeout(timeout)
        try:
            return self.sock.recv(1) == b""
        except TimeoutError:
            return False
        except OSError:
            return True

    def read_body(self, request):
        read_body(self.reader, request, framing(request))


class Engine:
    """Listens on this machine, records every request, and answers as the script says."""

    def __init__(self, script, host="127.0.0.1", read_bodies=True, receive_buffer=None, port=None):
        self.default_script = self.script = script
        self.default_read_bodies = self.read_bodies = read_bodies
        self.host = host
        self.changed = threading.Condition()
        self.requests = []
        self.failures = []
        self.connection_count = 0  # since the last reset
        self.last_number = 0  # never reset, so that no two connections have the same number
        self.live = set()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.port = port or free_port()
        self.listener.bind((host, self.port))
        self.listener.listen(512)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        """As it is written in the routing header."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def reset(self):
        """Back to the first script, nothing recorded."""
        with self.changed:
            self.script = self.default_script
            self.read_bodies = self.default_read_bodies
            self.requests = []
            self.failures = []
            self.connection_count = 0

    def close(self):
        """Stops listening and closes every connection."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for connection in list(self.live):
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def wait_for_requests(self, count, timeout=10):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.requests) >= count, timeout), (
                f"{len(self.requests)} of {count} requests arrived"
            )
            return self.requests[:count]

    def the_request(self):
        """The only request so far."""
        assert len(self.requests) == 1, [request.start for request in self.requests]
        return self.requests[0]

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.changed:
                self.connection_count += 1
                self.last_number += 1
                connection = Connection(sock, self.last_number)
                self.live.add(connection)
                self.changed.notify_all()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            while connection.open and self._one(connection):
                connection.sock.settimeout(None)
        except OSError:
            pass  # the sidecar left, or the scenario is over
        except Exception as failure:  # a malformed request is the finding, not a crash of this thread
            self.failures.append(failure)
        finally:
            self.live.discard(connection)
            connection.sock.close()

    def _one(self, connection):
        try:
            raw = connection.reader.until(b"\r\n\r\n")
        except Closed as closed:
            if closed.partial:
                self.failures.append(closed)
            return False
        start, headers = parse_head(raw)
        request = Request(start, headers, head=raw)
        request.connection = connection.number
        assert len(start) == 3 and start[2] == "HTTP/1.1", raw
        assert len(request.all("host")) == 1, raw
        how = framing(request)
        if self.read_bodies:
            read_body(connection.reader, request, how)
        with self.changed:
            connection.served += 1
            self.requests.append(request)
            script = self.script
            self.changed.notify_all()
        answer = script(connection, request)
        if answer and connection.open:
            connection.send(answer)
        return True
