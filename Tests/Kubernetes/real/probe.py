"""Asking the sidecar about a target as fast as it answers, and seeing the moment at which its answer changes."""

import socket
import threading
import time
from dataclasses import dataclass

from protected import PROMPT, ROUTE
from support.behaviours import CHAT
from support.wire import request


class WrongAnswer(AssertionError):
    """A refused target was allowed again, or an allowed one refused, without a reason."""


class Probe:
    """One connection that is kept; not for several threads."""

    def __init__(self, port):
        self.port = port
        self.sock = None
        self.requests = {}

    def close(self):
        if self.sock:
            self.sock.close()
        self.sock = None

    def ask(self, target):
        """The status of the answer to one prefill/decode request to that target."""
        raw = self.requests.get(target)
        if raw is None:
            raw = self.requests[target] = request("POST", CHAT, [(ROUTE, target)], PROMPT)
        for last in (False, True):
            try:
                if self.sock is None:
                    self.sock = socket.create_connection(("127.0.0.1", self.port), timeout=20)
                    self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.sock.sendall(raw)
                return self._status()
            except OSError:
                self.close()
                if last:
                    raise
        return 0

    def _status(self):
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head = data[:end].lower()
        at = head.find(b"\r\ncontent-length:")
        assert at >= 0, head
        length = int(head[at + 17:].split(b"\r\n")[0])
        have = len(data) - end - 4
        while have < length:
            have += len(self._more())
        return int(head[9:12])

    def _more(self):
        piece = self.sock.recv(65536)
        if not piece:
            raise ConnectionError("closed")
        return piece


@dataclass
class Seen:
    """One change and when it was in force, in seconds: from just before the write, and from its return (negative: the
    sidecar had it before the API server had answered the writer)."""

    kind: str
    from_before: float
    from_return: float


def enforced(probe, kind, write, target, expected, patience=30, after=10):
    """Makes the change in another thread and asks all the time until the answer is the expected one; then some more
    times, in which it must stay so. Raises when the change isn't enforced, or doesn't stay so."""
    times, failures = {}, []

    def run():
        try:
            times["before"] = time.monotonic()
            write()
            times["returned"] = time.monotonic()
        except BaseException as failure:  # told by the asking thread
            failures.append(failure)

    status = probe.ask(target)
    assert status in (200, 403) and status != expected, f"{kind}: {target} is {status} before the change"
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    deadline = time.monotonic() + patience
    while True:
        status = probe.ask(target)
        seen = time.monotonic()
        if status == expected:
            break
        assert status in (200, 403), f"{kind}: {target}: {status}"
        assert not failures, failures
        assert seen < deadline, f"{kind}: {target} is {status} after {patience} s instead of {expected}"
    thread.join(60)
    assert not failures, failures
    for _ in range(after):
        status = probe.ask(target)
        if status != expected:
            raise WrongAnswer(f"{kind}: {target} was {expected} and then {status}")
    return Seen(kind, seen - times["before"], seen - times["returned"])


class Guard:
    """Asks for members that must be allowed and strangers that must not, all the time, in a thread of its own."""

    def __init__(self, port, members=(), strangers=(), pause=0.002):
        self.expected = [(target, 200) for target in members] + [(target, 403) for target in strangers]
        self.probe, self.pause = Probe(port), pause
        self.over = threading.Event()
        self.asked, self.wrong = 0, []
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(30)
        self.probe.close()

    def _run(self):
        while not self.over.is_set():
            for target, status in self.expected:
                try:
                    got = self.probe.ask(target)
                except (OSError, AssertionError) as failure:
                    got = repr(failure)
                self.asked += 1
                if got != status:
                    self.wrong.append((target, status, got))
            time.sleep(self.pause)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
