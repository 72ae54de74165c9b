"""What requests and answers at the fake API server have in common."""

import json
import socket
import struct
import time
from dataclasses import dataclass, field


@dataclass
class Call:
    """One request. `kind` is a verb (list, continue, watch, get) and a resource (pods, pools)."""

    kind: str
    group: str  # API group of a pool; "" for pods
    namespace: str
    query: dict
    token: str  # None: no bearer token
    connection: int
    at: float = field(default_factory=time.monotonic)
    status: int = None

    def is_kind(self, words):
        return set(words.split()) <= set(self.kind.split())


def break_off(sock, reset):
    """Ends a connection without a last chunk and without TLS's farewell, by RST or by FIN."""
    try:
        if reset:
            # Its own thread closes it, and that close sends RST.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket.shutdown(sock, socket.SHUT_RD if reset else socket.SHUT_RDWR)
    except OSError:
        pass


def status_object(code, reason, message, **details):
    document = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": message, "reason": reason, "code": code}
    if details:
        document["details"] = details
    return document


def encode(document):
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
