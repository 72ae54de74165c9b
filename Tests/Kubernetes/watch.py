"""An open watch at the fake API server."""

import collections
import select
import time

from answers import break_off, encode, status_object
from cluster import PODS
from objects import GROUPS
from support.wire import encode_chunk


class Watch:
    """An open watch. Scenarios give it orders through `FakeAPI.each_watch`."""

    def __init__(self, exchange, resource, selection):
        self.exchange, self.call, self.api = exchange, exchange.call, exchange.api
        self.resource, self.selection = resource, selection
        self.orders = collections.deque()
        self.cursor = int(self.call.query.get("resourceVersion") or 0)
        self.deadline = time.monotonic() + float(self.call.query.get("timeoutSeconds") or 1800)
        self.open = True

    def run(self):
        cluster = self.api.cluster
        # A version of the future: silence, as a real server does it.
        future = self.cursor > cluster.version
        self.exchange.send_watch_head()
        if 0 < self.cursor < cluster.oldest:
            return self.too_old()
        if not self.cursor:
            documents, self.cursor = cluster.list(self.resource, self.selection)
            for document in documents:
                self.event("ADDED", document)
        with self.api.lock:
            self.api.watches.append(self)
        try:
            while self.open and time.monotonic() < self.deadline:
                self._turn(cluster, future)
            if self.open:
                self.end()
        finally:
            with self.api.lock:
                self.api.watches.remove(self)

    def _turn(self, cluster, future):
        with cluster.changed:
            cluster.changed.wait_for(lambda: self.orders or cluster.version > self.cursor, 0.25)
            orders = [self.orders.popleft() for _ in range(len(self.orders))]
            there = self.resource == PODS or self.resource in cluster.installed
        if not future:
            events, version = cluster.events(self.resource, self.selection, self.cursor)
            for kind, document in events:
                self.event(kind, document)
            self.cursor = version
        for order in orders:
            if self.open:
                order(self)
        if not there:
            self.end()
        # The client sends nothing on a watch: what can be read is its end.
        if self.open and select.select([self.exchange.sock], [], [], 0)[0]:
            self.open = self.exchange.keep = False

    # ---- orders

    def event(self, kind, document):
        self.send_line(encode({"type": kind, "object": document}))

    def send_line(self, line):
        for piece in self.api.chunking(line):
            self.exchange.send(encode_chunk(piece))

    def bookmark(self, version=None):
        if self.call.query.get("allowWatchBookmarks") in ("1", "true"):
            kind = {"kind": "Pod", "apiVersion": "v1"} if self.resource == PODS else {
                "kind": "InferencePool", "apiVersion": f"{self.resource}/{GROUPS[self.resource]}"}
            self.event("BOOKMARK", kind | {"metadata": {"resourceVersion": str(version or self.cursor)}})

    def error(self, code, reason, message):
        """An ERROR event, then the end."""
        self.event("ERROR", status_object(code, reason, message))
        self.end()

    def too_old(self):
        self.error(410, "Expired", f"too old resource version: {self.cursor} ({self.api.cluster.oldest})")

    def end(self):
        """The last chunk: a clean end. The connection stays."""
        self.exchange.send(b"0\r\n\r\n")
        self.open = False

    def cut(self, reset):
        """The connection breaks off without the last chunk."""
        self.open = self.exchange.keep = False
        break_off(self.exchange.sock, reset)
