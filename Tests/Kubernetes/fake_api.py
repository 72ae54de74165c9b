"""A scripted Kubernetes API server on loopback: pods and InferencePools over TLS, and every fault on demand.

It serves what `Cluster` holds, with list, continue and watch as a real server does them, records each request, and
hands those that a rule matches to a fault (faults.py). Counts of requests, not times, show what a client made of it.
"""

import socket
import ssl
import threading

from answers import break_off
from cluster import Cluster
from exchange import Exchange
from support.engine import free_port, wait_for
from support.wire import Closed, Reader, Request, framing, parse_head


class Rule:
    """Hands matching requests to a fault: the next `times`, or all (None) until it is removed."""

    def __init__(self, api, words, fault, times, group):
        self.api, self.words, self.fault, self.times, self.group = api, words, fault, times, group
        self.hits = 0

    def takes(self, call):
        if self.times is not None and self.hits >= self.times:
            return False
        if self.group and call.group != self.group:
            return False
        if not call.is_kind(self.words):
            return False
        self.hits += 1
        return True

    def remove(self):
        with self.api.lock:
            if self in self.api.rules:
                self.api.rules.remove(self)

    def wait(self, hits=1, timeout=30):
        wait_for(lambda: self.hits >= hits, f"{hits} × {self.words} to be met by a fault", timeout)


def whole(data):
    return [data]


class FakeAPI:
    def __init__(self, certificate, token="token-1", cluster=None):
        self.cluster = cluster or Cluster()
        self.tokens = {token}
        self.lock = threading.RLock()
        self.calls = []
        self.rules = []
        self.watches = []  # the open ones
        self.sockets = set()
        self.connections = 0
        self.handshakes = 0
        self.failed_handshakes = 0
        self.chunking = whole  # how the line of an event becomes chunks, each in a TLS record of its own
        self.records = whole  # how any bytes become TLS records
        self.pause = 0  # seconds between two of them
        self.chunked_lists = False
        self.speaks = True  # False: connections are accepted and nothing is ever said, not even TLS
        self.serve_with(certificate)
        self.port = free_port()
        self.listener = None
        self.up()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    # ---- what a scenario does to it

    def serve_with(self, certificate):
        """New connections see this certificate: paths of certificate and key."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self.context = context

    def fault(self, words, fault, times=1, group=None):
        """The next requests whose kind has these words ("watch pods", "pods", "list", "") meet the fault."""
        rule = Rule(self, words, fault, times, group)
        with self.lock:
            self.rules.append(rule)
        return rule

    def heal(self):
        """No rule is left, and bytes go out whole again."""
        with self.lock:
            self.rules.clear()
        self.chunking = self.records = whole
        self.pause, self.speaks = 0, True

    def down(self, reset=True):
        """As if the process were killed: nothing listens, every connection breaks off."""
        listener, self.listener = self.listener, None
        if listener:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.drop_connections(reset)

    def up(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(128)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def drop_connections(self, reset=True):
        """Returns when all are gone, so that what happens next is told to nobody."""
        self.each_watch("", lambda watch: watch.cut(reset))
        with self.lock:
            watched = {watch.exchange.sock for watch in self.watches}
            sockets = self.sockets - watched
            old = set(self.sockets)
        for sock in sockets:
            break_off(sock, reset)
        wait_for(lambda: not old & self.sockets, "every connection to be gone")

    def close(self):
        self.heal()
        self.down()

    def each_watch(self, words, action):
        """Does something to each open watch of that kind, in its own thread: `lambda watch: watch.reset()`."""
        with self.lock:
            found = [watch for watch in self.watches if watch.call.is_kind(words)]
        with self.cluster.changed:
            for watch in found:
                watch.orders.append(action)
            self.cluster.changed.notify_all()
        return len(found)

    def bookmark(self, words="watch"):
        """Tells the open watches the present version."""
        return self.each_watch(words, lambda watch: watch.bookmark())

    # ---- what it has seen

    def seen(self, words="", group=None):
        with self.lock:
            return [call for call in self.calls if call.is_kind(words) and group in (None, call.group)]

    def count(self, words="", group=None):
        return len(self.seen(words, group))

    def wait_for_calls(self, words, count, timeout=20, group=None):
        wait_for(lambda: self.count(words, group) >= count, f"{count} × {words}", timeout)

    def open_watches(self, words=""):
        with self.lock:
            return [watch for watch in self.watches if watch.call.is_kind(words)]

    def wait_until_watched(self, timeout=20):
        """Both collections are being watched."""
        wait_for(lambda: self.open_watches("pods") and self.open_watches("pools"), "two open watches", timeout)

    def settle(self):
        """The start is over: waits until both collections are watched, and counts from here."""
        self.wait_until_watched()
        with self.lock:
            self.calls.clear()

    # ---- connections

    def _accept(self, listener):
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.connections += 1
                number = self.connections
                self.sockets.add(sock)
            threading.Thread(target=self._connection, args=(sock, number), daemon=True).start()

    def _connection(self, sock, number):
        plain = sock
        try:
            if not self.speaks:
                while sock.recv(65536):  # takes everything, says nothing
                    pass
                return
            try:
                sock = self.context.wrap_socket(sock, server_side=True, suppress_ragged_eofs=True)
            except (OSError, ssl.SSLError):
                with self.lock:
                    self.failed_handshakes += 1
                return
            with self.lock:
                self.handshakes += 1
                self.sockets.discard(plain)
                self.sockets.add(sock)
            reader = Reader(sock)
            while self._serve(sock, reader, number):
                pass
        except (OSError, Closed, ValueError):
            pass  # one side broke off
        finally:
            with self.lock:
                self.sockets.discard(plain)
                self.sockets.discard(sock)
            sock.close()

    def _serve(self, sock, reader, number):
        raw = reader.until(b"\r\n\r\n")
        start, headers = parse_head(raw)
        request = Request(start, headers, head=raw)
        assert framing(request) is None, "a GET has no body"
        exchange = Exchange(self, sock, reader, request, number)
        with self.lock:
            self.calls.append(exchange.call)
            rule = next((rule for rule in self.rules if rule.takes(exchange.call)), None)
        if rule:
            rule.fault(exchange)
        else:
            exchange.answer()
        return exchange.keep
