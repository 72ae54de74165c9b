"""Who may be reached, and canaries that nobody may reach. Each greets with its name, so that the far end of a
connection is known from what it says and not only from its address."""

import select
import socket
import threading
import time

from support.behaviours import prefill_answer
from support.wire import response

ANSWER = response(body=prefill_answer())


class Listeners:
    """Accepts everything in one thread and counts it by name; connections stay open until the other side closes."""

    def __init__(self):
        self.counts = {}
        self.changed = threading.Condition()
        self.poll = select.epoll()
        self.open = {}
        self.names = {}
        self.forgotten = 0
        self.http = False
        self.running = True
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def listen(self, name, host, port, backlog=4096):
        """Listens; a port shared with a wildcard canary is possible, the more exact address is preferred."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen(backlog)
        self.adopt(name, listener)

    def total(self):
        with self.changed:
            return sum(self.counts.values()) + self.forgotten

    def count(self, name):
        with self.changed:
            return self.counts.get(name, 0)

    def canaries(self):
        """Canaries that were reached, with how often."""
        with self.changed:
            return {name: count for name, count in self.counts.items() if name.startswith("canary") and count}

    def forget_canaries(self):
        """They were reached on purpose."""
        for name, count in self.canaries().items():
            self.forgotten += count
            self.counts[name] = 0

    def speak_http(self):
        """From now on they are engines that know one answer, and greet nobody."""
        self.http = True

    def adopt(self, name, listener):
        """Accepts at a socket that already listens."""
        listener.setblocking(False)
        self.counts.setdefault(name, 0)
        self.names[listener.fileno()] = name
        self.open[listener.fileno()] = listener
        self.poll.register(listener, select.EPOLLIN)

    def retire(self, name):
        """Listens no more under this name."""
        for descriptor in [number for number, of in self.names.items() if of == name]:
            del self.names[descriptor]
            self._drop(descriptor)

    def close(self):
        self.running = False
        self.thread.join(5)
        for sock in self.open.values():
            sock.close()
        self.poll.close()

    def _run(self):
        while self.running:
            for descriptor, _ in self.poll.poll(0.1):
                if descriptor in self.names:
                    self._accept(descriptor)
                elif descriptor in self.open:
                    self._read(descriptor)

    def _accept(self, descriptor):
        while True:
            try:
                sock, _ = self.open[descriptor].accept()
            except (OSError, KeyError):
                return
            name = self.names.get(descriptor, "retired")
            with self.changed:
                self.counts[name] += 1
                self.changed.notify_all()
            sock.setblocking(False)
            self.open[sock.fileno()] = sock
            self.poll.register(sock, select.EPOLLIN | select.EPOLLRDHUP)
            if self.http:
                continue
            try:
                sock.send(name.encode())
            except OSError:
                self._drop(sock.fileno())

    def _read(self, descriptor):
        try:
            if self.open[descriptor].recv(65536):
                if self.http:
                    self.open[descriptor].send(ANSWER)
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._drop(descriptor)

    def _drop(self, descriptor):
        self.poll.unregister(descriptor)
        self.open.pop(descriptor).close()


class Full:
    """A listener whose queue is full: whoever connects to it waits until there is room."""

    def __init__(self, host, port):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.listener.bind((host, port))
        self.listener.listen(0)
        self.fillers = []
        deadline = time.monotonic() + 5
        while True:
            filler = socket.socket(family, socket.SOCK_STREAM)
            filler.setblocking(False)
            filler.connect_ex((host, port))
            self.fillers.append(filler)
            if not select.select([], [filler], [], 0.2)[1]:
                break  # this one waits: the queue is full
            assert time.monotonic() < deadline, "the queue never fills"

    def make_room(self, listeners, name):
        """From now on everybody who waits is let in, by these listeners."""
        self.give_up()
        listeners.adopt(name, self.listener)
        self.listener = None

    def give_up(self):
        for filler in self.fillers:
            filler.close()
        self.fillers = []

    def close(self):
        self.give_up()
        if self.listener:
            self.listener.close()
